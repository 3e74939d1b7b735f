/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text to serve: the daemon's report in Prometheus' format, read once a second at most.
 *
 * Never blocks: a read ends after two seconds, in whatever state the connection to the daemon is. An
 * unreachable daemon gives a text too (synguard_up 0), which is kept for the same second.
 */
#pragma once

#include <systemd/sd-event.h>

struct source;

/* runtime_dir has to outlive it. ready() is called from the loop. The caller owns *ret. -errno. */
int source_new(struct source **ret, sd_event *event, const char *runtime_dir,
	       void (*ready)(void *userdata), void *userdata);
struct source *source_free(struct source *s);

/*
 * The text of this second, valid until the loop goes on. NULL: it is being read; ready() will be
 * called once, and then source_last() has it.
 */
const char *source_text(struct source *s);

/* The text last read, however old; NULL before the first. */
const char *source_last(const struct source *s);
