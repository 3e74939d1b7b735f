/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tcx ingress's half: an ACK with a valid cookie becomes a connection request of the listener.
 *
 * Everything else goes on untouched. Plain data of established connections pays for one hash at
 * most, and only while its service is, or in the last two epochs was, challenged. The mode is not
 * asked: what was promised is kept, also after the defence has been switched off.
 */
#pragma once

#include "bpf/path/ack.bpf.h"
#include "bpf/path/ack_checks.bpf.h"
#include "bpf/path/ack_flood.bpf.h"
#include "bpf/path/stale_connection.bpf.h"

/*
 * An ACK whose number is not a cookie. With data and nobody but the listener to take it, it is
 * most likely the second segment of a client whose first, which carries the cookie, was lost or
 * overtaken. The listener would reset that client; dropped, the data comes again after the first.
 * It may also be of a connection that is no more, or that our look-up does not see: after a while
 * it passes.
 */
static __always_inline enum sg_verdict ack_without_cookie(struct __sk_buff *skb, struct ack *ack)
{
	enum sg_verdict v = SG_V_OTHER_ACK;
	struct bpf_sock *sk;

	if (!ack->p.payload_bytes || !ack_echoes_challenge(ack))
		return SG_V_OTHER_ACK;
	sk = listener_lookup(skb, &ack->p, ack->p.sport);
	if (!sk)
		return SG_V_OTHER_ACK;
	if (sk->state == KERNEL_TCP_LISTEN)
		v = ack_is_early(skb, ack)	    ? ack_requeue(skb) :
		    ack_is_for_kernel(skb, ack, sk) ? SG_V_OTHER_ACK :
		    ack_waited(ack)		    ? SG_V_OTHER_ACK :
						      SG_V_EARLY_DATA;
	else if (ack_is_early(skb, ack))
		v = ack_requeue(skb); /* behind an ACK that clears the way */
	bpf_sk_release(sk);
	return v;
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
		a->rcv_tsecr = cookie_tsval_now(ack->o.tsecr, ack_clock_ms(ack));
	}
}

/* Counts the acceptance, and remembers it until it is born. */
static __always_inline void ack_promise(struct __sk_buff *skb, const struct ack *ack)
{
	/* the same promise again is no new evidence, nor is what the stack has reason to drop */
	bool canary = !promise_find(ack_tuple(ack)) && ack_check_is_ack(skb, &ack->p) &&
		      canary_hears(&ack->p, ack->index, ack->now_ns);
	struct sg_tally *tally = service_tally(ack->index);

	promise_make(ack_tuple(ack), canary);
	if (!tally)
		return;
	tally->accepted++;
	tally->canary_accepted += canary;
}

/* What the service is not to be challenged for any more, until the next look. */
static __always_inline void ack_warn(struct ack *ack, enum sg_verdict hindrance)
{
	/* without a new time: a stream of ACKs must not put off the next look */
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
		ack_warn(ack, SG_V_SYNCOOKIES_OFF);
		return SG_V_DEFERRED;
	}
	/* the kernel drops it without a word, and the client's next segment tries again */
	full = listener_accept_full(&tp->inet_conn.icsk_inet.sk);
	if (full && !listener_is_in_group(&tp->inet_conn.icsk_inet.sk))
		ack_warn(ack, SG_V_ACCEPT_FULL);
	ack_attributes(ack, net, &attrs);
	if (bpf_sk_assign_tcp_reqsk(skb, (struct sock *)tp, &attrs, sizeof(attrs)))
		return SG_V_REFUSED;
	if (full)
		return SG_V_ACCEPTED_LATER;
	ack_promise(skb, ack);
	return SG_V_ACCEPTED;
}

/*
 * Whether the kernel would let a SYN with this sequence number and timestamp reopen the
 * connection (tcp_timewait_state_process()); if not, the ACK is an old one, sent again.
 */
static __always_inline bool ack_is_newer(const struct ack *ack, const struct tcp_timewait_sock *tw)
{
	bool newer_ts = false, older_ts = false;

	if (ack->o.seen & OPTIONS_SEEN_TS) {
		newer_ts = (__s32)(ack->o.tsval - tw->tw_ts_recent) > 0;
		older_ts = (__s32)(ack->o.tsval - tw->tw_ts_recent) < 0;
	}
	if (tw->tw_ts_recent && older_ts)
		return false;
	return (__s32)(ack->p.seq - 1 - tw->tw_sk.__tw_common.skc_tw_rcv_nxt) > 0 || newer_ts;
}

/*
 * Sends a clone of the ACK round to come in again, and makes of this one a reset that the old
 * socket in its way obeys: the bare flag, with the sequence number that it expects, and without
 * options: it echoes our timestamp, which a SYN_RECV that sent another one rejects, also in a reset
 * (Linux 6.15, tcp_check_req()). No reset goes to the client. `seq` in host order.
 */
static __always_inline enum sg_verdict ack_clear(struct __sk_buff *skb, struct ack *ack, __u32 seq)
{
	__u32 tcp = ack->p.l4_offset;
	__be32 old_seq = bpf_htonl(ack->p.seq);
	__be32 new_seq = bpf_htonl(seq);
	__u16 doff = 5 + ack->p.option_bytes / 4;
	__be16 old_flags = bpf_htons(doff << 12 | ack->p.flags);
	__be16 new_flags = bpf_htons(5 << 12 | PACKET_RST);

	if (skb->cb[0] == ACK_REQUEUED)
		return SG_V_TUPLE_IN_USE;
	skb->cb[0] = ACK_REQUEUED;
	if (bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS))
		return SG_V_TUPLE_IN_USE;
	promise_make(ack_tuple(ack), false); /* what follows in the batch finds nobody to take it */
	bpf_l4_csum_replace(skb, tcp + offsetof(struct tcphdr, check), old_seq, new_seq, 4);
	bpf_l4_csum_replace(skb, tcp + offsetof(struct tcphdr, check), old_flags, new_flags, 2);
	bpf_skb_store_bytes(skb, tcp + offsetof(struct tcphdr, seq), &new_seq, 4, 0);
	bpf_skb_store_bytes(skb, tcp + 12, &new_flags, 2, 0);
	return SG_V_CLEARED;
}

/*
 * Nobody can say whether the connection in the way is alive, so the newcomer has to go: handed to
 * the listener, which has no use for it and resets it, by the number that only he expects.
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

/* The cookie holds: whom does the connection belong to? */
static __always_inline enum sg_verdict ack_accept(struct __sk_buff *skb, struct ack *ack)
{
	struct bpf_sock *sk = listener_lookup(skb, &ack->p, ack->p.sport);
	enum sg_verdict v = SG_V_ALREADY_CONNECTED;
	bool clear = false, turn_away = false;
	__u32 seq = 0;

	if (!sk) {
		ack_warn(ack, SG_V_NO_LISTENER);
		return SG_V_LISTENER_GONE;
	}
	if (sk->state == KERNEL_TCP_LISTEN) {
		v = ack_assign(skb, ack, sk);
	} else if (sk->state == KERNEL_TCP_TIME_WAIT) {
		struct tcp_timewait_sock *tw = bpf_skc_to_tcp_timewait_sock(sk);

		v = SG_V_REPLAYED;
		if (tw && ack_is_newer(ack, tw)) {
			clear = true;
			seq = tw->tw_sk.__tw_common.skc_tw_rcv_nxt;
		}
	} else if (sk->state == KERNEL_TCP_NEW_SYN_RECV) {
		/* the kernel's own answer to an earlier SYN; its number is not the cookie's */
		struct tcp_request_sock *req = bpf_skc_to_tcp_request_sock(sk);

		if (req) {
			clear = true;
			seq = req->rcv_nxt;
		}
	} else if (stale_may_be(sk->state)) {
		struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

		if (tp && stale_is_met(&ack->p, tp)) {
			/* not while somebody guesses */
			clear = stale_is_older(&ack->o, tp) && ack_echoes_challenge(ack) &&
				!ackflood_lasts(ack->now_ns);
			turn_away = !clear;
			seq = tp->rcv_nxt;
		}
	}
	bpf_sk_release(sk);
	return clear ? ack_clear(skb, ack, seq) : turn_away ? ack_turn_away(skb, ack) : v;
}

/* The terms are spelt out where they hold. */
static __always_inline bool ack_holds(const struct packet *p, const struct tcp_options *o,
				      struct cookie_terms *terms, __u32 epoch_now)
{
	cookie_recall(terms, p, o);
	return cookie_holds(control.key, p, cookie_epoch_of(p->ack_seq - 1, epoch_now), terms);
}

static __always_inline enum sg_verdict ack_options(struct __sk_buff *skb, struct ack *ack)
{
	const struct packet *p = &ack->p;
	const void *start =
		(void *)(long)skb->data + (p->l4_offset & 0x3fff) + sizeof(struct tcphdr);

	if (options_parse_known(&ack->o, start, (void *)(long)skb->data_end, p->option_bytes))
		return SG_UNDECIDED;
	return frame_options_skb(skb, p, &ack->o);
}

static __always_inline enum sg_verdict ack_judge(struct __sk_buff *skb, struct ack *ack)
{
	enum sg_verdict v = ack_parse(skb, ack);

	if (v == SG_V_NOT_ACK && ack_is_reset_early(skb, ack))
		return ack_requeue(skb);
	v = v ?: ack_expected(ack) ?: ack_options(skb, ack);
	if (v)
		return v;
	if (!ack_holds(&ack->p, &ack->o, &ack->terms, cookie_epoch(ack->now_ns, epoch_shift)))
		return ack_without_cookie(skb, ack);
	cookie_spell_out(&ack->terms, ack->p.version);
	return ack_accept(skb, ack);
}

/* Nearly all ACKs of a host that is not attacked: of a port where nobody was ever challenged. */
static __always_inline bool ack_is_idle(struct __sk_buff *skb)
{
	const struct tcphdr *tcp =
		packet_plain_ack((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len);

	return tcp && !(((const __u8 *)tcp)[13] & PACKET_RST) &&
	       !*service_challenged_port(tcp->dest);
}

/* *c: of the program, which has counted this packet. */
static __always_inline enum sg_verdict ack_inspect(struct __sk_buff *skb, struct ack *ack,
						   const struct sg_counters *c)
{
	/* one of these is looked up where it carries no cookie */
	bool sampled = c && !(c->packets % SG_ACK_SAMPLE);
	enum sg_verdict v;

	if (!sampled && ack_is_idle(skb))
		return SG_V_IDLE_ACK;
	ack->service = NULL;
	v = ack_judge(skb, ack);
	if (sampled && ack->service &&
	    (v == SG_V_IDLE_ACK || v == SG_V_OTHER_ACK || v == SG_V_EARLY_DATA))
		ackflood_sample(skb, &ack->p, clock_now());
	return v;
}
