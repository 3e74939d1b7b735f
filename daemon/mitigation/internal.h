/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the ladder share: its body, and what one of them does for another. ladder.c
 * has its life and its tick, ladder_moves.c takes and undoes, ladder_listeners.c does where the
 * targets are listeners, ladder_tell.c says what is. Nobody else includes this.
 */
#pragma once

#include "daemon/base/complaint.h"
#include "daemon/base/fault.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/mitigation/plan.h"
#include "daemon/mitigation/targets.h"

struct dataplane_adjust;
struct reach;
struct reach_wanted;

#define LADDER_OF_ANOTHER "somebody else has set it, and that stays"

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
	struct ladder_targets targets;
	struct ladder_targets would;	 /* listeners that would be, were the mode not observe */
	struct dataplane_adjust *adjust; /* NULL: not tried yet, or not to be had */
	struct complaint adjust_fault;	 /* why it is not */
	struct sg_listener *seen;	 /* at the last look, where there was one */
	size_t seen_count, seen_room;
	bool observes;
	bool repeats; /* one with a longer backlog sends SYN-ACKs again often */
	struct reach *reach;
	struct reach_wanted *owners; /* of those whose backlog is to grow, as far as they are known */
	size_t owner_count;
	bool owners_more; /* some have come since the processes began to be gone through */
	bool leaving;	  /* this is the last time: it may take a while */
	bool stale;	  /* the record has what is undone: to be written again */
};

/* ---- ladder_moves.c ---- */

/* Writes what is taken to the record. -errno, with *c filled. */
int ladder_record(struct ladder *l, struct complaint *c);
/* As the wish for it says, unless it has failed a moment ago. -errno: nothing has changed. */
int ladder_take(struct ladder *l, enum sg_ladder_step step, const struct settings *settings,
		uint64_t now_ns);
/* -errno: it is still taken. */
int ladder_give_back(struct ladder *l, enum sg_ladder_step step);
/* In reverse; a step that cannot be undone keeps those under it, so that no queue stays long. */
int ladder_undo_all(struct ladder *l);
/* Somebody else has written its target: that stays, and the step is given up. */
void ladder_lose(struct ladder *l, enum sg_ladder_step step);

/* Told once for each reason; where it is now, the step is not tried again for a while. */
void ladder_fail(struct ladder *l, enum sg_ladder_step step, uint64_t now_ns, const char *reason);
uint64_t ladder_realtime_usec(void);

/* ---- ladder_see.c ---- */

/* What it takes to see and adjust listeners. -errno, with *c filled. */
int ladder_adjuster(struct ladder *l, struct complaint *c);
/* Reads them all; what is known of targets is then of now. -errno, with *c filled. */
int ladder_see(struct ladder *l, struct complaint *c);
/* What the planner is to know of them, where there is something to look for. */
void ladder_look_at_listeners(struct ladder *l, const struct ladder_situation *now,
			      const struct settings *settings);
/* The host's SYN-ACK retries as they are without us. */
uint32_t ladder_host_retries(const struct ladder *l);
/* net.core.somaxconn of now. */
uint32_t ladder_somaxconn(const struct ladder *l);
/* What the step would make of this listener; 0: nothing, or it has already. */
uint32_t ladder_aim_at(struct ladder *l, enum sg_ladder_step step, const struct settings *settings,
		       const struct sg_listener *listener);

/* ---- ladder_listeners.c ---- */

/* All that need it and were there at the last look. -errno: nothing has changed. */
int ladder_take_listeners(struct ladder *l, enum sg_ladder_step step,
			  const struct settings *settings, uint64_t now_ns);
/* -errno: some are still taken. */
int ladder_give_back_listeners(struct ladder *l, enum sg_ladder_step step);
/* What would be taken, for those who ask. */
void ladder_observe_listeners(struct ladder *l, enum sg_ladder_step step,
			      const struct settings *settings);
/* What the list of targets has become is the step's state. */
void ladder_settle(struct ladder *l, enum sg_ladder_step step);

/* ---- ladder_backlog.c ---- */

/*
 * Goes on looking for who has those listeners open whose backlog is to grow. How many there are of
 * which it is certain that nobody can be seen to. -errno, with *c filled.
 */
int ladder_find_owners(struct ladder *l, const struct settings *settings, struct complaint *c);
/* 0: not known (yet). */
uint32_t ladder_owner(const struct ladder *l, uint64_t cookie);
/* The backlog of each whose turn it is becomes what is wanted; then they are seen anew. -errno. */
int ladder_listen(struct ladder *l, enum fault between);

/* ---- ladder_tell.c ---- */

/* Counts it, and tells the handler. */
void ladder_tell(struct ladder *l, enum ladder_news news, enum sg_ladder_step step, uint64_t from,
		 uint64_t to, const char *reason);
void ladder_tell_of(struct ladder *l, enum ladder_news news, enum sg_ladder_step step,
		    const char *target, uint64_t from, uint64_t to, const char *reason);
/* A listener of ours that is not there any more. */
void ladder_tell_gone(struct ladder *l, const struct ladder_target *target);
