/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to those who ask: an sd-bus server on a socket of our own, RUNTIME_DIR/bus.
 *
 * No bus daemon is needed. Anybody may ask what is; to change something takes root or the group
 * "synguard" (SO_PEERCRED, SO_PEERGROUPS), and where that group does not exist root alone.
 */
#pragma once

#include <systemd/sd-event.h>

struct bus;
struct report;

struct bus_handler {
	/* The report as JSON, to be freed by the bus; NULL without memory. */
	char *(*describe)(void *userdata);
	/* -EINVAL: no such mode. */
	int (*set_mode)(void *userdata, const char *mode);
	/* The scalars of the report as they are known, for properties: called for each. */
	void (*scalars)(void *userdata, struct report *ret);
	void *userdata;
};

/* Listens on `path`, replacing a socket that a dead process left. The caller owns *ret. -errno. */
int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler);
/* Closes all connections and removes the socket. */
struct bus *bus_free(struct bus *bus);
