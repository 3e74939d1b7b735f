/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The canary: whether what is accepted becomes connections, and of whom it does not.
 *
 * Behind an acceptance are firewalls, IPsec policies, security modules, filters on sockets, and what
 * nobody thought of. Where they stop everybody the daemon blocks the service (daemon/judge/canary.h).
 * Where they stop one source (an IPv4 address, an IPv6 /64), its SYNs are passed, so that they
 * decide. Nobody is judged by what others do: only a source's own acceptances make it filtered,
 * hence only who can be reached at an address has it written, and all that he gets is what he had
 * without us, a few SYNs a second in the queue.
 */
#pragma once

#include "bpf/state/service.bpf.h"
#include "bpf/state/sources.bpf.h"

#define CANARY_SOURCES_MAX  16384
#define CANARY_WINDOW_SHIFT 31 /* 2.1 s: a source counts once in it as one that connects */

struct canary_source {
	__u64 doubt_ns; /* of its last acceptance that is no connection yet, 0 = none */
	__u32 lost;	/* acceptances in a row that became none */
	__u32 born;	/* in which window it had a connection last, 0 = never */
	/* SYNs that passed for it in this source_window(), less handshakes completed in it */
	__u32 window;
	__u32 passed;
};

/* The oldest give way, and are unknown then. */
MAP(canary_sources, LRU_HASH, CANARY_SOURCES_MAX, 0, __u64, struct canary_source);

#define FILTERED_SETS 256

struct filtered {
	struct set_timed of[FILTERED_SETS][SET_TIMED_WAYS];
};

MAP(filtered, ARRAY, 1, 0, __u32, struct filtered);

/* Until when somebody is filtered; while nobody is, a SYN pays one comparison. */
__u64 filtered_until_ns;

/* Of a source_client() at the service with this index. */
static __always_inline __u64 canary_key(__u64 client, __u32 service)
{
	return client ^ (__u64)service << 1;
}

/* ---- who is filtered -------------------------------------------------------------------------- */

static __always_inline struct set_timed *filtered_set(__u64 key)
{
	struct filtered *f = map_only_value(&filtered);

	return f ? f->of[key >> 32 & (FILTERED_SETS - 1)] : NULL;
}

static __always_inline void filtered_add(__u64 key, __u64 now_ns)
{
	struct set_timed *set = filtered_set(key);

	if (!set)
		return;
	set_claim(set, key, now_ns, now_ns + SG_FILTERED_NS);
	filtered_until_ns = now_ns + SG_FILTERED_NS;
}

/*
 * Whether a SYN with this canary_key() passes because its source is filtered: of each so many under
 * way that no handshake has followed. A global function, as it is rare. Returns 1 or 0.
 */
__noinline int filtered_passes(__u64 key, __u64 now_ns)
{
	struct set_timed *set = filtered_set(key);
	const struct set_timed *f = set ? set_find_timed(set, key) : NULL;
	__u32 window = source_window(now_ns);
	struct canary_source *c;

	if (!f || f->until_ns <= now_ns)
		return 0;
	c = bpf_map_lookup_elem(&canary_sources, &key);
	if (!c)
		return 0;
	if (c->window != window) {
		c->window = window;
		c->passed = 0;
	}
	if (c->passed >= SG_FILTERED_SYNS)
		return 0;
	c->passed++;
	return 1;
}

/* ---- what becomes of acceptances -------------------------------------------------------------- */

/* One that the stack has no reason of its own to drop (ack_is_heard()). */
static __always_inline void canary_accepted(const struct packet *p, __u32 service,
					    struct sg_tally *t, __u64 now_ns)
{
	__u64 key = canary_key(source_client(&p->saddr, p->version), service);
	const struct canary_source first = { .doubt_ns = now_ns };
	struct canary_source *c = bpf_map_lookup_elem(&canary_sources, &key);

	if (!c) {
		t->canary_doubts++;
		bpf_map_update_elem(&canary_sources, &key, &first, BPF_ANY);
		return;
	}
	if (!c->doubt_ns) {
		t->canary_doubts++;
		c->doubt_ns = now_ns;
		return;
	}
	/* in one batch none can have become a connection yet */
	if (now_ns - c->doubt_ns <= PENDING_BATCH_NS)
		return;
	c->doubt_ns = now_ns;
	c->lost++;
	if (c->lost == 1 && c->born)
		t->canary_relapses++;
	if (c->lost < SG_FILTERED_LOST)
		return;
	t->canary_filtered += c->lost == SG_FILTERED_LOST;
	filtered_add(key, now_ns);
}

/* It has become a connection. */
static __always_inline void canary_established(const struct sg_addr *a, __u8 version, __u32 service,
					       struct sg_tally *t, __u64 now_ns)
{
	__u64 key = canary_key(source_client(a, version), service);
	const struct canary_source first = { .born = now_ns >> CANARY_WINDOW_SHIFT };
	struct canary_source *c = bpf_map_lookup_elem(&canary_sources, &key);

	if (!c) {
		t->canary_successes++;
		bpf_map_update_elem(&canary_sources, &key, &first, BPF_ANY);
		return;
	}
	t->canary_cleared += c->doubt_ns != 0;
	t->canary_successes += c->born != first.born;
	c->doubt_ns = 0;
	c->lost = 0;
	c->born = first.born;
}

/* A handshake that followed the kernel's own answer: one SYN less is under way. */
static __always_inline void filtered_completed(const struct sg_addr *a, __u8 version, __u32 service,
					       __u64 now_ns)
{
	__u64 key = canary_key(source_client(a, version), service);
	struct canary_source *c;

	if (filtered_until_ns <= now_ns)
		return;
	c = bpf_map_lookup_elem(&canary_sources, &key);
	if (c && c->passed)
		c->passed--;
}
