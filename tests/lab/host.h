/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts of the lab: unnamed network namespaces, their sysctls, counters and sockets.
 *
 * A namespace is held by a file descriptor of this process only, so it vanishes with its links
 * when the process dies, however it dies. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
 *
 * Host numbers come from lab_host_add(), from 0 upwards. Every function returns 0 or -errno unless
 * it says otherwise, and writes outputs on success only. A lab belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab;

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

/* "net.ipv4.tcp_syncookies" or "net/ipv4/conf/lab0.7/rp_filter": the usual notation. The value is
 * given and returned without a newline. lab_sysctl_get() allocates: free() *@ret. */
int lab_sysctl_set(struct lab *lab, int host, const char *name, const char *value);
int lab_sysctl_get(struct lab *lab, int host, const char *name, char **ret);

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

static inline void lab_freep(struct lab **p)
{
	lab_free(*p);
}
