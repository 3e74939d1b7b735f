/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The service table: finding and claiming entries, and what an entry by itself can answer.
 *
 * An entry is found by hashing (address, port) to a set and comparing its ways, of which a byte of
 * the hash, kept apart in a small table, tells the right one: with many services each entry that is
 * read is a line from far away, and each that is not the one a wrong guess of the CPU. Claiming is one
 * compare-and-swap on the state; two CPUs that claim for the same key at the same time leave a
 * second entry that nobody finds, which the daemon frees. Packets never evict.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"

static __always_inline bool service_is(const struct sg_service *s, const struct sg_addr *a,
				       __be16 port)
{
	return s->state == SG_SERVICE_LIVE && s->port == port &&
	       s->addr.halves[0] == a->halves[0] && s->addr.halves[1] == a->halves[1];
}

static __always_inline struct sg_service_tags *service_tags_of(__u32 set)
{
	return &service_tags[set & (SG_SERVICE_SETS - 1)];
}

/* The way whose tag this is, if it is anybody's. */
static __always_inline __u32 service_way(const struct sg_service_tags *tags, __u8 tag)
{
	__u64 differ = tags->all ^ tag * 0x0101010101010101ULL;
	/* the highest bit of each byte that is 0, and maybe of some above the lowest such (Mycroft) */
	__u64 same = (differ - 0x0101010101010101ULL) & ~differ & 0x8080808080808080ULL;

	/* its number without counting: the lowest bit shifts it to the top */
	__u32 byte = ((same & -same) >> 7) * 0x0001020304050607ULL >> 56;

	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? byte : SG_SERVICE_WAYS - 1 - byte;
}

/* Each way by itself: the tag of another may be the same, or ours not be set. */
static __always_inline struct sg_service *service_scan(const struct sg_addr *a, __be16 port,
						       __u32 *index)
{
	__u32 first = sg_service_set(a, port) * SG_SERVICE_WAYS;

	for (int way = 0; way < SG_SERVICE_WAYS; way++) {
		__u32 at = first + way;
		struct sg_service *s = bpf_map_lookup_elem(&services, &at);

		if (s && service_is(s, a, port)) {
			*index = at;
			return s;
		}
	}
	return NULL;
}

/* NULL when the service is not in the table; *index is where it is, for its tally. */
static __always_inline struct sg_service *service_find(const struct sg_addr *a, __be16 port,
						       __u32 *index)
{
	__u32 set = sg_service_set(a, port);
	__u32 at =
		set * SG_SERVICE_WAYS + service_way(service_tags_of(set), sg_service_tag(a, port));
	struct sg_service *s = bpf_map_lookup_elem(&services, &at);

	if (s && service_is(s, a, port)) {
		*index = at;
		return s;
	}
	return service_scan(a, port, index);
}

/* A new entry, live and unproven; NULL when all ways of its set are taken. */
static __always_inline struct sg_service *service_claim(const struct sg_addr *a, __be16 port,
							__u32 *index)
{
	__u32 set = sg_service_set(a, port);

	for (int way = 0; way < SG_SERVICE_WAYS; way++) {
		__u32 at = set * SG_SERVICE_WAYS + way;
		struct sg_service *s = bpf_map_lookup_elem(&services, &at);

		if (!s || __sync_val_compare_and_swap(&s->state, SG_SERVICE_FREE,
						      SG_SERVICE_CLAIMED) != SG_SERVICE_FREE)
			continue;
		s->port = port;
		s->addr = *a;
		service_tags_of(set)->of[way] = sg_service_tag(a, port);
		/* a full barrier, so that nobody sees LIVE before the key */
		__sync_val_compare_and_swap(&s->state, SG_SERVICE_CLAIMED, SG_SERVICE_LIVE);
		*index = at;
		return s;
	}
	return NULL;
}

static __always_inline struct sg_tally *service_tally(__u32 index)
{
	return bpf_map_lookup_elem(&tallies, &index);
}

static __always_inline __u8 *service_challenged_port(__be16 port)
{
	__u32 slot = bpf_ntohs(port);

	/* or clang masks first and swaps then, after which Linux 6.12 knows no bounds */
	barrier_var(slot);
	return &challenged_ports[slot & (SG_PORT_SLOTS - 1)];
}

/* Our own answer was seen: from now on the service may be defended. */
static __always_inline void service_prove(struct sg_service *s, __u64 now_ns)
{
	if (!s->proven_at_ns)
		s->proven_at_ns = now_ns;
}

static __always_inline bool service_defended(const struct sg_service *s, __u64 now_ns)
{
	return control.mode == SG_MODE_ALWAYS || s->lease_until_ns > now_ns;
}

/* How long an unanswered SYN would sit in the queue, at the least; for the renewal below. */
#define SERVICE_HALF_OPEN_SECONDS 8

/*
 * Renews the lease without the daemon: would the challenges that got no answer in the last second
 * have overfilled the queue? The queue itself cannot tell, it empties as soon as we answer.
 * A second that nothing happened in is not judged.
 */
static __always_inline void service_renew(struct sg_service *s, struct sg_tally *t, __u64 now_ns)
{
	__u64 age = now_ns - t->second_start_ns;
	__s64 unanswered = (__s64)t->second_challenged - t->second_born;

	if (age < 1000000000ULL)
		return;
	if (age < 2000000000ULL &&
	    unanswered * SERVICE_HALF_OPEN_SECONDS * control.cpus > s->threshold)
		s->lease_until_ns = now_ns + control.lease_ns;
	t->second_start_ns = now_ns;
	t->second_challenged = 0;
	t->second_born = 0;
}

/* ---- the canary: whether what is accepted becomes connections ------------------------------ */

/* Whether the source still counts for the canary of this service at this time. */
static __always_inline bool canary_hears(const struct packet *p, __u32 service, __u64 now_ns)
{
	struct sg_witness_key key = {
		.source = p->version == 4 ? p->saddr.halves[1] : p->saddr.halves[0],
		.service = service,
	};
	struct sg_witness first = { .window = now_ns >> SG_WITNESS_WINDOW_SHIFT, .count = 1 };
	struct sg_witness *w = bpf_map_lookup_elem(&witnesses, &key);

	if (w && w->window == first.window)
		return w->count++ < SG_WITNESS_SHARE;
	bpf_map_update_elem(&witnesses, &key, &first, BPF_ANY);
	return true;
}

/* ---- promises: acceptances that are to be born in this softirq ----------------------------- */

/* Never 0, which marks an empty place. */
static __always_inline __u64 promise_tuple(const struct sg_addr *peer, __be16 peer_port,
					   __be16 port)
{
	__u64 h = peer->halves[0] ^ peer->halves[1] ^ (__u64)peer_port << 16 ^ port;

	return h * 0x9e3779b97f4a7c15ULL | 1;
}

static __always_inline struct sg_promise *promise_set(__u64 tuple)
{
	__u32 zero = 0;
	struct sg_promises *p = bpf_map_lookup_elem(&promises, &zero);

	return p ? p->of[tuple >> 56 & (SG_PROMISE_SETS - 1)] : NULL;
}

static __always_inline bool promise_is_young(const struct sg_promise *p, __u64 now_ns)
{
	return p->tuple && now_ns - p->made_at_ns < SG_PROMISE_BATCH_NS;
}

static __always_inline struct sg_promise *promise_find(__u64 tuple)
{
	struct sg_promise *set = promise_set(tuple);

	if (!set)
		return NULL;
	sg_unroll
	for (int i = 0; i < SG_PROMISE_WAYS; i++)
		if (set[i].tuple == tuple)
			return &set[i];
	return NULL;
}

/* A full set of young promises loses its first: one birth will not be counted. */
static __always_inline void promise_make(__u64 tuple, bool canary)
{
	struct sg_promise *set = promise_set(tuple), *place = set;
	__u64 now_ns = bpf_ktime_get_ns();

	if (!set)
		return;
	sg_unroll
	for (int i = SG_PROMISE_WAYS - 1; i >= 0; i--)
		if (set[i].tuple == tuple || !promise_is_young(&set[i], now_ns))
			place = &set[i];
	place->tuple = tuple;
	place->made_at_ns = (now_ns & ~1ULL) | canary;
}

/* Whether the connection is about to be born, of a packet before this one in the same batch. */
static __always_inline bool promise_pending(__u64 tuple)
{
	const struct sg_promise *p = promise_find(tuple);

	return p && promise_is_young(p, bpf_ktime_get_ns());
}

enum promise {
	PROMISE_NONE,
	PROMISE_KEPT,
	PROMISE_KEPT_FOR_CANARY,
};

static __always_inline enum promise promise_keep(__u64 tuple)
{
	struct sg_promise *p = promise_find(tuple);

	if (!p)
		return PROMISE_NONE;
	p->tuple = 0;
	return p->made_at_ns & 1 ? PROMISE_KEPT_FOR_CANARY : PROMISE_KEPT;
}
