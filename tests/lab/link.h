/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links (veth pairs) between hosts of the lab, their addresses, routes and neighbours (link.c, by
 * rtnetlink), and what their devices do with packets (device.c). Functions are those of host.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lab/host.h"

struct rtnl_link_stats64;

#define LAB_IFNAME "lab0"

/* One end of a link. Addresses are "192.0.2.1/24", "2001:db8::1/64", or NULL for none. */
struct lab_end {
	int host;
	const char *ifname;
	uint8_t mac[6]; /* all zero: the kernel picks one */
	const char *addr4;
	const char *addr6;
	int ifindex;		/* 0: the kernel picks one */
	unsigned int tx_queues; /* 0: as many as the kernel makes */
	unsigned int rx_queues;
};

/* A veth pair, both ends up, with GRO on and permanent neighbours both ways for the addresses given
 * (without link-local addresses a router could not ask for its IPv6 neighbours). */
int lab_link_add(struct lab *lab, const struct lab_end *a, const struct lab_end *b);

int lab_link_del(struct lab *lab, int host, const char *ifname);
int lab_link_set_up(struct lab *lab, int host, const char *ifname, bool up);
int lab_link_set_mtu(struct lab *lab, int host, const char *ifname, unsigned int bytes);
int lab_link_rename(struct lab *lab, int host, const char *ifname, const char *to);
/* Into another host, down and without addresses; it keeps its index where that is free there. */
int lab_link_move(struct lab *lab, int host, const char *ifname, int to_host);

/* The interface's index in its host, > 0, or -errno. */
int lab_ifindex(struct lab *lab, int host, const char *ifname);
int lab_mac(struct lab *lab, int host, const char *ifname, uint8_t ret[6]);
int lab_link_stats(struct lab *lab, int host, const char *ifname, struct rtnl_link_stats64 *ret);

/* @prefix "192.0.2.7/24"; without a slash a host address. */
int lab_addr_add(struct lab *lab, int host, const char *ifname, const char *prefix);
int lab_addr_del(struct lab *lab, int host, const char *ifname, const char *prefix);

/* @via: the gateway, reachable over a link of the host. */
int lab_route_add(struct lab *lab, int host, const char *prefix, const char *via);

/* A permanent neighbour entry. */
int lab_neigh_add(struct lab *lab, int host, const char *ifname, const char *addr,
		  const uint8_t mac[6]);

/* ---- devices ---- */

enum lab_offload {
	LAB_TX_CSUM, /* off: checksums of what this end sends are complete on the wire */
	LAB_TSO,
	LAB_GSO,
	LAB_GRO, /* on: the veth end polls by NAPI, which XDP_TX and XDP redirects to it need */
};

int lab_offload_set(struct lab *lab, int host, const char *ifname, enum lab_offload what, bool on);

/* Attaches an XDP program to it, in native mode. Returns the link's descriptor, which is the
 * caller's and detaches when it is closed, or -errno. */
int lab_attach_xdp(struct lab *lab, int host, const char *ifname, int prog_fd);

/*
 * Makes the interface's receive polling a kernel thread on CPU @cpu, as if its interrupt arrived
 * there, and returns the thread's id in *@ret_tid (for lab_task_cpu_ns()). Without it a veth end
 * polls on whichever CPU sent to it. The interface must be up with LAB_GRO on.
 */
int lab_napi_thread(struct lab *lab, int host, const char *ifname, int cpu, int *ret_tid);

/* libbpf says nothing more on stderr; our own errors say what matters. */
void lab_quiet_libbpf(void);
