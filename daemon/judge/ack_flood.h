/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACKs that belong to no connection: how many there were, and a flood of them as a story with a
 * beginning, an end and totals.
 *
 * Pure: fed with what each tick sees. Whether it is a flood is the detector's word (detect.h). Its
 * beginning is told at once, its end when calm is believed, with the time up to the last second
 * that was of the flood.
 */
#pragma once

#include <stdint.h>

#include "daemon/judge/detect.h"

/* Counters. */
struct acks_counts {
	uint64_t bogus;	  /* of no connection and without a cookie; by samples */
	uint64_t dropped; /* of these, by XDP */
};

struct acks {
	struct acks_counts last;  /* as the programs have counted */
	struct acks_counts total; /* since the start of the daemon */
	struct acks_counts grew;  /* since the last tick */
	uint64_t began_ns, ended_ns;
	struct acks_counts flood; /* of the one that goes on, or was last */
	bool open;		  /* its beginning has been told, and its end not */
};

enum acks_news {
	ACKS_NO_NEWS,
	ACKS_FLOOD_BEGAN,
	ACKS_FLOOD_ENDED, /* with began_ns, ended_ns and flood */
};

/* What the programs count at this tick; one that is lower than it was has begun anew. */
void acks_count(struct acks *a, const struct acks_counts *now);

/* After the judgement of the same tick. */
enum acks_news acks_step(struct acks *a, uint64_t now_ns, const struct detect_of_flood *judged);
