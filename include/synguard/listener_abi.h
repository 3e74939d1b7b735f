/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A listener as the kernel keeps it: what bpf/state/listeners.bpf.h writes and daemon/dataplane/listeners.c reads.
 *
 * Raw fields. What follows from them is for the reader to work out.
 */
#pragma once

#include "synguard/abi.h"

struct sg_listener {
	struct sg_addr addr; /* all zero = any; an IPv4 address is v4-mapped */
	__u64 cookie;	     /* of the socket: never used twice while the host is up */
	__u64 cgroup_id;     /* 0 = unknown */
	__u64 inode;	     /* as in /proc/PID/fd; 0 = no file is open to it */
	__u32 ifindex;	     /* that it is bound to; 0 = none */
	__u32 syn_queue;     /* half-open connections that it holds */
	__u32 young;	     /* those whose SYN-ACK has not been sent again yet */
	__u32 accept_queue;  /* complete, and not taken by the application */
	__u32 queue_max;     /* its backlog, the limit of each of the two queues */
	__u32 syn_backlog;   /* net.ipv4.tcp_max_syn_backlog, which counts without kernel cookies */
	__u32 drops;	     /* SYNs and ACKs that it dropped, of all that it has met */
	__be16 port;
	__u16 family;	     /* AF_INET, AF_INET6 */
	__u8 syncookies;     /* net.ipv4.tcp_syncookies */
	__u8 syn_retries;    /* TCP_SYNCNT of the socket; 0 = the host's */
	__u8 synack_retries; /* in force: its own, else the host's */
	__u8 defer_accept;   /* TCP_DEFER_ACCEPT in retransmissions; 0 = off */
	__u8 v6only;
	__u8 mptcp;
	__u8 reuseport;
	__u8 pad;
};

_Static_assert(sizeof(struct sg_listener) == 80, "no padding that nobody wrote");

/* What bpf/adjust.bpf.c is to do with a listener: its TCP_SYNCNT, if it is `from`, becomes `to`. */
struct sg_order {
	__u32 from;   /* raw: 0 = the host's number is in force */
	__u32 to;     /* 1 to 127 */
	__s32 result; /* of bpf_setsockopt() */
};

#define SG_ORDERS_MAX 1024
