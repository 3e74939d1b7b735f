/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners as targets of the mitigation: which of them a step is for, what it would make of each, and
 * the list of those of which it has made something.
 *
 * Pure: no clock, no I/O, no log. What a listener has no number of its own for is the host's.
 * Leaves to mitigation_listeners.c to carry it out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/listener_abi.h"
#include "synguard/mitigation.h"

#include "daemon/settings/settings.h"

/* Listeners that may be adjusted at a time, of all steps together. */
#define MITIGATION_TARGETS_MAX 1024

/* Of TCP_SYNCNT (MAX_TCP_SYNCNT, include/net/tcp.h); 0 cannot be written, whatever it was. */
#define MITIGATION_SYNCNT_MIN 1
#define MITIGATION_SYNCNT_MAX 127

/* A listener of which a step has made something. */
struct mitigation_target {
	enum sg_mitigation_step step;
	uint64_t cookie; /* of the socket: never used twice while the host is up */
	char name[56];	 /* "192.0.2.1:80" */
	uint32_t old, ours;
	uint32_t back; /* what it is given instead of an old number that cannot be written; or 0 */
	uint32_t pid;  /* that has it open, as last known; or 0 */
	uint64_t since_usec;
	/* the rest is not recorded */
	bool lost;	/* somebody else has set it: not ours any more, and not to be taken again */
	bool there;	/* it was met when last looked */
	bool turn;	/* it is its turn, to become what is wanted */
	uint32_t value; /* as last read */
	uint32_t wanted;
	uint64_t inode;
};

struct mitigation_targets {
	size_t count;
	struct mitigation_target *items;
};

void mitigation_targets_clear(struct mitigation_targets *t);
/* Borrowed until the list changes; NULL: no memory, or MITIGATION_TARGETS_MAX. */
struct mitigation_target *mitigation_targets_add(struct mitigation_targets *t,
						 enum sg_mitigation_step step,
						 const struct sg_listener *listener);
/* NULL: it is none of the step's. */
struct mitigation_target *mitigation_targets_find(const struct mitigation_targets *t,
						  enum sg_mitigation_step step, uint64_t cookie);
void mitigation_targets_remove(struct mitigation_targets *t, struct mitigation_target *target);
/* Those that are ours. */
size_t mitigation_targets_count(const struct mitigation_targets *t, enum sg_mitigation_step step);

/* What is read of a listener for a step. */
uint32_t mitigation_target_value(enum sg_mitigation_step step, const struct sg_listener *listener);

/* What is known of the host, for what follows. */
struct mitigation_host {
	uint32_t retries; /* the host's SYN-ACK retries, once the mitigation has taken what it may */
	uint32_t somaxconn; /* what a backlog is cut to */
	uint32_t room;	    /* connections for which there is memory */
	bool supposed;	    /* a listener's retries are to be thought of as lowered: mode observe */
};

/* Whether a listener sends SYN-ACKs again so seldom that its queue may be long. */
bool mitigation_target_is_quiet(const struct settings *settings, const struct mitigation_host *host,
				const struct sg_listener *listener);
/* The connections for which targets have been given room beyond what they had. */
uint32_t mitigation_targets_room(const struct mitigation_targets *t);

/*
 * What the step would make of this listener, or 0: it is well as it is. SYN-ACK retries never go
 * up. A backlog grows where half of its queue is full, its SYN-ACKs are sent again seldom, and
 * somebody has the socket open; MPTCP keeps another backlog than the socket's.
 */
uint32_t mitigation_target_aim(enum sg_mitigation_step step, const struct settings *settings,
			       const struct mitigation_host *host,
			       const struct sg_listener *listener);

/*
 * What it is to be given back: the old value; or, where that cannot be written, what comes next to
 * it, which target->back then is: the host's retries for none, somaxconn for a longer backlog.
 */
uint32_t mitigation_target_restore(struct mitigation_target *target, uint32_t host_retries,
				   uint32_t somaxconn);
