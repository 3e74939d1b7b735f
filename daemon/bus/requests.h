/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are answered later: views and changes of lists, each when it is done, and Describe(),
 * whose answer several callers share.
 *
 * Their number is bounded, for each peer and in all. When a peer goes, what is under way for it is
 * completed and not answered.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "daemon/bus/peers.h"

/* Calls of Describe() by one peer; no set of requests needs more places than that. */
#define BUS_MAX_DESCRIBES 4
#define BUS_MAX_REQUESTS  (BUS_MAX_PEERS * BUS_MAX_DESCRIBES)

struct bus_request {
	bool busy;
	struct bus_peer *peer; /* NULL: gone */
	sd_bus_message *call;  /* NULL: its peer is gone */
	bool ready;	       /* of Describe(): its report has been made */
};

struct bus_requests {
	size_t max, max_of_peer;
	bool end_with_peer; /* no thread works for them: peers that come and go must not fill the places */
	struct bus_request places[BUS_MAX_REQUESTS];
};

/* A place for the call, until bus_request_end(). NULL: too many are under way, in all or of the peer. */
struct bus_request *bus_request_begin(struct bus_requests *all, struct bus_peer *peer,
				      sd_bus_message *call);
/* Frees the place. Returns the call, which the caller answers and unrefs, or NULL. */
sd_bus_message *bus_request_end(struct bus_request *request);
/* The peer is gone. Unless they end with it, what a thread does for it goes on and keeps its place. */
void bus_requests_forget(struct bus_requests *all, const struct bus_peer *peer);

struct bus_describe {
	/* The report as JSON, to be freed by us; NULL without memory. */
	char *(*describe)(void *userdata);
	void *userdata;
	struct bus_requests calls;
	char *text; /* for the calls that are ready */
	uint64_t made_usec;
	sd_event_source *timer;
};

/* -errno */
int bus_describe_init(struct bus_describe *d, sd_event *event);
void bus_describe_done(struct bus_describe *d);
/* The method; a peer with too many calls under way is dropped. */
int bus_describe_call(struct bus_describe *d, struct bus_peer *peer, sd_bus_message *call);
