/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts and links of the lab. See lab.h.
 *
 * Work in a host is done by a helper thread that enters its namespace and ends: a namespace belongs
 * to a thread, so the caller's own is never at risk of not being entered again.
 */
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lab/cleanup.h"
#include "lab/host.h"
#include "lab/rtnl.h"

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

static bool mac_given(const uint8_t mac[6])
{
	return mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5];
}

/* Addresses of @end and the link up. */
static int end_configure(struct lab *lab, const struct lab_end *end)
{
	const char *addrs[] = { end->addr4, end->addr6 };
	size_t i;
	int err;

	err = lab_offload_set(lab, end->host, end->ifname, LAB_GRO, true);
	for (i = 0; !err && i < ARRAY_SIZE(addrs); i++)
		if (addrs[i])
			err = lab_addr_add(lab, end->host, end->ifname, addrs[i]);
	return err ?: lab_link_set_up(lab, end->host, end->ifname, true);
}

/* How @end reaches @other: nobody asks for a neighbour in the lab. */
static int end_introduce(struct lab *lab, const struct lab_end *end, const struct lab_end *other)
{
	const char *others[] = { other->addr4, other->addr6 };
	uint8_t mac[6];
	char addr[64];
	size_t i;
	int err;

	err = lab_mac(lab, other->host, other->ifname, mac);
	for (i = 0; !err && i < ARRAY_SIZE(others); i++) {
		if (!others[i])
			continue;
		snprintf(addr, sizeof(addr), "%.*s", (int)strcspn(others[i], "/"), others[i]);
		err = lab_neigh_add(lab, end->host, end->ifname, addr, mac);
	}
	return err;
}

int lab_link_add(struct lab *lab, const struct lab_end *a, const struct lab_end *b)
{
	const struct host *host_a = host_get(lab, a->host), *host_b = host_get(lab, b->host);
	const struct rtnl_end ends[] = {
		{ lab_netns_fd(lab, a->host), a->ifname, mac_given(a->mac) ? a->mac : NULL },
		{ lab_netns_fd(lab, b->host), b->ifname, mac_given(b->mac) ? b->mac : NULL },
	};
	int err;

	if (!host_a || !host_b)
		return -EINVAL;
	err = rtnl_veth_add(host_a->rtnl_fd, &ends[0], &ends[1]);
	if (!err)
		err = end_configure(lab, a);
	if (!err)
		err = end_configure(lab, b);
	if (!err)
		err = end_introduce(lab, a, b);
	if (!err)
		err = end_introduce(lab, b, a);
	return err;
}

int lab_link_del(struct lab *lab, int host, const char *ifname)
{
	const struct host *h = host_get(lab, host);

	return h ? rtnl_link_del(h->rtnl_fd, ifname) : -EINVAL;
}

int lab_ifindex(struct lab *lab, int host, const char *ifname)
{
	const struct host *h = host_get(lab, host);
	unsigned int ifindex;
	int err;

	if (!h)
		return -EINVAL;
	err = rtnl_link_get(h->rtnl_fd, ifname, &ifindex, NULL, NULL);
	return err ?: (int)ifindex;
}

int lab_mac(struct lab *lab, int host, const char *ifname, uint8_t ret[6])
{
	const struct host *h = host_get(lab, host);

	return h ? rtnl_link_get(h->rtnl_fd, ifname, NULL, ret, NULL) : -EINVAL;
}

int lab_link_stats(struct lab *lab, int host, const char *ifname, struct rtnl_link_stats64 *ret)
{
	const struct host *h = host_get(lab, host);

	return h ? rtnl_link_get(h->rtnl_fd, ifname, NULL, NULL, ret) : -EINVAL;
}

int lab_link_set_up(struct lab *lab, int host, const char *ifname, bool up)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_set_up(lab->hosts[host].rtnl_fd, ifindex, up);
}

int lab_link_set_mtu(struct lab *lab, int host, const char *ifname, unsigned int bytes)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_set_mtu(lab->hosts[host].rtnl_fd, ifindex, bytes);
}

int lab_link_rename(struct lab *lab, int host, const char *ifname, const char *to)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_rename(lab->hosts[host].rtnl_fd, ifindex, to);
}

static int addr_change(struct lab *lab, int host, const char *ifname, const char *prefix, bool add)
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct rtnl_prefix p;

	if (ifindex < 0)
		return ifindex;
	err = rtnl_prefix_parse(prefix, &p);
	return err ?: rtnl_addr_change(lab->hosts[host].rtnl_fd, ifindex, &p, add);
}

int lab_addr_add(struct lab *lab, int host, const char *ifname, const char *prefix)
{
	return addr_change(lab, host, ifname, prefix, true);
}

int lab_addr_del(struct lab *lab, int host, const char *ifname, const char *prefix)
{
	return addr_change(lab, host, ifname, prefix, false);
}

int lab_route_add(struct lab *lab, int host, const char *prefix, const char *via)
{
	const struct host *h = host_get(lab, host);
	struct rtnl_prefix to, gateway;
	int err;

	if (!h)
		return -EINVAL;
	err = rtnl_prefix_parse(prefix, &to) ?: rtnl_prefix_parse(via, &gateway);
	return err ?: rtnl_route_add(h->rtnl_fd, &to, &gateway);
}

int lab_neigh_add(struct lab *lab, int host, const char *ifname, const char *addr,
		  const uint8_t mac[6])
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct rtnl_prefix p;

	if (ifindex < 0)
		return ifindex;
	err = rtnl_prefix_parse(addr, &p);
	return err ?: rtnl_neigh_add(lab->hosts[host].rtnl_fd, ifindex, &p, mac);
}

int lab_offload_set(struct lab *lab, int host, const char *ifname, enum lab_offload what, bool on)
{
	static const uint32_t commands[] = {
		[LAB_TX_CSUM] = ETHTOOL_STXCSUM,
		[LAB_TSO] = ETHTOOL_STSO,
		[LAB_GSO] = ETHTOOL_SGSO,
		[LAB_GRO] = ETHTOOL_SGRO,
	};
	struct ethtool_value value = { .cmd = commands[what], .data = on };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	_cleanup_(closep) int fd = -1;

	fd = lab_socket(lab, host, AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return fd;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* MACs are locally administered (bit 1 of the first byte) and say in a capture whose they are. */
static int default_topology(struct lab *lab)
{
	static const struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x01 },
		.addr4 = LAB_SERVER_ADDR4 "/24",
		.addr6 = LAB_SERVER_ADDR6 "/64",
	};
	static const struct lab_end client = {
		.host = LAB_CLIENT,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x02 },
		.addr4 = LAB_CLIENT_ADDR4 "/24",
		.addr6 = LAB_CLIENT_ADDR6 "/64",
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

int lab_new(struct lab **ret)
{
	_cleanup_(lab_freep) struct lab *lab = NULL;
	int err;

	err = lab_new_empty(&lab);
	if (!err)
		err = default_topology(lab);
	if (!err)
		*ret = TAKE_PTR(lab);
	return err;
}
