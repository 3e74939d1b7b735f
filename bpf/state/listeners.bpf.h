/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The iteration over the listeners: writes one struct sg_listener for each.
 *
 * The kernel shows the listeners of the reader's network namespace first, then all other sockets,
 * and locks each while it is shown. So as not to disturb the others, the first of them ends the
 * iteration. The kernel takes LISTENERS_END for "once more", so that the reader gets what has
 * been written, and then -EAGAIN.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "synguard/listener_abi.h"

enum listeners_step {
	LISTENERS_GO_ON,
	LISTENERS_END,
};

static __always_inline void listeners_where(struct sg_listener *l, const struct sock_common *c)
{
	l->port = bpf_htons(c->skc_num);
	l->family = c->skc_family;
	l->ifindex = c->skc_bound_dev_if;
	l->reuseport = BPF_CORE_READ_BITFIELD(c, skc_reuseport);
	if (l->family == KERNEL_AF_INET6) {
		BPF_CORE_READ_INTO(&l->addr, c, skc_v6_rcv_saddr);
		l->v6only = BPF_CORE_READ_BITFIELD(c, skc_ipv6only);
	} else if (c->skc_rcv_saddr) {
		l->addr.words[2] = bpf_htonl(0xffff);
		l->addr.words[3] = c->skc_rcv_saddr;
	}
}

static __always_inline void listeners_owner(struct sg_listener *l, struct sock *sk)
{
	struct socket_alloc *file = (struct socket_alloc *)sk->sk_socket;

	if (bpf_core_field_exists(sk->sk_cgrp_data))
		l->cgroup_id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	if (file)
		l->inode = BPF_CORE_READ(file, vfs_inode.i_ino);
	l->cookie = bpf_get_socket_cookie(sk);
}

static __always_inline void listeners_queues(struct sg_listener *l, struct tcp_sock *tp)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	struct sock *sk = &icsk->icsk_inet.sk;
	struct net *net = sk->__sk_common.skc_net.net;

	l->syn_queue = icsk->icsk_accept_queue.qlen.counter;
	l->young = icsk->icsk_accept_queue.young.counter;
	l->accept_queue = sk->sk_ack_backlog;
	l->queue_max = sk->sk_max_ack_backlog;
	if (bpf_core_field_exists(sk->sk_drops))
		l->drops = sk->sk_drops.counter;
	l->syn_backlog = net->ipv4.sysctl_max_syn_backlog;
	l->syncookies = net->ipv4.sysctl_tcp_syncookies;
	l->syn_retries = icsk->icsk_syn_retries;
	l->synack_retries = l->syn_retries ?: net->ipv4.sysctl_tcp_synack_retries;
	l->defer_accept = icsk->icsk_accept_queue.rskq_defer_accept;
	if (bpf_core_field_exists(tp->is_mptcp))
		l->mptcp = tp->is_mptcp;
}

static __always_inline enum listeners_step listeners_show(struct bpf_iter__tcp *ctx)
{
	struct sock_common *c = ctx->sk_common;
	struct sg_listener l = {};
	struct tcp_sock *tp;

	if (!c)
		return LISTENERS_GO_ON; /* the kernel says that there are no more */
	if (c->skc_state != KERNEL_TCP_LISTEN)
		return LISTENERS_END;
	tp = bpf_skc_to_tcp_sock(c);
	if (!tp)
		return LISTENERS_GO_ON;
	listeners_where(&l, c);
	listeners_owner(&l, &tp->inet_conn.icsk_inet.sk);
	listeners_queues(&l, tp);
	bpf_seq_write(ctx->meta->seq, &l, sizeof(l));
	return LISTENERS_GO_ON;
}
