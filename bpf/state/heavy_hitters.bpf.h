/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Heavy hitters, the sources that send most SYNs, and the cardinality, how many sources there are; at
 * a cost that a flood does not raise.
 *
 * Every SYN of a service counts for the cardinality: a counter and a register of a HyperLogLog. A
 * sample of them, all while there are few, counts for the source and its prefix: in the table of
 * heavy hitters if it is there, else in a sketch; and what the sketch has counted too often enters
 * the table. A random source stays in the sketch, so that a flood of them evicts nobody.
 *
 * The sketch and the cardinality are per CPU and need no atomics. The table is shared; a place in it
 * is taken with a compare-and-swap on its key. Completed handshakes and resets count for heavy
 * hitters only.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/sets.bpf.h"
#include "bpf/state/sources.bpf.h"
#include "synguard/heavy_hitters_abi.h"

/* Set before the programs are loaded: by tests, shorter windows, and by the bench, none of it. */
const volatile __u8 hitter_shift = SG_HITTER_SHIFT;
const volatile __u8 count_sources = 1;

MAP(cardinalities, PERCPU_ARRAY, 2, 0, __u32, struct sg_cardinality);
MAP(sketch, PERCPU_ARRAY, 1, 0, __u32, struct sg_sketch);
MAP(heavy_hitters, ARRAY, SG_HITTER_KINDS *SG_HITTER_SETS, BPF_F_MMAPABLE, __u32,
    struct sg_hitter_set);

static __always_inline __u32 hitter_window(__u64 now_ns)
{
	return now_ns >> hitter_shift;
}

/* ---- cardinality: how many SYNs and sources there are ---------------------------------------- */

static __always_inline struct sg_cardinality *cardinality_of(__u32 window)
{
	__u32 at = window & 1;

	return bpf_map_lookup_elem(&cardinalities, &at);
}

/* A global function, as the next: the verifier proves it once, and it is rarely called. */
__noinline int cardinality_begin(__u32 window)
{
	struct sg_cardinality *c = cardinality_of(window);

	if (!c)
		return 0;
	/* volatile, or clang makes a call of memset() of it, which there is none of */
	for (int i = 0; i < SG_CARDINALITY_REGISTERS / 8; i++)
		((volatile __u64 *)c->registers)[i] = 0;
	c->syns = 0;
	c->completed = 0;
	c->window = window;
	return 0;
}

static __always_inline __u32 cardinality_register(__u64 hash)
{
	return hash >> 52; /* 12 bits: SG_CARDINALITY_REGISTERS */
}

static __always_inline bool cardinality_outranks(__u64 hash, __u8 rank)
{
	return !(hash >> 8 & ((1ULL << (rank & 63)) - 1));
}

__noinline int cardinality_raise(__u64 hash, __u32 window)
{
	struct sg_cardinality *c = cardinality_of(window);
	__u8 rank;

	if (!c)
		return 0;
	rank = c->registers[cardinality_register(hash)];
	while (rank < SG_CARDINALITY_RANK_MAX && cardinality_outranks(hash, rank))
		rank++;
	c->registers[cardinality_register(hash)] = rank;
	return 0;
}

/*
 * Whether the SYN of this number is the one of so many that counts. It depends on a secret and is
 * not every eighth, so that nobody sends SYNs between them, and sources that alternate all count.
 */
static __always_inline bool cardinality_samples(__u64 number, __u32 of)
{
	__u64 x = (number ^ control.source_salt) * 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 32) * 0xbf58476d1ce4e5b9ULL;
	return !((x >> 32) * of >> 32);
}

/*
 * Counts a SYN of a source, by its source_client(). Returns for how many it stands in hitters_syn();
 * 0: it is not in the sample.
 */
static __always_inline __u32 cardinality_add(__u64 client, __u64 now_ns)
{
	__u32 window = hitter_window(now_ns);
	struct sg_cardinality *c = cardinality_of(window);
	/* the low bits of a client's key are neither random nor all different */
	__u64 hash = client * 0xd6e8feb86659fd93ULL;
	__u32 of;

	if (!c || !count_sources)
		return 0;
	if (c->window != window)
		cardinality_begin(window);
	if (cardinality_outranks(hash, c->registers[cardinality_register(hash)]))
		cardinality_raise(hash, window);
	if (c->syns++ < SG_HITTER_EXACT)
		return 1;
	of = c->syns < SG_HITTER_FLOOD ? SG_HITTER_SAMPLE : SG_HITTER_FLOOD_SAMPLE;
	return cardinality_samples(c->syns, of) ? of : 0;
}

static __always_inline void cardinality_complete(__u64 now_ns)
{
	__u32 window = hitter_window(now_ns);
	struct sg_cardinality *c = cardinality_of(window);

	if (!c)
		return;
	if (c->window != window)
		cardinality_begin(window);
	c->completed++;
}

/* From how many SYNs in this window on a source is a heavy hitter. */
static __always_inline __u32 hitter_threshold(__u32 window)
{
	const struct sg_cardinality *c = cardinality_of(window);
	__u64 syns = c ? c->syns : 0;

	return sg_min(SG_HITTER_FEW + (syns >> SG_HITTER_FEW_SHIFT), SG_HITTER_MIN) +
	       (syns >> SG_HITTER_PART_SHIFT);
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
	struct sg_sketch *s = map_only_value(&sketch);
	struct sg_sketch_line *line;
	__u32 *a, *b, *c, sum;

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

static __always_inline struct sg_hitter_set *hitter_set(enum sg_hitter_kind kind, __u64 key)
{
	__u32 at = kind * SG_HITTER_SETS + (key >> 32 & (SG_HITTER_SETS - 1));

	return bpf_map_lookup_elem(&heavy_hitters, &at);
}

static __always_inline struct sg_hitter *hitter_find(struct sg_hitter_set *set, __u64 key)
{
	sg_unroll
	for (int i = 0; i < SG_HITTER_WAYS; i++)
		if (set->keys[i] == key)
			return &set->of[i];
	return NULL;
}

static __always_inline void hitter_add(struct sg_hitter *t, __u32 weight, __u64 now_ns)
{
	__u32 window = hitter_window(now_ns);

	t->recent = sg_hitter_recent(t, window) + weight;
	t->window = window;
	t->last_ns = now_ns;
	__sync_fetch_and_add(&t->syns, weight);
}

/* By what evicts it: 0 of a free place, which is all zero. */
static __always_inline __u32 hitter_worth(const void *entry, __u32 window)
{
	return sg_hitter_recent(entry, window);
}

/* Takes a free place, or that of the source that has sent least recently if that was less. */
static __always_inline void hitter_enter(struct sg_hitter_set *set, __u64 key,
					 const struct sg_addr *addr, __u32 estimate, __u64 now_ns)
{
	__u32 window = hitter_window(now_ns);
	__u32 way = set_least(set->of, SG_HITTER_WAYS, sizeof(set->of[0]), hitter_worth, window,
			      estimate);
	__u64 *at, old;

	if (way >= SG_HITTER_WAYS)
		return;
	at = &set->keys[way];
	old = *at;
	if (old == SG_HITTER_BUSY || __sync_val_compare_and_swap(at, old, SG_HITTER_BUSY) != old)
		return;
	set->of[way] = (struct sg_hitter){
		.addr = *addr,
		.first_ns = now_ns,
		.last_ns = now_ns,
		.syns = estimate,
		.window = window,
		.recent = estimate,
	};
	/* a full barrier: nobody reads the key before the rest */
	__sync_val_compare_and_swap(at, SG_HITTER_BUSY, key);
}

static __always_inline void hitter_syn(enum sg_hitter_kind kind, __u64 key,
				       const struct sg_addr *addr, __u32 weight, __u64 now_ns)
{
	struct sg_hitter_set *set = hitter_set(kind, key);
	__u32 window = hitter_window(now_ns), estimate;
	struct sg_hitter *t;

	if (!set)
		return;
	t = hitter_find(set, key);
	if (t) {
		hitter_add(t, weight, now_ns);
		return;
	}
	/* the first address of a prefix has its hash, and another line */
	estimate = sketch_add(kind == SG_HITTER_SOURCE ? key : ~key, weight, window);
	if (estimate >= hitter_threshold(window))
		hitter_enter(set, key, addr, estimate, now_ns);
}

/* ---- the interface: global functions, as above; each returns 0 -------------------------------- */

/* A SYN, which stands for so many. */
__noinline int hitters_syn(const struct packet *p, __u32 weight, __u64 now_ns)
{
	struct sg_addr network;

	if (!p)
		return 0;
	if (p->version == 4)
		hitter_syn(SG_HITTER_SOURCE, source_address(&p->saddr), &p->saddr, weight, now_ns);
	source_network(&network, &p->saddr, p->version);
	hitter_syn(SG_HITTER_PREFIX, source_prefix(&p->saddr, p->version), &network, weight,
		   now_ns);
	return 0;
}

/* A SYN that is passed without judgement. */
__noinline int hitters_pass(const struct packet *p)
{
	__u64 now_ns = clock_now();
	__u32 weight;

	if (!p)
		return 0;
	weight = cardinality_add(source_client(&p->saddr, p->version), now_ns);
	if (weight)
		hitters_syn(p, weight, now_ns);
	return 0;
}

enum hitter_event {
	HITTER_CHALLENGED, /* was sent a challenge */
	HITTER_COMPLETED,  /* completed a handshake */
	HITTER_RESET,	   /* sent a service a reset */
};

static __always_inline void hitter_note(enum sg_hitter_kind kind, __u64 key,
					enum hitter_event event, __u32 weight)
{
	struct sg_hitter_set *set = hitter_set(kind, key);
	struct sg_hitter *t = set ? hitter_find(set, key) : NULL;

	if (!t)
		return;
	if (event == HITTER_CHALLENGED)
		__sync_fetch_and_add(&t->challenged, weight);
	else if (event == HITTER_COMPLETED)
		__sync_fetch_and_add(&t->completed, weight);
	else
		__sync_fetch_and_add(&t->resets, weight);
}

static __always_inline void hitters_note(const struct sg_addr *a, __u8 version,
					 enum hitter_event event, __u32 weight)
{
	if (version == 4)
		hitter_note(SG_HITTER_SOURCE, source_address(a), event, weight);
	hitter_note(SG_HITTER_PREFIX, source_prefix(a, version), event, weight);
}

__noinline int hitters_challenged(const struct packet *p, __u32 weight)
{
	if (p)
		hitters_note(&p->saddr, p->version, HITTER_CHALLENGED, weight);
	return 0;
}
