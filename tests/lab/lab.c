/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts of the lab and its default topology. See lab.h.
 *
 * Work in a host is done by a helper thread that enters its namespace and ends: a namespace belongs
 * to a thread, so the caller's own is never at risk of not being entered again.
 */
#include "tests/lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"
#include "tests/lab/host.h"

/* Server, client, a router between them, and a few to spare. */
#define LAB_HOSTS_MAX 8

struct host {
	int netns_fd;
	int rtnl_fd;
};

struct lab {
	struct host hosts[LAB_HOSTS_MAX];
	int host_count;
};

int lab_new_empty(struct lab **ret)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	if (!lab)
		return -ENOMEM;
	*ret = lab;
	return 0;
}

struct lab *lab_free(struct lab *lab)
{
	int i;

	if (!lab)
		return NULL;
	for (i = 0; i < lab->host_count; i++) {
		close_fd(lab->hosts[i].rtnl_fd);
		close_fd(lab->hosts[i].netns_fd);
	}
	free(lab);
	return NULL;
}

static struct host *host_get(struct lab *lab, int host)
{
	return host >= 0 && host < lab->host_count ? &lab->hosts[host] : NULL;
}

int lab_netns_fd(struct lab *lab, int host)
{
	const struct host *h = host_get(lab, host);

	return h ? h->netns_fd : -EINVAL;
}

int lab_rtnl_fd(struct lab *lab, int host)
{
	const struct host *h = host_get(lab, host);

	return h ? h->rtnl_fd : -EINVAL;
}

int lab_enter(struct lab *lab, int host)
{
	const struct host *h = host_get(lab, host);

	if (!h)
		return -EINVAL;
	return setns(h->netns_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

struct call {
	struct lab *lab;
	int host;
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static void *call_thread(void *arg)
{
	struct call *call = arg;

	call->ret = lab_enter(call->lab, call->host);
	if (!call->ret)
		call->ret = call->fn(call->arg);
	return NULL;
}

int lab_call(struct lab *lab, int host, int (*fn)(void *arg), void *arg)
{
	struct call call = { .lab = lab, .host = host, .fn = fn, .arg = arg };
	pthread_t thread;
	int err;

	err = pthread_create(&thread, NULL, call_thread, &call);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	return call.ret;
}

struct socket_args {
	int family;
	int type;
	int protocol;
};

static int socket_make(void *arg)
{
	const struct socket_args *a = arg;
	int fd = socket(a->family, a->type | SOCK_CLOEXEC, a->protocol);

	return fd < 0 ? -errno : fd;
}

int lab_socket(struct lab *lab, int host, int family, int type, int protocol)
{
	struct socket_args args = { family, type, protocol };

	return lab_call(lab, host, socket_make, &args);
}

/* Leaves the thread in a namespace of its own and returns a descriptor of it. */
static int netns_make(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void *netns_thread(void *arg)
{
	*(int *)arg = netns_make();
	return NULL;
}

static int netns_new(void)
{
	pthread_t thread;
	int err, fd;

	err = pthread_create(&thread, NULL, netns_thread, &fd);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	return fd;
}

/*
 * Nothing may move by itself: a router solicitation or an address in DAD would be packets that no
 * test sent, and a second that every test waits.
 */
static int host_quieten(struct lab *lab, int host)
{
	/* clang-format off */
	static const char *const quiet[][2] = {
		{ "net.ipv6.conf.all.disable_ipv6",	"0" },
		{ "net.ipv6.conf.default.disable_ipv6",	"0" },
		{ "net.ipv6.conf.default.accept_dad",	"0" },
		{ "net.ipv6.conf.default.accept_ra",	"0" },
		{ "net.ipv6.conf.default.router_solicitations",	"0" },
		{ "net.ipv6.conf.default.addr_gen_mode", "1" }, /* no link-local address */
		{ "net.ipv4.conf.all.rp_filter",	"0" },
		{ "net.ipv4.conf.default.rp_filter",	"0" },
		/* net.core.devconf_inherit_init_net may have brought the machine's own */
		{ "net.ipv4.conf.all.forwarding",	"0" },
		{ "net.ipv6.conf.all.forwarding",	"0" },
	};
	/* clang-format on */
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(quiet); i++) {
		err = lab_sysctl_set(lab, host, quiet[i][0], quiet[i][1]);
		if (err)
			return err;
	}
	return lab_link_set_up(lab, host, "lo", true);
}

int lab_host_add(struct lab *lab)
{
	struct host *h;
	int host = lab->host_count, err;

	if (host == LAB_HOSTS_MAX)
		return -ENOSPC;
	h = &lab->hosts[host];

	h->rtnl_fd = -1;
	h->netns_fd = netns_new();
	if (h->netns_fd < 0)
		return h->netns_fd;
	lab->host_count++;

	h->rtnl_fd = lab_socket(lab, host, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	err = h->rtnl_fd < 0 ? h->rtnl_fd : host_quieten(lab, host);
	if (err) {
		lab->host_count--;
		h->rtnl_fd = close_fd(h->rtnl_fd);
		h->netns_fd = close_fd(h->netns_fd);
		return err;
	}
	return host;
}

/* MACs are locally administered (bit 1 of the first byte) and say in a capture whose they are. */
static int default_topology(struct lab *lab, unsigned int queues)
{
	const struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x01 },
		.addr4 = LAB_SERVER_ADDR4 "/24",
		.addr6 = LAB_SERVER_ADDR6 "/64",
		.tx_queues = queues,
		.rx_queues = queues,
	};
	const struct lab_end client = {
		.host = LAB_CLIENT,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x02 },
		.addr4 = LAB_CLIENT_ADDR4 "/24",
		.addr6 = LAB_CLIENT_ADDR6 "/64",
		.tx_queues = queues,
		.rx_queues = queues,
	};
	int host, err;

	host = lab_host_add(lab);
	if (host >= 0)
		host = lab_host_add(lab);
	if (host < 0)
		return host;

	err = lab_link_add(lab, &server, &client);
	if (!err)
		err = lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET4, LAB_CLIENT_ADDR4);
	if (!err)
		err = lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET6, LAB_CLIENT_ADDR6);
	return err;
}

int lab_new_queues(struct lab **ret, unsigned int queues)
{
	_cleanup_(lab_freep) struct lab *lab = NULL;
	int err;

	err = lab_new_empty(&lab);
	if (!err)
		err = default_topology(lab, queues);
	if (!err)
		*ret = TAKE_PTR(lab);
	return err;
}

int lab_new(struct lab **ret)
{
	return lab_new_queues(ret, 0);
}
