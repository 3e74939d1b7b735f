/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP's part in a flood of ACKs: what belongs to no socket and carries no cookie is dropped.
 *
 * Asked only while there is such a flood (ackflood.bpf.h), and only of ACKs in the plainest of
 * frames. It drops where it is sure and passes everything else: an ACK that a socket of any state
 * but LISTEN takes, a RST, what comes from a source on the allow list, and everything of a service
 * that is not proven, or that another host, NAT or another device may stand behind, where our
 * look-up would see too little.
 *
 * A connection that is just being made has no socket yet. Its ACK carries a cookie. XDP sees a
 * whole batch before the stack does, so the data right behind that ACK meets the bare listener:
 * the connection is remembered here for as long as that may take. Data that comes without its ACK
 * would be held back at tcx ingress, too; its client sends the segment again that has the cookie.
 */
#pragma once

#include "bpf/path/accept.bpf.h"
#include "bpf/path/ack_flood.bpf.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/path/listed.bpf.h"
#include "bpf/state/clock.bpf.h"

/* What bogus_judge() works on. Not on the stack, where a SYN's lies above it. */
struct bogus {
	struct packet p;
	struct tcp_options o;
	__u64 now_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bogus);
} bogus_seen SEC(".maps");

static __always_inline struct sg_promise *bogus_awaited(__u64 tuple)
{
	__u32 at = tuple >> 56 & (SG_AWAITED_MAX - 1);

	return bpf_map_lookup_elem(&awaited, &at);
}

/* Whether the ACK is for something of which we see all that there is. */
static __always_inline bool bogus_may_be_judged(struct xdp_md *ctx, const struct packet *p,
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
__noinline int bogus_holds(const struct packet *p, const struct tcp_options *o, __u32 epoch_now)
{
	struct cookie_terms terms;

	return p && o && ack_holds(p, o, &terms, epoch_now);
}

static __always_inline bool bogus_has_cookie(struct xdp_md *ctx, struct bogus *ack,
					     const struct sg_service *s)
{
	__u32 epoch_now = cookie_epoch(ack->now_ns, epoch_shift);
	__u32 epoch = cookie_epoch_of(ack->p.ack_seq - 1, epoch_now);

	if (s->promised[epoch & 1] >> 8 != epoch)
		return false;
	frame_options_xdp(ctx, &ack->p, &ack->o);
	return bogus_holds(&ack->p, &ack->o, epoch_now);
}

/* Whether a socket, or a listener by a cookie, takes the ACK, or the data behind one that it took. */
static __always_inline bool bogus_is_expected(struct xdp_md *ctx, struct bogus *ack,
					      const struct sg_service *s)
{
	struct bpf_sock *sk = listener_lookup(ctx, &ack->p, ack->p.sport);
	__u64 tuple = promise_tuple(&ack->p.saddr, ack->p.sport, ack->p.dport);
	struct sg_promise *known;
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
	known = bogus_awaited(tuple);
	if (kernels || bogus_has_cookie(ctx, ack, s)) {
		if (known)
			*known = (struct sg_promise){ tuple, ack->now_ns };
		return true;
	}
	return !known || (known->tuple == tuple && ack->now_ns - known->made_at_ns < SG_AWAITED_NS);
}

/* Returns an enum sg_verdict. A global function, so that the verifier proves it by itself. */
__noinline int bogus_judge(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct bogus *ack = bpf_map_lookup_elem(&bogus_seen, &zero);
	struct sg_service *s;
	__u32 index;

	if (!ack)
		return SG_V_NOT_SYN;
	ack->now_ns = clock_now();
	if (!ackflood_lasts(ack->now_ns) || control.mode == SG_MODE_OBSERVE ||
	    (__s64)(ack->now_ns - control.heartbeat_ns) > (__s64)SG_HEARTBEAT_LOST_NS)
		return SG_V_NOT_SYN;
	if (frame_parse_xdp(ctx, &ack->p) || ack->p.flags & PACKET_RST ||
	    listed_source(&ack->p) == SG_V_ALLOWED)
		return SG_V_NOT_SYN;
	s = service_find(&ack->p.daddr, ack->p.dport, &index);
	if (!s || !bogus_may_be_judged(ctx, &ack->p, s, ack->now_ns) ||
	    bogus_is_expected(ctx, ack, s))
		return SG_V_NOT_SYN;
	if (!(bpf_get_prandom_u32() % SG_ACK_SAMPLE))
		ackflood_note(ack->now_ns);
	return SG_V_BOGUS_ACK;
}
