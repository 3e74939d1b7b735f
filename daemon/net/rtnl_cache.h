/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces and addresses that rtnetlink has told of, sorted, so that a message costs a few
 * comparisons on a host with thousands of them. Part of rtnl.h: takes messages, opens no socket.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/abi.h"

struct rtnl_iface {
	int index;
	uint64_t serial;  /* another one where the kernel gave the index to another interface */
	uint64_t version; /* another one with each message about it */
	char name[IFNAMSIZ];
	bool up;
	bool ethernet;
	bool loopback;
	bool virtual; /* has an IFLA_INFO_KIND: veth, bridge, bond, vlan ... */
	bool stale;   /* the cache's: not seen yet in the dump at hand */
};

/* An address of two interfaces stays until both have lost it. */
struct rtnl_address {
	struct sg_addr addr;
	int ifindex;
	bool stale; /* not seen yet in the dump at hand */
};

/* All zero but the callback to begin with. */
struct rtnl_cache {
	/* an address came to this host, or left its last interface */
	void (*address)(void *userdata, const struct sg_addr *addr, bool here);
	void *userdata;
	struct rtnl_iface *ifaces; /* by index */
	size_t iface_count;
	struct rtnl_address *addresses; /* by address, then by index */
	size_t address_count;
	uint64_t serial, version; /* the last ones given */
	bool changed;		  /* something about interfaces; the caller resets it */
};

/* RTM_{NEW,DEL}{LINK,ADDR} messages of a monitor; others are left out. -ENOMEM. */
int rtnl_cache_apply(struct rtnl_cache *c, const void *messages, size_t bytes);

/* The same of a dump: what a complete one does not have has gone. -ENOMEM. */
int rtnl_cache_apply_dump(struct rtnl_cache *c, const void *messages, size_t bytes, bool complete);

/* NULL: there is none. */
struct rtnl_iface *rtnl_cache_find(const struct rtnl_cache *c, int index);

void rtnl_cache_done(struct rtnl_cache *c);
