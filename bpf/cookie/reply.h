/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The challenge as bytes: a SYN-ACK written over the SYN that it answers.
 *
 * Ethernet addresses are swapped and VLAN tags stay; IP options and extension headers of the SYN
 * are not repeated; TCP options are a subset of the SYN's plus MSS, in the kernel's order
 * (tcp_options_write()). Checksums are complete. Leaves to the caller that the frame has
 * reply_frame_bytes() and that the rest of it is zeroed.
 */
#pragma once

#include "bpf/compat.h"
#include "bpf/cookie/cookie.h"
#include "bpf/net/packet.h"

#define REPLY_TCP_MAX_WORDS 10
#define REPLY_FRAME_MIN	    60 /* of Ethernet, without the checksum that hardware adds */

/* What the caller decides; everything else follows from the SYN and the terms. */
struct reply_fields {
	__u32 isn;
	__u32 tsval;
	__u16 window;
	__u16 mss;
	__u8 wscale;
	__u8 ttl;
	__u8 tos;   /* its ECN bits are ignored */
	__u8 label; /* SG_OFFER_*LABEL*: the flow label of IPv6 */
};

struct reply {
	__be32 tcp[REPLY_TCP_MAX_WORDS];
	__u32 words; /* used of tcp[] */
};

static __always_inline __be32 reply_option(__u8 a, __u8 b, __u8 c, __u8 d)
{
	return bpf_htonl((__u32)a << 24 | b << 16 | c << 8 | d);
}

/* Every store has a constant index: on the BPF machine that is a stack slot, not a computation. */
static __always_inline void reply_options(struct reply *r, const struct reply_fields *fields,
					  const struct cookie_terms *t, const struct tcp_options *o)
{
	__be32 wscale = reply_option(OPTIONS_NOP, OPTIONS_WSCALE, 3, fields->wscale);

	r->tcp[5] = reply_option(OPTIONS_MSS, 4, fields->mss >> 8, fields->mss & 0xff);
	r->words = 6;
	if (t->ts) {
		r->tcp[6] =
			t->sack ? reply_option(OPTIONS_SACK_PERMITTED, 2, OPTIONS_TIMESTAMPS, 10) :
				  reply_option(OPTIONS_NOP, OPTIONS_NOP, OPTIONS_TIMESTAMPS, 10);
		r->tcp[7] = bpf_htonl(fields->tsval);
		r->tcp[8] = bpf_htonl(o->tsval);
		r->tcp[9] = wscale;
		r->words = t->wscale ? 10 : 9;
	} else if (t->sack) {
		/* the full profile; the others have an MSS and nothing else */
		r->tcp[6] = reply_option(OPTIONS_NOP, OPTIONS_NOP, OPTIONS_SACK_PERMITTED, 2);
		r->tcp[7] = wscale;
		r->words = 8;
	}
}

/* Builds the TCP header, checksum included; p is the SYN. */
static __always_inline void reply_build(struct reply *r, const struct packet *p,
					const struct tcp_options *o, const struct cookie_terms *t,
					const struct reply_fields *fields)
{
	__u8 flags = PACKET_SYN | PACKET_ACK | (t->ecn ? PACKET_ECE : 0);
	__u64 sum;

	*r = (struct reply){};
	reply_options(r, fields, t, o);
	r->tcp[0] = bpf_htonl((__u32)bpf_ntohs(p->dport) << 16 | bpf_ntohs(p->sport));
	r->tcp[1] = bpf_htonl(fields->isn);
	r->tcp[2] = bpf_htonl(p->seq + 1);
	r->tcp[3] = bpf_htonl(r->words << 28 | (__u32)flags << 16 | fields->window);

	/* words that are not used are zero or, of tcp[9], taken out */
	if (r->words == 9)
		r->tcp[9] = 0;
	sum = packet_pseudo_sum(p, r->words * 4);
	sum = checksum_words(sum, r->tcp, REPLY_TCP_MAX_WORDS);
	r->tcp[4] = bpf_htonl((__u32)bpf_ntohs(checksum_fold(sum)) << 16);
}

static __always_inline __u32 reply_bytes(const struct packet *p, const struct reply *r)
{
	return p->l3_offset + r->words * 4 +
	       (p->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/*
 * How long the reply's frame is to be. Not shorter than the SYN's where that was within the
 * Ethernet minimum, for then its padding is needed again.
 */
static __always_inline __u32 reply_frame_bytes(const struct packet *p, const struct reply *r,
					       __u32 old_bytes)
{
	__u32 wanted = reply_bytes(p, r);

	return sg_max(wanted, sg_min(old_bytes, REPLY_FRAME_MIN));
}

static __always_inline void reply_swap_macs(struct ethhdr *eth)
{
	void *to = eth->h_dest, *from = eth->h_source;
	__u32 to_high = sg_load(__u32, to), from_high = sg_load(__u32, from);
	__u16 to_low = sg_load(__u16, to + 4), from_low = sg_load(__u16, from + 4);

	sg_store(__u32, to, from_high);
	sg_store(__u16, to + 4, from_low);
	sg_store(__u32, from, to_high);
	sg_store(__u16, from + 4, to_low);
}

/* By words, and summed before they are stored: a CPU waits where it reads what was put together. */
static __always_inline void reply_ipv4(void *ip, const struct packet *p, const struct reply *r,
				       const struct reply_fields *fields)
{
	__u32 bytes = sizeof(struct iphdr) + r->words * 4;
	__be32 first = bpf_htonl(0x45u << 24 | (__u32)(fields->tos & ~3) << 16 | bytes);
	__be32 flags = bpf_htonl(0x4000); /* DF: then the identification may be 0, RFC 6864 */
	__u32 third = (__u32)fields->ttl << 24 | IPPROTO_TCP << 16;
	__be32 from = p->daddr.words[3], to = p->saddr.words[3];
	__u64 sum = (__u64)first + flags + bpf_htonl(third) + from + to;

	sg_store(__u32, ip, first);
	sg_store(__u32, ip + 4, flags);
	sg_store(__u32, ip + 8, bpf_htonl(third | bpf_ntohs(checksum_fold(sum))));
	sg_store(__u32, ip + 12, from);
	sg_store(__u32, ip + 16, to);
}

/*
 * The SYN's label where it is to be repeated and there is one. Else another one for each challenge, as the
 * kernel draws one for each of its SYN-ACKs, so that a router that hashes it may choose another path when
 * a SYN is sent again. `first` is the first word of the SYN. Without branches, which the verifier would
 * follow to the end.
 */
static __always_inline __u32 reply_label(const struct reply_fields *fields, __u32 first)
{
	__u32 mode = fields->label;
	__u32 repeated = first & 0xfffff & -(mode / SG_OFFER_SYN_LABEL & 1);
	__u32 own = ((fields->isn >> 12 ^ fields->tsval >> 8) & 0xfffff) |
		    (mode & SG_OFFER_LABEL_RANGES) << 14;

	own &= -(mode / SG_OFFER_LABEL & 1);
	return repeated | (own & (__u32)((__s32)(repeated - 1) >> 31));
}

static __always_inline void reply_ipv6(void *ip, const struct packet *p, const struct reply *r,
				       const struct reply_fields *fields)
{
	__u32 second = r->words * 4 << 16 | IPPROTO_TCP << 8 | fields->ttl;
	__u32 label = reply_label(fields, bpf_ntohl(sg_load(__u32, ip)));

	sg_store(__u32, ip, bpf_htonl(6u << 28 | (__u32)(fields->tos & ~3) << 20 | label));
	sg_store(__u32, ip + 4, bpf_htonl(second));
	sg_store(__u64, ip + 8, p->daddr.halves[0]);
	sg_store(__u64, ip + 16, p->daddr.halves[1]);
	sg_store(__u64, ip + 24, p->saddr.halves[0]);
	sg_store(__u64, ip + 32, p->saddr.halves[1]);
}

/* The last one to three bytes of a padded frame. */
static __always_inline void reply_zero_tail(__u8 *tail, void *end)
{
	sg_unroll
	for (int i = 0; i < 3; i++)
		if ((void *)(tail + i + 1) <= end)
			tail[i] = 0;
}

/*
 * Writes the reply into the frame at data, whose Ethernet header and tags are still the SYN's.
 * Returns false, and has written nothing, where [data, end) is too short for it: of a frame in
 * several buffers only the first can be written, and it may end within the reply.
 * Every byte after the reply up to `end` within the first REPLY_FRAME_MIN is zeroed.
 */
static __always_inline bool reply_write(void *data, void *end, const struct packet *p,
					const struct reply *r, const struct reply_fields *fields)
{
	/* constants for the verifier: 14 + two tags at most */
	void *l3 = data + (p->l3_offset & 31);
	__be32 *tcp;

	if (end - data < reply_bytes(p, r) || data + sizeof(struct ethhdr) > end)
		return false;
	if (p->version == 4) {
		if (l3 + sizeof(struct iphdr) > end)
			return false;
		reply_ipv4(l3, p, r, fields);
		tcp = l3 + sizeof(struct iphdr);
	} else {
		if (l3 + sizeof(struct ipv6hdr) > end)
			return false;
		reply_ipv6(l3, p, r, fields);
		tcp = l3 + sizeof(struct ipv6hdr);
	}
	/*
	 * Word by word as far as the frame goes: beyond r->words the words are zero, and a frame
	 * of the length of reply_frame_bytes() ends with the reply or with less than 60 bytes.
	 */
	if ((void *)(tcp + REPLY_TCP_MAX_WORDS) <= end) {
		sg_unroll
		for (int i = 0; i < REPLY_TCP_MAX_WORDS; i++)
			tcp[i] = r->tcp[i];
		reply_swap_macs(data);
		return true;
	}
	sg_unroll
	for (int i = 0; i < REPLY_TCP_MAX_WORDS; i++) {
		if ((void *)(tcp + i + 1) > end) {
			reply_zero_tail((void *)(tcp + i), end);
			break;
		}
		tcp[i] = r->tcp[i];
	}
	reply_swap_macs(data);
	return true;
}
