/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The views, each written as JSON into a file that can be sought in. In the worker: they take as
 * long as the kernel's listing is. -errno.
 *
 * Where changes overtook the listing while the kernel made it, what was seen is written, and
 * "partial" is true.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/types.h>

struct dataplane;
struct dataplane_requests;
struct services_rate;

/* More rows than this are counted and not listed: nobody reads them, and they take memory. */
#define VIEW_ROWS_MAX 262144

/*
 * The listeners: the queues that the kernel keeps, and what the programs counted for their services
 * in the last second. dp NULL (engine "kernel"): only what sock_diag says is known; a SYN
 * queue is then as long as the half-open connections to it are many.
 */
int listeners_write(FILE *to, struct dataplane *dp, const struct services_rate *rates,
		    size_t rate_count);

/*
 * How many TCP sockets are in which state, in the network namespace and per listener; requests as in
 * answered.h.
 */
int states_write(FILE *to, struct dataplane_requests *requests);

/*
 * Who sends the SYNs: the heavy hitters, with estimates of what they sent, and every source of
 * half-open connections, with their exact number. By prefix or by source, at most `top` rows (0:
 * all). dp NULL: only half-open connections are known.
 */
int sources_write(FILE *to, struct dataplane *dp, bool prefixes, uint32_t top);

enum halfopen_by {
	HALFOPEN_BY_NONE,
	HALFOPEN_BY_SOURCE,
	HALFOPEN_BY_PREFIX,
	HALFOPEN_BY_LISTENER,
};

/* -EINVAL: there is no such word. */
int halfopen_by_parse(const char *word);

/*
 * The half-open connections, each or grouped: exactly those that the kernel shows as SYN_RECV, also
 * of TCP Fast Open. Of this local port; 0: of all. requests as in answered.h.
 */
int halfopen_write(FILE *to, enum halfopen_by by, __be16 port, struct dataplane_requests *requests);

/*
 * How long a connection has been half-open. The kernel says how often it has sent the SYN-ACK again,
 * which it does after 1, 2, 4 seconds and so on, and how long it is until the next time.
 */
uint64_t halfopen_age_ms(unsigned int retransmits, uint32_t expires_ms);
