/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The challenge: a SYN is answered in place with a cookie, by XDP or by tcx ingress.
 *
 * The reply is the same, byte for byte. tcx differs in what the skb says of VLAN tags and checksums;
 * its reply goes out of the interface that the SYN came in by, past routing, firewall and
 * conntrack, as XDP_TX does, and tcx egress knows it by CHALLENGE_SENT. Where the way back is
 * another interface (ways.bpf.h), XDP leaves the SYN to tcx, which sends the reply out of that one.
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/cookie/reply.h"
#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/engine_listener.bpf.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/sent.bpf.h"
#include "bpf/state/service.bpf.h"
#include "bpf/state/sources.bpf.h"
#include "bpf/state/ways.bpf.h"

/*
 * What a SYN asks for, and its answer, ready to be written. Of each CPU in a map and not on the stack,
 * where the verifier would follow each choice of options through all that comes after.
 */
struct challenge {
	struct tcp_options asked;
	struct cookie_terms terms;
	struct reply_fields fields;
	struct reply reply;
};

MAP(challenges, PERCPU_ARRAY, 1, 0, __u32, struct challenge);

/* What the steps of a SYN hand on. Each step writes what is its own, nothing is zeroed. */
struct syn {
	struct packet p;
	struct sg_service *service;
	struct sg_tally *tally;
	struct scratch *scratch;
	struct challenge *answer;
	__u32 index;	/* of the service */
	__u32 way_kind; /* enum way_kind; but for WAY_PLAIN the rest is in scratch->way */
	__u64 now_ns;
	__u64 client;	     /* source_client() */
	__u64 kernel_cookie; /* of engine listener: kernel_cookie() */
};

/* ---- the cookie's midstates ------------------------------------------------------------------- */

/*
 * Hashed midstates (struct cookie_midstate) by the index of their service; a place is its last
 * user's. In a flood each challenge needs the same one, and to hash it is 2 of the 10 rounds of
 * SipHash that IPv4 takes, and 6 of the 16 of IPv6. The result is that of cookie_isn(). Per CPU, so
 * that nobody reads half of one.
 */
#define MIDSTATES_MAX 64

struct midstate_hashed {
	__u64 key; /* half of it tells one from another */
	struct cookie_midstate midstate;
	struct siphash_state state;
};

MAP(midstates, PERCPU_ARRAY, MIDSTATES_MAX, 0, __u32, struct midstate_hashed);

static __always_inline bool midstate_is(const struct midstate_hashed *h,
					const struct cookie_midstate *midstate)
{
	return h->midstate.words[0] == midstate->words[0] && h->key == control.key[0] &&
	       h->midstate.words[1] == midstate->words[1] &&
	       h->midstate.words[2] == midstate->words[2];
}

/* A global function: it is rarely called, and the verifier proves it once. Returns 0. */
__noinline int midstate_hash(__u32 index, const struct cookie_midstate *midstate, __u32 version)
{
	__u32 at = index % MIDSTATES_MAX;
	struct midstate_hashed *h = bpf_map_lookup_elem(&midstates, &at);

	if (!h || !midstate)
		return 0;
	cookie_hash_midstate(&h->state, control.key, midstate, version);
	h->key = control.key[0];
	h->midstate = *midstate;
	return 0;
}

/* As cookie_isn() has it. */
static __always_inline __u32 midstate_isn(const struct packet *p, __u32 index, __u32 epoch,
					  const struct cookie_terms *t)
{
	__u32 at = index % MIDSTATES_MAX;
	struct midstate_hashed *h = bpf_map_lookup_elem(&midstates, &at);
	struct siphash_state s;
	struct cookie_midstate midstate;

	if (!h)
		return cookie_isn(control.key, p, p->seq, epoch, t);
	cookie_midstate_of(&midstate, p, epoch, t);
	if (!midstate_is(h, &midstate))
		midstate_hash(index, &midstate, p->version);
	s = h->state;
	return cookie_isn_of(&s, p, p->seq, epoch, t);
}

/* ---- what is offered -------------------------------------------------------------------------- */

/*
 * The window scale of this epoch: what the first challenge in it promised. Compare and swap,
 * because two CPUs may be the first after different inspections of the listener.
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

/*
 * The least of the MTU of the interface that it leaves by, the route's and TCP_MAXSEG. Never learned
 * from traffic: a client could lie.
 */
static __always_inline __u16 challenge_mss(void *ctx, __u32 ifindex, const struct syn *syn)
{
	__u32 headers = syn->p.version == 4 ? 40 : 60;
	struct sg_service *s = syn->service;
	__u32 mss;

	/* another interface than that of the last inspection has its own */
	if (!s->mtu || s->ifindex != ifindex)
		listener_mtu(ctx, ifindex, headers, s);
	mss = s->mtu - headers;
	return s->user_mss ? sg_min(mss, s->user_mss) : mss;
}

/*
 * Whole segments: as the kernel counts them when it answers (tcp_openreq_init_rwin()), then as it counts
 * them at the acceptance (cookie_v4_check()). So it is not more than either, and less than one segment
 * less than the host's own answer. A global function, so that the verifier proves it once; returns a
 * __u16.
 */
__noinline int challenge_window(__u32 space, __u32 ours, __u32 theirs)
{
	/* above, what a division costs would not show */
	if (space >= 0x20000)
		return 0xffff;
	if (ours && space > ours)
		space -= space % ours;
	space = sg_min(space, 0xffff);
	if (theirs && space > theirs)
		space -= space % theirs;
	return space;
}

/*
 * No more than the route promises, to a client that takes segments of so many bytes:
 * tcp_openreq_init_rwin(), cookie_v4_check(), ip4_dst_hoplimit(). A global function, so that the
 * verifier proves it once: returns TTL, window (16 bits) and MSS (16 bits).
 */
__noinline __u64 challenge_limits(const struct sg_service *s, __u32 mss, __u32 segment, __u32 ts)
{
	const struct scratch *scratch_of_cpu = map_only_value(&scratch);
	__u32 ours, window, ttl;
	const struct sg_way *way;

	if (!s || !scratch_of_cpu)
		return 0;
	way = &scratch_of_cpu->way;
	ours = mss;
	if (way->mss) {
		mss = sg_min(mss, way->mss);
		/* by the route's MSS, even if that is more than the link takes */
		ours = s->user_mss ? sg_min(way->mss, s->user_mss) : way->mss;
	}
	window = way->window ? sg_min(s->window_space, way->window) : s->window_space;
	ours -= ts * 12;
	window = challenge_window(window, ours, segment);
	/* segments of this host when it answers, and of the client at the acceptance */
	if (way->initrwnd)
		window = sg_min(window, way->initrwnd * sg_min(ours, segment));
	ttl = s->ttl;
	if (way->hop_limit && !s->ttl_set && !(s->host & SG_HOST_TTL))
		ttl = way->hop_limit;
	return (__u64)ttl << 32 | window << 16 | (mss & 0xffff);
}

/* It divides twice, so that what it made last is kept. */
static __always_inline __u32 challenge_window_of(struct scratch *s, __u32 space, __u16 ours,
						 __u16 theirs)
{
	__u64 of = (__u64)space << 32 | (__u32)ours << 16 | theirs;

	if (s->window_of != of) {
		s->window = challenge_window(space, ours, theirs);
		s->window_of = of;
	}
	return s->window;
}

/* The number, the terms, and what keeps them in the timestamp: what the engines differ in. */
static __always_inline void challenge_of_reqsk(const struct syn *syn, struct challenge *c)
{
	__u32 clock_ms = cookie_clock_ms(syn->now_ns) + control.tsval_offset;
	__u32 epoch = cookie_epoch(syn->now_ns, epoch_shift);
	struct sg_service *s = syn->service;

	cookie_agree(&c->terms, &syn->p, &c->asked, s->offers);
	c->fields.isn = midstate_isn(&syn->p, syn->index, epoch, &c->terms);
	c->fields.tsval = cookie_tsval(clock_ms, &c->terms, COOKIE_TS_MASK);
	if (syn->tally->second_challenged < SENT_A_SECOND)
		sent_note(c->fields.isn, c->fields.tsval, clock_ms);
	c->fields.wscale = challenge_wscale(s, epoch);
}

static __always_inline void challenge_of_listener(const struct syn *syn, struct challenge *c)
{
	cookie_agree(&c->terms, &syn->p, &c->asked, syn->service->offers);
	kernel_cookie_lessen(&c->terms, &c->asked, syn->service, syn->kernel_cookie >> 32,
			     syn->now_ns);
	/* so that tcx looks at its ACK */
	if (!*service_challenged_port(syn->service->port))
		*service_challenged_port(syn->service->port) = 1;
	c->fields.isn = syn->kernel_cookie;
	c->fields.tsval =
		cookie_tsval(cookie_clock_ms(syn->now_ns), &c->terms, KERNEL_COOKIE_TS_MASK);
	c->fields.wscale = syn->service->wscale;
}

static __always_inline void challenge_compose(const struct syn *syn, __u16 mss)
{
	struct challenge *c = syn->answer;
	const struct packet *p = &syn->p;
	struct sg_service *s = syn->service;

	c->fields = (struct reply_fields){
		.mss = mss,
		.ttl = s->ttl,
		.tos = s->tos | (p->dsfield & -(s->offers / SG_OFFER_SYN_TOS)),
		.label = s->offers,
	};
	if (s->host & SG_HOST_LISTENER)
		challenge_of_listener(syn, c);
	else
		challenge_of_reqsk(syn, c);
	c->fields.window = challenge_window_of(syn->scratch, s->window_space,
					       mss - c->terms.ts * 12, c->terms.mss);
	if (syn->way_kind != WAY_PLAIN) {
		__u64 limits = challenge_limits(s, mss, c->terms.mss, c->terms.ts);

		c->fields.mss = limits;
		c->fields.window = limits >> 16;
		c->fields.ttl = limits >> 32;
	}
	reply_build(&c->reply, p, &c->asked, &c->terms, &c->fields);
}

static __always_inline void challenge_count(struct syn *syn)
{
	if (syn->scratch->weight)
		hitters_challenged(&syn->p, syn->scratch->weight);
	budget_charge(&syn->p, syn->tally->challenged++, syn->tally->second_challenged,
		      syn->now_ns);
	/* before this one is counted, which nobody can have answered yet */
	service_renew(syn->service, syn->tally, syn->now_ns);
	syn->tally->second_challenged++;
}

static __always_inline bool challenge_mss_is_low(const struct syn *syn)
{
	const struct tcp_options *asked = &syn->answer->asked;

	return (asked->seen & OPTIONS_SEEN_MSS) && asked->mss < cookie_mss_min(syn->p.version);
}

/* Writes the reply over the SYN, which has been given room for it. */
static __always_inline enum sg_verdict challenge_write(void *data, void *end, struct syn *syn)
{
	const struct challenge *c = syn->answer;

	if (!reply_write(data, end, &syn->p, &c->reply, &c->fields))
		return SG_V_NO_ROOM;
	challenge_count(syn);
	return c->terms.lossy || challenge_mss_is_low(syn) ? SG_V_CHALLENGED_PLAIN :
							     SG_V_CHALLENGED;
}

/* ---- XDP -------------------------------------------------------------------------------------- */

/*
 * Gives the frame the reply's length; all packet pointers are invalid afterwards. A driver may have
 * left the end of the frame in fragments, which cannot be written to: what the reply takes of the
 * frame has to lie before them.
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

static __always_inline enum sg_verdict challenge_xdp(struct xdp_md *ctx, struct syn *syn)
{
	challenge_compose(syn, challenge_mss(ctx, ctx->ingress_ifindex, syn));
	if (!challenge_make_room(ctx, &syn->p, &syn->answer->reply))
		return SG_V_NO_ROOM;
	return challenge_write((void *)(long)ctx->data, (void *)(long)ctx->data_end, syn);
}

/* ---- tcx ingress ------------------------------------------------------------------------------ */

/*
 * Gives the skb the reply's length, in one writable piece, and its checksum the form that the skb
 * promises. A partial one is the sum of the pseudo header, not complemented, which is completed at
 * a place that is fixed in the skb, so the TCP header has to stay where it was. A sum over the
 * whole skb is forgotten when its length changes.
 */
static __always_inline bool challenge_make_room_skb(struct __sk_buff *skb, const struct packet *p,
						    struct reply *r)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);
	__u8 summed = BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed);
	__u32 headers = p->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 old = skb->len;
	__u32 wanted = reply_frame_bytes(p, r, old);

	if (summed == KERNEL_CHECKSUM_PARTIAL) {
		__u16 sum = ~checksum_fold(packet_pseudo_sum(p, r->words * 4));

		if (p->l4_offset != p->l3_offset + headers)
			return false;
		r->tcp[4] = bpf_htonl((__u32)bpf_ntohs(sum) << 16);
	} else if (summed == KERNEL_CHECKSUM_COMPLETE && wanted == old) {
		if (bpf_skb_change_tail(skb, old + 1, 0))
			return false;
	}
	return !bpf_skb_change_tail(skb, wanted, 0);
}

static __always_inline enum sg_verdict challenge_skb(struct __sk_buff *skb, struct syn *syn)
{
	__u32 ifindex = skb->ifindex;
	bool elsewhere = syn->way_kind == WAY_NEXT_HOP ||
			 (syn->way_kind == WAY_ELSEWHERE && !(syn->service->host & SG_HOST_BOUND));
	enum sg_verdict v;

	/* or clang chooses between two pointers first, of which the context's may not be computed */
	barrier_var(ifindex);
	if (elsewhere)
		ifindex = syn->scratch->way.ifindex;
	challenge_compose(syn, challenge_mss(skb, ifindex, syn));
	if (!challenge_make_room_skb(skb, &syn->p, &syn->answer->reply))
		return SG_V_NO_ROOM;
	v = challenge_write((void *)(long)skb->data, (void *)(long)skb->data_end, syn);
	if (v == SG_V_NO_ROOM)
		return v;
	skb->cb[0] = CHALLENGE_SENT;
	skb->cb[1] = ifindex;
	/* either takes effect by the verdict's action */
	if (elsewhere) /* the kernel looks the next hop up */
		bpf_redirect_neigh(ifindex, NULL, 0, 0);
	else
		bpf_redirect(ifindex, 0);
	return v;
}
