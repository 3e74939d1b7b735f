/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, routes and neighbours over rtnetlink (libmnl).
 *
 * Each function sends one request on an rtnetlink socket, whose namespace it acts in, and waits for
 * the kernel's answer: 0 or -errno. The socket stays the caller's. Callers outside of the lab want
 * lab.h, which says the same with hosts and interface names.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

struct rtnl_link_stats64;

/* An address or prefix as text turned into bytes in network byte order. */
struct rtnl_prefix {
	int family;
	uint8_t addr[16];
	unsigned int bytes; /* 4 or 16 */
	unsigned int bits;  /* prefix length */
};

/* "192.0.2.0/24"; without a slash all bits. -EINVAL for anything else. */
int rtnl_prefix_parse(const char *text, struct rtnl_prefix *ret);

/* What a veth end is made of. @mac: NULL for the kernel's choice. */
struct rtnl_end {
	int netns_fd;
	const char *ifname;
	const uint8_t *mac;
	int ifindex; /* 0: the kernel's choice; so for the numbers of queues */
	unsigned int tx_queues;
	unsigned int rx_queues;
};

int rtnl_veth_add(int fd, const struct rtnl_end *a, const struct rtnl_end *b);
int rtnl_link_del(int fd, const char *ifname);
int rtnl_link_set_up(int fd, unsigned int ifindex, bool up);
int rtnl_link_set_mtu(int fd, unsigned int ifindex, unsigned int mtu);
int rtnl_link_move(int fd, unsigned int ifindex, int netns_fd);
int rtnl_link_rename(int fd, unsigned int ifindex, const char *to);

/* Any of the outputs may be NULL. */
int rtnl_link_get(int fd, const char *ifname, unsigned int *ret_ifindex, uint8_t ret_mac[6],
		  struct rtnl_link_stats64 *ret_stats);

int rtnl_addr_change(int fd, unsigned int ifindex, const struct rtnl_prefix *p, bool add);
int rtnl_route_add(int fd, const struct rtnl_prefix *to, const struct rtnl_prefix *via);
int rtnl_neigh_add(int fd, unsigned int ifindex, const struct rtnl_prefix *addr,
		   const uint8_t mac[6]);
