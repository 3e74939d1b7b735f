/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Episodes: a flood of ACKs, and the defence of a service, each with a beginning, an end and totals.
 *
 * Pure: fed with the figures of each tick.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/judge/detect.h"

/* ---- ACKs that belong to no connection ----------------------------------------------------- */

/* Counters. */
struct ack_flood_counts {
	uint64_t bogus;	  /* of no connection and without a cookie; by samples */
	uint64_t dropped; /* of these, by XDP */
};

struct ack_flood {
	struct ack_flood_counts last;  /* the programs' counters */
	struct ack_flood_counts total; /* since the start of the daemon */
	struct ack_flood_counts grew;  /* since the last tick */
	uint64_t began_ns, ended_ns;
	struct ack_flood_counts flood; /* of the present flood, or the last one */
	bool open;		       /* its beginning has been reported, its end has not */
};

enum ack_flood_change {
	ACK_FLOOD_NO_CHANGE,
	ACK_FLOOD_STARTED,
	ACK_FLOOD_STOPPED, /* with began_ns, ended_ns and flood */
};

/* The counters at this tick; one that is lower than before was reset. */
void ack_flood_count(struct ack_flood *a, const struct ack_flood_counts *now);

/*
 * After the detector's judgement in the same tick. A beginning is reported at once, the end when the
 * detector is calm, with the time up to the last second of the flood.
 */
enum ack_flood_change ack_flood_step(struct ack_flood *a, uint64_t now_ns,
				     const struct detect_of_flood *judged);

/* ---- the state of the host ------------------------------------------------------------------ */

/*
 * Which changes of the detector's state are told. A flood that comes in pulses goes back and forth
 * between attack and cooling. The first ebb is told at once, the next one STATE_QUIET_NS later, the
 * one after that twice as long later, and so on until STATE_QUIET_MAX_NS. That the flood is back is
 * told at once where it was told to have ebbed, and so is calm: what was told last is true, but for
 * an ebb that may be a pause. Those in between are counted (struct detector, pulses).
 */
#define STATE_QUIET_NS	   (10 * 1000000000ULL)
#define STATE_QUIET_MAX_NS (640 * 1000000000ULL)

/* Zeroed = calm. */
struct state_news {
	enum detect_state told;
	uint64_t told_ns, quiet_ns;
};

/* One tick. True: it is to be told now. */
bool state_news_step(struct state_news *n, uint64_t now_ns, enum detect_state state);

/* ---- the defence of a service -------------------------------------------------------------- */

/*
 * A beginning is reported at once and an end when it has come, but nothing within DEFENCE_QUIET_NS
 * of the report before. A defence that comes back in that time continues; one that comes and goes in
 * it is reported by its end alone. So a service that flaps is reported once in 10 s at most, and the
 * totals lose nothing.
 */
#define DEFENCE_QUIET_NS (10 * 1000000000ULL)

/* What grew since the last tick; in struct defence: since the beginning. */
struct defence_totals {
	uint64_t syns, challenges, acceptances;
};

/* Zeroed = idle, and nothing reported yet. */
struct defence {
	bool open;	      /* it has begun, and its end has not been reported */
	bool beginning_known; /* its beginning has been reported */
	bool before;	      /* defending at the last tick */
	bool reported;	      /* there has been a report, */
	uint64_t report_ns;   /* and the last one was then */
	uint64_t began_ns, ended_ns;
	struct defence_totals totals;
};

enum defence_news {
	DEFENCE_NO_NEWS,
	DEFENCE_BEGAN,
	DEFENCE_ENDED, /* with began_ns, ended_ns and totals */
};

/* One tick. may_report false: a later tick reports it, if it still holds then. */
enum defence_news defence_step(struct defence *d, uint64_t now_ns, bool defending,
			       const struct defence_totals *grew, bool may_report);
