/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The targets of the mitigation's steps: what has been changed, and which value a listener gets.
 *
 * Pure: no clock, no I/O, no log. The kernel setting of a step is a target, each listener that a
 * step has adjusted is one, and so is an action while it is taken. Leaves changing them to
 * value_steps.c and listener_steps.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/listener_abi.h"
#include "synguard/mitigation.h"

#include "daemon/settings/settings.h"

/* Listeners that may be adjusted at a time, of all steps together; and all targets. */
#define MITIGATION_LISTENERS_MAX 1024
#define MITIGATION_TARGETS_MAX	 (MITIGATION_LISTENERS_MAX + SG_MITIGATION_COUNT)

/* Of TCP_SYNCNT (MAX_TCP_SYNCNT, include/net/tcp.h); 0 cannot be written, whatever it was. */
#define MITIGATION_SYNCNT_MIN 1
#define MITIGATION_SYNCNT_MAX 127

struct mitigation_target {
	enum sg_mitigation_step step;
	uint64_t cookie; /* of a listener's socket: never used twice while the host is up */
	char name[56];	 /* "net.core.somaxconn", "192.0.2.1:80" */
	uint64_t old, ours;
	uint64_t back; /* restored instead of an old value that cannot be written; or 0 */
	uint32_t pid;  /* process that has the listener open, as last known; or 0 */
	uint64_t since_usec;
	/* the rest is not recorded */
	bool conflict;	/* somebody else has set it: no longer ours, and not to be taken again */
	bool present;	/* it was there when last read */
	bool chosen;	/* it is to become `wanted` */
	uint64_t value; /* as last read */
	uint64_t wanted;
	uint64_t inode; /* of a listener */
};

struct mitigation_targets {
	size_t count;
	struct mitigation_target *items;
};

void mitigation_targets_clear(struct mitigation_targets *t);
/* A copy, borrowed until the list changes. NULL: no memory, or there are as many as may be. */
struct mitigation_target *mitigation_targets_add(struct mitigation_targets *t,
						 const struct mitigation_target *target);
/* cookie 0: the target of a step that has no listeners. NULL: there is none. */
struct mitigation_target *mitigation_targets_find(const struct mitigation_targets *t,
						  enum sg_mitigation_step step, uint64_t cookie);
void mitigation_targets_remove(struct mitigation_targets *t, struct mitigation_target *target);
/* Connections for which listeners have been given room beyond what they had. */
uint32_t mitigation_targets_room(const struct mitigation_targets *t);

/* ---- listeners ----------------------------------------------------------------------------- */

/* The host, as far as a listener's values depend on it. */
struct mitigation_host {
	uint32_t retries;   /* SYN-ACK retries, once the mitigation has taken what it may */
	uint32_t somaxconn; /* a backlog is cut to it */
	uint32_t room;	    /* connections for which there is memory */
	bool observing; /* mode observe: a listener's retries count as lowered, which they are not */
};

/* The value that the step is about. */
uint32_t mitigation_listener_value(enum sg_mitigation_step step,
				   const struct sg_listener *listener);

/*
 * The value that the step gives it, or 0: it stays as it is. SYN-ACK retries never go up. A backlog
 * grows where half of its queue is full, its SYN-ACKs are sent again seldom, and somebody has the
 * socket open; MPTCP keeps another backlog than the socket's.
 */
uint32_t mitigation_listener_wanted(enum sg_mitigation_step step, const struct settings *settings,
				    const struct mitigation_host *host,
				    const struct sg_listener *listener);

/* Whether it sends SYN-ACKs again so seldom that its queue may be long. */
bool mitigation_listener_may_grow(const struct settings *settings,
				  const struct mitigation_host *host,
				  const struct sg_listener *listener);

/*
 * The value to restore: the old one; or, where that cannot be written, the nearest that can, which
 * target->back is then: the host's retries for none, somaxconn for a longer backlog.
 */
uint64_t mitigation_target_restored(struct mitigation_target *target, uint64_t host_retries,
				    uint64_t somaxconn);
