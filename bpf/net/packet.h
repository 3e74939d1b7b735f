/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet: a cursor finds the headers of a frame, front to back, and packet_read() copies what
 * they say into one struct.
 *
 * Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with up to PACKET_MAX_EXTENSIONS
 * extension headers, TCP. Guarantees that after SG_UNDECIDED the TCP header with all of its
 * options lies in [data, end) and that the IP packet does not claim more than the frame holds.
 * Leaves to the caller: options (options.h), what the flags mean, and the verification of
 * checksums: a SYN's may be partial where its sender offloads them.
 *
 * Nearly all frames are plain: no tag, no IP option, no extension header. With `plain`, a constant,
 * the parser finds these only, in a few instructions that the programs inline: a return from a
 * function is a good part of what a SYN costs where the CPU does not trust its prediction of
 * returns. Any verdict but SG_UNDECIDED then means only that the whole parser has to be asked.
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
	__u32 payload_bytes; /* of TCP, by the IP header: padding is not payload */
	__u32 vlan;	     /* as sg_service.vlan: of the outer tag in the frame, 0 = none */
	__u16 l3_offset;
	__u16 l4_offset;
	__u8 version; /* 4 or 6 */
	__u8 flags;   /* enum packet_tcp_flags */
	__u8 tags;    /* VLAN tags in the frame */
	__u8 dsfield;
	__u8 option_bytes;  /* of TCP options, which follow the 20 bytes at l4_offset */
	bool multicast;	    /* the Ethernet destination is broadcast or multicast */
	bool odd_extension; /* an IPv6 extension header that the stack may drop, or act upon */
};

/* Not part of struct packet, so that clang keeps it in registers. */
struct packet_cursor {
	const void *pos;
	const void *end;
	const struct ethhdr *eth;
	const void *ip;
	__u32 vlan; /* this and the next six as in struct packet */
	__u16 l3_offset;
	__u16 l4_offset;
	__u8 version;
	__u8 tags;
	__u8 option_bytes;
	bool odd_extension;
	__u32 l4_bytes; /* of TCP header and payload */
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

static __always_inline enum sg_verdict packet_find_tags(struct packet_cursor *c, __be16 *protocol)
{
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
			c->vlan = SG_VLAN_PRESENT | (bpf_ntohs(tag->tci) & 0xfff);
		c->tags++;
		*protocol = tag->protocol;
		c->pos = tag + 1;
	}
	return SG_UNDECIDED;
}

/*
 * How many bytes the IP packet has. A length of 0 is what BIG TCP writes into a merged packet of
 * more than 64 KiB (kernel: iph_totlen(), ipv6_payload_len()), and wrong elsewhere.
 */
static __always_inline enum sg_verdict packet_length(const struct packet_cursor *c, __u32 claimed,
						     bool zero, __u32 frame_bytes, __u32 *l3_bytes)
{
	__u32 room = frame_bytes - c->l3_offset;

	if (zero) {
		if (room <= 0xffff)
			return SG_V_MALFORMED;
		claimed = room;
	}
	if (claimed > room)
		return SG_V_TRUNCATED;
	*l3_bytes = claimed;
	return SG_UNDECIDED;
}

static __always_inline enum sg_verdict packet_find_ipv4(struct packet_cursor *c, bool plain,
							__u32 frame_bytes)
{
	const struct iphdr *ip = c->pos;
	__u32 header_bytes, l3_bytes;
	enum sg_verdict v;

	if ((const void *)(ip + 1) > c->end)
		return SG_V_TRUNCATED;
	/* a constant where it is plain */
	header_bytes = plain ? sizeof(*ip) : ip->ihl * 4;
	if (plain ? *(const __u8 *)ip != 0x45 : ip->version != 4 || header_bytes < sizeof(*ip))
		return SG_V_MALFORMED;
	if (ip->frag_off & bpf_htons(PACKET_IP_MF_OR_OFFSET))
		return SG_V_FRAGMENT;
	if (ip->protocol != IPPROTO_TCP)
		return SG_V_NOT_TCP;
	v = packet_length(c, bpf_ntohs(ip->tot_len), !ip->tot_len, frame_bytes, &l3_bytes);
	if (v)
		return v;
	if (l3_bytes < header_bytes)
		return SG_V_MALFORMED;
	c->version = 4;
	c->l4_offset = c->l3_offset + header_bytes;
	c->l4_bytes = l3_bytes - header_bytes;
	c->pos += header_bytes;
	return SG_UNDECIDED;
}

/*
 * Whether ip6_parse_tlv() and ipv6_rthdr_rcv() drop a packet for the header, as far as its first option
 * shows: one that is to be discarded where it is not known (RFC 8200 4.2), one that is longer than the
 * header, padding that is too long or not 0; hop-by-hop options that are not the first header; routing that a
 * host may be set up to take (RFC 6554, RFC 8754). What the stack skips is challenged as without it: with an
 * option to skip nobody gets past the challenge.
 */
static __always_inline bool packet_extension_is_odd(const struct packet_extension *ext,
						    const void *end, __u8 kind, bool first)
{
	const __u8 *option = (const void *)ext + 2;

	if (kind == IPPROTO_ROUTING)
		return ext->type == 3 || ext->type == 4;
	if ((kind == IPPROTO_HOPOPTS && !first) || (const void *)ext + 8 > end || option[0] >> 6)
		return true;
	if (!option[0]) /* Pad1 */
		return false;
	if (2 + option[1] > (ext->words + 1) * 8 - 2)
		return true;
	return option[0] == 1 && (option[1] > 5 || (option[1] == 4 && sg_load(__u32, option + 2)));
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
		c->odd_extension |= packet_extension_is_odd(ext, c->end, next, !i);
		length = (ext->words + 1) * 8;
		next = ext->next;
		*bytes += length;
		c->pos += length;
	}
	return SG_V_EXT_CHAIN;
}

static __always_inline enum sg_verdict packet_find_ipv6(struct packet_cursor *c, bool plain,
							__u32 frame_bytes)
{
	const struct ipv6hdr *ip = c->pos;
	__u32 l3_bytes, extension_bytes = 0;
	enum sg_verdict v;

	if ((const void *)(ip + 1) > c->end)
		return SG_V_TRUNCATED;
	if (ip->version != 6)
		return SG_V_MALFORMED;
	c->pos = ip + 1;
	v = packet_length(c, sizeof(*ip) + bpf_ntohs(ip->payload_len), !ip->payload_len,
			  frame_bytes, &l3_bytes);
	if (v)
		return v;
	if (!plain)
		v = packet_extensions(c, ip->nexthdr, &extension_bytes);
	else if (ip->nexthdr != IPPROTO_TCP)
		v = SG_V_NOT_TCP;
	if (v)
		return v;
	if (l3_bytes < sizeof(*ip) + extension_bytes)
		return SG_V_MALFORMED;
	c->version = 6;
	c->l4_offset = c->l3_offset + sizeof(*ip) + extension_bytes;
	c->l4_bytes = l3_bytes - sizeof(*ip) - extension_bytes;
	return SG_UNDECIDED;
}

static __always_inline enum sg_verdict packet_find_tcp(struct packet_cursor *c)
{
	const struct tcphdr *tcp = c->pos;
	__u32 header_bytes;

	if ((const void *)(tcp + 1) > c->end)
		return SG_V_TRUNCATED;
	header_bytes = tcp->doff * 4;
	if (header_bytes < sizeof(*tcp) || c->l4_bytes < header_bytes)
		return SG_V_MALFORMED;
	if (c->pos + header_bytes > c->end)
		return SG_V_TRUNCATED;
	c->option_bytes = header_bytes - sizeof(*tcp);
	return SG_UNDECIDED;
}

/*
 * Finds the headers of a frame. [pos, end) of *c is what can be read directly, and the rest of *c is
 * zero; frame_bytes is the whole frame, which may be longer (fragments of a buffer, non-linear
 * skb). On SG_UNDECIDED the cursor stands at the TCP header.
 */
static __always_inline enum sg_verdict packet_find(struct packet_cursor *c, bool plain,
						   __u32 frame_bytes)
{
	enum sg_verdict v = SG_UNDECIDED;
	__be16 protocol;

	c->eth = c->pos;
	if ((const void *)(c->eth + 1) > c->end)
		return SG_V_TRUNCATED;
	protocol = c->eth->h_proto;
	c->pos = c->eth + 1;
	if (!plain)
		v = packet_find_tags(c, &protocol);
	if (v)
		return v;
	c->l3_offset = sizeof(*c->eth) + c->tags * sizeof(struct packet_vlan_tag);
	c->ip = c->pos;
	if (protocol == bpf_htons(ETH_P_IP))
		v = packet_find_ipv4(c, plain, frame_bytes);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		v = packet_find_ipv6(c, plain, frame_bytes);
	else
		v = SG_V_NOT_IP;
	return v ?: packet_find_tcp(c);
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
	a->halves[0] = sg_load(__u64, v6);
	a->halves[1] = sg_load(__u64, (const void *)v6 + 8);
}

/* Copies what the headers say that packet_find() has found. */
static __always_inline void packet_read(struct packet *p, const struct packet_cursor *c)
{
	const struct tcphdr *tcp = c->pos;

	if (c->version == 4) {
		const struct iphdr *ip = c->ip;

		p->dsfield = ip->tos;
		packet_map_v4(&p->saddr, ip->saddr);
		packet_map_v4(&p->daddr, ip->daddr);
	} else {
		const struct ipv6hdr *ip = c->ip;

		p->dsfield = ip->priority << 4 | ip->flow_lbl[0] >> 4;
		packet_copy_v6(&p->saddr, &ip->saddr);
		packet_copy_v6(&p->daddr, &ip->daddr);
	}
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->seq = bpf_ntohl(tcp->seq);
	p->ack_seq = bpf_ntohl(tcp->ack_seq);
	p->payload_bytes = c->l4_bytes - sizeof(*tcp) - c->option_bytes;
	p->vlan = c->vlan;
	p->l3_offset = c->l3_offset;
	p->l4_offset = c->l4_offset;
	p->version = c->version;
	p->flags = ((const __u8 *)tcp)[13];
	p->tags = c->tags;
	p->option_bytes = c->option_bytes;
	p->odd_extension = c->odd_extension;
	p->multicast = c->eth->h_dest[0] & 1;
}

/* Parses any frame; on anything but SG_UNDECIDED *p is not written. */
static __always_inline enum sg_verdict packet_parse(struct packet *p, struct packet_cursor *c,
						    __u32 frame_bytes)
{
	enum sg_verdict v = packet_find(c, false, frame_bytes);

	if (!v)
		packet_read(p, c);
	return v;
}

/*
 * Whether the TCP header that was found is that of data or an ACK of a connection: then
 * packet_syn_only() would say SG_V_NOT_SYN, and *p need not be read.
 */
static __always_inline bool packet_is_ack(const struct packet_cursor *c)
{
	return (((const __u8 *)c->pos)[13] & (PACKET_SYN | PACKET_ACK)) == PACKET_ACK;
}

/* ---- checksums ------------------------------------------------------------------------------- */

/*
 * The Internet checksum (RFC 1071) over words that the caller holds. Sums are kept in 64 bits and in
 * network byte order: the checksum does not care which bytes of a 16-bit word come first as long
 * as all are taken alike (RFC 1071, 2(B)).
 */
static __always_inline __u64 checksum_words(__u64 sum, const __be32 *words, const int count)
{
	sg_unroll
	for (int i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/* Protocol and length of the pseudo header, RFC 9293 3.1 and RFC 8200 8.1: one big-endian word. */
static __always_inline __u64 checksum_protocol(__u64 sum, __u8 protocol, __u32 bytes)
{
	/* 16 + 16 bits for IPv4 and 32 + 32 for IPv6 add up to the same below 64 KiB */
	return sum + bpf_htonl((__u32)protocol << 16 | bytes);
}

/* The checksum field's value, ready to be stored. */
static __always_inline __u16 checksum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The sum of the pseudo header for this many bytes of TCP, of either direction. */
static __always_inline __u64 packet_pseudo_sum(const struct packet *p, __u32 l4_bytes)
{
	__u64 sum;

	if (p->version == 4) {
		sum = (__u64)p->saddr.words[3] + p->daddr.words[3];
	} else {
		sum = checksum_words(0, p->saddr.words, 4);
		sum = checksum_words(sum, p->daddr.words, 4);
	}
	return checksum_protocol(sum, IPPROTO_TCP, l4_bytes);
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
 * is kept under the same address, and its acceptance would not become a connection.
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
