/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SYN flood inside the lab.
 *
 * It can send only out of the interface that it was set up for, only from 198.18.0.0/15 and
 * 2001:2::/48, only to the server's LAB_IFNAME and its addresses, and only until its end, which the
 * kernel enforces. It is an XDP program in live-frame mode, run by a
 * child process on one CPU; the child dies with the thread that started it.
 *
 * Attach a sink to the interface first: it keeps the host's own stack from answering the answers.
 * The peer needs LAB_GRO or XDP, without which frames do not arrive.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/lab.h"

#define FLOOD_DURATION_MAX_MS 600000

struct flood_options {
	uint16_t port;	    /* host byte order */
	unsigned int ports; /* spread over this many consecutive ones; 0 is 1 */

	/* How many sources, a power of two; 0: as many as the ranges have. */
	uint32_t sources;

	uint64_t rate_per_sec;	  /* 0: as fast as it goes */
	unsigned int burst;	  /* SYNs that are caught up with after a pause; 0: 10 ms of them */
	unsigned int ipv6_share;  /* of 256; 256: IPv6 only */
	uint64_t count;		  /* SYNs at most; 0: bounded by time only */
	unsigned int duration_ms; /* 1 ... FLOOD_DURATION_MAX_MS */
	int cpu_plus_1; /* where it runs, plus 1; 0: the last CPU that this process may use */
};

struct flood_counts {
	uint64_t offered;    /* SYNs sent; what finds the receiver's ring full is lost there */
	uint64_t skipped;    /* SYNs that the rate asked for and the CPU had no time to make */
	uint64_t elapsed_ns; /* from the start to the end or to now */
};

struct flood;

/* Loads and checks; sends nothing yet. -EINVAL. */
int flood_new(struct flood **ret, struct lab *lab, int host, const char *ifname,
	      const struct flood_options *o);

/* Starts it; the end is duration_ms from now. A flood can be started once. */
int flood_start(struct flood *flood);

/* Waits until it has ended by itself: 0, or what made it fail. */
int flood_wait(struct flood *flood);

/* Ends it now. 0, also where it has ended already, or what had made it fail. */
int flood_stop(struct flood *flood);

void flood_counts(const struct flood *flood, struct flood_counts *ret);

/* Stops it. Takes NULL, returns NULL. */
struct flood *flood_free(struct flood *flood);

static inline void flood_freep(struct flood **p)
{
	flood_free(*p);
}

/*
 * Where the answers to the flood end: an XDP program on the client's interface that drops what is
 * sent to LAB_FLOOD_NET4 and LAB_FLOOD_NET6, counts the SYN-ACKs of it, and passes everything else.
 */
struct sink;

/* Attaches to the interface (native XDP) until sink_free(), which takes NULL and returns NULL. */
int sink_new(struct sink **ret, struct lab *lab, int host, const char *ifname);
struct sink *sink_free(struct sink *sink);

/* SYN-ACKs of both families since sink_new(): how many SYNs were answered. */
uint64_t sink_answers(const struct sink *sink);

static inline void sink_freep(struct sink **p)
{
	sink_free(*p);
}
