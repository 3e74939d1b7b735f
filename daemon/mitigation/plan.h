/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which steps of the ladder are to be taken and which undone, now.
 *
 * Pure: what is comes in, moves come out; no clock, no I/O, no log. A plan never has a queue grow
 * while SYN-ACKs are sent again often: that would make an amplifier of the host. It never touches
 * a step that was given up, because somebody else has the value or a person asked. Leaves to
 * ladder.c to carry the moves out, and to stop at the first that fails.
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
#define LADDER_FEW_RETRIES 1

/*
 * What a half-open connection may take (request_sock_TCPv6 of the slab allocator, with its options),
 * and what one that waits to be accepted does besides (TCPv6, with its route and some data).
 */
#define LADDER_REQUEST_BYTES 512
#define LADDER_SLOT_BYTES    4096

struct ladder_row {
	const char *word;
	const char *target;
	enum sg_ladder_kind kind;
	bool queue;
};

extern const struct ladder_row ladder_rows[SG_LADDER_COUNT];

/* SG_LADDER_COUNT: there is no such step. */
enum sg_ladder_step ladder_find(const char *word);

/* A step as it is. */
struct ladder_now {
	bool known;	/* the value could be read */
	uint64_t value; /* of SOCKETS: for how many listeners there is something to do */
	bool taken;
	bool given_up;
};

struct ladder_state {
	enum sg_mode mode;
	enum detect_state state;
	bool engine;	    /* there are programs that challenge */
	bool reaper;	    /* there is one that tells which half-open connections to end */
	uint64_t listeners; /* that a longer queue is for */
	bool repeats;	    /* a listener with a longer backlog sends SYN-ACKs again often */
	struct ladder_now steps[SG_LADDER_COUNT];
};

/* A step as it should be. */
struct ladder_wish {
	bool allowed;
	bool wanted;	/* taken, or to be taken: if the mode lets us */
	uint64_t value; /* to be written */
	const char *why;
};

struct ladder_move {
	enum sg_ladder_step step;
	bool undo;
};

struct ladder_plan {
	struct ladder_wish wishes[SG_LADDER_COUNT];
	size_t count;
	struct ladder_move moves[2 * SG_LADDER_COUNT]; /* in order */
};

/* How long a half-open connection lives that nobody answers, where SYN-ACKs are sent again so often;
 * what is more than LADDER_RETRIES_TIMED is as that. */
#define LADDER_RETRIES_TIMED 6
uint64_t ladder_half_open_usec(uint64_t retries);

void ladder_plan(const struct ladder_state *now, const struct settings *settings,
		 struct ladder_plan *ret);
