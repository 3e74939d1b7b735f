/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tcx ingress's half: an ACK with a valid cookie becomes a connection request of the listener.
 *
 * Everything else goes on untouched. Plain data of established connections pays for one hash at
 * most, and only while its service is, or in the last two epochs was, challenged. The mode does not
 * matter: what was promised is kept, also after the defence has been switched off.
 */
#pragma once

#include "bpf/path/ack.bpf.h"
#include "bpf/path/ack_flood.bpf.h"
#include "bpf/state/canary.bpf.h"
#include "bpf/state/sent.bpf.h"

/* ---- acceptance ------------------------------------------------------------------------------- */

/* What the kernel is to continue the echoed TSval as: the first round trip is the difference. */
static __always_inline __u32 ack_tsval_now(const struct ack *ack)
{
	__u32 clock_ms = ack_clock_ms(ack), sent_ms;

	if (!sent_at(ack->p.ack_seq - 1, ack->o.tsecr, &sent_ms))
		return cookie_tsval_now(ack->o.tsecr, clock_ms);
	/* longer: of an ACK that was lost */
	return ack->o.tsecr + sg_min(clock_ms - sent_ms, COOKIE_RTT_MAX_MS);
}

static __always_inline void ack_attributes(const struct ack *ack, const struct net *net,
					   struct bpf_tcp_req_attrs *a)
{
	const struct cookie_terms *t = &ack->terms;

	a->mss = t->mss;
	/*
	 * Switched off since the challenge: the kernel would refuse, and its listener reset the
	 * client, which can do without. Without the scale that was promised both ends misjudge a
	 * window, and live on with dropped or small segments.
	 */
	a->wscale_ok = t->wscale && net->ipv4.sysctl_tcp_window_scaling;
	a->sack_ok = t->sack && net->ipv4.sysctl_tcp_sack;
	a->tstamp_ok = t->ts && net->ipv4.sysctl_tcp_timestamps;
	a->ecn_ok = t->ecn;
	if (a->wscale_ok) {
		a->snd_wscale = t->snd_wscale;
		a->rcv_wscale = ack->wscale;
	}
	if (a->tstamp_ok) {
		a->rcv_tsval = ack->o.tsval;
		a->rcv_tsecr = ack_tsval_now(ack);
	}
}

/* Counts the acceptance, and remembers it until it is a connection. */
static __always_inline void ack_count(struct __sk_buff *skb, const struct ack *ack,
				      const struct inet_sock *listener, bool as_promised)
{
	/* the same acceptance again is no new evidence, nor is what the stack has reason to drop */
	bool heard = !pending_find(ack_tuple(ack)) && as_promised &&
		     ack_is_intact(skb, &ack->p, listener_min_ttl(listener, ack->p.version));
	struct sg_tally *tally = service_tally(ack->index);

	pending_add(ack_tuple(ack));
	if (!tally)
		return;
	tally->accepted++;
	if (heard)
		canary_accepted(&ack->p, ack->index, tally, ack->now_ns);
}

/* Why the service is not to be challenged any more, until the next inspection. */
static __always_inline void ack_hinder(struct ack *ack, enum sg_verdict hindrance)
{
	/* without a new time: a stream of ACKs must not put off the next inspection */
	if (ack->service->hindrance != SG_V_LEFT_ALONE)
		ack->service->hindrance = hindrance;
}

static __always_inline enum sg_verdict ack_assign(struct __sk_buff *skb, struct ack *ack,
						  struct bpf_sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct bpf_tcp_req_attrs attrs = {};
	const struct net *net;
	bool full;

	if (!tp)
		return SG_V_REFUSED;
	if (ack_is_early(skb, ack))
		return ack_requeue(skb);
	net = tp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net;
	if (!net->ipv4.sysctl_tcp_syncookies) {
		ack_hinder(ack, SG_V_SYNCOOKIES_OFF);
		return SG_V_DEFERRED;
	}
	/* the kernel drops it silently, and the client's next segment tries again */
	full = listener_accept_full(&tp->inet_conn.icsk_inet.sk);
	if (full && !listener_is_in_group(&tp->inet_conn.icsk_inet.sk))
		ack_hinder(ack, SG_V_ACCEPT_FULL);
	ack_attributes(ack, net, &attrs);
	if (bpf_sk_assign_tcp_reqsk(skb, (struct sock *)tp, &attrs, sizeof(attrs)))
		return SG_V_REFUSED;
	if (full)
		return SG_V_ACCEPTED_LATER;
	ack_count(skb, ack, &tp->inet_conn.icsk_inet, ack_is_as_promised(ack));
	return SG_V_ACCEPTED;
}

/* ---- sockets that have the tuple already ------------------------------------------------------ */

/*
 * Sends a clone of the ACK to come in again, and makes of this one a reset that the old socket obeys:
 * the bare flag, with the sequence number that it expects, and without options: the ACK echoes our
 * timestamp, which a SYN_RECV that sent another one rejects, also in a reset (Linux 6.15,
 * tcp_check_req()). No reset goes to the client. `seq` in host order. Returns an enum sg_verdict. A
 * global function, as it is called for three states of the socket.
 */
__noinline int ack_clear(struct __sk_buff *skb, const struct packet *p, __u32 seq)
{
	__be32 old_seq, new_seq = bpf_htonl(seq);
	__be16 old_flags, new_flags = bpf_htons(5 << 12 | PACKET_RST);
	__u32 tcp;

	if (!p || skb->cb[0] == ACK_REQUEUED)
		return SG_V_TUPLE_IN_USE;
	tcp = p->l4_offset;
	old_seq = bpf_htonl(p->seq);
	old_flags = bpf_htons((5 + p->option_bytes / 4) << 12 | p->flags);
	skb->cb[0] = ACK_REQUEUED;
	if (bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS))
		return SG_V_TUPLE_IN_USE;
	/* what follows in the batch finds no socket yet */
	pending_add(pending_tuple(&p->saddr, p->sport, p->dport));
	bpf_l4_csum_replace(skb, tcp + offsetof(struct tcphdr, check), old_seq, new_seq, 4);
	bpf_l4_csum_replace(skb, tcp + offsetof(struct tcphdr, check), old_flags, new_flags, 2);
	bpf_skb_store_bytes(skb, tcp + offsetof(struct tcphdr, seq), &new_seq, 4, 0);
	bpf_skb_store_bytes(skb, tcp + 12, &new_flags, 2, 0);
	return SG_V_CLEARED;
}

/*
 * Whether the kernel would let a SYN with this sequence number and timestamp reopen the
 * connection (tcp_timewait_state_process()); if not, the ACK is an old one, sent again.
 */
static __always_inline bool ack_is_newer(const struct ack *ack, const struct tcp_timewait_sock *tw)
{
	__s32 newer = ack->o.tsval - tw->tw_ts_recent;
	bool ts = ack->o.seen & OPTIONS_SEEN_TS;

	if (ts && tw->tw_ts_recent && newer < 0)
		return false;
	return (__s32)(ack->p.seq - 1 - tw->tw_sk.__tw_common.skc_tw_rcv_nxt) > 0 ||
	       (ts && newer > 0);
}

/*
 * Whether the old connection is alive cannot be told, so the new client has to go: handed to the
 * listener, which cannot use the ACK and resets the client, by the number that only he expects.
 */
static __always_inline enum sg_verdict ack_turn_away(struct __sk_buff *skb, const struct ack *ack)
{
	struct bpf_sock *sk = listener_of(skb, &ack->p);

	if (!sk)
		return SG_V_TUPLE_IN_USE;
	if (sk->state == KERNEL_TCP_LISTEN)
		bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return SG_V_TUPLE_IN_USE;
}

static __always_inline enum sg_verdict ack_meets_connection(struct __sk_buff *skb, struct ack *ack,
							    struct bpf_sock *sk)
{
	struct tcp_sock *tp = stale_may_be(sk->state) ? bpf_skc_to_tcp_sock(sk) : NULL;

	if (!tp || !stale_is_met(&ack->p, tp))
		return SG_V_ALREADY_CONNECTED;
	/* none is replaced while somebody guesses */
	if (stale_is_older(&ack->o, tp) && ack_echoes_challenge(ack) &&
	    !ack_flood_lasts(ack->now_ns))
		return ack_clear(skb, &ack->p, tp->rcv_nxt);
	return ack_turn_away(skb, ack);
}

/* By the socket that a valid ACK meets. */
static __always_inline enum sg_verdict ack_meets(struct __sk_buff *skb, struct ack *ack,
						 struct bpf_sock *sk)
{
	struct tcp_timewait_sock *tw;
	struct tcp_request_sock *req;

	switch (sk->state) {
	case KERNEL_TCP_LISTEN:
		return ack_assign(skb, ack, sk);
	case KERNEL_TCP_TIME_WAIT:
		tw = bpf_skc_to_tcp_timewait_sock(sk);
		if (!tw || !ack_is_newer(ack, tw))
			return SG_V_REPLAYED;
		return ack_clear(skb, &ack->p, tw->tw_sk.__tw_common.skc_tw_rcv_nxt);
	case KERNEL_TCP_NEW_SYN_RECV:
		/* of the kernel's own answer to an earlier SYN; its number is not the cookie's */
		req = bpf_skc_to_tcp_request_sock(sk);
		if (!req)
			return SG_V_ALREADY_CONNECTED;
		return ack_clear(skb, &ack->p, req->rcv_nxt);
	default:
		return ack_meets_connection(skb, ack, sk);
	}
}

static __always_inline enum sg_verdict ack_accept(struct __sk_buff *skb, struct ack *ack)
{
	struct bpf_sock *sk = listener_lookup(skb, &ack->p, ack->p.sport);
	enum sg_verdict v;

	if (!sk) {
		ack_hinder(ack, SG_V_NO_LISTENER);
		return SG_V_LISTENER_GONE;
	}
	cookie_spell_out(&ack->terms, ack->p.version);
	v = ack_meets(skb, ack, sk);
	bpf_sk_release(sk);
	return v;
}

/*
 * Engine listener: an ACK with the kernel's cookie is the kernel's. Whether it becomes a connection is
 * seen to, as with an acceptance: a rule may give the port to another machine, or drop the ACK.
 */
static __always_inline enum sg_verdict ack_to_kernel(struct __sk_buff *skb, struct ack *ack)
{
	struct bpf_sock *sk = listener_lookup(skb, &ack->p, ack->p.sport);
	enum sg_verdict v = SG_V_IDLE_ACK;
	struct tcp_sock *tp;

	if (!sk)
		return v;
	ack->now_ns = clock_now();
	tp = sk->state == KERNEL_TCP_LISTEN ? bpf_skc_to_tcp_sock(sk) : NULL;
	if (tp && listener_gave_cookie((void *)(long)skb->data, (void *)(long)skb->data_end,
				       &ack->p, sk)) {
		ack_count(skb, ack, &tp->inet_conn.icsk_inet, true);
		v = SG_V_KERNEL_ACK;
	}
	bpf_sk_release(sk);
	return v;
}

/* ---- resets that answer ----------------------------------------------------------------------- */

/* Resets that have counted, so that none counts twice, however often it comes. */
#define DECLINED_MAX 4096
MAP(declined, LRU_HASH, DECLINED_MAX, 0, __u64, __u8);

/*
 * Whether a half-open connection of the kernel's, which the reset will end, has these numbers: 1 or 0.
 * Global functions, for their stacks.
 */
__noinline int declined_is_half_open(struct __sk_buff *skb, const struct packet *p)
{
	struct tcp_request_sock *req;
	struct bpf_sock *sk;
	int is = 0;

	if (!p)
		return 0;
	sk = listener_lookup(skb, p, p->sport);
	if (!sk)
		return 0;
	req = sk->state == KERNEL_TCP_NEW_SYN_RECV ? bpf_skc_to_tcp_request_sock(sk) : NULL;
	if (req)
		is = p->ack_seq == req->snt_isn + 1 && p->seq == req->rcv_nxt;
	bpf_sk_release(sk);
	return is;
}

/* The same of a challenge. What is called is called from here, as little stack is left below. */
static __always_inline bool declined_is_challenge(struct __sk_buff *skb, struct ack *ack)
{
	frame_options_skb(skb, &ack->p, &ack->o);
	return ack_flood_holds(&ack->p, &ack->o, cookie_epoch(clock_now(), epoch_shift));
}

/*
 * A reset with the numbers of both ends: a client that looks whether somebody answers, and wants no
 * more, as the health checks of load balancers. The owner of a forged address does not know ours: his
 * reset has no ACK. Returns 0. A global function, so that the verifier proves it once, by itself.
 */
__noinline int ack_note_declined(const struct packet *p)
{
	struct ack_flood_ack *at_hand = map_only_value(&ack_flood_at_hand);
	struct sg_tally *tally;
	__u32 index;

	if (!p || !at_hand || !service_find(&p->daddr, p->dport, &index))
		return 0;
	tally = service_tally(index);
	/* the key, and a value that nobody reads */
	at_hand->now_ns = pending_tuple(&p->saddr, p->sport, p->dport) ^ p->ack_seq;
	if (!tally || bpf_map_update_elem(&declined, &at_hand->now_ns, &at_hand->p, BPF_NOEXIST))
		return 0;
	tally->declined++;
	hitters_note(&p->saddr, p->version, HITTER_COMPLETED, 1);
	cardinality_complete(clock_now());
	return 0;
}

static __always_inline enum sg_verdict ack_judge(struct __sk_buff *skb, struct ack *ack)
{
	enum sg_verdict v = ack_only(skb, &ack->p);

	/* a connection that is about to be made, or whose old socket is to be removed, comes first */
	if (v == SG_V_NOT_ACK && (ack->p.flags & PACKET_RST) && ack_is_early(skb, ack))
		return ack_requeue(skb);
	if (v == SG_V_NOT_ACK &&
	    (ack->p.flags & (PACKET_RST | PACKET_ACK)) == (PACKET_RST | PACKET_ACK) &&
	    (declined_is_challenge(skb, ack) || declined_is_half_open(skb, &ack->p)))
		ack_note_declined(&ack->p);
	v = v ?: ack_expected(ack);
	if (v == SG_V_IDLE_ACK && ack->service && (ack->service->host & SG_HOST_LISTENER))
		return ack_to_kernel(skb, ack);
	v = v ?: ack_options(skb, ack);
	if (v)
		return v;
	if (!ack_has_cookie(&ack->p, &ack->o, &ack->terms, cookie_epoch(ack->now_ns, epoch_shift)))
		return ack_without_cookie(skb, ack);
	return ack_accept(skb, ack);
}

/* Nearly all ACKs of a host that is not attacked: to a port where nobody was ever challenged. */
static __always_inline bool ack_is_idle(const struct packet_cursor *c)
{
	const struct tcphdr *tcp = c->pos;

	return packet_is_ack(c) && !(((const __u8 *)tcp)[13] & PACKET_RST) &&
	       !*service_challenged_port(tcp->dest);
}

/* *c: of the program, which has counted this packet. */
static __always_inline enum sg_verdict ack_inspect(struct __sk_buff *skb, struct ack *ack,
						   const struct sg_counters *c)
{
	struct packet_cursor cursor = {
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
	/* one of these is looked up where it carries no cookie */
	bool sampled = c && !(c->packets % SG_ACK_SAMPLE);
	enum sg_verdict v = SG_UNDECIDED;

	if (packet_find(&cursor, true, skb->len))
		v = frame_parse_skb(skb, &ack->p);
	else if (!sampled && ack_is_idle(&cursor))
		return SG_V_IDLE_ACK;
	else
		packet_read(&ack->p, &cursor);
	ack->service = NULL;
	v = v ?: ack_judge(skb, ack);
	/* SYNPROXY, or the host behind, takes ACKs that no socket here knows */
	if (sampled && ack->service && ack->service->forwarded_until_ns <= clock_now() &&
	    (v == SG_V_IDLE_ACK || v == SG_V_OTHER_ACK || v == SG_V_EARLY_DATA))
		ack_flood_sample(skb, &ack->p, clock_now());
	return v;
}
