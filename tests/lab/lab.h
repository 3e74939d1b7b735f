/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab: hosts (host.c, nat.c), links between them (link.c) and what their devices do (device.c), for
 * the demo, the netns tests and the bench. Nothing outside of its namespaces is touched, nothing
 * gets a name in /run/netns, and no program is called to set anything up.
 *
 * A host is an unnamed network namespace. It is held by a file descriptor of this process only, so
 * it vanishes with its links when the process dies, however it dies. Needs CAP_SYS_ADMIN and
 * CAP_NET_ADMIN. Host numbers come from lab_host_add(), from 0 upwards. Every function returns 0 or
 * -errno unless it says otherwise, and writes outputs on success only. A lab belongs to one thread
 * at a time.
 *
 * Left to the caller: what runs in the hosts (run.h, lab_daemon.h, server.h, clients.h, flood.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab;
struct rtnl_link_stats64;

/* A lab without hosts. */
int lab_new_empty(struct lab **ret);

/* Takes NULL, returns NULL. Namespaces go when the last process in them has ended. */
struct lab *lab_free(struct lab *lab);

/* A host with lo up, IPv6 on and quiet (no DAD, no link-local, no router solicitations).
 * Returns its number or -errno. */
int lab_host_add(struct lab *lab);

/* Moves the calling thread into the host for good. */
int lab_enter(struct lab *lab, int host);

/* Runs @fn in the host, in a thread of its own that the call waits for; returns what it returns.
 * The caller stays where it is. */
int lab_call(struct lab *lab, int host, int (*fn)(void *arg), void *arg);

/* A socket of the host (close-on-exec), or -errno. It stays one wherever it is used. */
int lab_socket(struct lab *lab, int host, int family, int type, int protocol);

/* The namespace's own descriptor, for setns(), and an rtnetlink socket of it; both stay the lab's.
 * -EINVAL: no such host. */
int lab_netns_fd(struct lab *lab, int host);
int lab_rtnl_fd(struct lab *lab, int host);

/* "net.ipv4.tcp_syncookies"; a dot separates. The value is given and returned without a newline.
 * lab_sysctl_get() allocates: free() *@ret. */
int lab_sysctl_set(struct lab *lab, int host, const char *name, const char *value);
int lab_sysctl_get(struct lab *lab, int host, const char *name, char **ret);

/* A chain of type nat without rules, over both families (nftables): NAT has its hooks then. */
int lab_nat_add(struct lab *lab, int host);

/* A counter of /proc/net/netstat or /proc/net/snmp: ("TcpExt", "SyncookiesSent"), ("Tcp",
 * "PassiveOpens"). -ENOENT where the kernel does not have it. */
int lab_counter(struct lab *lab, int host, const char *group, const char *name, uint64_t *ret);

/* How many TCP sockets of both families are in @state (TCP_SYN_RECV of netinet/tcp.h: the half-open
 * ones), >= 0, or -errno. @port: only those of this local port, 0 for all. */
int lab_count_sockets(struct lab *lab, int host, int state, uint16_t port);

/* CPU time that a thread of this machine has used, in nanoseconds. */
int lab_task_cpu_ns(int tid, uint64_t *ret_ns);

/* CPU time spent in softirqs on all CPUs of this machine since boot, in nanoseconds. Counted by the
 * timer tick on most kernels: mind its granularity over short windows. */
int lab_softirq_ns(uint64_t *ret_ns);

/* ---- links (veth pairs), their addresses, routes and neighbours ---- */

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

/* ---- two hosts, one link ---- */

/* The topology of lab_new(), with a route for answers to the flood's sources. */
enum {
	LAB_SERVER,
	LAB_CLIENT,
};

#define LAB_SERVER_ADDR4 "192.0.2.1"
#define LAB_SERVER_ADDR6 "2001:db8::1"
#define LAB_CLIENT_ADDR4 "192.0.2.2"
#define LAB_CLIENT_ADDR6 "2001:db8::2"

/* RFC 2544 and RFC 5180: set aside for benchmarks. The only sources that a flood uses. */
#define LAB_FLOOD_NET4 "198.18.0.0/15"
#define LAB_FLOOD_NET6 "2001:2::/48"

/* Free with lab_free(). */
int lab_new(struct lab **ret);
/* The same with so many queues at each end of the link, each polled on the CPU that sent to it; 0:
 * as many as the kernel makes. */
int lab_new_queues(struct lab **ret, unsigned int queues);

static inline void lab_freep(struct lab **p)
{
	lab_free(*p);
}
