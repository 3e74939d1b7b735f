/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real clients in a host of the lab: so many connections a second, each through the host's own
 * stack, each connect, one request, wait for its echo, close.
 *
 * A client counts as connected only when the echo has arrived: an accepted connection that carries
 * nothing is none. One thread of this process; the soft limit of open files is raised to the hard
 * one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lab/lab.h"
#include "tests/lab/server.h"

enum clients_family {
	CLIENTS_BOTH, /* by turns */
	CLIENTS_V4,
	CLIENTS_V6,
};

struct clients_options {
	enum clients_family family;
	const char *dst4; /* NULL: LAB_SERVER_ADDR4 */
	/* where they connect from, NULL: the host's choice; anything that is routed back to it */
	const char *src4, *src6;
	unsigned int sources; /* so many addresses, or IPv6 /64s, by turns, from src4 and src6 on */
	uint16_t port;	      /* host byte order */
	unsigned int rate_per_sec;
	unsigned int duration_ms; /* of starting clients; the last ones then have their time */
	unsigned int deadline_ms; /* a client's time from connect() to the echo; 0: 3000 */
	bool reset_close;	  /* close by RST, which frees the port at once */
	bool mptcp;
	int cpu_plus_1; /* the only CPU the thread may use, plus 1; 0 for any */
};

struct clients_result {
	unsigned int attempted;
	unsigned int connected;	   /* echo within the deadline */
	unsigned int connected_1s; /* echo within one second */
	unsigned int attempted6;   /* of these, IPv6 */
	unsigned int connected6;

	/* The failed ones, by reason; they add up to attempted - connected. */
	unsigned int timed_out;
	unsigned int refused;
	unsigned int reset; /* also: closed before the echo was complete */
	unsigned int other;

	/* Of the connected: connect() to writable, sorted. */
	size_t times;
	uint64_t *connect_ns;

	/* What the latest connected client kept, at the client's end. */
	struct kept kept4;
	struct kept kept6;
};

struct clients;

/* Starts them. -EINVAL: nothing to do, or more than a million clients. */
int clients_start(struct clients **ret, struct lab *lab, int host, const struct clients_options *o);

/* Are there clients that have not connected or failed yet, or not started? */
bool clients_running(struct clients *clients);

/* Waits for the last client. The result is the caller's: clients_result_done(). 0, or what stopped
 * the engine; the result is then that of the clients so far. */
int clients_wait(struct clients *clients, struct clients_result *ret);

/* Cancels, waits. Takes NULL, returns NULL. */
struct clients *clients_free(struct clients *clients);

/* Start and wait. */
int clients_run(struct lab *lab, int host, const struct clients_options *o,
		struct clients_result *ret);

void clients_result_done(struct clients_result *result);

/* The connect() time that @percent of the connected did not exceed; 0 where there are none. */
uint64_t clients_percentile_ns(const struct clients_result *r, unsigned int percent);

static inline void clients_freep(struct clients **p)
{
	clients_free(*p);
}
