/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/worker.h"
#include "daemon/net/netlink.h"

/* What the kernel sends at most in one message about an interface, with all its attributes. */
#define RTNL_MESSAGE_BYTES 32768

/* Room for some hundred interfaces that change at once; where that overflows, a dump follows. */
#define RTNL_RECEIVE_BYTES (1 << 20)

/* Messages read in a row, so that a burst of them does not delay the tick. */
#define RTNL_MESSAGES_A_TURN 128

/* Dumps in a row at the start, while changes interrupt them; later ones come by the timer. */
#define RTNL_DUMP_TRIES	 8
#define RTNL_RETRY_USEC	 100000ULL
#define RTNL_FAILED_USEC 1000000ULL

/* As bytes: taken in one thread, read in another. */
struct rtnl_dump {
	char *bytes; /* netlink messages */
	size_t length;
	bool interrupted; /* by a change, so something may be missing */
};

/* An address of two interfaces stays until both have lost it. */
struct rtnl_address {
	struct sg_addr addr;
	int ifindex;
	bool stale; /* not seen yet in the dump at hand */
};

struct rtnl {
	struct mnl_socket *monitor;
	sd_event *event;
	sd_event_source *source, *retry;
	struct rtnl_handler handler;
	bool lost;

	struct rtnl_iface *ifaces; /* by index */
	size_t iface_count;
	struct rtnl_address *addresses; /* by address, then by index */
	size_t address_count;
	uint64_t serial, version; /* the last ones given */
	bool changed;		  /* something about interfaces that the handler does not know */

	struct worker *worker;
	struct worker_job fetch; /* while it is under way the source is off */
	struct rtnl_dump dump;
	int fetch_result;
};

bool rtnl_own(struct rtnl *l, const struct sg_addr *addr, unsigned int bits, struct sg_addr *ret)
{
	struct addr_prefix prefix = { *addr, bits };
	size_t i;

	addr_prefix_mask(&prefix);
	for (i = 0; i < l->address_count; i++) {
		if (!addr_prefix_contains(&prefix, &l->addresses[i].addr))
			continue;
		*ret = l->addresses[i].addr;
		return true;
	}
	return false;
}

int rtnl_driver(const char *ifname, char ret[32])
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&drv };

	ret[0] = '\0';
	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return -errno;
	snprintf(ret, 32, "%.31s", drv.driver);
	return 0;
}

static void rtnl_notify(struct rtnl *l)
{
	if (l->changed)
		l->handler.changed(l->handler.userdata);
	l->changed = false;
}

/* ---- what is known ------------------------------------------------------------------------- */

/* Where the index is, or would be. */
static size_t rtnl_place(const struct rtnl *l, int index)
{
	size_t low = 0, high = l->iface_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (l->ifaces[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct rtnl_iface *rtnl_at(const struct rtnl *l, int index)
{
	size_t at = rtnl_place(l, index);

	return at < l->iface_count && l->ifaces[at].index == index ? &l->ifaces[at] : NULL;
}

static struct rtnl_iface *rtnl_add(struct rtnl *l, int index)
{
	size_t at = rtnl_place(l, index);
	struct rtnl_iface *ifaces = realloc(l->ifaces, (l->iface_count + 1) * sizeof(*ifaces));

	if (!ifaces)
		return NULL;
	l->ifaces = ifaces;
	memmove(ifaces + at + 1, ifaces + at, (l->iface_count++ - at) * sizeof(*ifaces));
	ifaces[at] = (struct rtnl_iface){ .index = index, .serial = ++l->serial };
	return &ifaces[at];
}

/* The entry, a new one where there is none; NULL without memory. */
static struct rtnl_iface *rtnl_renew(struct rtnl *l, int index)
{
	struct rtnl_iface *iface = rtnl_at(l, index) ?: rtnl_add(l, index);

	if (iface) {
		iface->stale = false;
		iface->version = ++l->version;
	}
	return iface;
}

static void rtnl_remove(struct rtnl *l, int index)
{
	size_t at = rtnl_place(l, index);

	if (!rtnl_at(l, index))
		return;
	memmove(l->ifaces + at, l->ifaces + at + 1, (--l->iface_count - at) * sizeof(*l->ifaces));
}

static int rtnl_address_compare(const struct rtnl_address *a, const struct sg_addr *addr,
				int ifindex)
{
	return memcmp(&a->addr, addr, sizeof(*addr)) ?:
		       (a->ifindex > ifindex) - (a->ifindex < ifindex);
}

/* Where the address of that interface is, or would be. Index 0: where the address' first one is. */
static size_t rtnl_address_place(const struct rtnl *l, const struct sg_addr *addr, int ifindex)
{
	size_t low = 0, high = l->address_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rtnl_address_compare(&l->addresses[middle], addr, ifindex) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool rtnl_is_here(const struct rtnl *l, const struct sg_addr *addr)
{
	size_t at = rtnl_address_place(l, addr, 0);

	return at < l->address_count && !memcmp(&l->addresses[at].addr, addr, sizeof(*addr));
}

static int rtnl_address_add(struct rtnl *l, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_address_place(l, addr, ifindex);
	bool news = !rtnl_is_here(l, addr);
	struct rtnl_address *grown;

	if (at < l->address_count && !rtnl_address_compare(&l->addresses[at], addr, ifindex)) {
		l->addresses[at].stale = false;
		return 0;
	}
	grown = realloc(l->addresses, (l->address_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->addresses = grown;
	memmove(grown + at + 1, grown + at, (l->address_count++ - at) * sizeof(*grown));
	grown[at] = (struct rtnl_address){ *addr, ifindex, false };
	if (news)
		l->handler.address(l->handler.userdata, addr, true);
	return 0;
}

static void rtnl_address_drop(struct rtnl *l, size_t at)
{
	struct sg_addr addr = l->addresses[at].addr;

	memmove(l->addresses + at, l->addresses + at + 1,
		(--l->address_count - at) * sizeof(*l->addresses));
	if (!rtnl_is_here(l, &addr))
		l->handler.address(l->handler.userdata, &addr, false);
}

static void rtnl_address_remove(struct rtnl *l, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_address_place(l, addr, ifindex);

	if (at < l->address_count && !rtnl_address_compare(&l->addresses[at], addr, ifindex))
		rtnl_address_drop(l, at);
}

static void rtnl_mark_stale(struct rtnl *l)
{
	size_t i;

	for (i = 0; i < l->iface_count; i++)
		l->ifaces[i].stale = true;
	for (i = 0; i < l->address_count; i++)
		l->addresses[i].stale = true;
}

static void rtnl_drop_stale(struct rtnl *l)
{
	size_t i, kept = 0;

	for (i = 0; i < l->iface_count; i++)
		if (!l->ifaces[i].stale)
			l->ifaces[kept++] = l->ifaces[i];
	l->iface_count = kept;
	for (i = l->address_count; i > 0; i--)
		if (l->addresses[i - 1].stale)
			rtnl_address_drop(l, i - 1);
}

/* ---- messages ------------------------------------------------------------------------------ */

static void rtnl_read_kind(struct rtnl_iface *iface, const char *kind, int link)
{
	static const char *const above[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap" };
	size_t i;

	iface->virtual = true;
	iface->vrf = !strcmp(kind, "vrf");
	/* of a veth it is the other end, of a tunnel what its packets leave by */
	for (i = 0; i < ARRAY_SIZE(above); i++)
		if (!strcmp(kind, above[i]))
			iface->below = link;
}

static void rtnl_read_link(struct rtnl_iface *iface, const struct nlmsghdr *message)
{
	const char *kind = NULL;
	bool elsewhere = false;
	int link = 0;

	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *info;

	iface->up = ifi->ifi_flags & IFF_UP;
	iface->ethernet = ifi->ifi_type == ARPHRD_ETHER;
	iface->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	iface->virtual = iface->vrf = false;
	iface->above = iface->below = 0;
	iface->mac = (struct sg_mac){};
	mnl_attr_for_each(attr, message, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			snprintf(iface->name, sizeof(iface->name), "%s", mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS && iface->ethernet &&
		    mnl_attr_get_payload_len(attr) == sizeof(iface->mac.bytes))
			memcpy(iface->mac.bytes, mnl_attr_get_payload(attr),
			       sizeof(iface->mac.bytes));
		if (mnl_attr_get_type(attr) == IFLA_MTU)
			iface->mtu = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_MASTER)
			iface->above = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_LINK)
			link = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID)
			elsewhere = true;
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(info, attr) if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
			kind = mnl_attr_get_str(info);
	}
	if (kind)
		rtnl_read_kind(iface, kind, elsewhere ? 0 : link);
}

static int rtnl_on_link(struct rtnl *l, const struct nlmsghdr *message)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct rtnl_iface *iface;

	if (ifi->ifi_family != AF_UNSPEC) /* AF_BRIDGE: a port's bridge settings */
		return 0;
	l->changed = true;
	if (message->nlmsg_type == RTM_DELLINK) {
		rtnl_remove(l, ifi->ifi_index);
		return 0;
	}
	iface = rtnl_renew(l, ifi->ifi_index);
	if (!iface)
		return -ENOMEM;
	rtnl_read_link(iface, message);
	return 0;
}

static int rtnl_on_address(struct rtnl *l, const struct nlmsghdr *message)
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
		return rtnl_address_add(l, ifa->ifa_index, &addr);
	rtnl_address_remove(l, ifa->ifa_index, &addr);
	return 0;
}

/* Those of a monitor or a dump: RTM_{NEW,DEL}{LINK,ADDR}; others are left out. -ENOMEM. */
static int rtnl_apply(struct rtnl *l, const void *messages, size_t bytes)
{
	const struct nlmsghdr *message = messages;
	int left = bytes, r = 0;

	for (; r >= 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK)
			r = rtnl_on_link(l, message);
		if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR)
			r = rtnl_on_address(l, message);
	}
	return r;
}

/* ---- dumps --------------------------------------------------------------------------------- */

static int rtnl_dump_take(void *userdata, void *buffer, size_t bytes)
{
	struct rtnl_dump *d = userdata;
	char *grown;
	int r;

	d->interrupted |= netlink_was_interrupted(buffer, bytes);
	/* without a callback it only looks for the end, or an error */
	r = mnl_cb_run(buffer, bytes, 0, 0, NULL, NULL);
	if (r < 0)
		return -errno;
	grown = realloc(d->bytes, d->length + bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + d->length, buffer, bytes);
	d->bytes = grown;
	d->length += bytes;
	return r > MNL_CB_STOP;
}

static int rtnl_dump_type(struct rtnl_dump *d, uint16_t type)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	if (type == RTM_GETLINK) /* of no use here, and some drivers take their time for them */
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_dump(NETLINK_ROUTE, request, rtnl_dump_take, d);
}

static void rtnl_dump_done(struct rtnl_dump *d)
{
	free(d->bytes);
	*d = (struct rtnl_dump){};
}

static int rtnl_dump_fetch(struct rtnl_dump *d)
{
	int r;

	*d = (struct rtnl_dump){};
	r = rtnl_dump_type(d, RTM_GETLINK);
	return r < 0 ? r : rtnl_dump_type(d, RTM_GETADDR);
}

/*
 * What a complete dump does not have has gone. Of one that a change interrupted everything is used
 * and nothing is dropped. 1: something may be missing. -errno.
 */
static int rtnl_dump_apply(struct rtnl *l)
{
	int r;

	rtnl_mark_stale(l);
	r = rtnl_apply(l, l->dump.bytes, l->dump.length);
	if (r < 0)
		return r;
	if (!l->dump.interrupted)
		rtnl_drop_stale(l);
	l->changed = true;
	return l->dump.interrupted;
}

/* In the thread. */
static void rtnl_fetch_work(struct worker_job *job)
{
	struct rtnl *l = container_of(job, struct rtnl, fetch);

	l->fetch_result = rtnl_dump_fetch(&l->dump);
}

static int rtnl_on_retry(sd_event_source *source, uint64_t scheduled_usec, void *userdata);

static void rtnl_fetch_done(struct worker_job *job)
{
	struct rtnl *l = container_of(job, struct rtnl, fetch);
	int r = l->fetch_result;

	if (r >= 0)
		r = rtnl_dump_apply(l);
	rtnl_dump_done(&l->dump);
	sd_event_source_set_enabled(l->source, SD_EVENT_ON);
	if (r) {
		l->retry = sd_event_source_disable_unref(l->retry);
		sd_event_add_time_relative(l->event, &l->retry, CLOCK_MONOTONIC,
					   r < 0 ? RTNL_FAILED_USEC : RTNL_RETRY_USEC, 0,
					   rtnl_on_retry, l);
	}
	rtnl_notify(l);
}

/*
 * The monitor has been read to its end before: a message from before the dump, read after it, would
 * undo it. Messages that come during the dump wait in the socket and are read after it. One that is
 * older than the dump is followed there by the one that made it old, or ENOBUFS tells of its loss.
 */
static void rtnl_fetch(struct rtnl *l)
{
	l->lost = false;
	sd_event_source_set_enabled(l->source, SD_EVENT_OFF);
	worker_add(l->worker, &l->fetch);
}

static int rtnl_dump_at_start(struct rtnl *l)
{
	int tries, r = 1;

	for (tries = 0; r > 0 && tries < RTNL_DUMP_TRIES; tries++) {
		r = rtnl_dump_fetch(&l->dump);
		if (r >= 0)
			r = rtnl_dump_apply(l);
		rtnl_dump_done(&l->dump);
	}
	l->lost = r > 0;
	l->changed = false;
	return r;
}

/* ---- the monitor --------------------------------------------------------------------------- */

/* 1: there is more to read. -errno. */
static int rtnl_read(struct rtnl *l)
{
	char buffer[RTNL_MESSAGE_BYTES] __attribute__((aligned(8)));
	int messages, fd = mnl_socket_get_fd(l->monitor);
	ssize_t n;

	for (messages = 0; messages < RTNL_MESSAGES_A_TURN; messages++) {
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0)
			l->lost |= rtnl_apply(l, buffer, n) < 0;
		else if (n < 0 && errno == ENOBUFS)
			l->lost = true;
		else if (!n || errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
	return 1;
}

static int rtnl_on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct rtnl *l = userdata;
	int r = rtnl_read(l);

	if (!r && l->lost)
		rtnl_fetch(l);
	rtnl_notify(l);
	return r < 0 ? r : 0;
}

static int rtnl_on_retry(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct rtnl *l = userdata;

	l->lost = true;
	/* a fetch that is under way makes up for this one too */
	return l->source && sd_event_source_get_enabled(l->source, NULL) > 0 ?
		       rtnl_on_readable(l->source, 0, 0, l) :
		       0;
}

static int rtnl_open_monitor(struct rtnl *l)
{
	static const int bytes = RTNL_RECEIVE_BYTES;
	int r, fd;

	l->monitor = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->monitor)
		return -errno;
	fd = mnl_socket_get_fd(l->monitor);
	/* beyond rmem_max with CAP_NET_ADMIN; what is had is enough, it is only slower */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_bind(l->monitor, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	r = sd_event_add_io(l->event, &l->source, fd, EPOLLIN, rtnl_on_readable, l);
	return r < 0 ? r : sd_event_source_set_exit_on_failure(l->source, true);
}

int rtnl_new(struct rtnl **ret, sd_event *event, const struct rtnl_handler *handler)
{
	struct rtnl *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->event = sd_event_ref(event);
	l->handler = *handler;
	l->fetch = (struct worker_job){ rtnl_fetch_work, rtnl_fetch_done };
	r = worker_new(&l->worker, event);
	/* the monitor first: what changes during the dump is then seen twice, not missed */
	if (r >= 0)
		r = rtnl_open_monitor(l);
	if (r >= 0)
		r = rtnl_dump_at_start(l);
	if (r < 0) {
		rtnl_free(l);
		return r;
	}
	if (l->lost)
		rtnl_fetch(l);
	*ret = l;
	return 0;
}

struct rtnl *rtnl_free(struct rtnl *l)
{
	if (!l)
		return NULL;
	worker_free(l->worker);
	rtnl_dump_done(&l->dump);
	sd_event_source_disable_unref(l->retry);
	sd_event_source_disable_unref(l->source);
	if (l->monitor)
		mnl_socket_close(l->monitor);
	free(l->ifaces);
	free(l->addresses);
	sd_event_unref(l->event);
	free(l);
	return NULL;
}

size_t rtnl_get(struct rtnl *l, const struct rtnl_iface **ret)
{
	*ret = l->ifaces;
	return l->iface_count;
}

const struct rtnl_iface *rtnl_find(struct rtnl *l, int index)
{
	return rtnl_at(l, index);
}
