/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reply budget: how many challenges one source, or one prefix, may be sent that nobody answers.
 *
 * Sources are forged, and whoever's address is forged gets our replies. A reply is larger than its
 * SYN by no more than the MSS option, where that had none, but there is no reason to send a stranger
 * thousands of them. What is completed does not count: a busy NAT gateway of real clients is not
 * limited, a forged one is.
 *
 * Only each 16th challenge is counted, in a flood each 64th, whose two lines of the table nobody has
 * in his cache: in a hashed bucket of the source and one of its prefix. A bucket over the budget puts
 * exactly this source (by a 64-bit keyed hash) into a small table of the suppressed, for the rest of the
 * window. While that table is empty a SYN pays one comparison. A flood of random sources spreads over
 * the buckets, and reaches no budget below some 30 million SYNs a second.
 *
 * Counts are kept without atomics: a lost one makes the budget a little larger.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/source.bpf.h"

static __always_inline struct sg_suppressed *budget_suppressed_set(__u64 key)
{
	__u32 zero = 0;
	struct sg_suppress *h = bpf_map_lookup_elem(&suppress, &zero);

	return h ? h->of[key >> 32 & (SG_SUPPRESSED_SETS - 1)] : NULL;
}

static __always_inline bool budget_is_suppressed(__u64 key, __u64 now_ns)
{
	const struct sg_suppressed *set = budget_suppressed_set(key);

	if (!set)
		return false;
	sg_unroll
	for (int i = 0; i < SG_SUPPRESSED_WAYS; i++)
		if (set[i].key == key && set[i].until_ns > now_ns)
			return true;
	return false;
}

/* Takes the place of one whose time is over; where there is none, the one that began first goes. */
static __always_inline void budget_suppress(__u64 key, __u64 now_ns)
{
	struct sg_suppressed *set = budget_suppressed_set(key), *place = set;
	__u64 until_ns = (__u64)(source_window(now_ns) + 1) << SG_BUDGET_WINDOW_SHIFT;

	if (!set)
		return;
	sg_unroll
	for (int i = SG_SUPPRESSED_WAYS - 1; i >= 0; i--)
		if (set[i].key == key || set[i].until_ns <= now_ns)
			place = &set[i];
	place->key = key;
	place->until_ns = until_ns;
	suppressed_until_ns = until_ns;
}

static __always_inline struct sg_budget_bucket *budget_bucket(__u64 key, __u64 now_ns)
{
	__u32 at = key >> 48 & (SG_BUDGET_LINES - 1);
	__u16 window = source_window(now_ns);
	struct sg_budget_line *line = bpf_map_lookup_elem(&budgets, &at);
	struct sg_budget_bucket *b;

	if (!line)
		return NULL;
	b = &line->of[key >> 32 & (SG_BUDGET_PER_LINE - 1)];
	if (b->window != window) {
		b->window = window;
		b->unanswered = 0;
	}
	return b;
}

static __always_inline void budget_charge_one(__u64 key, __u32 sixteens, __u32 budget, __u64 now_ns)
{
	struct sg_budget_bucket *b = budget ? budget_bucket(key, now_ns) : NULL;

	if (!b)
		return;
	b->unanswered = sg_min(b->unanswered + sixteens, 0xffff);
	if (b->unanswered * SG_BUDGET_SAMPLE >= budget)
		budget_suppress(key, now_ns);
}

/*
 * A challenge went to the source: by the numbers of this service's challenges before it, in all and
 * in this second, it is one of those that count, or not.
 */
static __always_inline void budget_charge(const struct packet *p, __u64 number, __u32 of_second,
					  __u64 now_ns)
{
	__u32 sample = of_second < SG_BUDGET_FLOOD ? SG_BUDGET_SAMPLE : SG_BUDGET_FLOOD_SAMPLE;
	__u32 sixteens = sample / SG_BUDGET_SAMPLE;

	if (number & (sample - 1))
		return;
	budget_charge_one(source_address(&p->saddr), sixteens, control.reply_budget, now_ns);
	budget_charge_one(source_prefix(&p->saddr, p->version), sixteens,
			  control.reply_budget_prefix, now_ns);
}

static __always_inline void budget_refund_one(__u64 key, __u64 now_ns)
{
	struct sg_budget_bucket *b = budget_bucket(key, now_ns);

	/* not below 0, or a friend's handshakes would pay for a forger's flood of the next moment */
	if (b && b->unanswered)
		b->unanswered--;
}

/* The source answered one. */
static __always_inline void budget_refund(const struct sg_addr *peer, __u8 version, __u64 now_ns)
{
	budget_refund_one(source_address(peer), now_ns);
	budget_refund_one(source_prefix(peer, version), now_ns);
}

static __always_inline bool budget_is_spent(const struct packet *p, __u64 now_ns)
{
	if (suppressed_until_ns <= now_ns)
		return false;
	return budget_is_suppressed(source_address(&p->saddr), now_ns) ||
	       budget_is_suppressed(source_prefix(&p->saddr, p->version), now_ns);
}
