/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus: an sd-bus server on the socket RUNTIME_DIR/bus, for the CLI, the exporter and busctl. It
 * needs no bus daemon:
 *
 *	busctl --address=unix:path=/run/synguard/bus call org.synguard1 /org/synguard1 org.synguard1 Describe
 *
 * Anybody may read the report. To change something, or to see sources, a peer has to be root or in
 * the group "synguard" (SO_PEERCRED, SO_PEERGROUPS); where the group does not exist, root.
 *
 * The daemon never waits for a peer: messages, unread answers, places and calls under way are
 * bounded for each, and the report is filled at most once in 50 ms however many ask for it. Each
 * turn is short, and the manager's tick goes first. guard.c bounds messages, peers.c has the socket
 * and the places, requests.c the calls that are answered later, bus.c the methods. What a method
 * does is the caller's, in struct bus_handler.
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
	/* The lists of sources, see lists/store.h; q->done may be called later. */
	int (*list_add)(void *lists, const struct lists_request *q, struct complaint *c);
	int (*list_remove)(void *lists, const struct lists_request *q, struct complaint *c);
	char *(*list_show)(void *lists, const char *list, uint32_t first);
	void *lists; /* their userdata */
};

/* Listens on `path`, replacing a socket that a dead process left. The caller owns *ret. -errno. */
int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler);
/* Closes all connections and removes the socket. */
struct bus *bus_free(struct bus *bus);

/* Signals to peers that follow: Event(s json), StateChanged(s state, s mode). Take NULL. */
void bus_emit_event(struct bus *bus, const char *json);
void bus_emit_state(struct bus *bus, const char *state, const char *mode);
