/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other programs of synguard: where one is, and calls of the daemon, over the socket in its
 * runtime directory.
 *
 * Functions without another word return an exit code, and have printed on stderr what failed: no
 * daemon runs, it does not answer within seconds, it is of another version, or it refused the call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

typedef struct sd_bus sd_bus; /* systemd/sd-bus.h */

/* Where the program is: in a build tree beside this one, else where it is installed. */
void program_find(char *path, size_t size, const char *name);

/*
 * "systemctl start synguard" where systemd runs, knows the unit, and the runtime directory is the
 * standard one; otherwise synguardd with the option that it needs. root: "" or, for tests, a folder
 * that stands for "/". Returns buffer.
 */
const char *start_hint(const char *root, const char *runtime_dir, char *buffer, size_t size);

/*
 * Calls a method; types and arguments as for sd_bus_call_method(), strings must be UTF-8. The answer
 * as JSON: text that is JSON, the contents of a memfd with JSON (answers that may be large), a number
 * as an integer, nothing as null. The caller owns *ret. With ret NULL the memfd is
 * written to stdout as it is.
 */
int client_call(const char *runtime_dir, json_t **ret, const char *method, const char *types, ...);

/* The whole allow or deny list, an array; the caller owns *ret. */
int client_list(const char *runtime_dir, const char *list, json_t **ret);

/* Handlers of events; false from one of them ends the reading, with exit code 0. */
struct client_events {
	bool (*event)(void *userdata, const json_t *event);
	/* so many were overwritten before they could be read */
	bool (*missed)(void *userdata, uint64_t count);
	void *userdata;
};

/*
 * The events that the daemon keeps, in order, and with `follow` new ones as well, until SIGINT,
 * SIGTERM, or until stdout has no reader.
 */
int client_events(const char *runtime_dir, bool follow, const struct client_events *handler);

/* A bus on a connected socket, to be started. flags as for socket(2): without SOCK_NONBLOCK it waits
 * some seconds for a place in the backlog. The caller owns *ret. -EAGAIN: the backlog is full;
 * -ENAMETOOLONG; other -errno. Prints nothing. */
int client_bus(const char *runtime_dir, int flags, sd_bus **ret);
