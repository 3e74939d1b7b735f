/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What links knows: interfaces by index and addresses, sorted, so that a host with thousands of
 * them costs no more than a few comparisons a message. Part of links; knows no netlink.
 */
#pragma once

#include "daemon/net/rtnl.h"

/* An address that two interfaces have stays until both have lost it. */
struct rtnl_address {
	struct sg_addr addr;
	int ifindex;
	bool stale; /* not seen yet in the dump under way */
};

/* All zero but the handler to begin with. */
struct rtnl_cache {
	const struct rtnl_handler *handler; /* hears of addresses */
	struct rtnl_iface *infos;	    /* by index */
	size_t info_count;
	struct rtnl_address *addresses; /* by address, then by index */
	size_t address_count;
	uint64_t serial, version; /* the last ones given */
};

/* NULL: there is none. */
struct rtnl_iface *rtnl_cache_find(struct rtnl_cache *k, int index);
/* The entry, a new one where there is none, as one that the kernel speaks of; NULL without memory. */
struct rtnl_iface *rtnl_cache_get(struct rtnl_cache *k, int index);
void rtnl_cache_remove(struct rtnl_cache *k, int index);

/* -ENOMEM. */
int rtnl_cache_address_add(struct rtnl_cache *k, int ifindex, const struct sg_addr *addr);
void rtnl_cache_address_remove(struct rtnl_cache *k, int ifindex, const struct sg_addr *addr);

/* A dump begins: all is doubted; what it did not show goes. */
void rtnl_cache_doubt(struct rtnl_cache *k);
void rtnl_cache_drop_stale(struct rtnl_cache *k);

void rtnl_cache_done(struct rtnl_cache *k);
