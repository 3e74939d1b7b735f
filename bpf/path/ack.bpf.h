/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What acceptance (accept.bpf.h) and floods of ACKs (ack_flood.bpf.h) build on: whether a cookie is
 * expected and valid, whether another packet of the batch has to go first, whether an old
 * connection is stale, whether the stack may drop the packet.
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/service.bpf.h"

/*
 * Whether the ACK's number is a cookie for this tuple, in its epoch. The terms are only recalled;
 * cookie_spell_out() has the rest.
 */
static __always_inline bool ack_has_cookie(const struct packet *p, const struct tcp_options *o,
					   struct cookie_terms *terms, __u32 epoch_now)
{
	cookie_recall(terms, p, o);
	return cookie_holds(control.key, p, cookie_epoch_of(p->ack_seq - 1, epoch_now), terms);
}

/* In skb->cb[0] of a packet that comes in for the second time, because we have requeued it. */
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

/* ---- what comes before the cookie ------------------------------------------------------------- */

/*
 * A SYN-ACK comes in: when it leaves again, we have seen it come. One from outside with the address
 * and port of a service of ours is then no proof that another host answers for the service.
 */
static __always_inline void ack_note_synack(const struct packet *p, __u32 ifindex)
{
	__u64 now_ns = clock_now();
	__u32 index;
	struct sg_service *s = service_find(&p->saddr, p->sport, &index);

	if (s)
		s->forged_at_ns = now_ns;
	synack_came_by(ifindex, now_ns);
}

/*
 * The owner of a forged address answers our challenge with a reset. A global function, so that the
 * verifier proves it once, by itself. Returns 0.
 */
__noinline int ack_note_reset(const struct packet *p)
{
	__u32 index;

	if (p && service_find(&p->daddr, p->dport, &index))
		hitters_note(&p->saddr, p->version, HITTER_RESET, 1);
	return 0;
}

static __always_inline enum sg_verdict ack_only(struct __sk_buff *skb, const struct packet *p)
{
	__u8 kind = p->flags & (PACKET_SYN | PACKET_ACK | PACKET_RST);

	/* whomever the frame is for, as a bridge may send it on */
	if (kind == (PACKET_SYN | PACKET_ACK)) {
		ack_note_synack(p, skb->ifindex);
		return SG_V_NOT_ACK;
	}
	if (!frame_is_ours_skb(skb))
		return SG_V_OTHER_HOST;
	switch (kind) {
	case PACKET_ACK:
		return SG_UNDECIDED;
	case PACKET_SYN:
		return SG_V_SYN;
	default:
		if (p->flags & PACKET_RST)
			ack_note_reset(p);
		return SG_V_NOT_ACK;
	}
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

static __always_inline enum sg_verdict ack_options(struct __sk_buff *skb, struct ack *ack)
{
	const struct packet *p = &ack->p;

	if (options_parse_known(&ack->o, frame_options_at((void *)(long)skb->data, p),
				(void *)(long)skb->data_end, p->option_bytes))
		return SG_UNDECIDED;
	return frame_options_skb(skb, p, &ack->o);
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

	return !(ack->o.seen & OPTIONS_SEEN_TS) || age < cookie_clock_ms(2ULL << epoch_shift);
}

/* ---- one batch -------------------------------------------------------------------------------- */

/* Since when data of a connection, by its pending_tuple(), has been dropped for coming early. */
#define ACK_EARLY_MAX 16384
MAP(early, LRU_HASH, ACK_EARLY_MAX, 0, __u64, __u64);

static __always_inline __u64 ack_tuple(const struct ack *ack)
{
	return pending_tuple(&ack->p.saddr, ack->p.sport, ack->p.dport);
}

/*
 * Whether a packet before this one, in the same batch, is about to become the connection. tcx sees
 * the whole batch before the stack does, so a listener is all that there is yet; a second request
 * would be dropped, and the data with it. Behind the batch it will find the connection.
 */
static __always_inline bool ack_is_early(struct __sk_buff *skb, const struct ack *ack)
{
	return skb->cb[0] != ACK_REQUEUED && pending_in_batch(ack_tuple(ack));
}

static __always_inline enum sg_verdict ack_requeue(struct __sk_buff *skb)
{
	skb->cb[0] = ACK_REQUEUED;
	bpf_redirect(skb->ifindex, BPF_F_INGRESS); /* takes effect by the verdict's action */
	return SG_V_REQUEUED;
}

/*
 * Whether data of this connection has been dropped for as long as its sender may take to send what
 * is missing. Then it is passed for good: its connection shall not be starved.
 */
static __always_inline bool ack_waited(const struct ack *ack)
{
	__u64 tuple = ack_tuple(ack);
	__u64 *since = bpf_map_lookup_elem(&early, &tuple);

	if (since)
		return ack->now_ns - *since > SG_EARLY_NS;
	bpf_map_update_elem(&early, &tuple, &ack->now_ns, BPF_ANY);
	return false;
}

/* By the socket that data without a cookie meets. */
static __always_inline enum sg_verdict ack_early_data(struct __sk_buff *skb, struct ack *ack,
						      struct bpf_sock *sk)
{
	if (ack_is_early(skb, ack))
		return ack_requeue(skb); /* also behind an ACK that removes an old socket */
	if (sk->state != KERNEL_TCP_LISTEN ||
	    listener_gave_cookie((void *)(long)skb->data, (void *)(long)skb->data_end, &ack->p, sk))
		return SG_V_OTHER_ACK;
	return ack_waited(ack) ? SG_V_OTHER_ACK : SG_V_EARLY_DATA;
}

/*
 * An ACK whose number is not a cookie. With data and only the listener to take it, it is most likely
 * the second segment of a client whose first, which carries the cookie, was lost or overtaken. The
 * listener would reset that client; dropped, the data comes again after the first. It may also be
 * of a connection that is no more, or that our look-up does not see: after a while it passes.
 */
static __always_inline enum sg_verdict ack_without_cookie(struct __sk_buff *skb, struct ack *ack)
{
	struct bpf_sock *sk;
	enum sg_verdict v;

	if (!ack->p.payload_bytes || !ack_echoes_challenge(ack))
		return SG_V_OTHER_ACK;
	sk = listener_lookup(skb, &ack->p, ack->p.sport);
	if (!sk)
		return SG_V_OTHER_ACK;
	v = ack_early_data(skb, ack, sk);
	bpf_sk_release(sk);
	return v;
}

/* ---- stale connections ------------------------------------------------------------------------ */

/*
 * The server may still have a connection that the client has not: its host crashed, a NAT gave the
 * port to another client, a reset was lost.
 *
 * The kernel finds out by the SYN: the old connection answers it with an ACK, which the client
 * resets (RFC 5961, 4). A SYN that is challenged meets no socket, so the question comes up with the
 * ACK, and the client cannot be asked any more: it has a connection by then. So the sequence
 * numbers of both ends decide, and nothing is done to a connection that may be alive.
 */

/* Beyond a window: what is sent again, and what this packet's batch has before it. */
#define STALE_SLACK 65536

static __always_inline bool stale_between(__u32 n, __u32 first, __u32 last)
{
	return n - first <= last - first;
}

static __always_inline bool stale_may_be(__u8 state)
{
	return state == KERNEL_TCP_ESTABLISHED || state == KERNEL_TCP_FIN_WAIT1 ||
	       state == KERNEL_TCP_FIN_WAIT2 || state == KERNEL_TCP_CLOSE_WAIT ||
	       state == KERNEL_TCP_LAST_ACK || state == KERNEL_TCP_CLOSING;
}

/*
 * Whether the segment is of another connection than this one: not both of its numbers are what the
 * two ends exchange now or have lately, nor are they those of the handshake. One packet in 2^29
 * looks as if it carried a cookie, so this is not left to the cookie. One number alone says little:
 * a client that is back within a second takes one near the old.
 *
 * The numbers of the handshake are what has been counted since: tcp_rcv_nxt_update() and
 * tcp_snd_una_update() count a FIN, too. A peer on this machine acknowledges what tcp_write_xmit() has not
 * yet counted in snd_nxt.
 */
static __always_inline bool stale_is_met(const struct packet *p, const struct tcp_sock *tp)
{
	__u32 in = 2 * tp->rcv_wnd + STALE_SLACK, out = 2 * tp->max_window + STALE_SLACK;
	__u32 rcv_nxt = tp->rcv_nxt, snd_una = tp->snd_una;

	if (stale_between(p->seq, rcv_nxt - in, rcv_nxt + in) &&
	    stale_between(p->ack_seq, snd_una - out, tp->write_seq))
		return false;
	return p->seq != rcv_nxt - (__u32)tp->bytes_received ||
	       p->ack_seq != snd_una - (__u32)tp->bytes_acked;
}

/*
 * Whether the client has sent this after all that the connection has of it. Only timestamps tell,
 * and only where both have them: a late ACK of a connection before this one has a lower one.
 */
static __always_inline bool stale_is_older(const struct tcp_options *o, const struct tcp_sock *tp)
{
	__u32 recent = tp->rx_opt.ts_recent;

	return (o->seen & OPTIONS_SEEN_TS) && recent && (__s32)(o->tsval - recent) > 0;
}

/* ---- whether the stack may drop it ------------------------------------------------------------ */

/*
 * Acceptances that do not become connections have their source passed, and many a service blocked.
 * So the canary hears only those that the stack has no reason to drop which their sender could have
 * put there, by what is between bpf_sk_assign_tcp_reqsk() and the child:
 *
 *	tcp_v4_rcv()               frame to a group, checksum, TTL below IP_MINTTL, MD5 or AO option
 *	ip_rcv_finish_core()       IP options (IPv6: extension headers)
 *	nf_conntrack (invalid)     flags that no end of a handshake sends, checksums
 *
 * The rest (netfilter's rules, xfrm policies, filters of sockets and cgroups, security modules, the
 * route back, memory) tells of the host, for this source or for all. Of what carries data and whose
 * checksum the hardware did not verify, nothing is heard.
 */
#define ACK_TCP_WORDS_MAX 15

/* The checksum field is part of the sum. */
static __always_inline bool ack_adds_up(__u64 sum)
{
	return !checksum_fold(sum);
}

/*
 * A bare ACK or data with it, and no option but what was promised: timestamps are 12 bytes with
 * their padding.
 */
static __always_inline bool ack_is_as_promised(const struct ack *ack)
{
	return (ack->p.flags & ~(PACKET_PSH | PACKET_ECE | PACKET_CWR)) == PACKET_ACK &&
	       ack->p.option_bytes == (ack->terms.ts ? 12 : 0);
}

/*
 * p is the packet that was parsed in skb. Returns 1 or 0. A global function, so that the verifier
 * proves it once, by itself.
 */
__noinline int ack_is_intact(struct __sk_buff *skb, const struct packet *p, __u32 min_ttl)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);
	const void *end = (void *)(long)skb->data_end, *ip;
	__u8 summed = BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed);
	__be32 tcp[ACK_TCP_WORDS_MAX] = {};
	__u32 bytes;

	if (!p || p->multicast)
		return 0;
	ip = (void *)(long)skb->data + (p->l3_offset & 31);
	if (p->version == 4) {
		if (p->l4_offset != p->l3_offset + sizeof(struct iphdr) ||
		    ip + sizeof(struct iphdr) > end || ((const struct iphdr *)ip)->ttl < min_ttl ||
		    !ack_adds_up(checksum_words(0, ip, sizeof(struct iphdr) / 4)))
			return 0;
	} else if (p->l4_offset != p->l3_offset + sizeof(struct ipv6hdr) ||
		   ip + sizeof(struct ipv6hdr) > end ||
		   ((const struct ipv6hdr *)ip)->hop_limit < min_ttl) {
		return 0;
	}
	if (summed == KERNEL_CHECKSUM_UNNECESSARY || summed == KERNEL_CHECKSUM_PARTIAL)
		return 1;
	bytes = sizeof(struct tcphdr) + p->option_bytes;
	barrier_var(bytes);
	if (p->payload_bytes || bytes > sizeof(tcp) ||
	    bpf_skb_load_bytes(skb, p->l4_offset, tcp, bytes))
		return 0;
	return ack_adds_up(checksum_words(packet_pseudo_sum(p, bytes), tcp, ACK_TCP_WORDS_MAX));
}
