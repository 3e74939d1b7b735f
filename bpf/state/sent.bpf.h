/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a challenge was sent, to the millisecond.
 *
 * Its TSval cannot tell: the option bits took the place of its lowest eight. What they replaced is kept
 * here, in a table that each challenge writes into one place of, found by the upper half of its ISN, of
 * which 2^16 are as good as random. In a flood somebody else's is there soon: 100 000 challenges a second
 * leave 9 of 10 for 60 ms. Then cookie_tsval_now() estimates.
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/maps.bpf.h"

/*
 * From the top: the lower 16 bits of the ISN, the 8 bits of TSval above the options, what they replaced.
 * A map, whose look-up is no call, and for which the verifier need not know the ISN.
 */
MAP(challenges_sent, ARRAY, 1 << 16, 0, __u32, __u32);

/* Of one CPU and service: more would only take the place of each other, at a cache miss each. */
#define SENT_A_SECOND (1 << 15)

static __always_inline __u32 sent_name(__u32 isn, __u32 tsval)
{
	return isn << 16 | (tsval & 0xff00);
}

static __always_inline void sent_note(__u32 isn, __u32 tsval, __u32 clock_ms)
{
	__u32 at = isn >> 16;
	__u32 *sent = bpf_map_lookup_elem(&challenges_sent, &at);

	if (sent)
		*sent = sent_name(isn, tsval) | ((clock_ms - tsval) & COOKIE_TS_MASK);
}

/* The clock when the challenge with this ISN and TSval was sent; false where it is not known any more. */
static __always_inline bool sent_at(__u32 isn, __u32 tsval, __u32 *clock_ms)
{
	__u32 at = isn >> 16;
	const __u32 *sent = bpf_map_lookup_elem(&challenges_sent, &at);

	if (!sent)
		return false;
	*clock_ms = tsval + (*sent & COOKIE_TS_MASK);
	return (*sent & ~COOKIE_TS_MASK) == sent_name(isn, tsval);
}
