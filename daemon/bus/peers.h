/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of the bus and its peers: who gets a place, who may change something, and when a peer
 * is dropped.
 *
 * A peer is dropped when it asks nothing for BUS_IDLE_USEC, when it does not read its answers, and
 * when it sends what guard.h refuses. No user but root can take all places. Leaves to bus.c what
 * is offered to a peer.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

/* No user but root may take all the places, alone or with others. */
#define BUS_MAX_PEERS	   64
#define BUS_ROOT_PLACES	   8
#define BUS_PLACES_PER_UID 8

/* A follower keeps its place, so followers leave room for peers that only ask. */
#define BUS_MAX_FOLLOWERS     32
#define BUS_FOLLOWERS_PER_UID 4

/* A peer that has not asked anything for this long is dropped, in its greeting or after. */
#define BUS_IDLE_USEC 10000000ULL

/* A peer is dropped when so many answers wait to be read, a follower at so many signals. */
#define BUS_MAX_QUEUED	      4
#define BUS_MAX_QUEUED_EVENTS 64

struct bus_guard;
struct bus_peers;

struct bus_peer {
	sd_bus *bus; /* NULL: the place is free */
	struct bus_peers *all;
	struct bus_guard *guard;
	sd_event_source *idle;
	uid_t uid;
	bool may_change; /* root, or a member of SG_GROUP */
	bool follows;	 /* gets signals */
};

struct bus_peers {
	sd_event *event; /* borrowed */
	/* Adds the object to the peer's connection; userdata of its handlers is the peer. -errno. */
	int (*publish)(struct bus_peer *peer);
	/* Forgets the peer's calls; its connection is about to be closed. */
	void (*forget)(struct bus_peer *peer);
	bool has_group;
	gid_t group; /* looked up once: NSS may block */
	sd_event_source *source;
	sd_event_source *pause; /* while no more peers can be let in */
	int fd;
	char *path;
	struct bus_peer places[BUS_MAX_PEERS];
};

/* Listens on `path`. The caller has set event, publish and forget, and calls close in any case. */
int bus_peers_listen(struct bus_peers *all, const char *path);
void bus_peers_close(struct bus_peers *all);

/* Before something is sent. False: the peer does not read, and was dropped. */
bool bus_peer_reads(struct bus_peer *peer);
/* Makes the peer a follower; false where there are too many, of its user or of all. */
bool bus_peer_follow(struct bus_peer *peer);
/* Closes the connection; the place is free. */
void bus_peer_drop(struct bus_peer *peer);
