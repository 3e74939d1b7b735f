/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows rules, routes and interfaces, and gives the programs the table of ways (table.h).
 *
 * Any message about them leads, a second later at the earliest, to a reading of all; it is done in a
 * thread, and where it is costly (a full BGP table) it takes a fiftieth of a CPU at most.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/dataplane/dataplane.h"
#include "daemon/net/rtnl.h"

struct ways;

struct ways_figures {
	uint64_t entries;  /* of the table */
	uint64_t left_out; /* for which there was no room */
	int error;	   /* of the last reading, -errno */
};

struct ways_handler {
	/* after the start: the table was written, or could not be, see ways_figures() */
	void (*changed)(void *userdata);
	void *userdata;
};

/* Reads and writes before it returns. dp and rtnl are borrowed. The caller owns *ret. -errno. */
int ways_new(struct ways **ret, sd_event *event, struct dataplane *dp, struct rtnl *rtnl,
	     const struct ways_handler *handler);
struct ways *ways_free(struct ways *ways);

struct ways_figures ways_figures(const struct ways *ways);
