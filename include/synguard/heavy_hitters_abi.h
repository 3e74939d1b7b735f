/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting sources: what the BPF programs (bpf/state/heavy_hitters.bpf.h) and the daemon share of it.
 *
 * A source is an IPv4 address or an IPv6 /64, a prefix an IPv4 /24 or an IPv6 /64. All of it is
 * bounded at load, whoever sends. A window is 2^33 ns = 8.6 s of CLOCK_MONOTONIC.
 */
#pragma once

#include <linux/types.h>

#include "synguard/abi.h"

#define SG_HITTER_SHIFT 33

/*
 * The crowd: how many SYNs for services, and how many different sources, a CPU saw in a window; two
 * of them, for this window and the one before. The registers are those of a HyperLogLog (Flajolet
 * and others, 2007): a source belongs to one of them, by 12 bits of its hash, and each holds the
 * highest rank of the rest of a hash, the number of zeros at its end plus one. The standard error
 * of 4096 registers is 1.04 / 64 = 1.6 %.
 */
#define SG_CARDINALITY_REGISTERS 4096
#define SG_CARDINALITY_RANK_MAX	 45
struct sg_cardinality {
	__u32 window;
	__u32 pad;
	__u64 syns;
	__u64 completed; /* handshakes */
	__u8 registers[SG_CARDINALITY_REGISTERS];
};

/*
 * Of the first SYNs of a window each one is looked at, of more one in 8, which then counts eight
 * times, and of a flood one in 64. A hitter is a share of all, so that the more there are the fewer
 * of them have to be looked at to tell it: at either step it is one by nine or ten of the sample.
 */
#define SG_HITTER_EXACT	       4096
#define SG_HITTER_SAMPLE       8
#define SG_HITTER_FLOOD	       131072
#define SG_HITTER_FLOOD_SAMPLE 64

/*
 * A count-min sketch with conservative update, per CPU: a key has a line of 15 counters, one cache
 * line, and three of the counters in it. The least of the three is never less than what the key
 * has sent in this window, and exceeds it by a 1280th of all SYNs or so, since each is counted for
 * its source and for its prefix: 2 keys of 3 counters among 512 * 15.
 */
#define SG_SKETCH_LINES 512
#define SG_SKETCH_CELLS 15
struct sg_sketch_line {
	__u32 window;
	__u32 cells[SG_SKETCH_CELLS];
};
struct sg_sketch {
	struct sg_sketch_line of[SG_SKETCH_LINES];
};

/*
 * A hitter is who has sent more than a 256th of a window's SYNs of a CPU, and 64 at the least: more
 * than the sketch may make of a source that sent one. Nobody else is entered in the table. While few
 * SYNs come, each is looked at, and a 32nd of them and four suffices: who sends a slow flood is told.
 */
#define SG_HITTER_MIN	     64
#define SG_HITTER_PART_SHIFT 8
#define SG_HITTER_FEW	     4
#define SG_HITTER_FEW_SHIFT  5

/* The tables of heavy hitters, one after the other in the map. IPv6, whose sources are prefixes, is only
 * in that of the prefixes. */
enum sg_hitter_kind {
	SG_HITTER_SOURCE,
	SG_HITTER_PREFIX,
	SG_HITTER_KINDS,
};
#define SG_HITTER_SETS 128
#define SG_HITTER_WAYS 4

/* In place of a key while the hitter is being written. No key: of sources the lowest bit is set,
 * and of prefixes it would be one in 2^63. */
#define SG_HITTER_BUSY 2ULL

struct sg_hitter {
	struct sg_addr addr;	 /* network byte order; a prefix's host part is zero */
	__u64 first_ns, last_ns; /* SYNs, since it is in the table */
	__u64 syns;		 /* begins with what the sketch said */
	__u64 challenged;
	__u64 completed; /* handshakes */
	__u64 resets;	 /* RSTs to services */
	__u32 window;	 /* of the last SYN */
	__u32 recent;	 /* SYNs of that window, and half of what stood here before, and so on */
};

/* What it has sent of late, of struct sg_hitter: half of it is forgotten with each window. */
static inline __attribute__((always_inline)) __u32 sg_hitter_recent(const struct sg_hitter *t,
								    __u32 window)
{
	__s32 age = window - t->window;

	return age <= 0 ? t->recent : age < 32 ? t->recent >> age : 0;
}

/* The keys are together, so that one who is not there costs one cache line. */
struct sg_hitter_set {
	__u64 keys[SG_HITTER_WAYS]; /* 0 = free */
	struct sg_hitter of[SG_HITTER_WAYS];
};

_Static_assert(sizeof(struct sg_sketch) == 32768, "no more than a per-CPU value may have");
_Static_assert(sizeof(struct sg_cardinality) % 8 == 0, "cleared by words");
_Static_assert(sizeof(struct sg_hitter_set) % 8 == 0, "mmap()ed array elements are aligned");
