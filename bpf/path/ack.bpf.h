/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ACK at tcx ingress, before its cookie is looked at: whether it is one, whether its service
 * has promised anything to anybody, and whether another packet of its batch has to go first.
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/state/clock.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/service.bpf.h"

/* In skb->cb[0] of a packet that comes in for the second time, because we sent it round. */
#define ACK_REQUEUED 0x53474341

struct ack {
	struct packet p;
	struct tcp_options o;
	struct cookie_terms terms;
	struct sg_service *service;
	__u64 now_ns;
	__u32 index; /* of the service */
	__u8 wscale; /* that its challenge promised */
};

/*
 * A SYN-ACK that comes in from outside with the address and port of a service of ours: when it
 * leaves again, it is no proof that another host answers for the service.
 */
static __always_inline void ack_note_forgery(const struct packet *p)
{
	__u32 index;
	struct sg_service *s = service_find(&p->saddr, p->sport, &index);

	if (s)
		s->forged_at_ns = clock_now();
}

/*
 * Who is forged, and there, answers our challenge with a reset. A global function, so that the
 * verifier proves it once, by itself. Returns 0.
 */
__noinline int ack_note_reset(const struct packet *p)
{
	__u32 index;

	if (p && service_find(&p->daddr, p->dport, &index))
		hitters_note(&p->saddr, p->version, HITTER_RESET, 1);
	return 0;
}

static __always_inline enum sg_verdict ack_parse(struct __sk_buff *skb, struct ack *ack)
{
	enum sg_verdict v = SG_UNDECIDED;
	__u8 kind;

	if (!packet_parse_plain(&ack->p, (void *)(long)skb->data, (void *)(long)skb->data_end,
				skb->len))
		v = frame_parse_skb(skb, &ack->p);
	if (v)
		return v;
	kind = ack->p.flags & (PACKET_SYN | PACKET_ACK | PACKET_RST);
	if (kind == PACKET_ACK)
		return SG_UNDECIDED;
	if (kind == PACKET_SYN)
		return SG_V_SYN;
	if (kind == (PACKET_SYN | PACKET_ACK))
		ack_note_forgery(&ack->p);
	else if (kind & PACKET_RST)
		ack_note_reset(&ack->p);
	return SG_V_NOT_ACK;
}

/* Only for a service that was challenged in the epoch that the cookie would be of. */
static __always_inline enum sg_verdict ack_expected(struct ack *ack)
{
	__u64 slot;
	__u32 epoch;

	ack->service = service_find(&ack->p.daddr, ack->p.dport, &ack->index);
	if (!ack->service || ack->service->bound_elsewhere || packet_is_to_link_local(&ack->p))
		return SG_V_IDLE_ACK;
	/* without the clock, where it cannot matter */
	if (!ack->service->promised[0] && !ack->service->promised[1])
		return SG_V_IDLE_ACK;
	ack->now_ns = clock_now();
	epoch = cookie_epoch_of(ack->p.ack_seq - 1, cookie_epoch(ack->now_ns, epoch_shift));
	slot = ack->service->promised[epoch & 1];
	if (slot >> 8 != epoch)
		return SG_V_IDLE_ACK;
	ack->wscale = slot & 0xff;
	return SG_UNDECIDED;
}

/* The clock that the TSvals of challenges are taken from. */
static __always_inline __u32 ack_clock_ms(const struct ack *ack)
{
	return cookie_clock_ms(ack->now_ns) + control.tsval_offset;
}

/* Whether the echoed timestamp could be of a challenge of the last two epochs. */
static __always_inline bool ack_echoes_challenge(const struct ack *ack)
{
	__u32 age = ack_clock_ms(ack) - ack->o.tsecr;

	if (!(ack->o.seen & OPTIONS_SEEN_TS))
		return true;
	return age < cookie_clock_ms(2ULL << epoch_shift);
}

static __always_inline bool ack_is_for_kernel(struct __sk_buff *skb, const struct ack *ack,
					      struct bpf_sock *listener)
{
	return listener_gave_cookie((void *)(long)skb->data, (void *)(long)skb->data_end, &ack->p,
				    listener);
}

static __always_inline __u64 ack_tuple(const struct ack *ack)
{
	return promise_tuple(&ack->p.saddr, ack->p.sport, ack->p.dport);
}

/*
 * Whether a packet before this one, in the same batch, is about to become the connection. tcx sees
 * the whole batch before the stack does, so a listener is all that there is yet; a second request
 * would be dropped, and the data with it. Behind the batch it will find the connection.
 */
static __always_inline bool ack_is_early(struct __sk_buff *skb, const struct ack *ack)
{
	return skb->cb[0] != ACK_REQUEUED && promise_pending(ack_tuple(ack));
}

static __always_inline enum sg_verdict ack_requeue(struct __sk_buff *skb)
{
	skb->cb[0] = ACK_REQUEUED;
	bpf_redirect(skb->ifindex, BPF_F_INGRESS); /* takes effect by the verdict's action */
	return SG_V_REQUEUED;
}

/* Whether data of this connection has been held back long enough to be passed for good. */
static __always_inline bool ack_waited(const struct ack *ack)
{
	__u64 tuple = ack_tuple(ack);
	__u64 *since = bpf_map_lookup_elem(&early, &tuple);

	if (since)
		return ack->now_ns - *since > SG_EARLY_NS;
	bpf_map_update_elem(&early, &tuple, &ack->now_ns, BPF_ANY);
	return false;
}

/* A connection that is about to be made, or whose place is about to be cleared, comes first. */
static __always_inline bool ack_is_reset_early(struct __sk_buff *skb, const struct ack *ack)
{
	return (ack->p.flags & PACKET_RST) && ack_is_early(skb, ack);
}
