/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which steps of the mitigation are to be taken and which undone, now; what has been changed; and
 * which value a listener gets.
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
#include "synguard/listener_abi.h"
#include "synguard/mitigation.h"

#include "daemon/judge/detect.h"
#include "daemon/settings/settings.h"

/* SYN-ACK retries with which a queue may grow, where nothing is set. */
#define MITIGATION_FEW_RETRIES 1

/*
 * tcp_timestamps is written only where for so long no cookie was sent with timestamps, because the
 * kernel reads those by what the setting is when they come back. The longest round trip.
 */
#define MITIGATION_SETTLE_NS 2000000000ULL

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

struct mitigation_situation {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	enum sg_mode mode;
	enum detect_state state;
	bool engine;	     /* there are programs that challenge */
	bool kernel_cookies; /* a service is to be challenged with engine listener */
	bool reaper;	     /* there is one that judges half-open connections */
};

/* A step as it is. */
struct mitigation_step {
	bool known; /* the value could be read */
	bool taken;
	bool given_up;
	bool failed;	/* could not be taken a moment ago */
	uint64_t value; /* as last read; of SOCKETS: how many listeners there are to adjust */
};

struct mitigation_state {
	struct mitigation_situation now;
	uint64_t listeners;   /* that share the memory for longer queues */
	bool repeats;	      /* a listener with a longer backlog sends SYN-ACKs again often */
	uint64_t settling_ns; /* since when the plan `settles`; 0: it does not */
	struct mitigation_step steps[SG_MITIGATION_COUNT];
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
	bool settles; /* tcp_timestamps is about to change: no cookie is to carry timestamps */
	size_t count;
	struct mitigation_move moves[2 * SG_MITIGATION_COUNT]; /* in order */
};

/*
 * How long a half-open connection lives that nobody answers, with so many SYN-ACK retries; more
 * than MITIGATION_RETRIES_TIMED are taken for as many.
 */
#define MITIGATION_RETRIES_TIMED 6
uint64_t mitigation_half_open_usec(uint64_t retries);

void mitigation_plan(const struct mitigation_state *state, const struct settings *settings,
		     struct mitigation_plan *ret);

/* ---- targets ------------------------------------------------------------------------------- */

/* Listeners that may be adjusted at a time, of all steps together; and all targets. */
#define MITIGATION_LISTENERS_MAX 1024
#define MITIGATION_TARGETS_MAX	 (MITIGATION_LISTENERS_MAX + SG_MITIGATION_COUNT)

/* Of TCP_SYNCNT (MAX_TCP_SYNCNT, include/net/tcp.h); 0 cannot be written, whatever it was. */
#define MITIGATION_SYNCNT_MIN 1
#define MITIGATION_SYNCNT_MAX 127

/*
 * What has been changed: a kernel setting, a listener that a step has adjusted, an action while it
 * is taken.
 */
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
