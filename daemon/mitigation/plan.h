/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which steps of the mitigation are to be taken and which undone, now.
 *
 * Pure: the state comes in, moves come out; no clock, no I/O, no log. A plan never makes a queue
 * longer while SYN-ACKs are sent again often: that would make the host an amplifier. It never
 * touches a step that was given up, because somebody else has written the value or the
 * administrator undid it. Leaves to mitigation.c to carry the moves out, and to stop at the first
 * one that fails.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/abi.h"
#include "synguard/mitigation.h"

#include "daemon/judge/detect.h"
#include "daemon/settings/settings.h"

/* SYN-ACK retries with which a queue may grow, where nothing is set. */
#define MITIGATION_FEW_RETRIES 1

/*
 * What a half-open connection may take (request_sock_TCPv6 of the slab allocator, with its options),
 * and what one that waits to be accepted does besides (TCPv6, with its route and some data).
 */
#define MITIGATION_REQUEST_BYTES 512
#define MITIGATION_SLOT_BYTES	 4096

struct mitigation_row {
	const char *word;
	const char *target;
	enum sg_mitigation_kind kind;
	bool queue;
};

extern const struct mitigation_row mitigation_rows[SG_MITIGATION_COUNT];

/* SG_MITIGATION_COUNT: there is no such step. */
enum sg_mitigation_step mitigation_find(const char *word);

/* A step as it is. */
struct mitigation_step_state {
	bool known;	/* the value could be read */
	uint64_t value; /* of SOCKETS: how many listeners there are to adjust */
	bool taken;
	bool given_up;
};

struct mitigation_state {
	enum sg_mode mode;
	enum detect_state state;
	bool engine;	    /* there are programs that challenge */
	bool reaper;	    /* there is one that judges half-open connections */
	uint64_t listeners; /* that a longer queue is for */
	bool repeats;	    /* a listener with a longer backlog sends SYN-ACKs again often */
	struct mitigation_step_state steps[SG_MITIGATION_COUNT];
};

/* A step as it should be. */
struct mitigation_goal {
	bool allowed;
	bool wanted;	/* taken, or to be taken: if the mode lets us */
	uint64_t value; /* to be written */
	const char *why;
};

struct mitigation_move {
	enum sg_mitigation_step step;
	bool undo;
};

struct mitigation_plan {
	struct mitigation_goal goals[SG_MITIGATION_COUNT];
	size_t count;
	struct mitigation_move moves[2 * SG_MITIGATION_COUNT]; /* in order */
};

/*
 * How long a half-open connection lives that nobody answers, with so many SYN-ACK retries; more
 * than MITIGATION_RETRIES_TIMED are taken for as many.
 */
#define MITIGATION_RETRIES_TIMED 6
uint64_t mitigation_half_open_usec(uint64_t retries);

void mitigation_plan(const struct mitigation_state *now, const struct settings *settings,
		     struct mitigation_plan *ret);
