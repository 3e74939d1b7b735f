/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether bogus ACKs come in such a number that looking each of them up is cheaper than handing
 * them to the stack, which answers every one with a reset.
 *
 * Bogus is an ACK for a service that belongs to no socket and carries no cookie, neither ours nor
 * the kernel's. One in SG_ACK_SAMPLE is looked up at tcx ingress as long as there is no flood. In
 * one, XDP looks up all of them and drops the bogus ones (bogus.bpf.h), and one in SG_ACK_SAMPLE
 * of these keeps the flood alive. Counts are kept without atomics: a lost one delays the beginning.
 *
 * Bogus is also an ACK that meets a connection and is not of it (stale_connection.bpf.h). Whoever sends many of
 * these guesses at a cookie, one in 2^29 is one, and with that he would be taken for a client that
 * has come back. Nothing of a connection is dropped, but in a flood no stale connection gives way.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/stale_connection.bpf.h"
#include "bpf/state/listener.bpf.h"

/* One of the sample was bogus, and stands for all that were not looked at. */
static __always_inline void ackflood_note(__u64 now_ns)
{
	__u32 window = now_ns >> SG_ACK_WINDOW_SHIFT;

	__sync_fetch_and_add(&bogus_acks, SG_ACK_SAMPLE);
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

static __always_inline bool ackflood_is_bogus(struct __sk_buff *skb, const struct packet *p,
					      struct bpf_sock *sk)
{
	struct tcp_sock *tp;

	if (sk->state == KERNEL_TCP_LISTEN)
		return !listener_gave_cookie((void *)(long)skb->data, (void *)(long)skb->data_end,
					     p, sk);
	if (!stale_may_be(sk->state))
		return false;
	tp = bpf_skc_to_tcp_sock(sk);
	return tp && stale_is_met(p, tp);
}

static __always_inline bool ackflood_lasts(__u64 now_ns)
{
	return ack_flood_until_ns > now_ns;
}

/*
 * Looks up an ACK of the sample, which carries no cookie of ours. Returns 0. A global function, so
 * that the verifier proves it once, by itself.
 */
__noinline int ackflood_sample(struct __sk_buff *skb, const struct packet *p, __u64 now_ns)
{
	struct bpf_sock *sk;

	if (!p || control.mode == SG_MODE_OFF)
		return 0;
	sk = listener_lookup(skb, p, p->sport);
	if (!sk)
		return 0;
	if (ackflood_is_bogus(skb, p, sk))
		ackflood_note(now_ns);
	bpf_sk_release(sk);
	return 0;
}
