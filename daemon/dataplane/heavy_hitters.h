/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources of SYNs: what the programs have counted of them, as figures and as rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/addr.h"
#include "daemon/judge/detect.h"
#include "synguard/heavy_hitters_abi.h"

struct dataplane;

/* A source that has sent nothing for so long is no heavy hitter any more. */
#define HITTERS_FORGET_NS (60 * 1000000000ULL)

#define HITTERS_MAX (SG_HITTER_KINDS * SG_HITTER_SETS * SG_HITTER_WAYS)

struct hitters_figures {
	uint64_t distinct;  /* sources, in this window and the last; an estimate */
	uint64_t syns;	    /* of them */
	uint64_t completed; /* handshakes */
	double randomness;
	uint64_t since_ns; /* CLOCK_MONOTONIC, when that began */
	uint64_t entries;  /* in the tables */
	/* SYNs without a handshake, each window weighing half as much as the next one: of all
	 * sources, and of the DETECT_FEW heaviest prefixes */
	uint64_t unanswered, of_few;
	/*
	 * the heaviest prefix, wider than those of the table where most of a wider one sends; or the
	 * address that is nearly all of it. Of how many bits, as in struct addr_prefix
	 */
	struct sg_hitter heaviest;
	uint8_t heaviest_bits;
	uint64_t of_heaviest; /* 0: there is none */
};

/* Unanswered SYNs of the windows before this one; zeroed: none. */
struct hitters_flow {
	uint32_t window;
	uint64_t last, before; /* in the window, and in those before */
};

/*
 * For a caller that samples each second, with its own flow. Without a flow (NULL) SYNs whose
 * handshakes are still under way count as unanswered. -errno.
 */
int hitters_sample(struct dataplane *dp, uint64_t now_ns, struct hitters_flow *flow,
		   struct hitters_figures *ret);

struct detect_sources hitters_sources(const struct hitters_figures *f);

/* The share of a few prefixes, or of the heaviest alone, in the unanswered SYNs: 0 to 1. */
double hitters_few_share(const struct hitters_figures *f);
double hitters_heaviest_share(const struct hitters_figures *f);

/* Whether to deny this source or prefix, and whether the heaviest. */
enum detect_deny hitters_deny(const struct sg_hitter *hitter);
enum detect_deny hitters_heaviest_deny(const struct hitters_figures *f);

struct hitters_row {
	struct sg_hitter is;
	uint64_t half_open;
};

/*
 * Copies the heavy hitters, as sources (IPv4 addresses and IPv6 /64) or as prefixes (IPv4 /24 and IPv6
 * /64), heaviest first, into rows, of which there are HITTERS_MAX. Returns how many.
 * One that a program is writing is left out. Pure.
 */
size_t hitters_copy(const struct sg_hitter_set *sets, bool prefixes, uint64_t now_ns,
		    struct hitters_row *rows);

/*
 * Of rows that hitters_copy() made: the handshakes that sources inside the prefix completed while
 * they were heavy hitters. Of IPv6 a /64 stands for each address in it.
 */
uint64_t hitters_completed(const struct hitters_row *rows, size_t count, bool prefixes,
			   const struct addr_prefix *p);
