/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shows each listener as synguard.bpf.c does, and sets the SYN-ACK retries that are ordered for it. An
 * object of its own: to undo what an earlier daemon has left, nothing else is needed.
 *
 * iter/tcp holds the lock of the socket, and shows those of the reader's network namespace first,
 * so that a listener of another one is never met. A listener that is not as the order says is left
 * alone.
 */
#include "bpf/state/listeners.bpf.h"

#include <bpf/bpf_tracing.h>

/* include/uapi/linux/tcp.h, in.h */
#define KERNEL_SOL_TCP	  6
#define KERNEL_TCP_SYNCNT 7

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SG_ORDERS_MAX);
	__type(key, __u64); /* the cookie of a listener */
	__type(value, struct sg_order);
} orders SEC(".maps");

static __always_inline void adjust_retries(struct tcp_sock *tp)
{
	__u64 cookie = bpf_get_socket_cookie(&tp->inet_conn.icsk_inet.sk);
	struct sg_order *order = bpf_map_lookup_elem(&orders, &cookie);
	int retries;

	if (!order || tp->inet_conn.icsk_syn_retries != order->from)
		return;
	retries = order->to;
	order->result =
		bpf_setsockopt(tp, KERNEL_SOL_TCP, KERNEL_TCP_SYNCNT, &retries, sizeof(retries));
}

SEC("iter/tcp")
int synguard_adjust(struct bpf_iter__tcp *ctx)
{
	struct sock_common *c = ctx->sk_common;
	struct tcp_sock *tp;

	if (c && c->skc_state == KERNEL_TCP_LISTEN) {
		tp = bpf_skc_to_tcp_sock(c);
		if (tp)
			adjust_retries(tp);
	}
	return listeners_show(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
