/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab: hosts (host.h) and links between them (link.h), for the demo, the netns tests and the
 * bench. Nothing outside of its namespaces is touched, nothing gets a name in /run/netns, and no
 * program is called to set anything up.
 *
 * Left to the caller: what runs in the hosts (run.h, lab_daemon.h, server.h, clients.h, flood.h).
 */
#pragma once

#include "tests/lab/host.h"
#include "tests/lab/link.h"

/* The topology of lab_new(): two hosts, one link, and a route for answers to the flood's sources.
 * */
enum {
	LAB_SERVER,
	LAB_CLIENT,
};

#define LAB_SERVER_ADDR4 "192.0.2.1"
#define LAB_SERVER_ADDR6 "2001:db8::1"
#define LAB_CLIENT_ADDR4 "192.0.2.2"
#define LAB_CLIENT_ADDR6 "2001:db8::2"

/* RFC 2544 and RFC 5180: set aside for benchmarks. The only sources that a flood uses. */
#define LAB_FLOOD_NET4 "198.18.0.0/15"
#define LAB_FLOOD_NET6 "2001:2::/48"

/* Free with lab_free(). */
int lab_new(struct lab **ret);
/* The same with so many queues at each end of the link, each polled on the CPU that sent to it; 0:
 * as many as the kernel makes. */
int lab_new_queues(struct lab **ret, unsigned int queues);
