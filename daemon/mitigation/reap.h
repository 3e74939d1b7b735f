/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper: ends half-open connections that nobody answers, before their time.
 *
 * A round lists the half-open connections by sock_diag, has the BPF program judge those whose
 * SYN-ACK was sent again (dataplane/requests.h), and ends the ripe ones by SOCK_DESTROY. It runs in
 * a thread, locks no connection, is bounded, and comes the less often the more connections there
 * are to list (pace.h), so that no tick waits for it. The rest is left to the next round. It never
 * ends a connection that was answered, one of a listener with TCP_DEFER_ACCEPT, or one whose
 * SYN-ACK was sent (again) within the last second.
 *
 * Between the judgement of a connection and its end lie some microseconds in which it may be
 * answered after all; then the client is reset as if its answer had come a moment later. Leaves to
 * the mitigation when to begin, and to the manager what is reported.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "synguard/reap_abi.h"

#include "daemon/base/complaint.h"

/* Connections that a round judges. */
#define REAP_MAX 8192

/* What a round has done. */
struct reap_round {
	uint64_t half_open;			/* that there were */
	uint64_t verdicts[SG_REQUEST_VERDICTS]; /* of those whose SYN-ACK was sent again */
	uint64_t reaped;
	uint64_t list_cpu_ns; /* what it took to list them */
	int error;	      /* -errno, or 0 */
};

struct reap_handler {
	/* in the loop, after each round */
	void (*done)(void *userdata, const struct reap_round *round);
	void *userdata;
};

struct reap;

/*
 * Needs the rights to load a program. Without an event loop there is only reap_once(). -errno, *c
 * filled; the caller owns *ret.
 */
int reap_new(struct reap **ret, sd_event *event, const struct reap_handler *handler,
	     struct complaint *c);
/* Waits for a round that runs. Takes NULL. */
struct reap *reap_free(struct reap *r);

/*
 * Begins a round in the thread, unless one is under way, or the last one was too costly to come
 * again already. life_usec: the age from which connections are ended.
 */
void reap_begin(struct reap *r, uint64_t now_ns, uint64_t life_usec);

/* A round here and now. */
void reap_once(struct reap *r, uint64_t life_usec, struct reap_round *ret);
