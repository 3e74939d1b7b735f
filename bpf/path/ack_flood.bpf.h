/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Floods of bogus ACKs, in which looking each of them up and dropping it is cheaper than handing it to
 * the stack, which answers every one with a reset.
 *
 * Bogus is an ACK for a service that belongs to no socket and carries no cookie, neither ours nor
 * the kernel's. One in SG_ACK_SAMPLE is looked up at tcx ingress as long as there is no flood. In
 * one, XDP looks up all of them and drops the bogus ones, and one in SG_ACK_SAMPLE of these keeps
 * the flood alive. Counts are kept without atomics: a lost one delays the beginning.
 *
 * Bogus is also an ACK that meets a connection and is not of it (stale_is_met()). The sender of many
 * of these guesses at a cookie, one in 2^29 is one, and with that he would be taken for a client
 * that has come back. Nothing of a connection is dropped, but in a flood no stale one is replaced.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/ack.bpf.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/sources.bpf.h"

#define ACK_FLOOD_WINDOW_SHIFT 28 /* 0.27 s */

/* While there is a flood, when it is taken to be over; and the count of a window. */
__u64 ack_flood_until_ns;
__u32 ack_flood_window;
__u32 ack_flood_count;
/* How many bogus ACKs there were since the start, by the sample: one stands for SG_ACK_SAMPLE. */
__u64 bogus_acks;

/* One of the sample was bogus, and stands for all that were not looked up. */
static __always_inline void ack_flood_note(__u64 now_ns)
{
	__u32 window = now_ns >> ACK_FLOOD_WINDOW_SHIFT;

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

static __always_inline bool ack_flood_lasts(__u64 now_ns)
{
	return ack_flood_until_ns > now_ns;
}

/* ---- tcx ingress: whether there is a flood ---------------------------------------------------- */

static __always_inline bool ack_is_bogus(struct __sk_buff *skb, const struct packet *p,
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

/*
 * Looks up an ACK of the sample, which carries no cookie of ours. Returns 0. A global function, so
 * that the verifier proves it once, by itself.
 */
__noinline int ack_flood_sample(struct __sk_buff *skb, const struct packet *p, __u64 now_ns)
{
	struct bpf_sock *sk;

	if (!p || control.mode == SG_MODE_OFF)
		return 0;
	sk = listener_lookup(skb, p, p->sport);
	if (!sk)
		return 0;
	if (ack_is_bogus(skb, p, sk))
		ack_flood_note(now_ns);
	bpf_sk_release(sk);
	return 0;
}

/* ---- XDP: what is dropped in a flood ---------------------------------------------------------- */

/*
 * Only ACKs in plain frames. XDP drops where it is sure and passes everything else: an ACK that a
 * socket of any state but LISTEN takes, a RST, what comes from a source on the allow list, and
 * everything of a service that is not proven, or that another host, NAT or another device may
 * stand behind, where our look-up would see too little.
 *
 * A connection that is just being made has no socket yet. Its ACK carries a cookie. XDP sees a
 * whole batch before the stack does, so the data right behind that ACK meets the bare listener:
 * the connection is remembered for as long as packets may wait in a busy machine. Data that comes
 * without its ACK would be dropped at tcx ingress, too; its client sends the segment with the
 * cookie again.
 */
#define ACK_PASSED_MAX 256
#define ACK_PASSED_NS  1000000000ULL

/* Connections whose ACK with a cookie XDP has passed, by pending_tuple(). */
MAP(acks_passed, PERCPU_ARRAY, ACK_PASSED_MAX, 0, __u32, struct set_timed);

/* What ack_flood_judge() works on. Not on the stack, where a SYN's lies above it. */
struct ack_flood_ack {
	struct packet p;
	struct tcp_options o;
	struct bpf_sock_tuple tuple;
	__u64 now_ns;
};

MAP(ack_flood_at_hand, PERCPU_ARRAY, 1, 0, __u32, struct ack_flood_ack);

/* Whether all that may take the ACK is in view. */
static __always_inline bool ack_flood_may_judge(struct xdp_md *ctx, const struct packet *p,
						struct sg_service *s, __u64 now_ns)
{
	if (now_ns - s->checked_at_ns > SG_RECHECK_NS)
		listener_inspect(ctx, p, s, now_ns);
	return s->proven_at_ns && s->blocked_until_ns <= now_ns &&
	       s->forwarded_until_ns <= now_ns && !s->bound_elsewhere &&
	       !packet_is_to_link_local(p) && p->vlan == s->vlan &&
	       (!s->hindrance || s->hindrance == SG_V_ACCEPT_FULL);
}

/* A global function, for its stack and so that the verifier proves it once, by itself. */
__noinline int ack_flood_holds(const struct packet *p, const struct tcp_options *o, __u32 epoch_now)
{
	struct cookie_terms terms;

	return p && o && ack_has_cookie(p, o, &terms, epoch_now);
}

static __always_inline bool ack_flood_has_cookie(struct xdp_md *ctx, struct ack_flood_ack *ack,
						 const struct sg_service *s)
{
	__u32 epoch_now = cookie_epoch(ack->now_ns, epoch_shift);
	__u32 epoch = cookie_epoch_of(ack->p.ack_seq - 1, epoch_now);

	if (s->promised[epoch & 1] >> 8 != epoch)
		return false;
	frame_options_xdp(ctx, &ack->p, &ack->o);
	return ack_flood_holds(&ack->p, &ack->o, epoch_now);
}

/* Whether a socket, or a listener by a cookie, takes the ACK, or the data behind one that it took. */
static __always_inline bool ack_flood_is_expected(struct xdp_md *ctx, struct ack_flood_ack *ack,
						  const struct sg_service *s)
{
	struct bpf_sock *sk = kernel_lookup_tcp_by(ctx, ack->p.version == 4, &ack->p.saddr,
						   ack->p.sport, &ack->p.daddr, ack->p.dport,
						   &ack->tuple);
	__u64 tuple = pending_tuple(&ack->p.saddr, ack->p.sport, ack->p.dport);
	__u32 at = tuple >> 56 & (ACK_PASSED_MAX - 1);
	struct set_timed *passed;
	bool kernels;

	if (!sk)
		return true;
	if (sk->state != KERNEL_TCP_LISTEN) {
		bpf_sk_release(sk);
		return true;
	}
	kernels = listener_gave_cookie((void *)(long)ctx->data, (void *)(long)ctx->data_end,
				       &ack->p, sk);
	bpf_sk_release(sk);
	passed = bpf_map_lookup_elem(&acks_passed, &at);
	if (!passed)
		return true;
	if (kernels || ack_flood_has_cookie(ctx, ack, s)) {
		*passed = (struct set_timed){ tuple, ack->now_ns + ACK_PASSED_NS };
		return true;
	}
	return passed->key == tuple && passed->until_ns > ack->now_ns;
}

/* Returns an enum sg_verdict. A global function, so that the verifier proves it by itself. */
__noinline int ack_flood_judge(struct xdp_md *ctx)
{
	struct ack_flood_ack *ack = map_only_value(&ack_flood_at_hand);
	struct sg_service *s;
	__u32 index;

	if (!ack)
		return SG_V_NOT_SYN;
	ack->now_ns = clock_now();
	if (!ack_flood_lasts(ack->now_ns) || control.mode == SG_MODE_OBSERVE ||
	    (__s64)(ack->now_ns - control.heartbeat_ns) > (__s64)SG_HEARTBEAT_LOST_NS)
		return SG_V_NOT_SYN;
	if (frame_parse_xdp(ctx, &ack->p) || ack->p.flags & PACKET_RST ||
	    source_listed(&ack->p) == SG_V_ALLOWED ||
	    (!ack->p.multicast && !frame_is_ours_xdp(ctx)))
		return SG_V_NOT_SYN;
	s = service_find(&ack->p.daddr, ack->p.dport, &index);
	if (!s || !ack_flood_may_judge(ctx, &ack->p, s, ack->now_ns) ||
	    ack_flood_is_expected(ctx, ack, s))
		return SG_V_NOT_SYN;
	if (!(bpf_get_prandom_u32() % SG_ACK_SAMPLE))
		ack_flood_note(ack->now_ns);
	return SG_V_BOGUS_ACK;
}
