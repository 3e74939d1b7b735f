/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The midstates of the cookies of services, hashed (struct cookie_midstate): of a flood each challenge needs
 * the same, and to hash it is 2 of the 10 rounds of SipHash that IPv4 takes, and 6 of the 16 of IPv6.
 * Nothing is less secret or less sure by it: what comes out is cookie_isn().
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"

/* Some services', by their index; a place is its last user's. Per CPU, so that nobody meets half. */
#define MIDSTATES_MAX 64

struct midstate_hashed {
	__u64 key; /* half of it tells one from another */
	struct cookie_midstate midstate;
	struct siphash_state state;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MIDSTATES_MAX);
	__type(key, __u32);
	__type(value, struct midstate_hashed);
} midstates SEC(".maps");

static __always_inline bool midstate_is(const struct midstate_hashed *h,
					const struct cookie_midstate *midstate)
{
	return h->midstate.words[0] == midstate->words[0] && h->key == control.key[0] &&
	       h->midstate.words[1] == midstate->words[1] &&
	       h->midstate.words[2] == midstate->words[2];
}

/* A global function: it is rarely called, and the verifier proves it once. Returns 0. */
__noinline int midstate_hash(__u32 index, const struct cookie_midstate *midstate, __u32 version)
{
	__u32 at = index % MIDSTATES_MAX;
	struct midstate_hashed *h = bpf_map_lookup_elem(&midstates, &at);

	if (!h || !midstate)
		return 0;
	cookie_hash_midstate(&h->state, control.key, midstate, version);
	h->key = control.key[0];
	h->midstate = *midstate;
	return 0;
}

/* As cookie_isn() has it. */
static __always_inline __u32 midstate_isn(const struct packet *p, __u32 index, __u32 epoch,
					  const struct cookie_terms *t)
{
	__u32 at = index % MIDSTATES_MAX;
	struct midstate_hashed *h = bpf_map_lookup_elem(&midstates, &at);
	struct siphash_state s;
	struct cookie_midstate midstate;

	if (!h)
		return cookie_isn(control.key, p, p->seq, epoch, t);
	cookie_midstate_of(&midstate, p, epoch, t);
	if (!midstate_is(h, &midstate))
		midstate_hash(index, &midstate, p->version);
	s = h->state;
	return cookie_isn_of(&s, p, p->seq, epoch, t);
}
