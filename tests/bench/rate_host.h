/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rate_bench.c measures, and a trial of it at one rate.
 *
 * One CPU is the network: the flood and the clients. The other one is the host: its interface is
 * polled there by a thread that goes before the processes, as an interrupt does, and the listener
 * and the daemon are there. So what is sent is not held up by what is answered, as it is on a veth
 * whose ends share a core, and what is too much is lost in the ring, as with a network card.
 *
 * Functions return 0 or -errno, after they have said on stderr what it is, and write outputs on
 * success only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/clients.h"
#include "tests/lab/flood.h"
#include "yard.h"

#define RATE_LOSS_MOST	    1e-3 /* of what was sent */
#define RATE_WINDOW_MS	    10
#define RATE_CLIENT_LAST_MS 3000 /* that the last client has */

/* Who answers. */
struct rate_row {
	const char *name;
	bool synguard;
	bool yardstick;
	enum yard_program program;
};

struct rate_host {
	const struct rate_row *row;
	unsigned int trial_ms;
	int network_cpu, host_cpu;
	struct lab *lab;
	struct sink *sink;
	struct yard *yard;
	struct server *server;
	struct lab_daemon *daemon;
	unsigned int trials;
};

/*
 * The ring has 256 places. A virtual machine that is not run for half a millisecond overflows it at
 * any rate, and that would be all that a trial of a second could tell. So a trial is cut into
 * windows: a host that cannot keep up loses in each of them.
 */
struct rate_trial {
	double per_sec; /* sent in the median window */
	double loss;	/* of the median window */
	double loss_of_all;
	bool answered; /* all that was received */
};

/* Row, times and CPUs are given, the rest is zero. Free with rate_host_clear(), also on failure. */
int rate_host_build(struct rate_host *h);
void rate_host_clear(struct rate_host *h);

/* @per_sec 0: as fast as a CPU sends. */
int rate_try(struct rate_host *h, uint64_t per_sec, struct rate_trial *ret);

/* Whether the median window lost next to nothing. */
bool rate_is_carried(const struct rate_trial *t);

/* A flood that has begun to send. */
int rate_flood(struct rate_host *h, struct flood **ret, uint64_t per_sec, unsigned int ms);

/* Clients for so long, each with RATE_CLIENT_LAST_MS. The result is the caller's. */
int rate_clients(struct rate_host *h, unsigned int ms, struct clients_result *ret);

int rate_complain(const struct rate_host *h, int err, const char *what);
