/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A SYN is admitted, passed for a reason, or answered in place: all of it for XDP, and the steps
 * that tcx ingress shares (challenge_skb.bpf.h).
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/cookie/midstate.bpf.h"
#include "bpf/cookie/reply.h"
#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/bogus_ack.bpf.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/path/listed.bpf.h"
#include "bpf/state/budget.bpf.h"
#include "bpf/state/clients.bpf.h"
#include "bpf/state/clock.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/service.bpf.h"

/* What the steps hand on; one per packet. Each step writes what is its own, nothing is zeroed. */
struct syn {
	struct packet p;
	struct tcp_options o;
	struct sg_service *service;
	struct sg_tally *tally;
	__u32 index; /* of the service */
	__u64 now_ns;
	__u64 client; /* source_client() */
};

static __always_inline enum sg_verdict syn_parse(struct xdp_md *ctx, struct syn *syn)
{
	const void *data = (void *)(long)ctx->data;
	const void *end = (void *)(long)ctx->data_end;
	enum sg_verdict v = SG_UNDECIDED;

	if (!packet_parse_plain(&syn->p, data, end, end - data))
		v = frame_parse_xdp(ctx, &syn->p);
	return v ?: packet_syn_only(&syn->p);
}

/* Only for those that are to be challenged. */
static __always_inline enum sg_verdict syn_options(struct xdp_md *ctx, struct syn *syn)
{
	const struct packet *p = &syn->p;
	const void *start =
		(void *)(long)ctx->data + (p->l4_offset & 0x3fff) + sizeof(struct tcphdr);

	if (options_parse_known(&syn->o, start, (void *)(long)ctx->data_end, p->option_bytes))
		return SG_UNDECIDED;
	return frame_options_xdp(ctx, p, &syn->o);
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
	syn->now_ns = clock_now();
	if (syn->tally)
		syn->tally->syns++;
	syn->client = source_client(&syn->p.saddr, syn->p.version);
	weight = cardinality_join(syn->client, syn->now_ns);
	/* from where it can be read without the verifier following each of its values */
	if (syn->tally)
		syn->tally->weight = weight;
	if (weight)
		hitters_syn(&syn->p, weight, syn->now_ns);
	return SG_UNDECIDED;
}

/* Lets the SYN of an idle service in; undecided means that the service is defended. */
static __always_inline enum sg_verdict syn_admit(void *ctx, enum syn_hook hook, struct syn *syn)
{
	struct sg_service *s = syn->service;

	if (service_defended(s, syn->now_ns)) {
		if (syn->now_ns - s->checked_at_ns > SG_RECHECK_NS)
			syn_inspect_listener(ctx, hook, syn);
		return SG_UNDECIDED;
	}
	if (s->credit > 0) {
		s->credit--;
		return SG_V_SYN_ADMITTED;
	}
	/* nothing to be admitted to: one look per SG_RECHECK_NS is enough */
	if (s->hindrance == SG_V_NO_LISTENER && syn->now_ns - s->checked_at_ns <= SG_RECHECK_NS)
		return SG_V_NO_LISTENER;
	syn_inspect_listener(ctx, hook, syn);
	if (s->hindrance == SG_V_NO_LISTENER || s->hindrance == SG_V_NOT_LOCAL)
		return s->hindrance;
	return service_defended(s, syn->now_ns) ? SG_UNDECIDED : SG_V_SYN_ADMITTED;
}

/* What stands against challenging anybody at this service, for now or for good. */
static __always_inline enum sg_verdict syn_service_allows(const struct syn *syn)
{
	const struct sg_service *s = syn->service;

	if (syn->now_ns - control.heartbeat_ns > SG_HEARTBEAT_LOST_NS &&
	    syn->now_ns > control.heartbeat_ns)
		return SG_V_HEARTBEAT_LOST;
	if (s->blocked_until_ns > syn->now_ns)
		return SG_V_BLOCKED;
	if (s->forwarded_until_ns > syn->now_ns)
		return SG_V_FORWARDED;
	if (!s->proven_at_ns)
		return SG_V_UNPROVEN;
	if (packet_is_to_link_local(&syn->p))
		return SG_V_LINK_LOCAL;
	if (s->bound_elsewhere)
		return SG_V_BOUND_ELSEWHERE;
	/* a full accept queue is the last reason to be given, because it drops */
	return s->hindrance == SG_V_ACCEPT_FULL ? SG_UNDECIDED : s->hindrance;
}

/* The kernel takes no client at more than the listener's TCP_MAXSEG: tcp_parse_options(). */
static __always_inline void syn_heed_maxseg(struct syn *syn)
{
	__u16 user_mss = syn->service->user_mss;

	if (user_mss && syn->o.mss > user_mss)
		syn->o.mss = user_mss;
}

static __always_inline bool syn_mss_is_low(const struct syn *syn)
{
	return (syn->o.seen & OPTIONS_SEEN_MSS) && syn->o.mss < cookie_mss_min(syn->p.version);
}

/*
 * A cookie cannot tell an MSS below the minimum, so the kernel shall have such a SYN, in the place
 * of one that its queue had room for at the last look. Where it had none, as in a flood of these,
 * the kernel would answer with a cookie for the minimum itself (cookie_v4_init_sequence()).
 */
static __always_inline bool syn_passes_for_mss(const struct syn *syn)
{
	struct sg_service *s = syn->service;

	if (!syn_mss_is_low(syn))
		return false;
	/* by the listener's own TCP_MAXSEG: of every SYN */
	if (s->user_mss && s->user_mss < cookie_mss_min(syn->p.version))
		return true;
	if (s->credit <= 0)
		return false;
	s->credit--;
	return true;
}

/* What stands against challenging this very SYN: what the acceptance could not carry. */
static __always_inline enum sg_verdict syn_packet_allows(struct syn *syn)
{
	const struct packet *p = &syn->p;

	/* the kernel would answer, and queue it; and we send nothing to port 0 */
	if (!p->sport && control.mode != SG_MODE_OBSERVE)
		return SG_V_PORT_ZERO;
	syn_heed_maxseg(syn);
	if (syn->o.seen & OPTIONS_SEEN_SIGNED)
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
 * Whether its source is an address of this host. The table of them costs as much as a third of a
 * challenge, so a filter that all of them are in is asked first.
 */
static __always_inline bool syn_is_from_ourselves(const struct packet *p)
{
	struct sg_own own = sg_own(&p->saddr);

	return !(own.bits & ~control.own[own.word & (SG_OWN_WORDS - 1)]) &&
	       listener_is_here(&p->saddr);
}

/*
 * With tcp_rfc1337 a TIME_WAIT does not obey the reset by which an acceptance clears the way, so
 * the SYN has to meet it: the kernel opens the connection anew. A look-up for each SYN, only then.
 */
static __always_inline enum sg_verdict syn_old_socket(void *ctx, const struct syn *syn)
{
	struct bpf_sock *sk;
	bool waits;

	if (!syn->service->keeps_time_wait)
		return SG_UNDECIDED;
	sk = listener_lookup(ctx, &syn->p, syn->p.sport);
	if (!sk)
		return SG_UNDECIDED;
	waits = sk->state == KERNEL_TCP_TIME_WAIT;
	bpf_sk_release(sk);
	return waits ? SG_V_OLD_SOCKET : SG_UNDECIDED;
}

/* What is known of its source. In mode always everybody is challenged. */
static __always_inline enum sg_verdict syn_source(const struct syn *syn)
{
	const struct packet *p = &syn->p;

	/* the answer would go to ourselves, by way of whoever forged this */
	if (syn_is_from_ourselves(p))
		return SG_V_OWN_SOURCE;
	if (control.mode == SG_MODE_AUTO && client_admits(syn->client, syn->now_ns))
		return SG_V_SYN_VERIFIED;
	/*
	 * Dropped, not passed: the stack would answer it five times over. A real client at an address
	 * that is forged just now tries again in a second.
	 */
	return budget_is_spent(p, syn->now_ns) ? SG_V_OVER_BUDGET : SG_UNDECIDED;
}

/*
 * The window scale of this epoch: what the first challenge in it promised. Compare and swap,
 * because two CPUs may be the first with different listeners' looks.
 */
static __always_inline __u8 challenge_wscale(struct sg_service *s, __u32 epoch)
{
	__u64 *slot = &s->promised[epoch & 1];
	__u64 seen = *slot;
	__u64 ours = (__u64)epoch << 8 | s->wscale;
	__u64 found;

	if (seen >> 8 == epoch)
		return seen & 0xff;
	/* first, so that no ACK with the cookie finds it unset */
	*service_challenged_port(s->port) = 1;
	found = __sync_val_compare_and_swap(slot, seen, ours);
	return found == seen ? s->wscale : found & 0xff;
}

/* The least of interface MTU and TCP_MAXSEG. Never learned from traffic: a client could lie. */
static __always_inline __u16 challenge_mss(void *ctx, __u32 ifindex, const struct packet *p,
					   struct sg_service *s)
{
	__u32 headers = p->version == 4 ? 40 : 60;
	__u32 mss;

	/* another interface than that of the last look has its own */
	if (!s->mtu || s->ifindex != ifindex)
		listener_mtu(ctx, ifindex, s);
	mss = s->mtu - headers;
	return s->user_mss ? sg_min(mss, s->user_mss) : mss;
}

/* As the kernel rounds it at the acceptance, so that nothing is promised that it will not take. */
static __always_inline __u16 challenge_window(const struct sg_service *s, __u16 mss)
{
	__u32 space = s->window_space;

	/* above, what a division costs would not show */
	if (mss && space > mss && space < 0xffffu + mss)
		space -= space % mss;
	return sg_min(space, 0xffff);
}

/* The answer to a SYN, ready to be written. */
struct challenge {
	struct cookie_terms terms;
	struct reply_look look;
	struct reply reply;
	__u64 now_ns; /* set by the caller, like the next */
	__u16 mss;
};

static __always_inline void challenge_compose(const struct packet *p, const struct tcp_options *o,
					      struct sg_service *s, __u32 index,
					      struct challenge *c)
{
	__u32 epoch;

	epoch = cookie_epoch(c->now_ns, epoch_shift);
	cookie_agree(&c->terms, p, o, s->offers);
	c->look = (struct reply_look){
		.isn = midstate_isn(p, index, epoch, &c->terms),
		.tsval = cookie_tsval(cookie_clock_ms(c->now_ns) + control.tsval_offset, &c->terms),
		.window = challenge_window(s, c->terms.mss),
		.mss = c->mss,
		.wscale = challenge_wscale(s, epoch),
		.ttl = s->ttl,
		.tos = p->version == 4 ? s->tos : 0,
	};
	reply_build(&c->reply, p, o, &c->terms, &c->look);
}

/*
 * Gives the frame the reply's length; all packet pointers die here. A driver may have left the end
 * of the frame in fragments, which cannot be written to: what the reply takes of the frame has to
 * lie before them.
 */
static __always_inline bool challenge_make_room(struct xdp_md *ctx, const struct packet *p,
						const struct reply *r)
{
	__u32 old = frame_bytes_xdp(ctx);
	__u32 wanted = reply_frame_bytes(p, r, old);
	/* the mask is for the verifier: a reply has 22 + 40 + 40 bytes at most */
	void *needed = (void *)(long)ctx->data + (sg_min(old, wanted) & 127);

	if (needed > (void *)(long)ctx->data_end)
		return false;
	return wanted == old || !bpf_xdp_adjust_tail(ctx, (int)wanted - (int)old);
}

static __always_inline void challenge_count(struct syn *syn)
{
	if (!syn->tally)
		return;
	if (syn->tally->weight)
		hitters_challenged(&syn->p, syn->tally->weight);
	budget_charge(&syn->p, syn->tally->challenged++, syn->tally->second_challenged,
		      syn->now_ns);
	/* before this one is counted, which nobody can have answered yet */
	service_renew(syn->service, syn->tally, syn->now_ns);
	syn->tally->second_challenged++;
}

static __always_inline enum sg_verdict challenge_verdict(const struct syn *syn,
							 const struct challenge *c)
{
	return c->terms.lossy || syn_mss_is_low(syn) ? SG_V_CHALLENGED_PLAIN : SG_V_CHALLENGED;
}

static __always_inline enum sg_verdict syn_challenge(struct xdp_md *ctx, struct syn *syn)
{
	struct challenge c;

	c.now_ns = syn->now_ns;
	c.mss = challenge_mss(ctx, ctx->ingress_ifindex, &syn->p, syn->service);
	challenge_compose(&syn->p, &syn->o, syn->service, syn->index, &c);
	if (!challenge_make_room(ctx, &syn->p, &c.reply))
		return SG_V_NO_ROOM;
	if (!reply_write((void *)(long)ctx->data, (void *)(long)ctx->data_end, &syn->p, &c.reply,
			 &c.look))
		return SG_V_NO_ROOM;
	challenge_count(syn);
	return challenge_verdict(syn, &c);
}

static __always_inline enum sg_verdict syn_judge(struct xdp_md *ctx)
{
	struct syn syn;

	/* clang-format off */
	return syn_parse(ctx, &syn) ?:
	       listed_source(&syn.p) ?:
	       syn_enter(ctx, &syn) ?:
	       syn_admit(ctx, SYN_AT_XDP, &syn) ?:
	       syn_service_allows(&syn) ?:
	       syn_options(ctx, &syn) ?:
	       syn_packet_allows(&syn) ?:
	       syn_old_socket(ctx, &syn) ?:
	       syn_source(&syn) ?:
	       syn_challenge(ctx, &syn);
	/* clang-format on */
}

static __always_inline enum sg_verdict syn_inspect(struct xdp_md *ctx)
{
	if (control.mode == SG_MODE_OFF)
		return SG_V_MODE_OFF;
	if (packet_is_plain_ack((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return ack_flood_until_ns ? bogus_judge(ctx) : SG_V_NOT_SYN;
	return syn_judge(ctx);
}
