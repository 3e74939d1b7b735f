/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What links knows: interfaces by index and addresses, sorted, so that a host with thousands of
 * them costs no more than a few comparisons a message. Part of links; knows no netlink.
 */
#pragma once

#include "daemon/net/rtnl.h"

/* An address that two interfaces have stays until both have lost it. */
struct links_address {
	struct sg_addr addr;
	int ifindex;
	bool stale; /* not seen yet in the dump under way */
};

/* All zero but the handler to begin with. */
struct links_known {
	const struct links_handler *handler; /* hears of addresses */
	struct link_info *infos;	     /* by index */
	size_t info_count;
	struct links_address *addresses; /* by address, then by index */
	size_t address_count;
	uint64_t serial, version; /* the last ones given */
};

/* NULL: there is none. */
struct link_info *links_known_find(struct links_known *k, int index);
/* The entry, a new one where there is none, as one that the kernel speaks of; NULL without memory. */
struct link_info *links_known_get(struct links_known *k, int index);
void links_known_remove(struct links_known *k, int index);

/* -ENOMEM. */
int links_known_address_add(struct links_known *k, int ifindex, const struct sg_addr *addr);
void links_known_address_remove(struct links_known *k, int ifindex, const struct sg_addr *addr);

/* A dump begins: all is doubted; what it did not show goes. */
void links_known_doubt(struct links_known *k);
void links_known_drop_stale(struct links_known *k);

void links_known_done(struct links_known *k);
