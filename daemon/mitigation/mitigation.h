/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation, carried out: takes and undoes what the planner says, and keeps the way back.
 *
 * A kernel setting is written only after its old value is on record (mitigation_journal.h), and read
 * back. It is undone only where it still has our value: somebody else's wins, is told of, and the
 * step is given up until the configuration is loaded again; of a step about listeners, that
 * listener. Moves stop at the first one that
 * fails. Freeing undoes everything. Leaves to the manager when to tick, and what a lease is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "synguard/mitigation.h"

#include "daemon/base/complaint.h"
#include "daemon/judge/detect.h"
#include "daemon/settings/settings.h"

struct mitigation;
struct report_step;

enum mitigation_news {
	MITIGATION_TAKEN,
	MITIGATION_UNDONE,
	MITIGATION_CONFLICT, /* somebody else has written: `to` is what is there now */
	MITIGATION_FAILED,
	MITIGATION_WOULD, /* the mode is observe */
	MITIGATION_NEWS_COUNT,
};

struct mitigation_handler {
	/* target: the step's, or which of its listeners; reason: "" where there is none */
	void (*tell)(void *userdata, enum mitigation_news news, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason);
	/* about the record, and what needs no undoing any more */
	void (*warn)(void *userdata, const char *text);
	void *userdata;
};

struct mitigation_situation {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	enum sg_mode mode;
	enum detect_state state;
	bool engine; /* there are programs that challenge */
	bool reaper; /* there is one that tells which half-open connections to end */
};

struct mitigation_counts {
	uint64_t takes, undos, conflicts;
};

/*
 * Undoes what an earlier daemon has left on record. dir and h->userdata have to outlive it; the
 * caller owns *ret. -ENOMEM.
 */
int mitigation_new(struct mitigation **ret, const char *dir, const struct mitigation_handler *h);
/* Undoes all that is taken. Takes NULL. */
struct mitigation *mitigation_free(struct mitigation *l);

/* For whoever comes after a daemon: undoes what is on record. -errno: something is left. */
int mitigation_undo_recorded(const char *dir, const struct mitigation_handler *h);

void mitigation_tick(struct mitigation *l, const struct mitigation_situation *now,
		     const struct settings *settings);

/* The configuration was loaded: what was given up may be tried again. */
void mitigation_try_again(struct mitigation *l);

/* By hand; that step, or all where word is "", is given up. -EINVAL: there is no such step. */
int mitigation_undo(struct mitigation *l, const char *word);

bool mitigation_is_taken(const struct mitigation *l, enum sg_mitigation_step step);
struct mitigation_counts mitigation_counts(const struct mitigation *l);
/* SG_MITIGATION_COUNT rows, as of the last tick. */
void mitigation_report(const struct mitigation *l, struct report_step *rows);
/*
 * A row for each listener that is adjusted, or was overwritten by somebody else, or would be
 * adjusted were the mode not observe; at most so many. How many there are. What the rows point to
 * is the mitigation's, until its next tick.
 */
size_t mitigation_report_listeners(const struct mitigation *l, struct report_step *rows,
				   size_t max);
