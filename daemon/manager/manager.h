/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager owns everything and ticks: sample, judge, act, report.
 *
 * Starting loads and attaches; freeing detaches and leaves the host as it was. Where the kernel
 * cannot have the datapath, it runs in engine "kernel": it watches, and the report says why. Every
 * part that it owns lives in a folder of its own; here is only which of them does what when, the
 * events that come of it (emit.h), and that there is one daemon (instance.h).
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "daemon/base/complaint.h"
#include "daemon/settings/settings.h"

struct manager;

struct manager_options {
	const char *runtime_dir;
	const char *state_dir; /* what is kept over a restart */
	struct settings settings;
	bool config_ok;		/* no fault of the files had to be left out */
	char config_fault[256]; /* the first one, if there was */
};

/* -errno, with *c filled. The caller owns *ret; options must outlive it. */
int manager_new(struct manager **ret, sd_event *event, const struct manager_options *options,
		struct complaint *c);

/*
 * Other settings for a running manager: applies what has changed, and attaches nothing again that
 * stays. A mode that was set over the bus holds.
 */
void manager_configure(struct manager *m, const struct settings *settings);

/* The files had a fault: what is in force stays, and the reason becomes an event. */
void manager_refuse_configuration(struct manager *m, const char *reason);

/*
 * Ends the loop that the manager was made with. If clients hold fresh challenges, first stops
 * challenging and stays for a second, so that their ACKs are still accepted. -errno.
 */
int manager_leave(struct manager *m);

struct manager *manager_free(struct manager *m);
