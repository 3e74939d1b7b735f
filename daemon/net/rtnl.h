/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to rtnetlink: which interfaces there are and which addresses are this host's.
 *
 * Dumps both at the start and follows the kernel's messages from then on. When messages were lost
 * (ENOBUFS) it dumps again until a dump came through whole, so what it knows is behind reality but
 * never wrong for good. After the start dumps are taken in a thread: the kernel makes them wait for
 * whoever changes interfaces meanwhile. Speaks of this network namespace only.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "synguard/abi.h"

struct rtnl;

struct rtnl_iface {
	int index;
	uint64_t serial;  /* another one where the kernel gave the index to another interface */
	uint64_t version; /* another one whenever the kernel said something about it */
	char name[IFNAMSIZ];
	bool up;
	bool ethernet;
	bool loopback;
	bool virtual; /* the kernel knows it by a kind: veth, bridge, bond, vlan ... */
	bool stale;   /* not seen yet in the dump under way; of no meaning to others */
};

/* Both are called from within rtnl_new() too, for what is there already. */
struct rtnl_handler {
	/* an address came to this host, or left its last interface */
	void (*address)(void *userdata, const struct sg_addr *addr, bool here);
	/* something about the interfaces changed; ask rtnl_get() */
	void (*changed)(void *userdata);
	void *userdata;
};

/* The caller owns *ret. -errno. */
int rtnl_new(struct rtnl **ret, sd_event *event, const struct rtnl_handler *handler);
struct rtnl *rtnl_free(struct rtnl *links);

/* The interfaces known now, by index; valid until the loop runs again. Returns how many. */
size_t rtnl_get(struct rtnl *links, const struct rtnl_iface **ret);

/* One of them by its index, NULL if there is none; valid as long. */
const struct rtnl_iface *rtnl_find(struct rtnl *links, int index);

/* Whether an address of this host begins with these bits, and the first such one. */
bool rtnl_own(struct rtnl *links, const struct sg_addr *addr, unsigned int bits,
	      struct sg_addr *ret);

/*
 * The name of an interface's driver; -errno, and *ret is "", where it tells none. May be called in
 * any thread, and waits for the lock that changes of interfaces hold.
 */
int rtnl_driver(const char *ifname, char ret[32]);
