/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the daemon, over the socket in its runtime directory. With client_events.c
 * the only user of sd-bus in the CLI.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/*
 * The report; the caller owns *ret. Returns an exit code, and has said on stderr what is wrong: there
 * is no daemon, one that does not answer within seconds, or one of another version.
 */
int client_describe(const char *runtime_dir, json_t **ret);

/* Likewise an exit code. */
int client_set_mode(const char *runtime_dir, const char *mode);
int client_undo_mitigation(const char *runtime_dir, const char *step);

/* Prefixes for the allow or the deny list; see ListAdd() of the daemon. Likewise an exit code. */
struct client_list_add {
	const char *list;
	const char *lines;
	const char *name;   /* of the text, where it has lines that may be wrong; "" = no matter */
	const char *expire; /* "" = never */
	const char *spared;
	bool runtime;
	bool force;
};
int client_list_add(const char *runtime_dir, const struct client_list_add *q, uint32_t *count);
int client_list_remove(const char *runtime_dir, const char *list, const char *lines,
		       uint32_t *count);
/* All entries, an array; the caller owns *ret. */
int client_list_show(const char *runtime_dir, const char *list, json_t **ret);

/* A view of the host's sockets, JSON that may be large: the daemon hands over a descriptor. */
enum client_view {
	CLIENT_LISTENERS,
	CLIENT_HALFOPEN, /* by: source, prefix, listener, none; of this port, or 0 for all */
	CLIENT_STATES,
	CLIENT_SOURCES, /* by: source, prefix; at most so many rows, or 0 for all */
};

/*
 * The caller owns *ret. Likewise an exit code. _fd: the text as the daemon has made it, one row a
 * line, to be read from the descriptor.
 */
int client_view(const char *runtime_dir, enum client_view view, const char *by, uint32_t number,
		json_t **ret);
int client_view_fd(const char *runtime_dir, enum client_view view, const char *by, uint32_t number,
		   int *ret);

/* What is to be done with the events; false from one of them ends it, with exit code 0. */
struct client_events {
	bool (*event)(void *userdata, const json_t *event);
	/* so many were overwritten before they could be read */
	bool (*missed)(void *userdata, uint64_t count);
	void *userdata;
};

/*
 * The events that the daemon keeps, in order, and with `follow` those that come, until SIGINT,
 * SIGTERM, or nobody reads stdout any more. Likewise an exit code.
 */
int client_events(const char *runtime_dir, bool follow, const struct client_events *handler);
