/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the bus share: bus.c (the object), bus_peers.c (our socket), bus_system.c. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/guard.h"
#include "daemon/bus/properties.h"

/* No user but root may take all the places, alone or with others. */
#define BUS_MAX_PEERS	   64
#define BUS_ROOT_PLACES	   8
#define BUS_PLACES_PER_UID 8

/* Who follows keeps the place, so they leave room for those who only ask. */
#define BUS_MAX_FOLLOWERS     32
#define BUS_FOLLOWERS_PER_UID 4

/* A peer that has not asked anything for this long is cut, in its greeting or after. */
#define BUS_IDLE_USEC 10000000ULL

/* A peer that asks and does not read is cut at this many answers, one that follows at this many
 * signals; the system bus, which collects for many, later. */
#define BUS_MAX_QUEUED	      4
#define BUS_MAX_QUEUED_EVENTS 64
#define BUS_MAX_QUEUED_SYSTEM 256

/* Calls of Describe() that wait for their answer, of a peer and of the whole system bus. */
#define BUS_MAX_ASKED	     4
#define BUS_MAX_ASKED_SYSTEM 64
#define BUS_ASKED_TOTAL	     (BUS_MAX_PEERS * BUS_MAX_ASKED + BUS_MAX_ASKED_SYSTEM)

/* Changes that are asked for by senders whom the bus daemon has not named yet. */
#define BUS_MAX_QUESTIONS 32

/* Views under way, one for a peer. */
#define BUS_MAX_VIEWS 16

/* Changes of lists under way. */
#define BUS_MAX_CHANGES 16

/* The report is filled at most once in this time. */
#define BUS_DESCRIBE_USEC 50000ULL

/* How far timers may be off; the default of sd-event is 250 ms. */
#define BUS_ACCURACY_USEC 1000ULL

struct bus_peer {
	sd_bus *bus; /* NULL: the place is free */
	sd_bus_slot *slot;
	struct bus *owner;
	bool system;
	bool follows;
	unsigned int asked; /* calls of Describe() under way */
	/* of our own socket only */
	struct bus_guard *guard;
	sd_event_source *idle;
	uid_t uid;
	bool may_change;
};

struct bus_asked {
	struct bus_peer *peer;
	sd_bus_message *call;
};

/* What is done when it is known whether the sender may change something. As a method handler. */
typedef int (*bus_granted_fn)(struct bus_peer *peer, sd_bus_message *call, bool granted);

/* About the sender of a call on the system bus. */
struct bus_question {
	struct bus *owner;
	sd_bus_message *call; /* NULL: free */
	sd_bus_slot *slot;
	bus_granted_fn granted;
};

/* A view, or a change of a list, that is being made. Its place is taken until that has ended, also where the peer went. */
struct bus_view {
	struct bus_peer *peer; /* NULL: gone, or never was */
	sd_bus_message *call;
	bool busy;
};

struct bus {
	sd_event *event;
	struct bus_handler handler;
	struct bus_properties properties;
	bool has_group;
	gid_t group; /* looked up once: NSS may block */

	/* bus.c: the answers to Describe() */
	struct bus_asked asked[BUS_ASKED_TOTAL]; /* in order */
	size_t asked_count;
	size_t answering; /* of them, with `description` */
	char *description;
	uint64_t described_usec;
	sd_event_source *answer;

	/* bus_views.c */
	struct bus_view views[BUS_MAX_VIEWS];

	/* bus_lists.c; as views */
	struct bus_view changes[BUS_MAX_CHANGES];

	/* bus_peers.c */
	sd_event_source *source;
	sd_event_source *rest; /* while no more peers can be let in */
	int fd;
	char *path;
	struct bus_peer peers[BUS_MAX_PEERS];

	/* bus_system.c */
	struct bus_peer system;
	sd_event_source *retry;
	uint64_t retry_usec;
	struct bus_question questions[BUS_MAX_QUESTIONS];
};

/* bus.c. publish: the object and what it offers, on a connection. */
int bus_publish(struct bus_peer *peer);
/* Closes and forgets; of the system bus, tries again later. */
void bus_peer_drop(struct bus_peer *peer);
/* Before each answer; false: the peer does not read, and was dropped. */
bool bus_peer_listens(struct bus_peer *peer);

/* bus_views.c: method handlers, and what is to be done before a peer goes. */
int bus_on_halfopen(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_on_listeners(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_on_sources(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_on_states(sd_bus_message *m, void *userdata, sd_bus_error *error);
void bus_views_forget(struct bus *b, const struct bus_peer *peer);

/* For every method that changes something or names a source: asks who the caller is. */
int bus_if_granted(struct bus_peer *peer, sd_bus_message *call, bus_granted_fn granted);

/* bus_lists.c: methods, and what is to be done before a peer goes. */
void bus_lists_forget(struct bus *b, const struct bus_peer *peer);
int bus_on_list_add(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_on_list_remove(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_on_list_show(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus_peers.c */
int bus_peers_listen(struct bus *b, const char *path);
void bus_peers_close(struct bus *b);

/* bus_system.c */
int bus_system_start(struct bus *b);
void bus_system_close(struct bus *b);
void bus_system_again(struct bus *b);
void bus_system_forget_questions(struct bus *b);
/* Asks the bus daemon, without waiting, who sent the call. */
int bus_system_ask_sender(struct bus_peer *peer, sd_bus_message *call, bus_granted_fn granted);
