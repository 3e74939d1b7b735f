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
 * Counts are kept without atomics: a lost one lets a SYN more or less through.
 */
#pragma once

#include "kernel.bpf.h"
#include "maps.bpf.h"
#include "source.bpf.h"

static __always_inline struct sg_client_set *client_set(__u64 key)
{
	__u32 at = key >> 32 & (SG_CLIENT_SETS - 1);

	return bpf_map_lookup_elem(&clients, &at);
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
	struct sg_client_set *set = client_set(key);

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
	struct sg_client *place;

	if (!set)
		return;
	place = &set->of[0];
	sg_unroll
	for (int i = 0; i < SG_CLIENT_WAYS; i++) {
		struct sg_client *c = &set->of[i];

		if (c->key == key) {
			c->seen = window;
			c->pending -= c->window == (__u16)window && c->pending;
			return;
		}
		if (!client_is_fresh(place, window))
			continue;
		if (!client_is_fresh(c, window) || window - c->seen > window - place->seen)
			place = c;
	}
	*place = (struct sg_client){ .key = key, .seen = window, .window = window };
}
