/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguardd inside a host of the lab.
 *
 * The daemon counts as started when it has said READY=1 (sd_notify(3)), so that what comes after
 * meets its programs attached. It dies with the thread that started it.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "tests/lab/lab.h"

struct lab_daemon_options {
	const char *program;	 /* NULL: lab_find_program("synguardd") */
	const char *runtime_dir; /* NULL: a temporary one, removed by lab_daemon_free() */
	const char *interface;	 /* NULL: LAB_IFNAME; "": what its configuration says */
	const char *mode;	 /* NULL: the daemon's default */
	const char *config;	 /* the text of its only configuration file; NULL: an empty one, but
				  * with a runtime_dir given, the host's */
	const char *const *args; /* more arguments, a final NULL; NULL for none */
	int cpu_plus_1;		 /* the only CPU it may use, plus 1; 0 for any */
};

struct lab_daemon;

/*
 * Starts and waits for readiness. Where that fails, *@ret is untouched and @tail (may be NULL)
 * holds the end of what the daemon wrote to stderr. -ENOENT: no such program; -ETIMEDOUT: no
 * READY=1 in time; -ECHILD: it ended by itself.
 */
int lab_daemon_start(struct lab_daemon **ret, struct lab *lab, int host,
		     const struct lab_daemon_options *o, char *tail, size_t tail_size);

/* SIGTERM, up to @timeout_ms for it to end, then SIGKILL. Writes the wait status (may be NULL).
 * -ETIMEDOUT where SIGKILL was needed. */
int lab_daemon_stop(struct lab_daemon *daemon, int timeout_ms, int *ret_status);

/* Stops what still runs, removes a temporary runtime directory. Takes NULL, returns NULL. */
struct lab_daemon *lab_daemon_free(struct lab_daemon *daemon);

pid_t lab_daemon_pid(const struct lab_daemon *daemon);
const char *lab_daemon_runtime_dir(const struct lab_daemon *daemon);

/* The end of what it has written to stderr so far. */
void lab_daemon_tail(const struct lab_daemon *daemon, char *buf, size_t size);

static inline void lab_daemon_freep(struct lab_daemon **p)
{
	lab_daemon_free(*p);
}
