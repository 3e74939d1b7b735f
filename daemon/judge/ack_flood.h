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
struct ack_flood_counts {
	uint64_t bogus;	  /* of no connection and without a cookie; by samples */
	uint64_t dropped; /* of these, by XDP */
};

struct ack_flood {
	struct ack_flood_counts last;  /* as the programs have counted */
	struct ack_flood_counts total; /* since the start of the daemon */
	struct ack_flood_counts grew;  /* since the last tick */
	uint64_t began_ns, ended_ns;
	struct ack_flood_counts flood; /* of the one that goes on, or was last */
	bool open;		       /* its beginning has been told, and its end not */
};

enum ack_flood_change {
	ACK_FLOOD_NO_CHANGE,
	ACK_FLOOD_STARTED,
	ACK_FLOOD_STOPPED, /* with began_ns, ended_ns and flood */
};

/* What the programs count at this tick; one that is lower than it was has begun anew. */
void ack_flood_count(struct ack_flood *a, const struct ack_flood_counts *now);

/* After the judgement of the same tick. */
enum ack_flood_change ack_flood_step(struct ack_flood *a, uint64_t now_ns,
				     const struct detect_of_flood *judged);
