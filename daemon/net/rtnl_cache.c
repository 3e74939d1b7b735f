/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl_cache.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "daemon/base/addr.h"

/* Where the index is, or would be. */
static size_t rtnl_cache_place(const struct rtnl_cache *c, int index)
{
	size_t low = 0, high = c->iface_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->ifaces[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rtnl_iface *rtnl_cache_find(const struct rtnl_cache *c, int index)
{
	size_t at = rtnl_cache_place(c, index);

	return at < c->iface_count && c->ifaces[at].index == index ? &c->ifaces[at] : NULL;
}

static struct rtnl_iface *rtnl_cache_add(struct rtnl_cache *c, int index)
{
	size_t at = rtnl_cache_place(c, index);
	struct rtnl_iface *ifaces = realloc(c->ifaces, (c->iface_count + 1) * sizeof(*ifaces));

	if (!ifaces)
		return NULL;
	c->ifaces = ifaces;
	memmove(ifaces + at + 1, ifaces + at, (c->iface_count++ - at) * sizeof(*ifaces));
	ifaces[at] = (struct rtnl_iface){ .index = index, .serial = ++c->serial };
	return &ifaces[at];
}

/* The entry, a new one where there is none; NULL without memory. */
static struct rtnl_iface *rtnl_cache_get(struct rtnl_cache *c, int index)
{
	struct rtnl_iface *iface = rtnl_cache_find(c, index) ?: rtnl_cache_add(c, index);

	if (iface) {
		iface->stale = false;
		iface->version = ++c->version;
	}
	return iface;
}

static void rtnl_cache_remove(struct rtnl_cache *c, int index)
{
	size_t at = rtnl_cache_place(c, index);

	if (!rtnl_cache_find(c, index))
		return;
	memmove(c->ifaces + at, c->ifaces + at + 1, (--c->iface_count - at) * sizeof(*c->ifaces));
}

static int rtnl_cache_address_compare(const struct rtnl_address *a, const struct sg_addr *addr,
				      int ifindex)
{
	return memcmp(&a->addr, addr, sizeof(*addr)) ?:
		       (a->ifindex > ifindex) - (a->ifindex < ifindex);
}

/* Where the address of that interface is, or would be. Index 0: where the address' first one is. */
static size_t rtnl_cache_address_place(const struct rtnl_cache *c, const struct sg_addr *addr,
				       int ifindex)
{
	size_t low = 0, high = c->address_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rtnl_cache_address_compare(&c->addresses[middle], addr, ifindex) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool rtnl_cache_is_here(const struct rtnl_cache *c, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(c, addr, 0);

	return at < c->address_count && !memcmp(&c->addresses[at].addr, addr, sizeof(*addr));
}

static int rtnl_cache_address_add(struct rtnl_cache *c, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(c, addr, ifindex);
	bool news = !rtnl_cache_is_here(c, addr);
	struct rtnl_address *grown;

	if (at < c->address_count &&
	    !rtnl_cache_address_compare(&c->addresses[at], addr, ifindex)) {
		c->addresses[at].stale = false;
		return 0;
	}
	grown = realloc(c->addresses, (c->address_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->addresses = grown;
	memmove(grown + at + 1, grown + at, (c->address_count++ - at) * sizeof(*grown));
	grown[at] = (struct rtnl_address){ *addr, ifindex, false };
	if (news)
		c->address(c->userdata, addr, true);
	return 0;
}

static void rtnl_cache_address_drop(struct rtnl_cache *c, size_t at)
{
	struct sg_addr addr = c->addresses[at].addr;

	memmove(c->addresses + at, c->addresses + at + 1,
		(--c->address_count - at) * sizeof(*c->addresses));
	if (!rtnl_cache_is_here(c, &addr))
		c->address(c->userdata, &addr, false);
}

static void rtnl_cache_address_remove(struct rtnl_cache *c, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(c, addr, ifindex);

	if (at < c->address_count && !rtnl_cache_address_compare(&c->addresses[at], addr, ifindex))
		rtnl_cache_address_drop(c, at);
}

static void rtnl_cache_mark_stale(struct rtnl_cache *c)
{
	size_t i;

	for (i = 0; i < c->iface_count; i++)
		c->ifaces[i].stale = true;
	for (i = 0; i < c->address_count; i++)
		c->addresses[i].stale = true;
}

static void rtnl_cache_drop_stale(struct rtnl_cache *c)
{
	size_t i, kept = 0;

	for (i = 0; i < c->iface_count; i++)
		if (!c->ifaces[i].stale)
			c->ifaces[kept++] = c->ifaces[i];
	c->iface_count = kept;
	for (i = c->address_count; i > 0; i--)
		if (c->addresses[i - 1].stale)
			rtnl_cache_address_drop(c, i - 1);
}

/* ---- messages ------------------------------------------------------------------------------ */

static void rtnl_cache_read_link(struct rtnl_iface *iface, const struct nlmsghdr *message)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *info;

	iface->up = ifi->ifi_flags & IFF_UP;
	iface->ethernet = ifi->ifi_type == ARPHRD_ETHER;
	iface->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	iface->virtual = false;
	mnl_attr_for_each(attr, message, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			snprintf(iface->name, sizeof(iface->name), "%s", mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(info, attr) if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
			iface->virtual = true;
	}
}

static int rtnl_cache_on_link(struct rtnl_cache *c, const struct nlmsghdr *message)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct rtnl_iface *iface;

	if (ifi->ifi_family != AF_UNSPEC) /* AF_BRIDGE: a port's bridge settings */
		return 0;
	c->changed = true;
	if (message->nlmsg_type == RTM_DELLINK) {
		rtnl_cache_remove(c, ifi->ifi_index);
		return 0;
	}
	iface = rtnl_cache_get(c, ifi->ifi_index);
	if (!iface)
		return -ENOMEM;
	rtnl_cache_read_link(iface, message);
	return 0;
}

static int rtnl_cache_on_address(struct rtnl_cache *c, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *address = NULL, *local = NULL;
	struct sg_addr addr;

	mnl_attr_for_each(attr, message, sizeof(*ifa)) {
		if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			address = attr;
		/* ours, where IFA_ADDRESS is the peer's on a point-to-point link */
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
	}
	address = local ?: address;
	if (!address)
		return 0;
	if (ifa->ifa_family == AF_INET && mnl_attr_get_payload_len(address) == 4)
		addr = addr_from_v4(mnl_attr_get_u32(address));
	else if (ifa->ifa_family == AF_INET6 && mnl_attr_get_payload_len(address) == 16)
		memcpy(&addr, mnl_attr_get_payload(address), 16);
	else
		return 0;
	if (message->nlmsg_type != RTM_DELADDR)
		return rtnl_cache_address_add(c, ifa->ifa_index, &addr);
	rtnl_cache_address_remove(c, ifa->ifa_index, &addr);
	return 0;
}

int rtnl_cache_apply(struct rtnl_cache *c, const void *messages, size_t bytes)
{
	const struct nlmsghdr *message = messages;
	int left = bytes, r = 0;

	for (; r >= 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK)
			r = rtnl_cache_on_link(c, message);
		if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR)
			r = rtnl_cache_on_address(c, message);
	}
	return r;
}

int rtnl_cache_apply_dump(struct rtnl_cache *c, const void *messages, size_t bytes, bool complete)
{
	int r;

	rtnl_cache_mark_stale(c);
	r = rtnl_cache_apply(c, messages, bytes);
	if (r < 0)
		return r;
	if (complete)
		rtnl_cache_drop_stale(c);
	c->changed = true;
	return 0;
}

void rtnl_cache_done(struct rtnl_cache *c)
{
	free(c->ifaces);
	free(c->addresses);
}
