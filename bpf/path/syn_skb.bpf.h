/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A SYN judged and answered by tcx ingress, where XDP is refused or another program has its place.
 *
 * The steps are XDP's (challenge.bpf.h), and so is the reply, byte for byte. Different are where a
 * VLAN tag is (the stack has taken the outer one out of the frame), and what the skb says of
 * checksums. The reply goes out of the interface that the SYN came in by, past routing, firewall
 * and conntrack, as XDP_TX does; tcx egress sees it, and knows it by CHALLENGE_SENT.
 */
#pragma once

#include "bpf/path/syn.bpf.h"

/* A tag that is not in the frame any more counts like one that is: the reply leaves with it. */
static __always_inline void syn_heed_stripped_tag(const struct __sk_buff *skb, struct packet *p)
{
	if (!skb->vlan_present)
		return;
	p->tags++;
	p->vlan = SG_VLAN_PRESENT | (skb->vlan_tci & 0xfff);
}

/*
 * The checksum of the pseudo header, not complemented, in place of the whole: what somebody below
 * us completes where the skb says that its checksum is partial.
 */
static __always_inline void challenge_make_partial(const struct packet *p, struct reply *r)
{
	__u64 sum;

	if (p->version == 4) {
		sum = (__u64)p->saddr.words[3] + p->daddr.words[3];
	} else {
		sum = checksum_words(0, p->saddr.words, 4);
		sum = checksum_words(sum, p->daddr.words, 4);
	}
	sum = checksum_protocol(sum, IPPROTO_TCP, r->words * 4);
	r->tcp[4] = bpf_htonl((__u32)bpf_ntohs((__u16)~checksum_fold(sum)) << 16);
}

/*
 * Gives the skb the reply's length, in one writable piece, and its checksum the form that the skb
 * promises. A partial one is completed at a place that is fixed in the skb, so the TCP header has
 * to stay where it was. A sum over the whole skb is forgotten when its length changes.
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
		if (p->l4_offset != p->l3_offset + headers)
			return false;
		challenge_make_partial(p, r);
	} else if (summed == KERNEL_CHECKSUM_COMPLETE && wanted == old) {
		if (bpf_skb_change_tail(skb, old + 1, 0))
			return false;
	}
	return !bpf_skb_change_tail(skb, wanted, 0);
}

static __always_inline enum sg_verdict syn_challenge_skb(struct __sk_buff *skb, struct syn *syn)
{
	struct challenge c = {
		.now_ns = syn->now_ns,
		.mss = challenge_mss(skb, skb->ifindex, &syn->p, syn->service),
	};

	challenge_compose(&syn->p, &syn->o, syn->service, syn->index, &c);
	if (!challenge_make_room_skb(skb, &syn->p, &c.reply))
		return SG_V_NO_ROOM;
	if (!reply_write((void *)(long)skb->data, (void *)(long)skb->data_end, &syn->p, &c.reply,
			 &c.look))
		return SG_V_NO_ROOM;
	challenge_count(syn);
	skb->cb[0] = CHALLENGE_SENT;
	bpf_redirect(skb->ifindex, 0); /* takes effect by the verdict's action */
	return challenge_verdict(syn, &c);
}

/* syn->p is as frame_parse_skb() has it, and the rest is zero. */
static __always_inline enum sg_verdict syn_inspect_skb(struct __sk_buff *skb, struct syn *syn)
{
	syn_heed_stripped_tag(skb, &syn->p);
	/* clang-format off */
	return packet_syn_only(&syn->p) ?:
	       frame_options_skb(skb, &syn->p, &syn->o) ?:
	       listed_source(&syn->p) ?:
	       syn_enter(skb, syn) ?:
	       syn_admit(skb, SYN_AT_TCX, syn) ?:
	       syn_service_allows(syn) ?:
	       syn_packet_allows(syn) ?:
	       syn_old_socket(skb, syn) ?:
	       syn_source(syn) ?:
	       syn_challenge_skb(skb, syn);
	/* clang-format on */
}
