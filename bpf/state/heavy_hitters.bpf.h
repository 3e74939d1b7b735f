/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting sources without being drowned by them: who sends the SYNs, and how many there are.
 *
 * Every SYN of a service counts in the crowd: a counter and a register of a HyperLogLog. Some of
 * them, all while there are few, count for their source and its prefix: in the table of talkers if
 * it is there, else in a sketch; and what the sketch has seen too often enters the table. A random
 * source stays in the sketch, so that a flood of them enters nobody and takes nobody's place.
 *
 * The sketch and the crowd are per CPU and need no atomics. The table is everybody's; a place in it
 * is taken with a compare-and-swap on its key. What completes and what is reset counts for talkers
 * only.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/clock.bpf.h"
#include "bpf/state/source.bpf.h"
#include "synguard/heavy_hitters_abi.h"

/* Set before the programs are loaded: by tests, shorter windows, and by the bench, none of it. */
const volatile __u8 talker_shift = SG_TALKER_SHIFT;
const volatile __u8 count_sources = 1;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sg_crowd);
} crowds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sg_sketch);
} sketch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SG_TALKER_KINDS *SG_TALKER_SETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sg_talker_set);
} talkers SEC(".maps");

static __always_inline __u32 talker_window(__u64 now_ns)
{
	return now_ns >> talker_shift;
}

/* ---- the crowd ----------------------------------------------------------------------------- */

static __always_inline struct sg_crowd *crowd_of(__u32 window)
{
	__u32 at = window & 1;

	return bpf_map_lookup_elem(&crowds, &at);
}

/* A global function, as the next: the verifier proves it once, and it is rarely called. */
__noinline int crowd_begin(__u32 window)
{
	struct sg_crowd *c = crowd_of(window);

	if (!c)
		return 0;
	/* volatile, or clang makes a call of memset() of it, which there is none of */
	for (int i = 0; i < SG_CROWD_REGISTERS / 8; i++)
		((volatile __u64 *)c->registers)[i] = 0;
	c->syns = 0;
	c->completed = 0;
	c->window = window;
	return 0;
}

static __always_inline __u32 crowd_register(__u64 hash)
{
	return hash >> 52; /* 12 bits: SG_CROWD_REGISTERS */
}

static __always_inline bool crowd_outranks(__u64 hash, __u8 rank)
{
	return !(hash >> 8 & ((1ULL << (rank & 63)) - 1));
}

__noinline int crowd_raise(__u64 hash, __u32 window)
{
	struct sg_crowd *c = crowd_of(window);
	__u8 rank;

	if (!c)
		return 0;
	rank = c->registers[crowd_register(hash)];
	while (rank < SG_CROWD_RANK_MAX && crowd_outranks(hash, rank))
		rank++;
	c->registers[crowd_register(hash)] = rank;
	return 0;
}

/*
 * Whether the SYN of this number is the one of so many that is looked at. It turns on a secret and
 * is not every eighth, so that nobody sends his between them, and sources that take turns are all
 * seen.
 */
static __always_inline bool crowd_samples(__u64 number, __u32 of)
{
	__u64 x = (number ^ control.source_salt) * 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 32) * 0xbf58476d1ce4e5b9ULL;
	return !((x >> 32) * of >> 32);
}

/*
 * A SYN of a source, by its source_client(). Returns for how many it stands in talkers_syn(): 0, it
 * is not looked at.
 */
static __always_inline __u32 crowd_join(__u64 client, __u64 now_ns)
{
	__u32 window = talker_window(now_ns);
	struct sg_crowd *c = crowd_of(window);
	/* the low bits of a client's key are neither random nor all different */
	__u64 hash = client * 0xd6e8feb86659fd93ULL;
	__u32 of;

	if (!c || !count_sources)
		return 0;
	if (c->window != window)
		crowd_begin(window);
	if (crowd_outranks(hash, c->registers[crowd_register(hash)]))
		crowd_raise(hash, window);
	if (c->syns++ < SG_TALKER_EXACT)
		return 1;
	of = c->syns < SG_TALKER_FLOOD ? SG_TALKER_SAMPLE : SG_TALKER_FLOOD_SAMPLE;
	return crowd_samples(c->syns, of) ? of : 0;
}

static __always_inline void crowd_complete(__u64 now_ns)
{
	__u32 window = talker_window(now_ns);
	struct sg_crowd *c = crowd_of(window);

	if (!c)
		return;
	if (c->window != window)
		crowd_begin(window);
	c->completed++;
}

/* From how many in this window on one is a talker. */
static __always_inline __u32 crowd_talks_from(__u32 window)
{
	const struct sg_crowd *c = crowd_of(window);

	return SG_TALKER_MIN + (c ? c->syns >> SG_TALKER_PART_SHIFT : 0);
}

/* ---- the sketch ---------------------------------------------------------------------------- */

static __always_inline __u32 sketch_cell(__u32 byte)
{
	__u32 cell = (byte & 255) * SG_SKETCH_CELLS >> 8;

	/* or clang makes one shift of this and of what follows, and a mask that the verifier
	 * cannot see the bounds through */
	barrier_var(cell);
	return cell;
}

/* Counts the key so many times, and returns what it has come to in this window, or more. */
static __always_inline __u32 sketch_add(__u64 key, __u32 weight, __u32 window)
{
	__u32 zero = 0, sum;
	struct sg_sketch *s = bpf_map_lookup_elem(&sketch, &zero);
	__u32 *a, *b, *c;
	struct sg_sketch_line *line;

	if (!s)
		return 0;
	line = &s->of[key >> 40 & (SG_SKETCH_LINES - 1)];
	if (line->window != window)
		*line = (struct sg_sketch_line){ .window = window };
	a = &line->cells[sketch_cell(key >> 8)];
	b = &line->cells[sketch_cell(key >> 16)];
	c = &line->cells[sketch_cell(key >> 24)];
	sum = sg_min(sg_min(*a, *b), *c) + weight;
	/* conservative: a counter that others have brought higher is right for this key, too */
	*a = sg_max(*a, sum);
	*b = sg_max(*b, sum);
	*c = sg_max(*c, sum);
	return sum;
}

/* ---- the table ----------------------------------------------------------------------------- */

static __always_inline struct sg_talker_set *talker_set(enum sg_talker_kind kind, __u64 key)
{
	__u32 at = kind * SG_TALKER_SETS + (key >> 32 & (SG_TALKER_SETS - 1));

	return bpf_map_lookup_elem(&talkers, &at);
}

static __always_inline struct sg_talker *talker_find(struct sg_talker_set *set, __u64 key)
{
	sg_unroll
	for (int i = 0; i < SG_TALKER_WAYS; i++)
		if (set->keys[i] == key)
			return &set->of[i];
	return NULL;
}

static __always_inline void talker_add(struct sg_talker *t, __u32 weight, __u64 now_ns)
{
	__u32 window = talker_window(now_ns);

	t->recent = sg_talker_recent(t, window) + weight;
	t->window = window;
	t->last_ns = now_ns;
	__sync_fetch_and_add(&t->syns, weight);
}

/* Takes a free place, or that of the one who has sent least of late if that was less. */
static __always_inline void talker_enter(struct sg_talker_set *set, __u64 key,
					 const struct sg_addr *addr, __u32 estimate, __u64 now_ns)
{
	__u32 window = talker_window(now_ns), least = estimate;
	__u32 way = SG_TALKER_WAYS;
	__u64 *at, old;

	sg_unroll
	for (int i = 0; i < SG_TALKER_WAYS; i++) {
		__u32 recent = set->keys[i] ? sg_talker_recent(&set->of[i], window) : 0;

		if (recent < least) {
			least = recent;
			way = i;
		}
	}
	barrier_var(way); /* or clang keeps pointers instead, of which the verifier loses one */
	if (way >= SG_TALKER_WAYS)
		return;
	at = &set->keys[way];
	old = *at;
	if (old == SG_TALKER_BUSY || __sync_val_compare_and_swap(at, old, SG_TALKER_BUSY) != old)
		return;
	set->of[way] = (struct sg_talker){
		.addr = *addr,
		.first_ns = now_ns,
		.last_ns = now_ns,
		.syns = estimate,
		.window = window,
		.recent = estimate,
	};
	/* a full barrier: nobody reads the key before the rest */
	__sync_val_compare_and_swap(at, SG_TALKER_BUSY, key);
}

static __always_inline void talker_syn(enum sg_talker_kind kind, __u64 key,
				       const struct sg_addr *addr, __u32 weight, __u64 now_ns)
{
	struct sg_talker_set *set = talker_set(kind, key);
	__u32 window = talker_window(now_ns), estimate;
	struct sg_talker *t;

	if (!set)
		return;
	t = talker_find(set, key);
	if (t) {
		talker_add(t, weight, now_ns);
		return;
	}
	/* the first address of a prefix has its hash, and another line */
	estimate = sketch_add(kind == SG_TALKER_SOURCE ? key : ~key, weight, window);
	if (estimate >= crowd_talks_from(window))
		talker_enter(set, key, addr, estimate, now_ns);
}

/* The host part is zeroed. */
static __always_inline void talker_network(struct sg_addr *network, const struct sg_addr *a,
					   __u8 version)
{
	*network = *a;
	if (version == 4)
		network->bytes[15] = 0;
	else
		network->halves[1] = 0;
}

/* ---- what the others call: global functions, as above; each returns 0 ----------------------- */

/* A SYN, which stands for so many. */
__noinline int talkers_syn(const struct packet *p, __u32 weight, __u64 now_ns)
{
	struct sg_addr network;

	if (!p)
		return 0;
	if (p->version == 4)
		talker_syn(SG_TALKER_SOURCE, source_address(&p->saddr), &p->saddr, weight, now_ns);
	talker_network(&network, &p->saddr, p->version);
	talker_syn(SG_TALKER_PREFIX, source_prefix(&p->saddr, p->version), &network, weight,
		   now_ns);
	return 0;
}

/* A SYN that nobody judges. */
__noinline int talkers_pass(const struct packet *p)
{
	__u64 now_ns = clock_now();
	__u32 weight;

	if (!p)
		return 0;
	weight = crowd_join(source_client(&p->saddr, p->version), now_ns);
	if (weight)
		talkers_syn(p, weight, now_ns);
	return 0;
}

enum talker_deed {
	TALKER_CHALLENGED, /* was sent a challenge */
	TALKER_COMPLETED,  /* completed a handshake */
	TALKER_RESET,	   /* sent a service a reset */
};

static __always_inline void talker_note(enum sg_talker_kind kind, __u64 key, enum talker_deed deed,
					__u32 weight)
{
	struct sg_talker_set *set = talker_set(kind, key);
	struct sg_talker *t = set ? talker_find(set, key) : NULL;

	if (!t)
		return;
	if (deed == TALKER_CHALLENGED)
		__sync_fetch_and_add(&t->challenged, weight);
	else if (deed == TALKER_COMPLETED)
		__sync_fetch_and_add(&t->completed, weight);
	else
		__sync_fetch_and_add(&t->resets, weight);
}

static __always_inline void talkers_note(const struct sg_addr *a, __u8 version,
					 enum talker_deed deed, __u32 weight)
{
	if (version == 4)
		talker_note(SG_TALKER_SOURCE, source_address(a), deed, weight);
	talker_note(SG_TALKER_PREFIX, source_prefix(a, version), deed, weight);
}

__noinline int talkers_challenged(const struct packet *p, __u32 weight)
{
	if (p)
		talkers_note(&p->saddr, p->version, TALKER_CHALLENGED, weight);
	return 0;
}
