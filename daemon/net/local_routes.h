/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes of which every address is this host's, though no interface has it: routes of type local
 * (AnyIP: `ip route add local 192.0.2.0/24 dev lo`) in the table local.
 *
 * The table is read at the start and then every 5 s in a thread, because the kernel tells of all
 * routes or of none, and a router has a million. Other tables are not looked at: their routes hold
 * for some packets only, by rules that a program cannot ask for.
 */
#pragma once

#include <stddef.h>

#include <systemd/sd-event.h>

#include "daemon/base/addr.h"

struct local_routes;

struct local_routes_handler {
	/* if there are any, and when they have changed: all, sorted, and none twice */
	void (*changed)(void *userdata, const struct addr_prefix *prefixes, size_t count);
	/* the table could not be read: -errno */
	void (*failed)(void *userdata, int error);
	void *userdata;
};

/* Calls the handler from within, too. The caller owns *ret. -errno. */
int local_routes_new(struct local_routes **ret, sd_event *event,
		     const struct local_routes_handler *handler);
struct local_routes *local_routes_free(struct local_routes *l);

/*
 * Reads them now. Left out are the kernel's own, which are those of the interfaces' addresses and
 * 127.0.0.0/8, and the default route. The caller frees *ret. -errno.
 */
int local_routes_read(struct addr_prefix **ret, size_t *count);
