/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement: is this an attack, and of what kind?
 *
 * Pure: no clock, no I/O, no allocation, no log. Time comes in the sample, so a test plays a flood
 * of an hour in a microsecond. Floods of SYNs and of ACKs are judged each by itself, since what
 * helps against one is of no use against the other. What looks like a flood of SYNs at one service
 * and is none is judged by detect_service.h before, and left out here. Leaves to the manager what
 * follows, and to the programs the defence itself, which does not wait for a judgement.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum detect_state {
	DETECT_CALM,
	DETECT_ATTACK,	/* a flood */
	DETECT_COOLING, /* it is over, if it does not come back */
	DETECT_STATE_COUNT,
};

enum detect_flood {
	DETECT_SYN_FLOOD, /* SYNs that nobody completes */
	DETECT_ACK_FLOOD, /* ACKs that belong to no connection and carry no cookie */
	DETECT_FLOOD_COUNT,
};

/* Which floods make the state what it is; of several, their bits. */
enum detect_kind {
	DETECT_NO_KIND,
	DETECT_KIND_SYN_FLOOD = 1 << DETECT_SYN_FLOOD,
	DETECT_KIND_ACK_FLOOD = 1 << DETECT_ACK_FLOOD,
	DETECT_KIND_COUNT = 1 << DETECT_FLOOD_COUNT,
};

/* What the sources of a flood of SYNs look like, and so what helps against it. */
enum detect_pattern {
	DETECT_NO_PATTERN,   /* there is no flood of SYNs */
	DETECT_MIXED,	     /* neither of the following, or too few SYNs to tell */
	DETECT_SPOOFED,	     /* very many: forged, so that no list of them would help */
	DETECT_CONCENTRATED, /* a few send most of it: these can be denied */
	DETECT_PATTERN_COUNT,
};

/*
 * Of who sends SYNs to services, over the last 9 to 17 seconds. All of it is bounded, whoever sends
 * (synguard/hitters_abi.h).
 */
struct detect_sources {
	uint64_t syns, completed; /* and handshakes */
	uint64_t distinct;	  /* an estimate */
	/* SYNs that nobody completes: those of all, and those of the DETECT_FEW prefixes that send
	 * most. Those of late count more, in both by the same measure. */
	uint64_t unanswered, of_few;
};

#define DETECT_FEW 8

struct detect_marks {
	uint64_t attack_per_sec; /* a flood by itself; 0: never */
	uint64_t ebb_per_sec;	 /* below it a flood has ebbed; lower than the former */
};

struct detect_config {
	struct detect_marks marks[DETECT_FLOOD_COUNT];
	uint64_t hold_ns; /* of quiet before calm is believed */
	/* so many times what it has on ordinary days is out of the ordinary for a service; 0: any */
	uint64_t baseline_factor;
};

/* What happened since the last sample. */
struct detect_sample {
	uint64_t now_ns;     /* monotonic */
	uint64_t syns;	     /* SYNs for services */
	uint64_t handshakes; /* completed at services */
	uint64_t explained;  /* of the SYNs without a handshake: no flood's (detect_service.h) */
	uint64_t bogus_acks; /* for services, of no connection and without a cookie */
	bool defending;	     /* some service's queue has called for defence */
	bool dropping;	     /* bogus ACKs are being dropped */
	struct detect_sources sources;
};

struct detect_of_flood {
	enum detect_state state;
	uint64_t quiet_ns; /* since when it has been quiet, while cooling */
	uint64_t per_sec;  /* SYNs, ACKs that are of the flood, if it is one */
};

struct detector {
	enum detect_state state; /* the worst of those of the floods */
	enum detect_kind kind;
	uint64_t last_ns; /* of the last sample, 0 = none yet */
	struct detect_of_flood floods[DETECT_FLOOD_COUNT];
	enum detect_pattern look;
	uint64_t look_since_ns; /* since when it has looked otherwise, 0 = it does not */
};

extern const struct detect_config detect_defaults;

/* Takes a sample and returns the state, which is also in d. The first sample sets the clock. */
enum detect_state detect_step(struct detector *d, const struct detect_config *config,
			      const struct detect_sample *sample);

const char *detect_state_name(enum detect_state state);
/* Of a flood of SYNs alone the name says what it looks like, where that is known. */
const char *detect_kind_name(enum detect_kind kind, enum detect_pattern look);
const char *detect_pattern_name(enum detect_pattern look);

/* What the sources look like at this moment: never DETECT_NO_PATTERN. */
enum detect_pattern detect_sources_pattern(const struct detect_sources *sources);

/* What a counter grew by. One that went backwards was reset, and tells nothing: 0. */
static inline uint64_t detect_growth(uint64_t now, uint64_t before)
{
	return now < before ? 0 : now - before;
}
