/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report: one struct, which the manager fills for each call of Describe(). The tables of
 * synguard/report.h turn it into JSON, metrics and properties of the bus.
 *
 * Pure. Its JSON is what Describe() and `synguard status --json` print; keys are stable.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/abi.h"
#include "synguard/mitigation.h"

struct report_interface {
	char name[IFNAMSIZ];
	int index;
	char driver[32];
	const char *attach;
	bool answers;
	char attach_reason[160];
};

struct report_service {
	struct sg_addr addr;
	uint16_t port; /* host byte order */
	bool defending;
	bool blocked;
	bool proven;
	const char *engine;	 /* "reqsk", "listener" */
	char engine_reason[200]; /* why it is this one */
	const char *hindrance;	 /* label of the verdict that stands against a challenge, or NULL */
	uint64_t syns, challenged, accepted, established, handshakes, filtered;
	uint64_t syn_queue, syn_queue_max, accept_queue, accept_queue_max;
	uint64_t baseline_syns_per_second;
	const char *trouble;	/* word of synguard/trouble.h */
	char trouble_text[400]; /* what it is, and what to change; "": none */
	char lost_text[200];	/* why acceptances become no connections; "": they do */
};

/* What suffers and is not defended (synguard/undefended.h). */
struct report_undefended {
	const char *kind;
	struct sg_addr addr;
	uint16_t port; /* host byte order; 0: many */
	char name[80];
	const char *verdict; /* label, or NULL */
	uint64_t syns_per_second;
	char text[480];
};

/* A step of the mitigation (synguard/mitigation.h). */
struct report_step {
	const char *step;
	const char *target;
	bool allowed, taken, would, conflict;
	char since[32]; /* "2001-02-03T04:05:06Z", "": not taken */
	uint64_t old, new;
	char why[160];
};

struct report {
	const char *version;
	const char *engine;
	char engine_reason[512];
	const char *mode;
	const char *mode_by; /* who set it: "start" or "request" */
	const char *state;
	const char *kind;	     /* which floods make it so */
	uint64_t pulses;	     /* how often the attack has ebbed and come back */
	const char *flood_sources;   /* pattern of the sources of a SYN flood */
	bool slow;		     /* it is one at whatever rate */
	const char *deny_reason;     /* of the heaviest source */
	double few_share;	     /* part of its SYNs that a few prefixes send */
	const char *trouble;	     /* the worst of those of the services */
	const char *undefended_kind; /* the worst of those below */
	uint64_t uptime_seconds;
	bool config_ok;
	uint64_t ticks;			      /* of the daemon, one a second */
	uint64_t tick_delay_max_microseconds; /* by how much one has come late */
	uint64_t heartbeat_age_seconds;
	uint64_t half_open;
	uint64_t socket_walks;
	uint64_t sources_distinct, sources_syns; /* see judge/cardinality.h */
	double sources_randomness;
	uint64_t heavy_hitters, hitter_capacity;
	uint64_t syns_per_second, challenges_per_second, acceptances_per_second;
	uint64_t handshakes_per_second;
	uint64_t bogus_acks_per_second, dropped_acks_per_second;
	uint64_t bogus_acks; /* since the daemon's start */
	struct sg_counters counters[SG_PROGRAM_COUNT];
	uint64_t local_addrs;
	uint64_t ways;
	uint64_t ways_left_out;
	uint64_t allowed, denied; /* prefixes that the programs know, or would if there were any */
	uint64_t service_capacity, local_addr_capacity, allow_capacity, deny_capacity;
	uint64_t way_capacity;
	uint64_t undefended_syns_per_second;
	const struct report_undefended *undefended;
	size_t undefended_count;
	struct report_interface *interfaces;
	size_t interface_count;
	struct report_service *services;
	uint64_t service_count;
	uint64_t mitigation_takes, mitigation_undos, mitigation_conflicts;
	uint64_t reaped;
	struct report_step steps[SG_MITIGATION_COUNT];
	size_t step_count;
	struct report_step *listener_steps; /* one for each listener of a step that has some */
	size_t listener_step_count;
};

enum report_type {
	REPORT_COUNT,
	REPORT_FLAG,
	REPORT_INT,
	REPORT_PORT,
	REPORT_RATIO,
	REPORT_TEXT,
	REPORT_CHARS,
	REPORT_WORD,
	REPORT_ADDRESS,
	REPORT_TYPE_COUNT,
};

/* A row of SG_REPORT, as far as the daemon needs it. */
struct report_row {
	enum report_type type;
	size_t offset;	      /* in struct report */
	const char *path;     /* in the JSON */
	const char *property; /* on the bus, or NULL */
};

const struct report_row *report_rows(size_t *count);

/* The report as JSON text, to be freed by the caller; NULL without memory. */
char *report_to_json(const struct report *report);
