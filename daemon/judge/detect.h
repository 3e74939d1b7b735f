/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement of the host: is there an attack, and of what kind?
 *
 * SYN floods and ACK floods are judged separately, since they need different defences. Traffic of a
 * service that only looks like a SYN flood is judged by detect_service.h before, and left out here.
 *
 * The folder: judgements. Pure: no clock, no I/O, no allocation, no log. Time comes in the sample, so
 * a test plays a flood of an hour in a microsecond. Leaves to the manager what follows from a
 * judgement, and to the programs the defence itself, which does not wait for one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum detect_state {
	DETECT_CALM,
	DETECT_ATTACK,	/* a flood */
	DETECT_COOLING, /* it has ebbed, and may come back */
	DETECT_STATE_COUNT,
};

enum detect_flood {
	DETECT_SYN_FLOOD, /* SYNs that nobody completes */
	DETECT_ACK_FLOOD, /* ACKs that belong to no connection and carry no cookie */
	DETECT_FLOOD_COUNT,
};

/* The floods that the state is about, a bit each. */
enum detect_kind {
	DETECT_NO_KIND,
	DETECT_KIND_SYN_FLOOD = 1 << DETECT_SYN_FLOOD,
	DETECT_KIND_ACK_FLOOD = 1 << DETECT_ACK_FLOOD,
	DETECT_KIND_COUNT = 1 << DETECT_FLOOD_COUNT,
};

/* The pattern of the sources of a SYN flood, which says what helps against it. */
enum detect_pattern {
	DETECT_NO_PATTERN,   /* there is no flood of SYNs */
	DETECT_MIXED,	     /* neither of the following, or too few SYNs to know */
	DETECT_SPOOFED,	     /* very many: forged, so that no list of them would help */
	DETECT_CONCENTRATED, /* a few send most of it: these can be denied */
	DETECT_PATTERN_COUNT,
};

/* The sources of SYNs for services, over the last 9 to 17 seconds (synguard/heavy_hitters_abi.h). */
struct detect_sources {
	uint64_t syns, completed; /* and handshakes */
	uint64_t distinct;	  /* an estimate */
	/* SYNs that are never completed: of all sources, and of the DETECT_FEW prefixes that send most.
	 * Recent ones count more, by the same measure in both. */
	uint64_t unanswered, of_few;
};

#define DETECT_FEW 8

/*
 * Whether to deny a source or a network of them (IPv4 /24, IPv6 /64) that sends much of a flood. To
 * deny one whose address is forged leaves the flood and cuts its owner off.
 */
enum detect_deny {
	DETECT_DENY_UNCLEAR,   /* too few SYNs to judge by */
	DETECT_DENY_SILENT,    /* yes: nobody in there completes or resets what SYNs began */
	DETECT_DENY_COMPLETED, /* no: clients in there complete handshakes */
	DETECT_DENY_RESETS,    /* no: an owner resets the SYN-ACKs of SYNs that he did not send */
	DETECT_DENY_COUNT,
};

/* SYNs, completed handshakes and resets of one source or network. */
enum detect_deny detect_deny(uint64_t syns, uint64_t completed, uint64_t resets);
/* "silent" and so on. */
const char *detect_deny_name(enum detect_deny deny);

struct detect_marks {
	uint64_t attack_per_sec; /* a flood by itself; 0: never */
	uint64_t ebb_per_sec;	 /* below it a flood has ebbed; lower than the former */
};

struct detect_config {
	struct detect_marks marks[DETECT_FLOOD_COUNT];
	uint64_t hold_ns; /* of quiet before calm is believed */
	/* a service has an extraordinary rate at so many times its ordinary one; 0: at any */
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
	bool slow;     /* SYNs without a handshake fill some service's queue, at whatever rate */
	bool dropping; /* bogus ACKs are being dropped */
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
	uint64_t pulses; /* how often the present attack, or the last one, came back from cooling */
	enum detect_pattern pattern;
	uint64_t pattern_since_ns; /* since when there has been another one, 0 = there is none */
};

extern const struct detect_config detect_defaults;

/* Takes a sample and returns the state, which is also in d. The first sample sets the clock. */
enum detect_state detect_step(struct detector *d, const struct detect_config *config,
			      const struct detect_sample *sample);

const char *detect_state_name(enum detect_state state);
/* A SYN flood with a definite pattern, and no other flood, is named for the pattern. */
const char *detect_kind_name(enum detect_kind kind, enum detect_pattern pattern);
const char *detect_pattern_name(enum detect_pattern pattern);

/* The pattern at this moment: never DETECT_NO_PATTERN. */
enum detect_pattern detect_sources_pattern(const struct detect_sources *sources);
