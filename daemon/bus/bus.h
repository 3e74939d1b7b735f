/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to those who ask: an sd-bus server on a socket of our own, RUNTIME_DIR/bus, and the
 * same object as org.synguard1 on the system bus, where there is one and when it comes.
 *
 * No bus daemon is needed. Anybody may ask what is; to change something takes root or the group
 * "synguard" (SO_PEERCRED, SO_PEERGROUPS; on the system bus what its daemon says of the sender),
 * and where that group does not exist root alone.
 *
 * Nobody who asks is waited for: messages, answers that are not read, places and calls under way
 * are bounded for each peer, and the report is made at most once in BUS_DESCRIBE_USEC however
 * many ask for it. Each turn is short, and the manager's tick goes first.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

struct bus;
struct complaint;
struct lists_request;
struct report;
struct views_request;

struct bus_handler {
	/* The report as JSON, to be freed by the bus; NULL without memory. */
	char *(*describe)(void *userdata);
	/* The events after number `since`, likewise. */
	char *(*events)(void *userdata, uint64_t since);
	/* -EINVAL: no such mode. */
	int (*set_mode)(void *userdata, const char *mode);
	/* Undoes a step of the mitigation, "" for all; -EINVAL: no such step. */
	int (*undo_mitigation)(void *userdata, const char *step);
	/* The scalars of the report as they are known, for properties: called for each. */
	void (*scalars)(void *userdata, struct report *ret);
	/* A view of the host's sockets; request->done is called later, not where this fails. */
	int (*view)(void *userdata, const struct views_request *request);
	void *userdata;
	/* The lists of sources, as list_store.h says it, with a userdata of their own; q->done may be
	 * called later. */
	int (*list_add)(void *lists, const struct lists_request *q, struct complaint *c);
	int (*list_remove)(void *lists, const struct lists_request *q, struct complaint *c);
	char *(*list_show)(void *lists, const char *list, uint32_t first);
	void *lists;
};

/* Listens on `path`, replacing a socket that a dead process left, and begins to look for the
 * system bus. The caller owns *ret. -errno. */
int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler);
/* Closes all connections and removes the socket. */
struct bus *bus_free(struct bus *bus);

/* Signals to those who follow, and to the system bus: Event(s json), StateChanged(s state, s mode).
 * Takes NULL. */
void bus_tell_event(struct bus *bus, const char *json);
void bus_tell_state(struct bus *bus, const char *state, const char *mode);
