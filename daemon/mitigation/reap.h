/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper: ends half-open connections that nobody answers, before their time.
 *
 * A round lists the half-open connections by sock_diag, has the program judge those whose SYN-ACK
 * was sent again (dataplane_requests.h), and ends the ripe ones by SOCK_DESTROY. It runs in a thread
 * of its own, locks no connection, is bounded, and comes the less often the more connections there
 * are to list (pace.h), so that no tick waits for it. What is left over is for the next round. What it never ends: a connection that was answered, one of a listener with
 * TCP_DEFER_ACCEPT, one whose SYN-ACK was sent (again) within the last second.
 *
 * Between the judgement of a connection and its end lie some microseconds in which it may be
 * answered after all; then it is reset as if the answer had come a moment later, when there would
 * be nothing left that it belongs to. Leaves to the mitigation when it is time, and to the manager what
 * is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "synguard/reap_abi.h"

#include "daemon/base/complaint.h"

/* In a round; more are for the next one. */
#define REAP_MAX 8192

/* What a round has done. */
struct reap_round {
	uint64_t half_open;			/* that there were */
	uint64_t verdicts[SG_REQUEST_VERDICTS]; /* of those whose SYN-ACK was sent again */
	uint64_t reaped;
	bool full;	      /* there are more than a round takes */
	uint64_t list_cpu_ns; /* what it took to list them */
	int error;	      /* -errno, or 0 */
};

/* A round without the thread. */
struct reap_hand;

/* Needs the rights to load a program: dataplane_requests.h. -errno, *c filled. */
int reap_hand_new(struct reap_hand **ret, struct complaint *c);
struct reap_hand *reap_hand_free(struct reap_hand *hand);
/* life_usec: as old they have to be. */
void reap_once(struct reap_hand *hand, uint64_t life_usec, struct reap_round *ret);

struct reap_handler {
	/* in the loop, after each round */
	void (*done)(void *userdata, const struct reap_round *round);
	void *userdata;
};

struct reap;

/* Needs the rights to load a program. -errno, *c filled; the caller owns *ret. */
int reap_new(struct reap **ret, sd_event *event, const struct reap_handler *handler,
	     struct complaint *c);
/* Waits for a round that runs. Takes NULL. */
struct reap *reap_free(struct reap *r);

/* Begins a round, unless one is under way, or the last one was too costly to come again already. */
void reap_begin(struct reap *r, uint64_t now_ns, uint64_t life_usec);
