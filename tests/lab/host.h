/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host of the lab can be asked and told through /proc and sock_diag.
 *
 * Functions return 0 or -errno and write outputs on success only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lab/lab.h"

/* "net.ipv4.tcp_syncookies" or "net/ipv4/conf/lab0.7/rp_filter": the usual notation. The value is
 * given and returned without a newline. lab_sysctl_get() allocates: free() *@ret. */
int lab_sysctl_set(struct lab *lab, int host, const char *name, const char *value);
int lab_sysctl_get(struct lab *lab, int host, const char *name, char **ret);

/* The text of a file as a task of the host sees it; /proc/net must be named by
 * "/proc/thread-self/net". Allocates *@ret, NUL-terminated. */
int lab_read_file(struct lab *lab, int host, const char *path, char **ret);

/* A counter of /proc/net/netstat or /proc/net/snmp: ("TcpExt", "SyncookiesSent"), ("Tcp",
 * "PassiveOpens"). -ENOENT where the kernel does not have it. */
int lab_counter(struct lab *lab, int host, const char *group, const char *name, uint64_t *ret);

/* How many TCP sockets of both families are in @state (TCP_SYN_RECV of netinet/tcp.h: the half-open
 * ones), >= 0, or -errno. @port: only those of this local port, 0 for all. */
int lab_count_sockets(struct lab *lab, int host, int state, uint16_t port);

/*
 * Makes the interface's receive polling a kernel thread on CPU @cpu, as if its interrupt arrived
 * there, and returns the thread's id in *@ret_tid (for lab_task_cpu_ns()). Without it a veth end
 * polls on whichever CPU sent to it. The interface must be up with LAB_GRO on.
 */
int lab_napi_thread(struct lab *lab, int host, const char *ifname, int cpu, int *ret_tid);

/* CPU time that a thread of this machine has used, in nanoseconds. */
int lab_task_cpu_ns(int tid, uint64_t *ret_ns);

/* CPU time spent in softirqs on all CPUs of this machine since boot, in nanoseconds. Counted by the
 * timer tick on most kernels: mind its granularity over short windows. */
int lab_softirq_ns(uint64_t *ret_ns);
