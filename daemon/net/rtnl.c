/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl.h"

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

#include <libmnl/libmnl.h>

#include "synguard/cleanup.h"

#include "daemon/base/worker.h"
#include "daemon/net/rtnl_cache.h"
#include "daemon/net/rtnl_dump.h"

/* What the kernel sends at most in one message about an interface, with all its attributes. */
#define RTNL_MESSAGE_BYTES 32768

/* Room for some hundred interfaces that change at once; more is made up for by a dump. */
#define RTNL_RECEIVE_BYTES (1 << 20)

/* Messages in one go, so that whoever makes many does not keep the loop from the tick. */
#define RTNL_MESSAGES_A_TURN 128

/* Dumps at the start, while changes keep interrupting them; later ones come by the timer. */
#define RTNL_DUMP_TRIES	 8
#define RTNL_RETRY_USEC	 100000ULL
#define RTNL_FAILED_USEC 1000000ULL

struct rtnl {
	struct mnl_socket *monitor;
	sd_event *event;
	sd_event_source *source, *retry;
	struct rtnl_handler handler;
	struct rtnl_cache known;
	bool changed;
	bool lost;

	struct worker *worker;
	struct worker_job fetch; /* while it is under way the source is off */
	struct rtnl_dump dump;
	int fetch_result;
};

/* ---- what the kernel says ---------------------------------------------------------------- */

bool rtnl_own(struct rtnl *l, const struct sg_addr *addr, unsigned int bits, struct sg_addr *ret)
{
	size_t i, bytes = bits / 8;
	uint8_t mask = bits % 8 ? 0xff << (8 - bits % 8) : 0;

	for (i = 0; i < l->known.address_count; i++) {
		const struct sg_addr *own = &l->known.addresses[i].addr;

		if (memcmp(own, addr, bytes) ||
		    (mask && (own->bytes[bytes] ^ addr->bytes[bytes]) & mask))
			continue;
		*ret = *own;
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

static int rtnl_read_info(const struct nlattr *attr, void *data)
{
	struct rtnl_iface *info = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		info->virtual = true;
	return MNL_CB_OK;
}

static int rtnl_read_attribute(const struct nlattr *attr, void *data)
{
	struct rtnl_iface *info = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		snprintf(info->name, sizeof(info->name), "%s", mnl_attr_get_str(attr));
	if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
		mnl_attr_parse_nested(attr, rtnl_read_info, info);
	return MNL_CB_OK;
}

static int rtnl_on_link(struct rtnl *l, const struct nlmsghdr *message)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(message);
	struct rtnl_iface *info;

	if (ifi->ifi_family != AF_UNSPEC) /* bridge ports speak of themselves too */
		return 0;
	l->changed = true;
	if (message->nlmsg_type == RTM_DELLINK) {
		rtnl_cache_remove(&l->known, ifi->ifi_index);
		return 0;
	}
	info = rtnl_cache_get(&l->known, ifi->ifi_index);
	if (!info)
		return -ENOMEM;
	info->up = ifi->ifi_flags & IFF_UP;
	info->ethernet = ifi->ifi_type == ARPHRD_ETHER;
	info->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	info->virtual = false;
	mnl_attr_parse(message, sizeof(*ifi), rtnl_read_attribute, info);
	return 0;
}

struct rtnl_parsed_address {
	const struct nlattr *address;
	const struct nlattr *local;
};

static int rtnl_read_address(const struct nlattr *attr, void *data)
{
	struct rtnl_parsed_address *p = data;

	if (mnl_attr_get_type(attr) == IFA_ADDRESS)
		p->address = attr;
	if (mnl_attr_get_type(attr) == IFA_LOCAL) /* on point-to-point links ours, not the peer's */
		p->local = attr;
	return MNL_CB_OK;
}

static int rtnl_on_address(struct rtnl *l, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	struct rtnl_parsed_address p = {};
	struct sg_addr addr = {};

	mnl_attr_parse(message, sizeof(*ifa), rtnl_read_address, &p);
	if (p.local)
		p.address = p.local;
	if (!p.address)
		return 0;
	if (ifa->ifa_family == AF_INET && mnl_attr_get_payload_len(p.address) == 4) {
		addr.words[2] = htonl(0xffff);
		memcpy(&addr.words[3], mnl_attr_get_payload(p.address), 4);
	} else if (ifa->ifa_family == AF_INET6 && mnl_attr_get_payload_len(p.address) == 16) {
		memcpy(&addr, mnl_attr_get_payload(p.address), 16);
	} else {
		return 0;
	}
	if (message->nlmsg_type == RTM_DELADDR)
		rtnl_cache_address_remove(&l->known, ifa->ifa_index, &addr);
	else
		return rtnl_cache_address_add(&l->known, ifa->ifa_index, &addr);
	return 0;
}

static int rtnl_on_message(struct rtnl *l, const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return rtnl_on_link(l, message);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return rtnl_on_address(l, message);
	default:
		return 0;
	}
}

static int rtnl_on_bytes(struct rtnl *l, const void *bytes, size_t length)
{
	const struct nlmsghdr *message = bytes;
	int left = length, r = 0;

	for (; r >= 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		r = rtnl_on_message(l, message);
	return r;
}

static void rtnl_tell(struct rtnl *l)
{
	if (l->changed)
		l->handler.changed(l->handler.userdata);
	l->changed = false;
}

/* ---- dumps --------------------------------------------------------------------------------- */

/*
 * Learns everything anew; what a whole dump does not show any more is gone. Of one that a change
 * interrupted everything is used and nothing is dropped. 1: something may be missing. -errno.
 */
static int rtnl_apply(struct rtnl *l, const struct rtnl_dump *dump)
{
	int r;

	rtnl_cache_doubt(&l->known);
	r = rtnl_on_bytes(l, dump->bytes, dump->length);
	if (r < 0)
		return r;
	if (!dump->interrupted)
		rtnl_cache_drop_stale(&l->known);
	l->changed = true;
	return dump->interrupted;
}

/* In the thread. */
static void rtnl_fetch_work(struct worker_job *job)
{
	struct rtnl *l = (struct rtnl *)((char *)job - offsetof(struct rtnl, fetch));

	l->fetch_result = rtnl_dump_fetch(&l->dump);
}

static int rtnl_on_retry(sd_event_source *source, uint64_t scheduled_usec, void *userdata);

static void rtnl_fetch_done(struct worker_job *job)
{
	struct rtnl *l = (struct rtnl *)((char *)job - offsetof(struct rtnl, fetch));
	int r = l->fetch_result;

	if (r >= 0)
		r = rtnl_apply(l, &l->dump);
	rtnl_dump_done(&l->dump);
	sd_event_source_set_enabled(l->source, SD_EVENT_ON);
	if (r) {
		l->retry = sd_event_source_disable_unref(l->retry);
		sd_event_add_time_relative(l->event, &l->retry, CLOCK_MONOTONIC,
					   r < 0 ? RTNL_FAILED_USEC : RTNL_RETRY_USEC, 0,
					   rtnl_on_retry, l);
	}
	rtnl_tell(l);
}

/*
 * The monitor has been read to its end before: what was said before the dump and read after it
 * would undo it. What is said during the dump waits in the socket and is read after it; what of it
 * is older than the dump is followed there by what made it old, or is lost again and noticed.
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
			r = rtnl_apply(l, &l->dump);
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
			l->lost |= rtnl_on_bytes(l, buffer, n) < 0;
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
	rtnl_tell(l);
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
	l->known.handler = &l->handler;
	l->fetch = (struct worker_job){ rtnl_fetch_work, rtnl_fetch_done };
	r = worker_new(&l->worker, event);
	/* the monitor first: what changes during the dump is then told twice, not missed */
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
	rtnl_cache_done(&l->known);
	sd_event_unref(l->event);
	free(l);
	return NULL;
}

size_t rtnl_get(struct rtnl *l, const struct rtnl_iface **ret)
{
	*ret = l->known.infos;
	return l->known.info_count;
}

const struct rtnl_iface *rtnl_find(struct rtnl *l, int index)
{
	return rtnl_cache_find(&l->known, index);
}
