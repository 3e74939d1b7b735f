/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, routes, neighbours and offloads of the lab's hosts, by host number and
 * interface name. See lab.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"
#include "tests/lab/lab.h"
#include "tests/lab/rtnl.h"

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

static struct rtnl_end end_of(struct lab *lab, const struct lab_end *end)
{
	return (struct rtnl_end){
		.netns_fd = lab_netns_fd(lab, end->host),
		.ifname = end->ifname,
		.mac = mac_given(end->mac) ? end->mac : NULL,
		.ifindex = end->ifindex,
		.tx_queues = end->tx_queues,
		.rx_queues = end->rx_queues,
	};
}

int lab_link_add(struct lab *lab, const struct lab_end *a, const struct lab_end *b)
{
	int fd = lab_rtnl_fd(lab, a->host);
	const struct rtnl_end ends[] = {
		end_of(lab, a),
		end_of(lab, b),
	};
	int err;

	if (ends[0].netns_fd < 0 || ends[1].netns_fd < 0)
		return -EINVAL;
	err = rtnl_veth_add(fd, &ends[0], &ends[1]);
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
	int fd = lab_rtnl_fd(lab, host);

	return fd < 0 ? fd : rtnl_link_del(fd, ifname);
}

int lab_ifindex(struct lab *lab, int host, const char *ifname)
{
	int fd = lab_rtnl_fd(lab, host);
	unsigned int ifindex;
	int err;

	if (fd < 0)
		return fd;
	err = rtnl_link_get(fd, ifname, &ifindex, NULL, NULL);
	return err ?: (int)ifindex;
}

int lab_mac(struct lab *lab, int host, const char *ifname, uint8_t ret[6])
{
	int fd = lab_rtnl_fd(lab, host);

	return fd < 0 ? fd : rtnl_link_get(fd, ifname, NULL, ret, NULL);
}

int lab_link_stats(struct lab *lab, int host, const char *ifname, struct rtnl_link_stats64 *ret)
{
	int fd = lab_rtnl_fd(lab, host);

	return fd < 0 ? fd : rtnl_link_get(fd, ifname, NULL, NULL, ret);
}

int lab_link_set_up(struct lab *lab, int host, const char *ifname, bool up)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_set_up(lab_rtnl_fd(lab, host), ifindex, up);
}

int lab_link_set_mtu(struct lab *lab, int host, const char *ifname, unsigned int bytes)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_set_mtu(lab_rtnl_fd(lab, host), ifindex, bytes);
}

int lab_link_rename(struct lab *lab, int host, const char *ifname, const char *to)
{
	int ifindex = lab_ifindex(lab, host, ifname);

	return ifindex < 0 ? ifindex : rtnl_link_rename(lab_rtnl_fd(lab, host), ifindex, to);
}

int lab_link_move(struct lab *lab, int host, const char *ifname, int to_host)
{
	int ifindex = lab_ifindex(lab, host, ifname), to = lab_netns_fd(lab, to_host);

	if (ifindex < 0 || to < 0)
		return ifindex < 0 ? ifindex : to;
	return rtnl_link_move(lab_rtnl_fd(lab, host), ifindex, to);
}

static int addr_change(struct lab *lab, int host, const char *ifname, const char *prefix, bool add)
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct rtnl_prefix p;

	if (ifindex < 0)
		return ifindex;
	err = rtnl_prefix_parse(prefix, &p);
	return err ?: rtnl_addr_change(lab_rtnl_fd(lab, host), ifindex, &p, add);
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
	int fd = lab_rtnl_fd(lab, host);
	struct rtnl_prefix to, gateway;
	int err;

	if (fd < 0)
		return fd;
	err = rtnl_prefix_parse(prefix, &to) ?: rtnl_prefix_parse(via, &gateway);
	return err ?: rtnl_route_add(fd, &to, &gateway);
}

int lab_neigh_add(struct lab *lab, int host, const char *ifname, const char *addr,
		  const uint8_t mac[6])
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct rtnl_prefix p;

	if (ifindex < 0)
		return ifindex;
	err = rtnl_prefix_parse(addr, &p);
	return err ?: rtnl_neigh_add(lab_rtnl_fd(lab, host), ifindex, &p, mac);
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
	_cleanup_close_ int fd = -1;

	fd = lab_socket(lab, host, AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return fd;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

struct attachment {
	int prog_fd;
	int ifindex;
};

/* The kernel looks the interface up in the namespace of the thread that asks. */
static int attach_xdp(void *arg)
{
	const struct attachment *a = arg;
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);

	return bpf_link_create(a->prog_fd, a->ifindex, BPF_XDP, &o);
}

int lab_attach_xdp(struct lab *lab, int host, const char *ifname, int prog_fd)
{
	struct attachment a = { .prog_fd = prog_fd, .ifindex = lab_ifindex(lab, host, ifname) };

	return a.ifindex < 0 ? a.ifindex : lab_call(lab, host, attach_xdp, &a);
}
