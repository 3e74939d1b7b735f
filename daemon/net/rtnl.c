/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
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

struct rtnl {
	struct mnl_socket *monitor;
	sd_event *event;
	sd_event_source *source, *retry;
	struct rtnl_handler handler;
	struct rtnl_cache known;
	bool lost;

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
	for (i = 0; i < l->known.address_count; i++) {
		if (!addr_prefix_contains(&prefix, &l->known.addresses[i].addr))
			continue;
		*ret = l->known.addresses[i].addr;
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
	if (l->known.changed)
		l->handler.changed(l->handler.userdata);
	l->known.changed = false;
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
 * Of a dump that a change interrupted everything is used and nothing is dropped. 1: something may
 * be missing. -errno.
 */
static int rtnl_dump_apply(struct rtnl *l)
{
	bool interrupted = l->dump.interrupted;
	int r = rtnl_cache_apply_dump(&l->known, l->dump.bytes, l->dump.length, !interrupted);

	return r < 0 ? r : interrupted;
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
	l->known.changed = false;
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
			l->lost |= rtnl_cache_apply(&l->known, buffer, n) < 0;
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
	l->known.address = handler->address;
	l->known.userdata = handler->userdata;
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
	rtnl_cache_done(&l->known);
	sd_event_unref(l->event);
	free(l);
	return NULL;
}

size_t rtnl_get(struct rtnl *l, const struct rtnl_iface **ret)
{
	*ret = l->known.ifaces;
	return l->known.iface_count;
}

const struct rtnl_iface *rtnl_find(struct rtnl *l, int index)
{
	return rtnl_cache_find(&l->known, index);
}
