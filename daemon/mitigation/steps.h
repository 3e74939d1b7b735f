/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the mitigation share: its body, and what one of them does for another. mitigation.c
 * has its life and its tick, mitigation_moves.c takes and undoes, mitigation_listeners.c does where the
 * targets are listeners, mitigation_tell.c says what is. Nobody else includes this.
 */
#pragma once

#include "daemon/base/complaint.h"
#include "daemon/base/fault.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/mitigation/plan.h"
#include "daemon/mitigation/targets.h"

struct dataplane_adjust;
struct socket_owner;
struct socket_owner_wanted;

#define MITIGATION_OF_ANOTHER "somebody else has set it, and that stays"

struct mitigation_step {
	bool known, taken, given_up, conflict, would;
	uint64_t value; /* as last read */
	uint64_t old, ours, since_usec;
	uint64_t retry_ns;
	char failure[160];
};

struct mitigation {
	const char *dir;
	struct mitigation_handler handler;
	struct mitigation_step steps[SG_MITIGATION_COUNT];
	struct mitigation_wish wishes[SG_MITIGATION_COUNT];
	struct mitigation_counts counts;
	struct mitigation_targets targets;
	struct mitigation_targets would; /* listeners that would be, were the mode not observe */
	struct dataplane_adjust *adjust; /* NULL: not tried yet, or not to be had */
	struct complaint adjust_fault;	 /* why it is not */
	struct sg_listener *seen;	 /* at the last look, where there was one */
	size_t seen_count, seen_room;
	bool observes;
	bool repeats; /* one with a longer backlog sends SYN-ACKs again often */
	struct socket_owner *socket_owner;
	struct socket_owner_wanted
		*owners; /* of those whose backlog is to grow, as far as they are known */
	size_t owner_count;
	bool owners_more; /* some have come since the processes began to be gone through */
	bool leaving;	  /* this is the last time: it may take a while */
	bool stale;	  /* the record has what is undone: to be written again */
};

/* ---- mitigation_moves.c ---- */

/* Writes what is taken to the record. -errno, with *c filled. */
int mitigation_record(struct mitigation *l, struct complaint *c);
/* As the wish for it says, unless it has failed a moment ago. -errno: nothing has changed. */
int mitigation_take(struct mitigation *l, enum sg_mitigation_step step,
		    const struct settings *settings, uint64_t now_ns);
/* -errno: it is still taken. */
int mitigation_give_back(struct mitigation *l, enum sg_mitigation_step step);
/* In reverse; a step that cannot be undone keeps those under it, so that no queue stays long. */
int mitigation_undo_all(struct mitigation *l);
/* Somebody else has written its target: that stays, and the step is given up. */
void mitigation_lose(struct mitigation *l, enum sg_mitigation_step step);

/* Told once for each reason; where it is now, the step is not tried again for a while. */
void mitigation_fail(struct mitigation *l, enum sg_mitigation_step step, uint64_t now_ns,
		     const char *reason);
uint64_t mitigation_realtime_usec(void);

/* ---- mitigation_see.c ---- */

/* What it takes to see and adjust listeners. -errno, with *c filled. */
int mitigation_adjuster(struct mitigation *l, struct complaint *c);
/* Reads them all; what is known of targets is then of now. -errno, with *c filled. */
int mitigation_see(struct mitigation *l, struct complaint *c);
/* What the planner is to know of them, where there is something to look for. */
void mitigation_look_at_listeners(struct mitigation *l, const struct mitigation_situation *now,
				  const struct settings *settings);
/* The host's SYN-ACK retries as they are without us. */
uint32_t mitigation_host_retries(const struct mitigation *l);
/* net.core.somaxconn of now. */
uint32_t mitigation_somaxconn(const struct mitigation *l);
/* What the step would make of this listener; 0: nothing, or it has already. */
uint32_t mitigation_aim_at(struct mitigation *l, enum sg_mitigation_step step,
			   const struct settings *settings, const struct sg_listener *listener);

/* ---- mitigation_listeners.c ---- */

/* All that need it and were there at the last look. -errno: nothing has changed. */
int mitigation_take_listeners(struct mitigation *l, enum sg_mitigation_step step,
			      const struct settings *settings, uint64_t now_ns);
/* -errno: some are still taken. */
int mitigation_give_back_listeners(struct mitigation *l, enum sg_mitigation_step step);
/* What would be taken, for those who ask. */
void mitigation_observe_listeners(struct mitigation *l, enum sg_mitigation_step step,
				  const struct settings *settings);
/* What the list of targets has become is the step's state. */
void mitigation_settle(struct mitigation *l, enum sg_mitigation_step step);

/* ---- mitigation_backlog.c ---- */

/*
 * Goes on looking for who has those listeners open whose backlog is to grow. How many there are of
 * which it is certain that nobody can be seen to. -errno, with *c filled.
 */
int mitigation_find_owners(struct mitigation *l, const struct settings *settings,
			   struct complaint *c);
/* 0: not known (yet). */
uint32_t mitigation_owner(const struct mitigation *l, uint64_t cookie);
/* The backlog of each whose turn it is becomes what is wanted; then they are seen anew. -errno. */
int mitigation_listen(struct mitigation *l, enum fault between);

/* ---- mitigation_tell.c ---- */

/* Counts it, and tells the handler. */
void mitigation_tell(struct mitigation *l, enum mitigation_news news, enum sg_mitigation_step step,
		     uint64_t from, uint64_t to, const char *reason);
void mitigation_tell_of(struct mitigation *l, enum mitigation_news news,
			enum sg_mitigation_step step, const char *target, uint64_t from,
			uint64_t to, const char *reason);
/* A listener of ours that is not there any more. */
void mitigation_tell_gone(struct mitigation *l, const struct mitigation_target *target);
