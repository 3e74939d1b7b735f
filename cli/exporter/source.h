/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be served: the daemon's report as Prometheus text, read once a second at most however
 * often it is asked for.
 *
 * Never waits: a daemon that hangs is given up after two seconds, by the clock and in whatever
 * state the connection to it is. Not to be reached is an answer too (synguard_up 0), and is kept
 * for the same second.
 */
#pragma once

#include <systemd/sd-event.h>

struct source;

/* Borrows the directory's name. ready() is called from the loop. The caller owns *ret. -errno. */
int source_new(struct source **ret, sd_event *event, const char *runtime_dir,
	       void (*ready)(void *userdata), void *userdata);
struct source *source_free(struct source *s);

/*
 * The text, which is of this second and stays until the loop goes on; or NULL: it is being read,
 * ready() will be called once and source_last() has it then.
 */
const char *source_text(struct source *s);

/* The text last read, however old; NULL before the first. */
const char *source_last(const struct source *s);
