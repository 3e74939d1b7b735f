/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that the programs read, and no more of each than they read.
 *
 * Field offsets come from the running kernel's BTF when the object is loaded (CO-RE), so neither
 * order nor completeness matters here, only names and types. Written by hand: a generated
 * vmlinux.h would be 150 000 lines of one kernel, and package builders have no BTF.
 */
#pragma once

#include "bpf/compat.h"
#include "synguard/abi.h"

#include <bpf/bpf_core_read.h>

#define __relocated __attribute__((preserve_access_index))

/* include/net/tcp_states.h */
enum kernel_tcp_state {
	KERNEL_TCP_ESTABLISHED = 1,
	KERNEL_TCP_SYN_RECV = 3,
	KERNEL_TCP_FIN_WAIT1 = 4,
	KERNEL_TCP_FIN_WAIT2 = 5,
	KERNEL_TCP_TIME_WAIT = 6,
	KERNEL_TCP_CLOSE_WAIT = 8,
	KERNEL_TCP_LAST_ACK = 9,
	KERNEL_TCP_LISTEN = 10,
	KERNEL_TCP_CLOSING = 11,
	KERNEL_TCP_NEW_SYN_RECV = 12,
};

#define KERNEL_AF_INET		2
#define KERNEL_AF_INET6		10
#define KERNEL_SOCK_RCVBUF_LOCK 2 /* include/net/sock.h */

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct ns_common {
	unsigned int inum;
} __relocated;

struct netns_ipv4 {
	int sysctl_tcp_rmem[3];
	int sysctl_max_syn_backlog;
	__u8 sysctl_tcp_synack_retries;
	__u8 sysctl_tcp_ecn;
	__u8 sysctl_tcp_rfc1337;
	__u8 sysctl_tcp_syncookies;
	__u8 sysctl_tcp_sack;
	__u8 sysctl_tcp_window_scaling;
	__u8 sysctl_tcp_timestamps;
	__u8 sysctl_ip_default_ttl;
	__u8 sysctl_tcp_reflect_tos;
	int sysctl_tcp_adv_win_scale;
	__u8 sysctl_tcp_workaround_signed_windows;
} __relocated;

struct netns_sysctl_ipv6 {
	__u8 auto_flowlabels;
	__u8 flowlabel_state_ranges;
} __relocated;

struct netns_ipv6 {
	struct netns_sysctl_ipv6 sysctl;
} __relocated;

struct nf_hook_ops {
	int priority;
} __relocated;

struct nf_hook_entry {
	void *hook;
	void *priv;
} __relocated;

/* followed by one struct nf_hook_ops pointer for each of hooks[] */
struct nf_hook_entries {
	__u16 num_hook_entries;
	struct nf_hook_entry hooks[];
} __relocated;

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5];
	struct nf_hook_entries *hooks_ipv6[5];
} __relocated;

#define KERNEL_NF_LOCAL_IN 1 /* include/uapi/linux/netfilter.h */
/* include/uapi/linux/netfilter_ipv4.h, _ipv6.h alike */
#define KERNEL_NF_PRI_NAT_SRC	    100
#define KERNEL_NF_PRI_CONNTRACK_END 2147483646 /* nf_confirm() of IPv6; of IPv4 one more */

struct nf_tcp_net {
	__u8 tcp_loose;
} __relocated;

struct nf_ip_net {
	struct nf_tcp_net tcp;
} __relocated;

struct netns_ct {
	struct nf_ip_net nf_ct_proto;
} __relocated;

struct net {
	struct ns_common ns;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
	struct netns_nf nf;
	struct netns_ct ct;
} __relocated;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	struct sock *skc_listener; /* of a request socket, which holds it */
	__u32 skc_tw_rcv_nxt;
} __relocated;

struct kernfs_node {
	__u64 id;
} __relocated;

struct cgroup {
	struct kernfs_node *kn;
} __relocated;

struct sock_cgroup_data {
	struct cgroup *cgroup;
} __relocated;

struct inode {
	unsigned long i_ino;
} __relocated;

struct socket {
	short type;
} __relocated;

/* the inode that /proc/PID/fd shows; its socket comes first */
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
} __relocated;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct sock_cgroup_data sk_cgrp_data;
	atomic_t sk_drops;
	int sk_rcvbuf;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	__u8 sk_userlocks;
	__u16 sk_protocol;
} __relocated;

/* of an IPv6 socket */
struct ipv6_pinfo {
	__s16 hop_limit; /* -1: not set */
	__u8 tclass;
	__u16 repflow : 1, autoflowlabel : 1, autoflowlabel_set : 1; /* before Linux 6.6 */
	__u8 min_hopcount;
} __relocated;

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	unsigned long inet_flags;
	__s16 uc_ttl;
	__u8 tos;
	__u8 min_ttl;
} __relocated;

/* Bits of inet_flags, include/net/inet_sock.h; the enum has no name that could be looked up. */
#define KERNEL_AUTOFLOWLABEL_SET 23
#define KERNEL_AUTOFLOWLABEL	 24
#define KERNEL_REPFLOW		 27

/* include/net/ipv6.h: what auto_flowlabels may be */
enum kernel_auto_flowlabels {
	KERNEL_FLOWLABELS_OFF,
	KERNEL_FLOWLABELS_OPTOUT,
	KERNEL_FLOWLABELS_OPTIN,
	KERNEL_FLOWLABELS_FORCED,
};

struct request_sock_queue {
	__u8 rskq_defer_accept;
	atomic_t qlen;
	atomic_t young;
} __relocated;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	__u8 icsk_syn_retries;
} __relocated;

struct tcp_options_received {
	__u32 ts_recent;
	__u16 user_mss;
} __relocated;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	struct tcp_options_received rx_opt;
	__u8 scaling_ratio;
	__u32 window_clamp;
	__u32 max_window;
	__u32 rcv_nxt;
	__u32 rcv_wnd;
	__u32 snd_una;
	__u32 write_seq;
	__u64 bytes_received;
	__u64 bytes_acked;
	bool is_mptcp;
} __relocated;

struct ipv6_devconf {
	__s32 hop_limit;
	__s32 mtu6;
} __relocated;

struct inet6_dev {
	struct ipv6_devconf cnf;
} __relocated;

enum netdev_priv_flags {
	IFF_BRIDGE_PORT = 1 << 9,
};

struct net_device {
	possible_net_t nd_net;
	int ifindex;
	unsigned int mtu;
	struct inet6_dev *ip6_ptr;
	__u32 priv_flags;
	__u8 dev_addr_shadow[32]; /* what dev_addr, a pointer, points to: dev_addr_mod() */
} __relocated;

struct xdp_rxq_info {
	struct net_device *dev;
} __relocated;

struct xdp_buff {
	struct xdp_rxq_info *rxq;
	__u32 flags;
} __relocated;

#define KERNEL_XDP_HAS_FRAGS 1 /* enum xdp_buff_flags, include/net/xdp.h */

struct inet_timewait_sock {
	struct sock_common __tw_common;
} __relocated;

struct tcp_timewait_sock {
	struct inet_timewait_sock tw_sk;
	__u32 tw_ts_recent;
} __relocated;

struct timer_list {
	unsigned long expires;
} __relocated;

struct request_sock {
	struct sock_common __req_common;
	__u8 num_timeout : 7; /* how often its SYN-ACK was sent again because its time was over */
	struct timer_list rsk_timer;
	__u32 timeout; /* the first one, in jiffies */
} __relocated;

struct inet_request_sock {
	struct request_sock req;
	__u16 acked : 1; /* by a client whom the listener cannot take, or not yet */
} __relocated;

struct tcp_request_sock {
	struct inet_request_sock req;
	__u8 syn_tos;
	__u64 snt_synack; /* when its SYN-ACK was sent first, in microseconds of CLOCK_MONOTONIC */
	__u32 rcv_isn, snt_isn;
	__u32 rcv_nxt;
} __relocated;

/* The kernel's own view of a context; the verifier makes a mere move of it. Kernel 6.2. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* Whether it has that. Where it has not (Linux 6.1), who loads the programs says so before. */
const volatile bool kernel_has_casts = true;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __relocated;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} __relocated;

/* include/linux/tcp.h; not relocated: its size is part of the kfunc's contract */
struct bpf_tcp_req_attrs {
	__u32 rcv_tsval;
	__u32 rcv_tsecr;
	__u16 mss;
	__u8 rcv_wscale;
	__u8 snd_wscale;
	__u8 ecn_ok;
	__u8 wscale_ok;
	__u8 sack_ok;
	__u8 tstamp_ok;
	__u8 usec_ts_ok;
	__u8 reserved[3];
};

#define KERNEL_PACKET_OTHERHOST 3 /* include/uapi/linux/if_packet.h */

/* include/linux/skbuff.h */
#define KERNEL_CHECKSUM_UNNECESSARY 1
#define KERNEL_CHECKSUM_COMPLETE    2
#define KERNEL_CHECKSUM_PARTIAL	    3

/* The metrics of a route, by RTAX_* - 1. */
struct dst_metrics {
	__u32 metrics[17];
} __relocated;

#define KERNEL_DST_METRICS_FLAGS 3ULL /* in the pointer to them: include/net/dst.h */
#define KERNEL_SKB_DST_NOREF	 1ULL /* in that to the route: include/linux/skbuff.h */

struct dst_entry {
	struct net_device *dev;
	unsigned long _metrics;
} __relocated;

struct rtable {
	struct dst_entry dst;
	__u8 rt_uses_gateway;
	__u32 rt_pmtu : 31; /* of a path whose routers have told, 0 = none has */
} __relocated;

struct rt6_info {
	struct dst_entry dst;
	__u32 rt6i_flags;
} __relocated;

#define KERNEL_RTF_GATEWAY 2

struct sk_buff {
	struct net_device *dev;
	unsigned long _skb_refdst;
	__u8 ip_summed : 2;
	__u8 ipvs_property : 1; /* IPVS has sent it on, or translated it */
	unsigned long _nfct;	/* struct nf_conn *, and in the lower bits enum ip_conntrack_info */
} __relocated;

/* include/net/netfilter/nf_conntrack.h, include/uapi/linux/netfilter/nf_conntrack_common.h */
struct nf_conn {
	unsigned long status;
} __relocated;

#define KERNEL_NFCT_INFO_MASK	       7UL
#define KERNEL_IP_CT_ESTABLISHED_REPLY 3
#define KERNEL_IPS_DST_NAT	       (1UL << 5)

/* What is at this address taken for a type of the kernel, to be read only. Kernel 6.2. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define kernel_cast(address, type)                                                                 \
	((const type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/*
 * Makes the skb the last packet of a handshake on listener sk (net/core/filter.c). Kernel 6.9.
 * -EINVAL: not at tc ingress, not a plain TCP listener, MSS too low, or an option that is off.
 */
extern int bpf_sk_assign_tcp_reqsk(struct __sk_buff *skb, struct sock *sk,
				   struct bpf_tcp_req_attrs *attrs, int attrs__sz) __ksym __weak;

/*
 * The socket that a packet between these ends would meet in our network namespace, to be released.
 * Remote is its source. Where v4, both addresses are v4-mapped. Writes *tuple.
 */
static __always_inline struct bpf_sock *
kernel_lookup_tcp_by(void *ctx, bool v4, const struct sg_addr *remote, __be16 remote_port,
		     const struct sg_addr *local, __be16 local_port, struct bpf_sock_tuple *tuple)
{
	if (v4) {
		tuple->ipv4.saddr = remote->words[3];
		tuple->ipv4.daddr = local->words[3];
		tuple->ipv4.sport = remote_port;
		tuple->ipv4.dport = local_port;
		return bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple->ipv6.saddr, remote, sizeof(*remote));
	__builtin_memcpy(tuple->ipv6.daddr, local, sizeof(*local));
	tuple->ipv6.sport = remote_port;
	tuple->ipv6.dport = local_port;
	return bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv6), BPF_F_CURRENT_NETNS, 0);
}

static __always_inline struct bpf_sock *
kernel_lookup_tcp(void *ctx, bool v4, const struct sg_addr *remote, __be16 remote_port,
		  const struct sg_addr *local, __be16 local_port)
{
	struct bpf_sock_tuple tuple = {};

	return kernel_lookup_tcp_by(ctx, v4, remote, remote_port, local, local_port, &tuple);
}
