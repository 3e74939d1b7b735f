/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sends the SYNs: what the programs have counted of sources, as figures and as rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/judge/detect.h"
#include "synguard/heavy_hitters_abi.h"

struct dataplane;

/* Whoever has sent nothing for so long is no heavy hitter any more. */
#define HITTERS_FORGET_NS (60 * 1000000000ULL)

#define HITTERS_MAX (SG_HITTER_KINDS * SG_HITTER_SETS * SG_HITTER_WAYS)

struct hitters_figures {
	uint64_t distinct;  /* sources, in this window and the last; an estimate */
	uint64_t syns;	    /* of them */
	uint64_t completed; /* handshakes */
	double randomness;
	uint64_t since_ns; /* CLOCK_MONOTONIC, when that began */
	uint64_t entries;  /* in the tables */
	/* SYNs of late that nobody completes, each window's counted half as much as the next one's:
	 * those of all, and of the DETECT_FEW prefixes that send most of them */
	uint64_t unanswered, of_few;
	/* who sends most of them: the prefix, or the address that is nearly all of it */
	struct sg_addr heaviest;
	bool is_prefix;
	uint64_t of_heaviest; /* 0: nobody */
};

/* What has gone by before this window, for hitters_figures; zeroed = nothing. */
struct hitters_flow {
	uint32_t window;
	uint64_t last, before; /* unanswered: in the window, and in those before */
};

/* For whoever looks each second, with a flow of his own; NULL: more than there was may be taken for
 * unanswered. -errno. */
int hitters_look(struct dataplane *dp, uint64_t now_ns, struct hitters_flow *flow,
		 struct hitters_figures *ret);

struct detect_sources hitters_sources(const struct hitters_figures *f);

/* Part of what nobody completes that a few prefixes, or the heaviest alone, send: 0 to 1. */
double hitters_few_share(const struct hitters_figures *f);
double hitters_heaviest_share(const struct hitters_figures *f);

struct hitters_row {
	struct sg_hitter is;
	uint64_t half_open;
};

/*
 * Copies the heavy hitters, as sources (IPv4 addresses and IPv6 /64) or as prefixes (IPv4 /24 and IPv6
 * /64), who sends most of late first, into rows, of which there are HITTERS_MAX. Returns how many.
 * One that a program is just writing is left out. Pure.
 */
size_t hitters_copy(const struct sg_hitter_set *sets, bool prefixes, uint64_t now_ns,
		    struct hitters_row *rows);
