/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "synguard/cleanup.h"

#include "netlink.h"

/* What the kernel fills at most in one dump message (NLMSG_GOODSIZE up to 32 KiB). */
#define LINKS_BUFFER_BYTES 32768

#define LINKS_DUMP_TRIES 8

/* An address that two interfaces have stays until both have lost it. */
struct links_address {
	int ifindex;
	struct sg_addr addr;
	bool stale; /* not seen yet in the dump under way */
};

struct links {
	struct mnl_socket *monitor;
	sd_event_source *source;
	struct links_handler handler;
	struct link_info *infos;
	size_t info_count;
	struct links_address *addresses;
	size_t address_count;
	bool changed;
};

/* ---- what is known --------------------------------------------------------------------- */

static struct link_info *links_entry(struct links *l, int index)
{
	size_t i;

	for (i = 0; i < l->info_count; i++)
		if (l->infos[i].index == index)
			return &l->infos[i];
	return NULL;
}

static struct link_info *links_add(struct links *l, int index)
{
	struct link_info *infos = realloc(l->infos, (l->info_count + 1) * sizeof(*infos));

	if (!infos)
		return NULL;
	l->infos = infos;
	infos[l->info_count] = (struct link_info){ .index = index };
	return &infos[l->info_count++];
}

static void links_remove(struct links *l, int index)
{
	struct link_info *info = links_entry(l, index);

	if (info)
		*info = l->infos[--l->info_count];
}

static bool links_is_here(struct links *l, const struct sg_addr *addr)
{
	size_t i;

	for (i = 0; i < l->address_count; i++)
		if (!memcmp(&l->addresses[i].addr, addr, sizeof(*addr)))
			return true;
	return false;
}

static int links_address_add(struct links *l, int ifindex, const struct sg_addr *addr)
{
	struct links_address *addresses;
	bool news = !links_is_here(l, addr);
	size_t i;

	for (i = 0; i < l->address_count; i++) {
		struct links_address *a = &l->addresses[i];

		if (a->ifindex == ifindex && !memcmp(&a->addr, addr, sizeof(*addr))) {
			a->stale = false;
			return 0;
		}
	}
	addresses = realloc(l->addresses, (l->address_count + 1) * sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	l->addresses = addresses;
	addresses[l->address_count++] = (struct links_address){ ifindex, *addr, false };
	if (news)
		l->handler.address(l->handler.userdata, addr, true);
	return 0;
}

static void links_address_drop(struct links *l, size_t at)
{
	struct sg_addr addr = l->addresses[at].addr;

	l->addresses[at] = l->addresses[--l->address_count];
	if (!links_is_here(l, &addr))
		l->handler.address(l->handler.userdata, &addr, false);
}

static void links_address_remove(struct links *l, int ifindex, const struct sg_addr *addr)
{
	size_t i;

	for (i = 0; i < l->address_count; i++) {
		if (l->addresses[i].ifindex == ifindex &&
		    !memcmp(&l->addresses[i].addr, addr, sizeof(*addr))) {
			links_address_drop(l, i);
			return;
		}
	}
}

/* ---- what the kernel says ---------------------------------------------------------------- */

static void links_read_driver(struct link_info *info)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&drv };

	info->driver[0] = '\0';
	memcpy(request.ifr_name, info->name, sizeof(info->name));
	if (fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request))
		snprintf(info->driver, sizeof(info->driver), "%.31s", drv.driver);
}

static int links_read_info(const struct nlattr *attr, void *data)
{
	struct link_info *info = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		info->virtual = true;
	if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
		info->bond_slave = !strcmp(mnl_attr_get_str(attr), "bond");
	return MNL_CB_OK;
}

static int links_read_attribute(const struct nlattr *attr, void *data)
{
	struct link_info *info = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		snprintf(info->name, sizeof(info->name), "%s", mnl_attr_get_str(attr));
	if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		mnl_attr_parse_nested(attr, links_read_info, info);
	return MNL_CB_OK;
}

static int links_on_link(struct links *l, const struct nlmsghdr *message)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct link_info *info;
	char old[IFNAMSIZ] = "";

	if (ifi->ifi_family != AF_UNSPEC) /* bridge ports speak of themselves too */
		return MNL_CB_OK;
	l->changed = true;
	if (message->nlmsg_type == RTM_DELLINK) {
		links_remove(l, ifi->ifi_index);
		return MNL_CB_OK;
	}
	info = links_entry(l, ifi->ifi_index) ?: links_add(l, ifi->ifi_index);
	if (!info)
		return MNL_CB_ERROR;
	memcpy(old, info->name, sizeof(old));
	info->stale = false;
	info->up = ifi->ifi_flags & IFF_UP;
	info->ethernet = ifi->ifi_type == ARPHRD_ETHER;
	info->virtual = false;
	info->bond_slave = false;
	mnl_attr_parse(message, sizeof(*ifi), links_read_attribute, info);
	if (strcmp(old, info->name))
		links_read_driver(info);
	return MNL_CB_OK;
}

struct links_parsed_address {
	const struct nlattr *address;
	const struct nlattr *local;
};

static int links_read_address(const struct nlattr *attr, void *data)
{
	struct links_parsed_address *p = data;

	if (mnl_attr_get_type(attr) == IFA_ADDRESS)
		p->address = attr;
	if (mnl_attr_get_type(attr) == IFA_LOCAL) /* on point-to-point links ours, not the peer's */
		p->local = attr;
	return MNL_CB_OK;
}

static int links_on_address(struct links *l, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	struct links_parsed_address p = {};
	struct sg_addr addr = {};

	mnl_attr_parse(message, sizeof(*ifa), links_read_address, &p);
	if (p.local)
		p.address = p.local;
	if (!p.address)
		return MNL_CB_OK;
	if (ifa->ifa_family == AF_INET && mnl_attr_get_payload_len(p.address) == 4) {
		addr.words[2] = htonl(0xffff);
		memcpy(&addr.words[3], mnl_attr_get_payload(p.address), 4);
	} else if (ifa->ifa_family == AF_INET6 && mnl_attr_get_payload_len(p.address) == 16) {
		memcpy(&addr, mnl_attr_get_payload(p.address), 16);
	} else {
		return MNL_CB_OK;
	}
	if (message->nlmsg_type == RTM_DELADDR)
		links_address_remove(l, ifa->ifa_index, &addr);
	else if (links_address_add(l, ifa->ifa_index, &addr) < 0)
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

static int links_on_message(const struct nlmsghdr *message, void *data)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return links_on_link(data, message);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return links_on_address(data, message);
	default:
		return MNL_CB_OK;
	}
}

/* ---- dumps --------------------------------------------------------------------------------- */

/* 1: interrupted by a change, so something may be missing. -errno. */
static int links_dump_type(struct links *l, struct mnl_socket *socket, uint16_t type)
{
	char buffer[LINKS_BUFFER_BYTES];
	unsigned int sequence = time(NULL);
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	bool interrupted = false;
	ssize_t n;
	int r;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = sequence;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		interrupted |= netlink_was_interrupted(buffer, n);
		r = mnl_cb_run(buffer, n, sequence, mnl_socket_get_portid(socket), links_on_message,
			       l);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : interrupted;
}

static int links_dump_once(struct links *l)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int of_links = 0, of_addresses = 0;
	size_t i;

	if (!socket)
		return -errno;
	for (i = 0; i < l->info_count; i++)
		l->infos[i].stale = true;
	for (i = 0; i < l->address_count; i++)
		l->addresses[i].stale = true;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		of_links = -errno;
	if (of_links >= 0)
		of_links = links_dump_type(l, socket, RTM_GETLINK);
	if (of_links >= 0)
		of_addresses = links_dump_type(l, socket, RTM_GETADDR);
	mnl_socket_close(socket);
	return of_links < 0 ? of_links : of_addresses < 0 ? of_addresses : of_links | of_addresses;
}

static void links_drop_stale(struct links *l)
{
	size_t i;

	for (i = l->info_count; i > 0; i--)
		if (l->infos[i - 1].stale)
			l->infos[i - 1] = l->infos[--l->info_count];
	for (i = l->address_count; i > 0; i--)
		if (l->addresses[i - 1].stale)
			links_address_drop(l, i - 1);
}

/*
 * Learns everything anew; what a whole dump does not show any more is gone. Where changes keep
 * interrupting it, what was seen is used and nothing is dropped: the monitor tells what goes.
 */
static int links_dump(struct links *l)
{
	int tries, r = 1;

	for (tries = 0; r > 0 && tries < LINKS_DUMP_TRIES; tries++)
		r = links_dump_once(l);
	if (r < 0)
		return r;
	if (!r)
		links_drop_stale(l);
	l->changed = true;
	return 0;
}

/* ---- the monitor --------------------------------------------------------------------------- */

static int links_on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	char buffer[LINKS_BUFFER_BYTES];
	struct links *l = userdata;
	bool lost = false;
	ssize_t n;
	int r = 0;

	/* to the end also after a loss: old messages read after the dump would undo it */
	for (;;) {
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0)
			lost |= mnl_cb_run(buffer, n, 0, 0, links_on_message, l) < 0;
		else if (n < 0 && errno == ENOBUFS)
			lost = true;
		else if (!n || errno != EINTR)
			break;
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (lost)
		r = links_dump(l);
	if (l->changed) {
		l->changed = false;
		l->handler.changed(l->handler.userdata);
	}
	return r;
}

static int links_open_monitor(struct links *l, sd_event *event)
{
	int r;

	l->monitor = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->monitor)
		return -errno;
	if (mnl_socket_bind(l->monitor, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	r = sd_event_add_io(event, &l->source, mnl_socket_get_fd(l->monitor), EPOLLIN,
			    links_on_readable, l);
	return r < 0 ? r : sd_event_source_set_exit_on_failure(l->source, true);
}

int links_new(struct links **ret, sd_event *event, const struct links_handler *handler)
{
	struct links *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->handler = *handler;
	/* the monitor first: what changes during the dump is then told twice, not missed */
	r = links_open_monitor(l, event);
	if (r >= 0)
		r = links_dump(l);
	if (r < 0) {
		links_free(l);
		return r;
	}
	l->changed = false;
	*ret = l;
	return 0;
}

struct links *links_free(struct links *l)
{
	if (!l)
		return NULL;
	sd_event_source_disable_unref(l->source);
	if (l->monitor)
		mnl_socket_close(l->monitor);
	free(l->infos);
	free(l->addresses);
	free(l);
	return NULL;
}

size_t links_get(struct links *l, const struct link_info **ret)
{
	*ret = l->infos;
	return l->info_count;
}

const struct link_info *links_find(struct links *l, int index)
{
	return links_entry(l, index);
}
