/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the ladder share: its body, and what one of them does for another. ladder.c
 * has its life and its tick, ladder_moves.c takes and undoes, ladder_tell.c says what is. Nobody
 * else includes this.
 */
#pragma once

#include "complaint.h"
#include "ladder.h"
#include "ladder_plan.h"

struct ladder_step {
	bool known, taken, given_up, conflict, would;
	uint64_t value; /* as last read */
	uint64_t old, ours, since_usec;
	uint64_t retry_ns;
	char failure[160];
};

struct ladder {
	const char *dir;
	struct ladder_handler handler;
	struct ladder_step steps[SG_LADDER_COUNT];
	struct ladder_wish wishes[SG_LADDER_COUNT];
	struct ladder_counts counts;
	bool stale; /* the record has what is undone: to be written again */
};

/* ---- ladder_moves.c ---- */

/* Writes what is taken to the record. -errno, with *c filled. */
int ladder_record(struct ladder *l, struct complaint *c);
/* As the wish for it says; at least so long after a failure. -errno: nothing has changed. */
int ladder_take(struct ladder *l, enum sg_ladder_step step, uint64_t now_ns);
/* -errno: it is still taken. */
int ladder_give_back(struct ladder *l, enum sg_ladder_step step);
/* In reverse; a step that cannot be undone keeps those under it, so that no queue stays long. */
int ladder_undo_all(struct ladder *l);
/* Somebody else has written its target: that stays, and the step is given up. */
void ladder_lose(struct ladder *l, enum sg_ladder_step step);

/* ---- ladder_tell.c ---- */

/* Counts it, and tells the handler. */
void ladder_tell(struct ladder *l, enum ladder_news news, enum sg_ladder_step step, uint64_t from,
		 uint64_t to, const char *reason);
