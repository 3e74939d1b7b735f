/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stems of the cookies of services, hashed (struct cookie_stem): of a flood each challenge needs
 * the same, and to hash it is 2 of the 10 rounds of SipHash that IPv4 takes, and 6 of the 16 of IPv6.
 * Nothing is less secret or less sure by it: what comes out is cookie_isn().
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"

/* Some services', by their index; a place is its last user's. Per CPU, so that nobody meets half. */
#define STEMS_MAX 64

struct stem_hashed {
	__u64 key; /* half of it tells one from another */
	struct cookie_stem stem;
	struct siphash_state state;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEMS_MAX);
	__type(key, __u32);
	__type(value, struct stem_hashed);
} stems SEC(".maps");

static __always_inline bool stem_is(const struct stem_hashed *h, const struct cookie_stem *stem)
{
	return h->stem.words[0] == stem->words[0] && h->key == control.key[0] &&
	       h->stem.words[1] == stem->words[1] && h->stem.words[2] == stem->words[2];
}

/* A global function: it is rarely called, and the verifier proves it once. Returns 0. */
__noinline int stem_hash(__u32 index, const struct cookie_stem *stem, __u32 version)
{
	__u32 at = index % STEMS_MAX;
	struct stem_hashed *h = bpf_map_lookup_elem(&stems, &at);

	if (!h || !stem)
		return 0;
	cookie_hash_stem(&h->state, control.key, stem, version);
	h->key = control.key[0];
	h->stem = *stem;
	return 0;
}

/* As cookie_isn() has it. */
static __always_inline __u32 stem_isn(const struct packet *p, __u32 index, __u32 epoch,
				      const struct cookie_terms *t)
{
	__u32 at = index % STEMS_MAX;
	struct stem_hashed *h = bpf_map_lookup_elem(&stems, &at);
	struct siphash_state s;
	struct cookie_stem stem;

	if (!h)
		return cookie_isn(control.key, p, p->seq, epoch, t);
	cookie_stem_of(&stem, p, epoch, t);
	if (!stem_is(h, &stem))
		stem_hash(index, &stem, p->version);
	s = h->state;
	return cookie_isn_of(&s, p, p->seq, epoch, t);
}
