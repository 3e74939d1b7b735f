/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of a kind of step, and what they work on.
 *
 * mitigation.c takes, undoes and reports every step in the same way, by the list of targets; the
 * operations are what differs between listeners and the rest.
 */
#pragma once

#include "daemon/base/complaint.h"
#include "daemon/mitigation/fault.h"
#include "daemon/mitigation/plan.h"
#include "daemon/net/proc.h"

struct dataplane_adjust;

/* Listeners whose owners are looked for at a time. */
#define LISTENERS_OWNERS_MAX 64

/* The listeners of the host, as listener_steps.c has read them. Zeroed = new. */
struct listeners {
	struct dataplane_adjust *adjust; /* NULL: not tried yet, or not to be had: */
	struct complaint adjust_fault;
	struct sg_listener *items;
	size_t count, room;
	bool fresh; /* read in this tick, and not for undoing */
	/* those whose backlog is to grow, with the processes that have them open */
	struct proc_walk walk;
	struct socket_owner_wanted owners[LISTENERS_OWNERS_MAX];
	size_t owner_count;
	bool owners_added; /* since the walk through the processes began */
};

struct steps {
	struct mitigation_state state;
	struct mitigation_goal goals[SG_MITIGATION_COUNT];
	struct mitigation_targets targets;
	const struct settings *settings; /* in a tick */
	bool leaving;			 /* there is no later try: undoing may take a while */
	struct listeners listeners;
};

struct step_ops {
	/* Reads the step's value, and `value` and `present` of its targets. -errno, *c filled. */
	int (*observe)(struct steps *s, enum sg_mitigation_step step, struct complaint *c);
	/*
	 * Adds to the list, as chosen, what is to be changed now. -errno, with *c filled: nothing;
	 * 0 with *c filled: it is not possible for all.
	 */
	int (*choose)(struct steps *s, enum sg_mitigation_step step, struct mitigation_targets *to,
		      struct complaint *c);
	/*
	 * Writes to each chosen target what is wanted, where it still is what it was, and reads it
	 * back into `value`. -errno of the first that failed, with *c filled.
	 */
	int (*write)(struct steps *s, enum sg_mitigation_step step, enum fault between,
		     struct complaint *c);
};

extern const struct step_ops value_step_ops, listener_step_ops;

/* The host's SYN-ACK retries as they are without us, and net.core.somaxconn; of now. */
uint64_t steps_host_retries(const struct steps *s);
uint64_t steps_somaxconn(const struct steps *s);

/* Loads what it takes to read and adjust listeners, which is possible only at the start. -errno. */
int listeners_prepare(struct listeners *l, struct complaint *c);
void listeners_done(struct listeners *l);
/* The values of their steps, and whether one repeats, by what was read; conflicts are known. */
void listeners_assess(struct steps *s);
