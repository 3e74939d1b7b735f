/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon/ways follows the host's rules and routes and tells the programs by which interface it
 * sends to whom, so that a challenge goes the way that the host's own SYN-ACK would go.
 *
 * This is the calculation, a pure function: rules, routes and interfaces in, the table of ways out
 * (include/synguard/abi.h). A prefix that says what the one around it says is left out, so a full
 * BGP table with one next hop is a handful of entries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/routes.h"
#include "synguard/abi.h"

struct ways_iface {
	uint32_t ifindex;
	uint32_t above, below; /* as struct rtnl_iface has them */
	uint32_t mtu;
	bool ethernet; /* and no loopback: SYNs may come in by it */
	bool vrf;
	bool strict;   /* rp_filter is 1 for it */
	uint8_t group; /* calculated */
};

struct ways_entry {
	struct sg_way_key key;
	struct sg_way way;
};

struct ways_class {
	struct sg_listed key; /* local addresses */
	uint32_t class;
};

struct ways_iface_entry {
	uint32_t ifindex;
	struct sg_way_iface iface;
};

struct ways_table {
	struct ways_entry *entries; /* by class and prefix */
	size_t count;
	size_t left_out; /* that there was no room for: they are joined with what is around them */
	struct ways_class *classes;
	size_t class_count;
	struct ways_iface_entry *ifaces;
	size_t iface_count;
	uint32_t flags; /* SG_WAYS_* */
};

/* ifaces are those of the host, by index; their groups are written. The caller owns *ret. -ENOMEM. */
int ways_calculate(const struct routes *routes, struct ways_iface *ifaces, size_t iface_count,
		   struct ways_table *ret);
void ways_table_done(struct ways_table *t);

/* The order of the entries, by their keys. */
int ways_compare_entries(const void *a, const void *b);
