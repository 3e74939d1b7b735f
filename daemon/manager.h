/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager owns everything and ticks: look, think, act, tell.
 *
 * Starting loads and attaches; freeing detaches and leaves the host as it was. Where the kernel
 * cannot have the datapath, it runs in engine "kernel": it watches, and the report says why.
 */
#pragma once

#include <stddef.h>

#include <systemd/sd-event.h>

#include "complaint.h"
#include "synguard/abi.h"

struct manager;

struct manager_options {
	const char *runtime_dir;
	const char *const *interfaces; /* names; "auto" = all real Ethernet devices that are up */
	size_t interface_count;
	enum sg_mode mode;
};

/* -errno, with *c filled. The caller owns *ret; options must outlive it. */
int manager_new(struct manager **ret, sd_event *event, const struct manager_options *options,
		struct complaint *c);

/*
 * Ends the loop that the manager was made with. If clients hold fresh challenges, first stops
 * challenging and stays for a second, so that their ACKs still find somebody. -errno.
 */
int manager_leave(struct manager *m);

struct manager *manager_free(struct manager *m);
