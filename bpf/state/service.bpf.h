/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The service table: finding and claiming entries, and what an entry by itself can answer; then what
 * is kept of acceptances until they are connections.
 *
 * An entry is found by hashing (address, port) to a set and comparing its ways, of which a tag tells
 * the right one. Claiming is one compare-and-swap on the state; two CPUs that claim for the same
 * key at the same time leave a second entry that nobody finds, which the daemon frees. Packets
 * never evict.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/sets.bpf.h"

/* Of each set a byte for each way (sets.bpf.h). */
__u64 service_tags[SG_SERVICE_SETS];

/* By the lower bits of a port, whether a service with such a port was ever challenged. */
__u8 challenged_ports[SG_PORT_SLOTS];

static __always_inline bool service_is(const struct sg_service *s, const struct sg_addr *a,
				       __be16 port)
{
	return s->state == SG_SERVICE_LIVE && s->port == port &&
	       s->addr.halves[0] == a->halves[0] && s->addr.halves[1] == a->halves[1];
}

static __always_inline __u64 *service_tags_of(__u32 set)
{
	return &service_tags[set & (SG_SERVICE_SETS - 1)];
}

/* The way whose tag this is, if any has it. */
static __always_inline __u32 service_way(__u64 tags, __u8 tag)
{
	__u64 same = set_match_tags(tags, tag);
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
		set * SG_SERVICE_WAYS + service_way(*service_tags_of(set), sg_service_tag(a, port));
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
		((__u8 *)service_tags_of(set))[way] = sg_service_tag(a, port);
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

/* ---- calls for the daemon ---------------------------------------------------------------------- */

/* By which the daemon hears at once of what only it can do, and not with its next tick. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} calls SEC(".maps");

/* Where nobody reads them the ring is full, and nothing is said. */
static __always_inline void service_call_daemon(__u64 now_ns)
{
	bpf_ringbuf_output(&calls, &now_ns, sizeof(now_ns), 0);
}

/* ---- SYN-ACKs of others ------------------------------------------------------------------------ */

/* By which interfaces that we are attached to SYN-ACKs came in, and when the last one did. */
#define SYNACK_INTERFACES 64
#define SYNACK_PASSES_NS  1000000000ULL /* until it leaves again */

__u32 synack_ifindex[SYNACK_INTERFACES];
__u64 synack_came_ns[SYNACK_INTERFACES];

static __always_inline void synack_came_by(__u32 ifindex, __u64 now_ns)
{
	synack_ifindex[ifindex & (SYNACK_INTERFACES - 1)] = ifindex;
	synack_came_ns[ifindex & (SYNACK_INTERFACES - 1)] = now_ns;
}

static __always_inline bool synack_has_come_by(__u32 ifindex, __u64 now_ns)
{
	__u32 at = ifindex & (SYNACK_INTERFACES - 1);

	return synack_ifindex[at] == ifindex && now_ns - synack_came_ns[at] <= SYNACK_PASSES_NS;
}

/*
 * Whether a SYN is let through, for the host's own SYN-ACK to be seen: in a long attack, and in mode
 * always, there may be none, and what the firewall makes of them changes. Says so once; at the first time
 * it begins to wait.
 */
static __always_inline bool service_is_sampled(struct sg_service *s, __u64 now_ns)
{
	__u16 unit = now_ns >> SG_HEARD_SHIFT;
	__u16 units = unit - s->heard;
	bool waited = s->heard;

	if (waited && units < SG_HEARD_UNITS)
		return false;
	s->heard = unit;
	return waited;
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
	__s64 unanswered = (__s64)t->second_challenged - t->second_established;

	if (age < 1000000000ULL)
		return;
	if (age < 2000000000ULL &&
	    unanswered * SERVICE_HALF_OPEN_SECONDS * control.cpus > s->threshold)
		s->lease_until_ns = now_ns + control.lease_ns;
	t->second_start_ns = now_ns;
	t->second_challenged = 0;
	t->second_established = 0;
}

/* ---- pending acceptances: those that are to become connections in this softirq --------------- */

/*
 * Packets come through tcx in batches, so that the data of a client may be seen before the ACK in
 * front of it has become a socket: while its acceptance is as young as a batch can be, it will. A
 * thread that handles a batch may be preempted, hence 20 ms, by bpf_ktime_get_ns() and not the
 * coarse clock. Keyed by pending_tuple().
 */
#define PENDING_SETS	 256
#define PENDING_BATCH_NS 20000000ULL

struct pending {
	struct set_timed of[PENDING_SETS][SET_TIMED_WAYS];
};

MAP(pending, PERCPU_ARRAY, 1, 0, __u32, struct pending);

static __always_inline __u64 pending_tuple(const struct sg_addr *peer, __be16 peer_port,
					   __be16 port)
{
	__u64 h = peer->halves[0] ^ peer->halves[1] ^ (__u64)peer_port << 16 ^ port;

	return h * 0x9e3779b97f4a7c15ULL | 1;
}

static __always_inline struct set_timed *pending_set(__u64 tuple)
{
	struct pending *p = map_only_value(&pending);

	return p ? p->of[tuple >> 56 & (PENDING_SETS - 1)] : NULL;
}

static __always_inline struct set_timed *pending_find(__u64 tuple)
{
	struct set_timed *set = pending_set(tuple);

	return set ? set_find_timed(set, tuple) : NULL;
}

/* A full set loses its first: one connection will not be counted. */
static __always_inline void pending_add(__u64 tuple)
{
	struct set_timed *set = pending_set(tuple);
	__u64 now_ns = bpf_ktime_get_ns();

	if (set)
		set_claim(set, tuple, now_ns, now_ns + PENDING_BATCH_NS);
}

/* Whether a packet before this one, in the same batch, is about to become the connection. */
static __always_inline bool pending_in_batch(__u64 tuple)
{
	const struct set_timed *p = pending_find(tuple);

	return p && p->until_ns > bpf_ktime_get_ns();
}

/* The connection is there: forgets its acceptance, and says whether there was one. */
static __always_inline bool pending_take(__u64 tuple)
{
	struct set_timed *p = pending_find(tuple);

	if (!p)
		return false;
	*p = (struct set_timed){};
	return true;
}
