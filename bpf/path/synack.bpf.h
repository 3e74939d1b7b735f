/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Proof that a service is this host's own: its SYN-ACK leaving, or a handshake completing.
 *
 * A wildcard listener matches every address that passes by, and a port may be rewritten to another
 * host by rules that no program of ours sees. So nothing is challenged until the host itself has
 * answered for it, and nothing for minutes after another host has.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/path/own_synack.bpf.h"
#include "bpf/state/canary.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/service.bpf.h"
#include "bpf/state/sources.bpf.h"
#include "bpf/state/ways.bpf.h"

/* In the TCP header, bytes. */
#define SYNACK_FLAGS	12
#define SYNACK_CHECKSUM 16
#define SYNACK_OPTIONS	20

#define SYNACK_ECE 0x40 /* of the 16 bits with the flags */

/*
 * Whether NAT or IPVS has put the address there: conntrack knows it for the answer of a connection
 * whose destination was changed on its way in, and IPVS marks what it has rewritten
 * (handle_response()).
 */
static __always_inline bool synack_is_translated(struct __sk_buff *skb)
{
	const struct sk_buff *k = bpf_cast_to_kern_ctx(skb);
	const struct nf_conn *ct = NULL;

	if (bpf_core_field_exists(k->ipvs_property) && BPF_CORE_READ_BITFIELD(k, ipvs_property))
		return true;
	if (!bpf_core_field_exists(k->_nfct) || !bpf_core_field_exists(ct->status) ||
	    (k->_nfct & KERNEL_NFCT_INFO_MASK) != KERNEL_IP_CT_ESTABLISHED_REPLY)
		return false;
	ct = (const void *)(k->_nfct & ~KERNEL_NFCT_INFO_MASK);
	return BPF_CORE_READ(ct, status) & KERNEL_IPS_DST_NAT;
}

/*
 * Whether a SYN-ACK that passes through this host tells that another one answers for the service.
 * With an address of this host it may be forged: a container needs one packet for that, which IPv6
 * forwards (IPv4 takes it for a martian). So something here must have made it what it is: NAT, or
 * what rewrites packets unseen; of that we know if we saw it come in under another name.
 */
static __always_inline bool synack_is_evidence(struct __sk_buff *skb, const struct sg_service *s,
					       __u64 now_ns)
{
	if (now_ns - s->forged_at_ns <= SYNACK_PASSES_NS)
		return false;
	return synack_is_translated(skb) || synack_has_come_by(skb->ingress_ifindex, now_ns) ||
	       !addr_is_local(&s->addr);
}

/*
 * SYNPROXY answers in netfilter, with a window of 0, so that the client sends nothing before its
 * server has answered, too (synproxy_send_client_synack()). No listener opens with that.
 */
static __always_inline bool synack_is_of_synproxy(struct __sk_buff *skb, const struct packet *p)
{
	__be16 window;

	return !bpf_skb_load_bytes(skb, p->l4_offset + offsetof(struct tcphdr, window), &window,
				   sizeof(window)) &&
	       !window;
}

/* Leaves the client its MSS and nothing else that a cookie without timestamps could not keep. */
__noinline int synack_spare_options(struct __sk_buff *skb, __u32 tcp, __u32 option_bytes)
{
	const __u32 nops = bpf_htonl(0x01010101);
	__be32 word = 0;
	__be16 flags = 0, fewer;

	/* TCP writes it first (tcp_options_write()) */
	if (bpf_skb_load_bytes(skb, tcp + SYNACK_OPTIONS, &word, sizeof(word)) ||
	    bpf_ntohl(word) >> 16 != (OPTIONS_MSS << 8 | 4) ||
	    bpf_skb_load_bytes(skb, tcp + SYNACK_FLAGS, &flags, sizeof(flags)))
		return 0;
	for (__u32 at = 4; at < 40 && at < option_bytes; at += 4) {
		if (bpf_skb_load_bytes(skb, tcp + SYNACK_OPTIONS + at, &word, sizeof(word)))
			return 0;
		bpf_skb_store_bytes(skb, tcp + SYNACK_OPTIONS + at, &nops, sizeof(nops), 0);
		/* nothing, where the device adds it up (CHECKSUM_PARTIAL) */
		bpf_l4_csum_replace(skb, tcp + SYNACK_CHECKSUM, word, nops, sizeof(nops));
	}
	fewer = flags & bpf_htons(~SYNACK_ECE);
	bpf_skb_store_bytes(skb, tcp + SYNACK_FLAGS, &fewer, sizeof(fewer), 0);
	bpf_l4_csum_replace(skb, tcp + SYNACK_CHECKSUM, flags, fewer, sizeof(fewer));
	return 0;
}

static __always_inline enum sg_verdict proof_of_synack(struct __sk_buff *skb)
{
	struct packet p = {};
	enum sg_verdict v = frame_parse_skb(skb, &p);
	struct sg_service *s;
	__u64 now_ns;
	__u32 index;

	if (v)
		return v;
	if ((p.flags & (PACKET_SYN | PACKET_ACK)) != (PACKET_SYN | PACKET_ACK))
		return SG_V_NOT_SYNACK;
	if (skb->cb[0] == CHALLENGE_SENT && skb->ingress_ifindex &&
	    (skb->ingress_ifindex == skb->ifindex || skb->cb[1] == skb->ifindex))
		return SG_V_OWN_REPLY;
	s = service_find(&p.saddr, p.sport, &index);
	now_ns = clock_now();
	/* where the packet came from; 0 = from a socket of this host, kernel cookies included */
	if (skb->ingress_ifindex) {
		if (s && synack_is_evidence(skb, s, now_ns))
			s->forwarded_until_ns = (now_ns + SG_FORWARDED_NS) & ~SG_FORWARDED_SYNPROXY;
		return SG_V_FORWARDED_SYNACK;
	}
	if (!s)
		return SG_V_SYNACK_UNKNOWN_SERVICE;
	if (synack_is_of_synproxy(skb, &p)) {
		s->forwarded_until_ns = (now_ns + SG_FORWARDED_NS) | SG_FORWARDED_SYNPROXY;
		return SG_V_SYNPROXY_SYNACK;
	}
	s->vlan = skb->vlan_present ? SG_VLAN_PRESENT | (skb->vlan_tci & 0xfff) : p.vlan;
	service_prove(s, now_ns);
	way_of_synack(&p, skb->ifindex,
		      frame_mac((void *)(long)skb->data, (void *)(long)skb->data_end,
				offsetof(struct ethhdr, h_dest)),
		      synack_route(skb, p.version), now_ns);
	synack_learn(skb, &p, s, now_ns);
	/* a cookie of the kernel's own: no request owns it, as the listener keeps none */
	if (control.settle_until_ns > now_ns && !skb->sk)
		synack_spare_options(skb, p.l4_offset, p.option_bytes);
	return SG_V_OWN_SYNACK;
}

/*
 * A handshake completed. Of an AF_INET6 socket the IPv6 fields are read: they hold the v4-mapped
 * address of an IPv4 peer, while skc_daddr of a true IPv6 peer is an invented 127.0.0.x
 * (__ipv6_addr_needs_scope_id() and kin: inet6_ehashfn() keeps it for the IPv4 lookups).
 */
static __always_inline void proof_of_handshake(const struct sock *sk)
{
	const struct sock_common *skc = &sk->__sk_common;
	struct sg_addr local, peer;
	struct sg_service *s;
	struct sg_tally *t;
	__u32 index;
	__u64 now_ns = bpf_ktime_get_ns(); /* tracing has no coarse clock */
	__u8 version;

	if (skc->skc_family == KERNEL_AF_INET) {
		packet_map_v4(&local, skc->skc_rcv_saddr);
		packet_map_v4(&peer, skc->skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&local, skc, skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&peer, skc, skc_v6_daddr);
	}
	version = !peer.halves[0] && peer.words[2] == bpf_htonl(0xffff) ? 4 : 6;
	/* also what no interface of ours brings, over loopback: so that its troubles are seen */
	s = service_find(&local, bpf_htons(skc->skc_num), &index) ?:
		    service_claim(&local, bpf_htons(skc->skc_num), &index);
	if (!s)
		return;
	/* our look-ups are on the device below and would find another listener, or none */
	if (skc->skc_bound_dev_if && s->ifindex && skc->skc_bound_dev_if != s->ifindex)
		s->bound_elsewhere = 1;
	/* a client on this host proves nothing: its packets pass by what is between us and others */
	if (!addr_is_local(&peer)) {
		service_prove(s, now_ns);
		client_verify(&peer, version, now_ns);
	}
	hitters_note(&peer, version, HITTER_COMPLETED, 1);
	cardinality_complete(now_ns);
	t = service_tally(index);
	if (!t)
		return;
	t->handshakes++;
	if (!pending_take(pending_tuple(&peer, skc->skc_dport, bpf_htons(skc->skc_num)))) {
		filtered_completed(&peer, version, index, now_ns);
		/* the acceptances of engine listener are the kernel's, and none was seen before */
		if (!(s->host & SG_HOST_LISTENER)) {
			if (control.ways & SG_WAYS_BY_OTHERS(version))
				way_of_handshake(&peer, skc->skc_dport, &local,
						 bpf_htons(skc->skc_num), now_ns);
			return;
		}
	}
	if (!(t->established++ % SG_BUDGET_SAMPLE))
		budget_refund(&peer, version, now_ns);
	t->second_established++;
	canary_established(&peer, version, index, t, now_ns);
}
