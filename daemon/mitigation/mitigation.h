/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation: what the daemon may adjust on the host while an attack lasts, and restores after
 * it (synguard/mitigation.h has the steps).
 *
 * plan.c decides which steps are due, mitigation.c takes and undoes them, record.c keeps on disk
 * what to undo, and each kind of step has its operations: value_steps.c for kernel settings,
 * listener_steps.c and backlog.c for listeners. reap.c is what the step "reap" does.
 *
 * Nothing is changed before its old value is on record, and everything is read back. A value is
 * restored only where it is still ours: somebody else's wins, is reported as a conflict, and is
 * left alone until the configuration is loaded again. Moves stop at the first one that fails.
 * Freeing undoes everything. Leaves to the manager when to tick, and what a lease is.
 */
#pragma once

#include "daemon/mitigation/plan.h"

struct mitigation;
struct report_step;

enum mitigation_event {
	MITIGATION_TAKEN,
	MITIGATION_UNDONE,
	MITIGATION_CONFLICT, /* somebody else has written: `to` is what is there now */
	MITIGATION_FAILED,
	MITIGATION_WOULD, /* the mode is observe */
	MITIGATION_EVENT_COUNT,
};

struct mitigation_handler {
	/* target: the step's, or which of its listeners; reason: "" where there is none */
	void (*event)(void *userdata, enum mitigation_event event, enum sg_mitigation_step step,
		      const char *target, uint64_t from, uint64_t to, const char *reason);
	/* about the record, and about listeners that are gone */
	void (*warn)(void *userdata, const char *text);
	void *userdata;
};

struct mitigation_counts {
	uint64_t takes, undos, conflicts;
};

/*
 * Undoes what an earlier daemon has left on record, the timestamps with the first ticks. dir and
 * h->userdata have to outlive it; the caller owns *ret. -ENOMEM.
 */
int mitigation_new(struct mitigation **ret, const char *dir, const struct mitigation_handler *h);
/* Undoes all that is taken; with tcp_timestamps among it that takes two seconds. Takes NULL. */
struct mitigation *mitigation_free(struct mitigation *m);

/* Without a daemon: undoes what is on record. -errno: something is left. */
int mitigation_undo_recorded(const char *dir, const struct mitigation_handler *h);

void mitigation_tick(struct mitigation *m, const struct mitigation_situation *now,
		     const struct settings *settings);

/* The configuration was loaded: what was given up may be tried again. */
void mitigation_try_again(struct mitigation *m);

/*
 * By hand; that step, or all where word is "", is given up. The timestamps are put back by ticks, when
 * no cookie with theirs is under way. -EINVAL: there is no such step.
 */
int mitigation_undo(struct mitigation *m, const char *word);

bool mitigation_is_taken(const struct mitigation *m, enum sg_mitigation_step step);
/* Whether tcp_timestamps is about to change: no cookie is to carry timestamps meanwhile. */
bool mitigation_settles(const struct mitigation *m);
struct mitigation_counts mitigation_counts(const struct mitigation *m);
/* SG_MITIGATION_COUNT rows, as of the last tick. */
void mitigation_report(const struct mitigation *m, struct report_step *rows);
/*
 * A row for each listener that is adjusted, or was overwritten by somebody else, or would be
 * adjusted were the mode not observe; at most so many. How many there are. What the rows point to
 * is the mitigation's, until its next tick.
 */
size_t mitigation_report_listeners(const struct mitigation *m, struct report_step *rows,
				   size_t max);
