/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verified clients: sources that completed a handshake with this host within the last hour. Their
 * SYNs pass also while their service is defended, which keeps them Fast Open, MPTCP and what else
 * a cookie cannot carry.
 *
 * Only a completed handshake enters a client, so a flood of forged sources enters nobody and
 * evicts nobody. Who knows a verified client's address can forge it: so a client may have a few
 * SYNs under way that no handshake has followed, and is challenged like anybody beyond them.
 *
 * Nearly all SYNs of a flood are of nobody known, so a byte of each client's key is kept in a table
 * small enough to stay in the first cache: without it each random source would wait for a line.
 *
 * Counts are kept without atomics: a lost one lets a SYN more or less through. A lost byte makes a
 * client anybody until its next handshake.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/state/source.bpf.h"

static __always_inline __u32 client_place(__u64 key)
{
	return key >> 32 & (SG_CLIENT_SETS - 1);
}

static __always_inline struct sg_client_set *client_set(__u64 key)
{
	__u32 at = client_place(key);

	return bpf_map_lookup_elem(&clients, &at);
}

/* Never 0, which a place has that nobody took yet. Other bits than those of the place. */
static __always_inline __u8 client_tag(__u64 key)
{
	return key >> 56 | 1;
}

/* Whether one of the four could be this client: of others, one in 32 where all places are taken. */
static __always_inline bool client_is_likely(__u64 key)
{
	__u32 differ = client_tags[client_place(key)].all ^ client_tag(key) * 0x01010101u;

	/* has a byte that is 0 (Mycroft) */
	return (differ - 0x01010101u) & ~differ & 0x80808080u;
}

static __always_inline bool client_is_fresh(const struct sg_client *c, __u32 window)
{
	return c->key && window - c->seen < SG_CLIENT_WINDOWS;
}

/* Whether a SYN of this source_client() may pass as that of a verified one, which then has one more
 * under way. */
static __always_inline bool client_admits(__u64 key, __u64 now_ns)
{
	__u32 window = source_window(now_ns);
	struct sg_client_set *set;

	if (!client_is_likely(key))
		return false;
	set = client_set(key);
	if (!set)
		return false;
	sg_unroll
	for (int i = 0; i < SG_CLIENT_WAYS; i++) {
		struct sg_client *c = &set->of[i];

		if (c->key != key || !client_is_fresh(c, window))
			continue;
		if (c->window != (__u16)window) {
			c->window = window;
			c->pending = 0;
		}
		if (c->pending >= control.client_allowance)
			return false;
		c->pending++;
		return true;
	}
	return false;
}

/* A handshake was completed. Takes a free place, else that of the one not seen for longest. */
static __always_inline void client_verify(const struct sg_addr *a, __u8 version, __u64 now_ns)
{
	__u32 window = source_window(now_ns);
	__u64 key = source_client(a, version);
	struct sg_client_set *set = client_set(key);
	__u8 *tags = client_tags[client_place(key)].of;
	struct sg_client *place;
	__u32 way = 0;

	if (!set)
		return;
	place = &set->of[0];
	sg_unroll
	for (int i = 0; i < SG_CLIENT_WAYS; i++) {
		struct sg_client *c = &set->of[i];

		if (c->key == key) {
			tags[i] = client_tag(key);
			c->seen = window;
			c->pending -= c->window == (__u16)window && c->pending;
			return;
		}
		if (!client_is_fresh(place, window))
			continue;
		if (!client_is_fresh(c, window) || window - c->seen > window - place->seen) {
			place = c;
			way = i;
		}
	}
	*place = (struct sg_client){ .key = key, .seen = window, .window = window };
	tags[way & (SG_CLIENT_WAYS - 1)] = client_tag(key);
}
