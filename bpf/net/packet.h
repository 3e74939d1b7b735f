/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet: parsed once, front to back, into one struct that the rest reads like a sentence.
 *
 * Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with up to PACKET_MAX_EXTENSIONS
 * extension headers, TCP. Guarantees that after SG_UNDECIDED the TCP header with all of its
 * options lies in [data, end) and that the IP packet does not claim more than the frame holds.
 * Leaves to the caller: options (options.h), what the flags mean, checksums (a SYN's may be
 * partial when it comes from a sender that offloads them, so they are never verified).
 */
#pragma once

#include "bpf/compat.h"
#include "synguard/abi.h"

#define PACKET_MAX_EXTENSIONS 6

#define PACKET_IP_MF_OR_OFFSET 0x3fff /* fragment flag and offset, RFC 791 */

enum packet_tcp_flags {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
	PACKET_URG = 0x20,
	PACKET_ECE = 0x40,
	PACKET_CWR = 0x80,
};

struct packet {
	struct sg_addr saddr;
	struct sg_addr daddr;
	__be16 sport;
	__be16 dport;
	__u32 seq;
	__u32 ack_seq;
	__u32 payload_bytes; /* of TCP, as the IP header tells: padding is not payload */
	__u32 vlan;	     /* as sg_service.vlan: of the outer tag in the frame, 0 = none */
	__u16 l3_offset;
	__u16 l4_offset;
	__u8 version; /* 4 or 6 */
	__u8 flags;   /* enum packet_tcp_flags */
	__u8 tags;    /* VLAN tags in the frame */
	__u8 dsfield;
	__u8 option_bytes; /* of TCP options, which follow the 20 bytes at l4_offset */
	bool multicast;	   /* the Ethernet destination is broadcast or multicast */
};

struct packet_cursor {
	const void *pos;
	const void *end;
};

struct packet_vlan_tag {
	__be16 tci;
	__be16 protocol;
};

/* Generic IPv6 extension header, RFC 8200 4.2 to 4.6. */
struct packet_extension {
	__u8 next;
	__u8 words; /* of 8 bytes, the first not counted */
	__u8 type;  /* routing header only */
	__u8 segments_left;
};

static __always_inline enum sg_verdict packet_ethernet(struct packet *p, struct packet_cursor *c,
						       __be16 *protocol)
{
	const struct ethhdr *eth = c->pos;

	if ((const void *)(eth + 1) > c->end)
		return SG_V_TRUNCATED;
	c->pos = eth + 1;
	p->multicast = eth->h_dest[0] & 1;
	*protocol = eth->h_proto;

	sg_unroll
	for (int i = 0; i < 3; i++) {
		const struct packet_vlan_tag *tag = c->pos;

		if (*protocol != bpf_htons(ETH_P_8021Q) && *protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (i == 2)
			return SG_V_VLAN_DEPTH;
		if ((const void *)(tag + 1) > c->end)
			return SG_V_TRUNCATED;
		if (i == 0)
			p->vlan = SG_VLAN_PRESENT | (bpf_ntohs(tag->tci) & 0xfff);
		p->tags++;
		*protocol = tag->protocol;
		c->pos = tag + 1;
	}
	p->l3_offset = sizeof(*eth) + p->tags * sizeof(struct packet_vlan_tag);
	return SG_UNDECIDED;
}

/*
 * How many bytes the IP packet has. A length of 0 is what BIG TCP writes into a merged packet
 * that no 16-bit field can tell (kernel: iph_totlen(), ipv6_payload_len()), and wrong elsewhere.
 */
static __always_inline enum sg_verdict packet_length(struct packet *p, __u32 told, bool zero,
						     __u32 frame_bytes, __u32 *l3_bytes)
{
	__u32 room = frame_bytes - p->l3_offset;

	if (zero) {
		if (room <= 0xffff)
			return SG_V_MALFORMED;
		told = room;
	}
	if (told > room)
		return SG_V_TRUNCATED;
	*l3_bytes = told;
	return SG_UNDECIDED;
}

/* Two words in the order of memory as one number. */
static __always_inline __u64 packet_words(__be32 first, __be32 second)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (__u64)second << 32 | first :
							   (__u64)first << 32 | second;
}

static __always_inline void packet_map_v4(struct sg_addr *a, __be32 v4)
{
	a->halves[0] = 0;
	a->halves[1] = packet_words(bpf_htonl(0xffff), v4);
}

/* Stored as it will be read: a CPU waits where it reads eight bytes that were written in two. */
static __always_inline void packet_copy_v6(struct sg_addr *a, const struct in6_addr *v6)
{
	a->halves[0] = sg_load64(v6);
	a->halves[1] = sg_load64((const void *)v6 + 8);
}

static __always_inline enum sg_verdict packet_ipv4(struct packet *p, struct packet_cursor *c,
						   __u32 frame_bytes, __u32 *l4_bytes)
{
	const struct iphdr *ip = c->pos;
	enum sg_verdict v;
	__u32 header_bytes, l3_bytes;

	if ((const void *)(ip + 1) > c->end)
		return SG_V_TRUNCATED;
	header_bytes = ip->ihl * 4;
	if (ip->version != 4 || header_bytes < sizeof(*ip))
		return SG_V_MALFORMED;
	if (ip->frag_off & bpf_htons(PACKET_IP_MF_OR_OFFSET))
		return SG_V_FRAGMENT;
	if (ip->protocol != IPPROTO_TCP)
		return SG_V_NOT_TCP;
	v = packet_length(p, bpf_ntohs(ip->tot_len), !ip->tot_len, frame_bytes, &l3_bytes);
	if (v)
		return v;
	if (l3_bytes < header_bytes)
		return SG_V_MALFORMED;
	p->version = 4;
	p->dsfield = ip->tos;
	packet_map_v4(&p->saddr, ip->saddr);
	packet_map_v4(&p->daddr, ip->daddr);
	p->l4_offset = p->l3_offset + header_bytes;
	*l4_bytes = l3_bytes - header_bytes;
	c->pos += header_bytes;
	return SG_UNDECIDED;
}

/* Walks the extension headers; on success *bytes is their length and the next one is TCP. */
static __always_inline enum sg_verdict packet_extensions(struct packet_cursor *c, __u8 next,
							 __u32 *bytes)
{
	*bytes = 0;
	for (int i = 0; i <= PACKET_MAX_EXTENSIONS; i++) {
		const struct packet_extension *ext = c->pos;
		__u32 length;

		if (next == IPPROTO_TCP)
			return SG_UNDECIDED;
		if (next == IPPROTO_FRAGMENT)
			return SG_V_FRAGMENT;
		if (next == IPPROTO_AH || next == IPPROTO_MH)
			return SG_V_EXT_CHAIN;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING)
			return SG_V_NOT_TCP;
		if ((const void *)(ext + 1) > c->end)
			return SG_V_TRUNCATED;
		/* with segments left the destination is not the last one, RFC 8200 4.4 */
		if (next == IPPROTO_ROUTING && ext->segments_left)
			return SG_V_EXT_CHAIN;
		length = (ext->words + 1) * 8;
		next = ext->next;
		*bytes += length;
		c->pos += length;
	}
	return SG_V_EXT_CHAIN;
}

static __always_inline enum sg_verdict packet_ipv6(struct packet *p, struct packet_cursor *c,
						   __u32 frame_bytes, __u32 *l4_bytes)
{
	const struct ipv6hdr *ip = c->pos;
	enum sg_verdict v;
	__u32 l3_bytes, extension_bytes;

	if ((const void *)(ip + 1) > c->end)
		return SG_V_TRUNCATED;
	if (ip->version != 6)
		return SG_V_MALFORMED;
	p->version = 6;
	p->dsfield = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet_copy_v6(&p->saddr, &ip->saddr);
	packet_copy_v6(&p->daddr, &ip->daddr);
	c->pos = ip + 1;
	v = packet_length(p, sizeof(*ip) + bpf_ntohs(ip->payload_len), !ip->payload_len,
			  frame_bytes, &l3_bytes);
	if (v)
		return v;
	v = packet_extensions(c, ip->nexthdr, &extension_bytes);
	if (v)
		return v;
	if (l3_bytes < sizeof(*ip) + extension_bytes)
		return SG_V_MALFORMED;
	p->l4_offset = p->l3_offset + sizeof(*ip) + extension_bytes;
	*l4_bytes = l3_bytes - sizeof(*ip) - extension_bytes;
	return SG_UNDECIDED;
}

static __always_inline void packet_set_tcp(struct packet *p, const struct tcphdr *tcp,
					   __u32 header_bytes, __u32 l4_bytes)
{
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->seq = bpf_ntohl(tcp->seq);
	p->ack_seq = bpf_ntohl(tcp->ack_seq);
	p->flags = ((const __u8 *)tcp)[13];
	p->option_bytes = header_bytes - sizeof(*tcp);
	p->payload_bytes = l4_bytes - header_bytes;
}

static __always_inline enum sg_verdict packet_tcp(struct packet *p, struct packet_cursor *c,
						  __u32 l4_bytes)
{
	const struct tcphdr *tcp = c->pos;
	__u32 header_bytes;

	if ((const void *)(tcp + 1) > c->end)
		return SG_V_TRUNCATED;
	header_bytes = tcp->doff * 4;
	if (header_bytes < sizeof(*tcp) || l4_bytes < header_bytes)
		return SG_V_MALFORMED;
	if (c->pos + header_bytes > c->end)
		return SG_V_TRUNCATED;
	packet_set_tcp(p, tcp, header_bytes, l4_bytes);
	c->pos = tcp + 1;
	return SG_UNDECIDED;
}

/*
 * Parses a frame. [data, end) is what can be read directly; frame_bytes is the whole frame, which
 * may be longer (fragments of a buffer, non-linear skb). On SG_UNDECIDED the cursor stands at the
 * first TCP option.
 */
static __always_inline enum sg_verdict packet_parse(struct packet *p, struct packet_cursor *c,
						    __u32 frame_bytes)
{
	enum sg_verdict v;
	__be16 protocol;
	__u32 l4_bytes;

	*p = (struct packet){};
	v = packet_ethernet(p, c, &protocol);
	if (v)
		return v;
	if (protocol == bpf_htons(ETH_P_IP))
		v = packet_ipv4(p, c, frame_bytes, &l4_bytes);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		v = packet_ipv6(p, c, frame_bytes, &l4_bytes);
	else
		v = SG_V_NOT_IP;
	if (v)
		return v;
	return packet_tcp(p, c, l4_bytes);
}

/* ---- what a SYN must not be -------------------------------------------------------------- */

/*
 * A source that no answer may be sent to: martians of ip_route_input_slow() and
 * ip6_rcv_core(): unspecified, loopback, multicast, limited broadcast.
 */
static __always_inline bool packet_source_is_martian(const struct packet *p)
{
	if (p->version == 4) {
		__u32 a = bpf_ntohl(p->saddr.words[3]);

		return !a || a >> 24 == 127 || a >> 28 == 14 || a == 0xffffffff;
	}
	if (p->saddr.bytes[0] == 0xff)
		return true;
	if (p->saddr.words[0] || p->saddr.words[1])
		return false;
	/* :: , ::1 and v4-mapped addresses on the wire */
	return p->saddr.words[2] == bpf_htonl(0xffff) ||
	       (!p->saddr.words[2] && bpf_ntohl(p->saddr.words[3]) <= 1);
}

/* fe80::/10: its sockets are bound to the device that has the address, which may be above ours. */
static __always_inline bool packet_is_to_link_local(const struct packet *p)
{
	return p->version == 6 && p->daddr.bytes[0] == 0xfe && (p->daddr.bytes[1] & 0xc0) == 0x80;
}

static __always_inline bool packet_is_land(const struct packet *p)
{
	return p->saddr.halves[0] == p->daddr.halves[0] && p->saddr.halves[1] == p->daddr.halves[1];
}

/*
 * IPv6 to a v4-mapped address, which no host has. Here it would be taken for the IPv4 service that
 * is kept under the same address, and its acceptance would not be born.
 */
static __always_inline bool packet_is_to_mapped(const struct packet *p)
{
	return p->version == 6 && !p->daddr.halves[0] && p->daddr.words[2] == bpf_htonl(0xffff);
}

/*
 * Lets connection requests through to the next step. A SYN with FIN or RST, no flag at all
 * ("NULL") and FIN without ACK ("Xmas" and kin) are nothing that a TCP sends. Port 0 as the source
 * is no reason: the kernel answers it, so it fills queues like any other.
 */
static __always_inline enum sg_verdict packet_syn_only(const struct packet *p)
{
	__u8 kind = p->flags & (PACKET_SYN | PACKET_ACK | PACKET_RST | PACKET_FIN);

	if (!(kind & (PACKET_SYN | PACKET_ACK | PACKET_RST)))
		return SG_V_MALFORMED;
	if (!(kind & PACKET_SYN))
		return SG_V_NOT_SYN;
	if (kind & (PACKET_RST | PACKET_FIN))
		return SG_V_MALFORMED;
	if (kind & PACKET_ACK)
		return SG_V_NOT_SYN;
	if (!p->dport || packet_is_land(p) || packet_source_is_martian(p) || packet_is_to_mapped(p))
		return SG_V_MALFORMED;
	return p->multicast ? SG_V_MULTICAST : SG_UNDECIDED;
}
