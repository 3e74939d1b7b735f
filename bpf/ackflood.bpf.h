/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether bogus ACKs come in such a number that looking each of them up is cheaper than handing
 * them to the stack, which answers every one with a reset.
 *
 * Bogus is an ACK for a service that belongs to no socket and carries no cookie, neither ours nor
 * the kernel's. One in SG_ACK_SAMPLE is looked up at tcx ingress as long as there is no flood. In
 * one, XDP looks up all of them and drops the bogus ones (bogus.bpf.h), and one in SG_ACK_SAMPLE
 * of these keeps the flood alive. Counts are kept without atomics: a lost one delays the beginning.
 */
#pragma once

#include "kernel.bpf.h"
#include "listener.bpf.h"
#include "maps.bpf.h"
#include "packet.h"

/* One of the sample was bogus, and stands for all that were not looked at. */
static __always_inline void ackflood_note(__u64 now_ns)
{
	__u32 window = now_ns >> SG_ACK_WINDOW_SHIFT;

	if (!control.ack_flood_rate)
		return;
	if (ack_flood_window != window) {
		ack_flood_window = window;
		ack_flood_count = 0;
	}
	ack_flood_count += SG_ACK_SAMPLE;
	/* a window is about a quarter of a second */
	if (ack_flood_count >= control.ack_flood_rate / 4)
		ack_flood_until_ns = now_ns + SG_ACK_FLOOD_NS;
}

/* The kernel's own cookie: it answers some SYNs when a queue overflows before we are armed. */
static __always_inline bool ackflood_is_for_kernel(void *data, void *end, const struct packet *p,
						   struct bpf_sock *listener)
{
	struct tcphdr *tcp = data + (p->l4_offset & 0x3fff);

	if ((void *)(tcp + 1) > end)
		return true;
	if (p->version == 4) {
		struct iphdr *ip = data + (p->l3_offset & 31);

		return (void *)(ip + 1) > end ||
		       !bpf_tcp_check_syncookie(listener, ip, sizeof(*ip), tcp, sizeof(*tcp));
	} else {
		struct ipv6hdr *ip = data + (p->l3_offset & 31);

		return (void *)(ip + 1) > end ||
		       !bpf_tcp_check_syncookie(listener, ip, sizeof(*ip), tcp, sizeof(*tcp));
	}
}

/*
 * Looks up an ACK of the sample, which carries no cookie of ours. Returns 0. A global function, so
 * that the verifier proves it once, by itself.
 */
__noinline int ackflood_sample(struct __sk_buff *skb, const struct packet *p, __u64 now_ns)
{
	struct bpf_sock *sk;

	if (!p)
		return 0;
	sk = listener_lookup(skb, p, p->sport);
	if (!sk)
		return 0;
	if (sk->state == KERNEL_TCP_LISTEN &&
	    !ackflood_is_for_kernel((void *)(long)skb->data, (void *)(long)skb->data_end, p, sk))
		ackflood_note(now_ns);
	bpf_sk_release(sk);
	return 0;
}
