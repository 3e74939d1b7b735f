/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A SYN is admitted, passed for a reason, dropped or challenged (challenge.bpf.h): by XDP, or by tcx
 * ingress where XDP is refused or another program has its place. The steps are the same;
 * syn_judge() and syn_inspect_skb() list them.
 */
#pragma once

#include "bpf/path/ack_flood.bpf.h"
#include "bpf/path/challenge.bpf.h"
#include "bpf/state/canary.bpf.h"

/* Only for those that are to be challenged. */
static __always_inline enum sg_verdict syn_options(struct xdp_md *ctx, struct syn *syn)
{
	struct tcp_options *asked = &syn->answer->asked;
	const struct packet *p = &syn->p;

	if (options_parse_known(asked, frame_options_at((void *)(long)ctx->data, p),
				(void *)(long)ctx->data_end, p->option_bytes))
		return SG_UNDECIDED;
	return frame_options_xdp(ctx, p, asked);
}

/* The verifier wants to know whose context it is. */
enum syn_hook {
	SYN_AT_XDP,
	SYN_AT_TCX,
};

static __always_inline void syn_inspect_listener(void *ctx, enum syn_hook hook, struct syn *syn)
{
	if (hook == SYN_AT_XDP)
		listener_inspect(ctx, &syn->p, syn->service, syn->now_ns);
	else
		listener_inspect_skb(ctx, &syn->p, syn->service, syn->now_ns);
}

/* Finds the service, and counts the SYN. */
static __always_inline enum sg_verdict syn_enter(void *ctx, struct syn *syn)
{
	enum sg_verdict v;
	__u32 weight;

	v = listener_service(ctx, &syn->p, &syn->service, &syn->index);
	if (v)
		return v;
	syn->tally = service_tally(syn->index);
	syn->scratch = map_only_value(&scratch);
	syn->answer = map_only_value(&challenges);
	/* never, as the maps have the elements; but now the verifier knows it, too */
	if (!syn->tally || !syn->scratch || !syn->answer)
		return SG_V_SERVICES_FULL;
	syn->now_ns = clock_read(syn->scratch);
	syn->tally->syns++;
	syn->client = source_client(&syn->p.saddr, syn->p.version);
	weight = cardinality_add(syn->client, syn->now_ns);
	syn->scratch->weight = weight;
	if (weight)
		hitters_syn(&syn->p, weight, syn->now_ns);
	return SG_UNDECIDED;
}

/* Admits the SYN of an idle service; undecided means that the service is defended. */
static __always_inline enum sg_verdict syn_admit(void *ctx, enum syn_hook hook, struct syn *syn)
{
	struct sg_service *s = syn->service;

	if (service_defended(s, syn->now_ns)) {
		if (syn->now_ns - s->checked_at_ns <= SG_RECHECK_NS)
			return SG_UNDECIDED;
		syn_inspect_listener(ctx, hook, syn);
		return service_is_sampled(s, syn->now_ns) ? SG_V_SYN_SAMPLED : SG_UNDECIDED;
	}
	if (s->quota > 0) {
		s->quota--;
		return SG_V_SYN_ADMITTED;
	}
	/* nothing to be admitted to: one inspection per SG_RECHECK_NS is enough */
	if (s->hindrance == SG_V_NO_LISTENER && syn->now_ns - s->checked_at_ns <= SG_RECHECK_NS)
		return SG_V_NO_LISTENER;
	syn_inspect_listener(ctx, hook, syn);
	if (s->hindrance == SG_V_NO_LISTENER || s->hindrance == SG_V_NOT_LOCAL)
		return s->hindrance;
	return service_defended(s, syn->now_ns) ? SG_UNDECIDED : SG_V_SYN_ADMITTED;
}

/* Whether nobody is to be challenged at this service, for now or for good. */
static __always_inline enum sg_verdict syn_service_allows(const struct syn *syn)
{
	const struct sg_service *s = syn->service;

	if (syn->now_ns - control.heartbeat_ns > SG_HEARTBEAT_LOST_NS &&
	    syn->now_ns > control.heartbeat_ns)
		return SG_V_HEARTBEAT_LOST;
	if (s->blocked_until_ns > syn->now_ns)
		return SG_V_BLOCKED;
	if (s->forwarded_until_ns > syn->now_ns)
		return s->forwarded_until_ns & SG_FORWARDED_SYNPROXY ? SG_V_SYNPROXY :
								       SG_V_FORWARDED;
	if (!s->proven_at_ns)
		return SG_V_UNPROVEN;
	if (packet_is_to_link_local(&syn->p))
		return SG_V_LINK_LOCAL;
	if (s->bound_elsewhere)
		return SG_V_BOUND_ELSEWHERE;
	/* a full accept queue is the last reason to be given, because it drops */
	return s->hindrance == SG_V_ACCEPT_FULL ? SG_UNDECIDED : s->hindrance;
}

/*
 * A cookie cannot carry an MSS below the minimum, so the kernel gets such a SYN, in place of one that
 * its queue had room for at the last inspection. Where it had none, as in a flood of these, the
 * kernel would answer with a cookie for the minimum itself (cookie_v4_init_sequence()).
 */
static __always_inline bool syn_passes_for_mss(const struct syn *syn)
{
	struct sg_service *s = syn->service;

	if (!challenge_mss_is_low(syn))
		return false;
	/* by the listener's own TCP_MAXSEG: of every SYN */
	if (s->user_mss && s->user_mss < cookie_mss_min(syn->p.version))
		return true;
	if (s->quota <= 0)
		return false;
	s->quota--;
	return true;
}

/* Whether this very SYN is not to be challenged, because the acceptance could not carry it. */
static __always_inline enum sg_verdict syn_packet_allows(struct syn *syn)
{
	struct tcp_options *asked = &syn->answer->asked;
	__u16 user_mss = syn->service->user_mss;
	const struct packet *p = &syn->p;

	/* the kernel would answer, and queue it; and we send nothing to port 0 */
	if (!p->sport && control.mode != SG_MODE_OBSERVE)
		return SG_V_PORT_ZERO;
	/* the kernel takes no client at more than the listener's TCP_MAXSEG: tcp_parse_options() */
	if (user_mss && asked->mss > user_mss)
		asked->mss = user_mss;
	if (asked->seen & OPTIONS_SEEN_SIGNED)
		return SG_V_SIGNED;
	/* the kfunc takes IP in the frame or after one tag that the stack removes, not after two */
	if (p->tags > 1)
		return SG_V_QINQ;
	if (p->vlan != syn->service->vlan)
		return SG_V_VLAN_DIFFERS;
	if (syn_passes_for_mss(syn))
		return SG_V_MSS_LOW;
	if (control.mode == SG_MODE_OBSERVE)
		return SG_V_OBSERVED;
	return syn->service->hindrance == SG_V_ACCEPT_FULL ? SG_V_ACCEPT_FULL : SG_UNDECIDED;
}

/*
 * With tcp_rfc1337 a TIME_WAIT does not obey the reset by which an acceptance removes it, so the SYN
 * has to meet it: the kernel opens the connection anew. A look-up for each SYN, only then.
 */
static __always_inline enum sg_verdict syn_time_wait(void *ctx, const struct syn *syn)
{
	struct bpf_sock *sk;
	bool waits;

	if (!(syn->service->host & SG_HOST_RFC1337))
		return SG_UNDECIDED;
	sk = listener_lookup(ctx, &syn->p, syn->p.sport);
	if (!sk)
		return SG_UNDECIDED;
	waits = sk->state == KERNEL_TCP_TIME_WAIT;
	bpf_sk_release(sk);
	return waits ? SG_V_TIME_WAIT : SG_UNDECIDED;
}

/* By what is known of its source. In mode always every source is challenged. */
static __always_inline enum sg_verdict syn_source(const struct syn *syn)
{
	struct sg_local_bits local = sg_local_bits(&syn->p.saddr);

	/*
	 * The answer would go to ourselves. The table of local addresses costs a third of a
	 * challenge, so the filter is asked first, which knows nothing of prefixes.
	 */
	if ((control.local_prefixes ||
	     !(local.bits & ~control.local_bloom[local.word & (SG_LOCAL_BLOOM_WORDS - 1)])) &&
	    addr_is_local(&syn->p.saddr))
		return SG_V_OWN_SOURCE;
	if (control.mode == SG_MODE_AUTO && client_admits(syn->client, syn->now_ns))
		return SG_V_SYN_VERIFIED;
	if (filtered_until_ns > syn->now_ns &&
	    filtered_passes(canary_key(syn->client, syn->index), syn->now_ns))
		return SG_V_FILTERED_SOURCE;
	/*
	 * Dropped, not passed: the stack would answer it five times over. A real client at an address
	 * that is forged just now tries again in a second.
	 */
	return budget_is_spent(&syn->p, syn->now_ns) ? SG_V_OVER_BUDGET : SG_UNDECIDED;
}

/* Engine listener asks the kernel for the cookie. */
static __always_inline enum sg_verdict syn_kernel_cookie(void *ctx, enum syn_hook hook,
							 struct syn *syn)
{
	const struct tcp_options *asked = &syn->answer->asked;
	__u16 mss = asked->seen & OPTIONS_SEEN_MSS ? asked->mss : 0;

	if (!(syn->service->host & SG_HOST_LISTENER))
		return SG_UNDECIDED;
	syn->kernel_cookie = hook == SYN_AT_XDP ? kernel_cookie(ctx, &syn->p, mss) :
						  kernel_cookie_skb(ctx, &syn->p, mss);
	return syn->kernel_cookie >> 32 ? SG_UNDECIDED : (enum sg_verdict)syn->kernel_cookie;
}

/* At first, since XDP leaves to tcx whom it cannot answer. */
static __always_inline void syn_find_way(struct syn *syn, __u32 ifindex, const void *data,
					 const void *end)
{
	syn->way_kind = way_plain;
	if (way_is_asked(syn->p.version))
		syn->way_kind = way_find(&syn->p, ifindex, frame_source(data, end));
	/* the kernel puts no tag into what it is given for another interface, and takes none out */
	if (way_is_by_tcx(syn->way_kind) && syn->p.tags)
		syn->way_kind = WAY_CLOSED;
}

static __always_inline enum sg_verdict syn_hand_over(struct xdp_md *ctx, struct syn *syn)
{
	syn_find_way(syn, ctx->ingress_ifindex, (void *)(long)ctx->data,
		     (void *)(long)ctx->data_end);
	return way_is_by_tcx(syn->way_kind) && control.mode != SG_MODE_OBSERVE ? SG_V_HANDED_OVER :
										 SG_UNDECIDED;
}

/* Whether its answer would be sent, and arrive. */
static __always_inline enum sg_verdict syn_way_back(const struct syn *syn)
{
	bool bound = syn->service->host & SG_HOST_BOUND;

	switch (syn->way_kind) {
	case WAY_NONE:
		return SG_V_NO_WAY_BACK;
	case WAY_CLOSED:
		if (bound)
			return SG_UNDECIDED;
		syn->tally->astray++;
		return SG_V_ANOTHER_WAY_BACK;
	case WAY_UNKNOWN:
		return bound ? SG_UNDECIDED : SG_V_UNPROVEN;
	default:
		return SG_UNDECIDED;
	}
}

/* Each SYN of a service that the stack gets, as its SYN-ACK will show the way back. */
static __always_inline enum sg_verdict syn_note_way(const struct syn *syn, __u32 ifindex,
						    const void *data, const void *end,
						    enum sg_verdict v)
{
	__u32 index = v;

	switch (v) {
	case SG_V_HANDED_OVER:
	case SG_V_OTHER_HOST:
	case SG_V_NOT_LOCAL:
	case SG_V_NO_LISTENER:
	case SG_V_SERVICES_FULL:
		return v;
	default:
		if (index < SG_VERDICT_COUNT && verdict_actions[index] == SG_PASS)
			way_note_syn(&syn->p, ifindex, frame_source(data, end));
		return v;
	}
}

static __always_inline enum sg_verdict syn_judge(struct xdp_md *ctx, struct syn *syn)
{
	enum sg_verdict v;

	/* clang-format off */
	v =    packet_syn_only(&syn->p) ?:
	       (frame_is_ours_xdp(ctx) ? SG_UNDECIDED : SG_V_OTHER_HOST) ?:
	       source_listed(&syn->p) ?:
	       syn_hand_over(ctx, syn) ?:
	       syn_enter(ctx, syn) ?:
	       syn_admit(ctx, SYN_AT_XDP, syn) ?:
	       syn_service_allows(syn) ?:
	       syn_options(ctx, syn) ?:
	       syn_packet_allows(syn) ?:
	       syn_time_wait(ctx, syn) ?:
	       syn_source(syn) ?:
	       syn_way_back(syn) ?:
	       syn_kernel_cookie(ctx, SYN_AT_XDP, syn) ?:
	       challenge_xdp(ctx, syn);
	/* clang-format on */
	return syn_note_way(syn, ctx->ingress_ifindex, (void *)(long)ctx->data,
			    (void *)(long)ctx->data_end, v);
}

/* XDP. */
static __always_inline enum sg_verdict syn_inspect(struct xdp_md *ctx)
{
	struct packet_cursor c = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	enum sg_verdict v = SG_UNDECIDED;
	struct syn syn;

	if (control.mode == SG_MODE_OFF)
		return SG_V_MODE_OFF;
	if (packet_find(&c, true, c.end - c.pos))
		v = frame_parse_xdp(ctx, &syn.p) ?: frame_ip_options_xdp(ctx, &syn.p);
	else if (packet_is_ack(&c))
		return ack_flood_until_ns ? ack_flood_judge(ctx) : SG_V_NOT_SYN;
	else
		packet_read(&syn.p, &c);
	return v ?: syn_judge(ctx, &syn);
}

/* What XDP's own steps have let pass is not judged again. */
static __always_inline bool syn_was_handed_over(struct __sk_buff *skb, const struct packet *p)
{
	return !skb->vlan_present && !p->tags && control.mode != SG_MODE_OBSERVE &&
	       way_is_asked(p->version) &&
	       way_is_by_tcx(way_find(p, skb->ifindex,
				      frame_source((void *)(long)skb->data,
						   (void *)(long)skb->data_end)));
}

/*
 * tcx ingress: syn->p is as frame_parse_skb() has it, and the rest is zero. A tag that the stack has
 * taken out of the frame counts like one in it: the reply leaves with it.
 */
static __always_inline enum sg_verdict syn_inspect_skb(struct __sk_buff *skb, struct syn *syn)
{
	enum sg_verdict v;

	if (skb->vlan_present) {
		syn->p.tags++;
		syn->p.vlan = SG_VLAN_PRESENT | (skb->vlan_tci & 0xfff);
	}
	syn_find_way(syn, skb->ifindex, (void *)(long)skb->data, (void *)(long)skb->data_end);
	/* for a macvlan above, whose routes and MAC address are others */
	if (syn->way_kind == WAY_NEXT_HOP && skb->pkt_type)
		syn->way_kind = WAY_CLOSED;
	/* clang-format off */
	v =    packet_syn_only(&syn->p) ?:
	       source_listed(&syn->p) ?:
	       syn_enter(skb, syn) ?:
	       syn_admit(skb, SYN_AT_TCX, syn) ?:
	       syn_service_allows(syn) ?:
	       frame_options_skb(skb, &syn->p, &syn->answer->asked) ?:
	       syn_packet_allows(syn) ?:
	       syn_time_wait(skb, syn) ?:
	       syn_source(syn) ?:
	       syn_way_back(syn) ?:
	       syn_kernel_cookie(skb, SYN_AT_TCX, syn) ?:
	       challenge_skb(skb, syn);
	/* clang-format on */
	return syn_note_way(syn, skb->ifindex, (void *)(long)skb->data, (void *)(long)skb->data_end,
			    v);
}
