/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way through a packet: what packet.h would say of the plainest of frames, which nearly
 * all are: no tag, no IP option, no extension header, all headers in socket_owner.
 *
 * Guarantees that what it takes packet_parse() takes too, with the same result; the unit tests and
 * the fuzzer hold one against the other. Leaves to packet_parse() all that it does not take, of
 * which nothing is known. Inlined into the programs: of what a SYN costs, the returns from
 * functions are a good part where the CPU's prediction of returns is not trusted.
 */
#pragma once

#include "bpf/compat.h"
#include "bpf/net/packet.h"

/* The IP header of a plain frame: sets what it tells, and how many bytes of TCP follow. */
static __always_inline bool packet_plain_ipv4(struct packet *p, const struct iphdr *ip, __u32 room,
					      __u32 *l4_bytes)
{
	__u32 bytes = bpf_ntohs(ip->tot_len);

	if (*(const __u8 *)ip != 0x45 || ip->protocol != IPPROTO_TCP ||
	    ip->frag_off & bpf_htons(PACKET_IP_MF_OR_OFFSET) || bytes < sizeof(*ip) || bytes > room)
		return false;
	p->version = 4;
	p->dsfield = ip->tos;
	packet_map_v4(&p->saddr, ip->saddr);
	packet_map_v4(&p->daddr, ip->daddr);
	*l4_bytes = bytes - sizeof(*ip);
	return true;
}

static __always_inline bool packet_plain_ipv6(struct packet *p, const struct ipv6hdr *ip,
					      __u32 room, __u32 *l4_bytes)
{
	__u32 bytes = bpf_ntohs(ip->payload_len);

	if (ip->version != 6 || ip->nexthdr != IPPROTO_TCP || bytes + sizeof(*ip) > room)
		return false;
	p->version = 6;
	p->dsfield = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet_copy_v6(&p->saddr, &ip->saddr);
	packet_copy_v6(&p->daddr, &ip->daddr);
	*l4_bytes = bytes;
	return true;
}

/*
 * On true *p is what packet_parse() would have made of the frame, on SG_UNDECIDED; on false nothing
 * is known and *p may be half written.
 */
static __always_inline bool packet_parse_plain(struct packet *p, const void *data, const void *end,
					       __u32 frame_bytes)
{
	const struct ethhdr *eth = data;
	const void *l3 = eth + 1;
	__u32 room = frame_bytes - sizeof(*eth);
	const struct tcphdr *tcp;
	__u32 l4_bytes, header_bytes;

	if (l3 + sizeof(struct iphdr) + sizeof(*tcp) > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (!packet_plain_ipv4(p, l3, room, &l4_bytes))
			return false;
		tcp = l3 + sizeof(struct iphdr);
		p->l4_offset = sizeof(*eth) + sizeof(struct iphdr);
	} else {
		if (eth->h_proto != bpf_htons(ETH_P_IPV6) ||
		    l3 + sizeof(struct ipv6hdr) + sizeof(*tcp) > end ||
		    !packet_plain_ipv6(p, l3, room, &l4_bytes))
			return false;
		tcp = l3 + sizeof(struct ipv6hdr);
		p->l4_offset = sizeof(*eth) + sizeof(struct ipv6hdr);
	}
	header_bytes = tcp->doff * 4;
	if (header_bytes < sizeof(*tcp) || l4_bytes < header_bytes ||
	    (const void *)tcp + header_bytes > end)
		return false;
	p->l3_offset = sizeof(*eth);
	p->vlan = 0;
	p->tags = 0;
	p->multicast = eth->h_dest[0] & 1;
	packet_set_tcp(p, tcp, header_bytes, l4_bytes);
	return true;
}

/* ---- what nearly all packets are ------------------------------------------------------------- */

static __always_inline bool packet_tcp_is_plain(const struct tcphdr *tcp, const void *end,
						__u32 l4_bytes)
{
	__u32 header_bytes;
	__u8 flags;

	if ((const void *)(tcp + 1) > end)
		return false;
	flags = ((const __u8 *)tcp)[13];
	header_bytes = tcp->doff * 4;
	return header_bytes >= sizeof(*tcp) && header_bytes <= l4_bytes &&
	       (flags & (PACKET_SYN | PACKET_ACK)) == PACKET_ACK &&
	       (const void *)tcp + header_bytes <= end;
}

/*
 * The TCP header of data or an ACK of a connection in the plainest of frames: no tag, no IP option,
 * no extension header, all headers in socket_owner. Then packet_parse() and packet_syn_only() would say
 * SG_V_NOT_SYN, and need not be asked; on NULL nothing is known.
 */
static __always_inline const struct tcphdr *packet_plain_ack(const void *data, const void *end,
							     __u32 frame_bytes)
{
	const struct ethhdr *eth = data;
	const void *l3 = eth + 1;
	__u32 room = frame_bytes - sizeof(*eth);
	const struct tcphdr *tcp;
	__u32 bytes;

	if (l3 + sizeof(struct ipv6hdr) > end)
		return NULL;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = l3;

		bytes = bpf_ntohs(ip->tot_len);
		if (*(const __u8 *)l3 != 0x45 || ip->protocol != IPPROTO_TCP ||
		    ip->frag_off & bpf_htons(PACKET_IP_MF_OR_OFFSET) || bytes < sizeof(*ip) ||
		    bytes > room)
			return NULL;
		tcp = l3 + sizeof(*ip);
		return packet_tcp_is_plain(tcp, end, bytes - sizeof(*ip)) ? tcp : NULL;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = l3;

		bytes = bpf_ntohs(ip->payload_len);
		if (ip->version != 6 || ip->nexthdr != IPPROTO_TCP || bytes + sizeof(*ip) > room)
			return NULL;
		tcp = l3 + sizeof(*ip);
		return packet_tcp_is_plain(tcp, end, bytes) ? tcp : NULL;
	}
	return NULL;
}

static __always_inline bool packet_is_plain_ack(const void *data, const void *end)
{
	return packet_plain_ack(data, end, end - data);
}
