/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces and addresses of this network namespace, over rtnetlink.
 *
 * Dumps both at the start and follows the kernel's messages from then on. When messages were lost
 * (ENOBUFS) it dumps again until a dump is complete: it may be late, and is never wrong for good.
 * After the start dumps are taken in a thread, because the kernel lets them wait for the RTNL lock.
 * Interfaces and addresses are sorted: a message costs a few comparisons on a host with thousands.
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
	uint64_t version; /* another one with each message about it */
	char name[IFNAMSIZ];
	struct sg_mac mac; /* of Ethernet; all 0: none is known */
	bool up;
	bool ethernet;
	bool loopback;
	bool virtual; /* has an IFLA_INFO_KIND: veth, bridge, bond, vlan ... */
	bool vrf;     /* of that kind */
	uint32_t mtu; /* bytes */
	int above;    /* the index of the device that it is a port of (IFLA_MASTER), 0: of none */
	int below;    /* of the one whose frames it takes (VLAN, macvlan, ipvlan), 0: of none */
	bool stale;   /* rtnl's: not seen yet in the dump at hand */
};

/* Both are called from within rtnl_new() too, for what is there already. */
struct rtnl_handler {
	/* an address came to this host, or left its last interface */
	void (*address)(void *userdata, const struct sg_addr *addr, bool here);
	/* something about the interfaces changed: rtnl_get() has it */
	void (*changed)(void *userdata);
	void *userdata;
};

/* The caller owns *ret. -errno. */
int rtnl_new(struct rtnl **ret, sd_event *event, const struct rtnl_handler *handler);
struct rtnl *rtnl_free(struct rtnl *rtnl);

/* The interfaces, by index; valid until the loop runs again. Returns how many. */
size_t rtnl_get(struct rtnl *rtnl, const struct rtnl_iface **ret);

/* One of them by its index, NULL if there is none; valid as long. */
const struct rtnl_iface *rtnl_find(struct rtnl *rtnl, int index);

/* Whether an address of this host is in the prefix (addr, bits), and the first such one. */
bool rtnl_own(struct rtnl *rtnl, const struct sg_addr *addr, unsigned int bits,
	      struct sg_addr *ret);

/*
 * The name of an interface's driver (ETHTOOL_GDRVINFO); -errno, and *ret is "", where it has none.
 * May be called in any thread, and waits for the RTNL lock.
 */
int rtnl_driver(const char *ifname, char ret[32]);
