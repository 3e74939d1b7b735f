/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement: is this an attack?
 *
 * Pure: no clock, no I/O, no allocation, no log. Time comes in the sample, so a test plays a flood
 * of an hour in a microsecond. Leaves to the manager what follows from the state, and to the XDP
 * program the defence itself, which does not wait for a judgement.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum detect_state {
	DETECT_CALM,
	DETECT_ATTACK,	/* SYNs that nobody completes */
	DETECT_COOLING, /* it is over, if it does not come back */
	DETECT_STATE_COUNT,
};

struct detect_config {
	uint64_t attack_per_sec; /* unanswered SYNs that are an attack by themselves */
	uint64_t ebb_per_sec;	 /* below it an attack has ebbed; lower than the former */
	uint64_t hold_ns;	 /* of quiet before calm is believed */
};

/* What happened since the last sample. */
struct detect_sample {
	uint64_t now_ns;     /* monotonic */
	uint64_t syns;	     /* SYNs for services */
	uint64_t handshakes; /* completed at services */
	bool defending;	     /* some service's queue has called for defence */
};

struct detector {
	enum detect_state state;
	uint64_t last_ns;  /* of the last sample, 0 = none yet */
	uint64_t quiet_ns; /* since when it has been quiet, while cooling */
	uint64_t unanswered_per_sec;
};

extern const struct detect_config detect_defaults;

/* Takes a sample and returns the state, which is also in d. The first sample sets the clock. */
enum detect_state detect_step(struct detector *d, const struct detect_config *config,
			      const struct detect_sample *sample);

const char *detect_state_name(enum detect_state state);

/* What a counter grew by. One that went backwards was reset, and tells nothing: 0. */
static inline uint64_t detect_growth(uint64_t now, uint64_t before)
{
	return now < before ? 0 : now - before;
}
