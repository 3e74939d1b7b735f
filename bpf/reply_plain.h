/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way to a reply: what reply.h would write over the plainest of SYNs, which nearly all
 * are: no tag, no IP option, no extension header, no data, and TCP options that take as many bytes
 * as the answer's, as those of Linux and Windows do.
 *
 * The frame keeps its length and its addresses their sum, every word has its place, and none is
 * kept elsewhere first. Guarantees that what it writes is what reply_build() and reply_write() would
 * have written; the unit test holds one against the other. Leaves to them all that it does not take.
 */
#pragma once

#include "reply.h"

#define REPLY_PLAIN_LINUX_WORDS	  10 /* MSS, SACK permitted, timestamps, NOP, window scale */
#define REPLY_PLAIN_WINDOWS_WORDS 8  /* MSS, NOP, NOP, SACK permitted, NOP, window scale */

/* Writes the TCP header of so many words, a constant. addresses: their sum. */
static __always_inline void reply_plain_tcp(void *tcp, const struct packet *p,
					    const struct tcp_options *o,
					    const struct cookie_terms *t,
					    const struct reply_look *look, const int words,
					    __u64 addresses)
{
	__u32 flags = PACKET_SYN | PACKET_ACK | (t->ecn ? PACKET_ECE : 0);
	__be32 ports = bpf_htonl((__u32)bpf_ntohs(p->dport) << 16 | bpf_ntohs(p->sport));
	__be32 isn = bpf_htonl(look->isn);
	__be32 ack = bpf_htonl(p->seq + 1), mss = bpf_htonl(0x02040000 | look->mss);
	__be32 fourth = bpf_htonl((__u32)words << 28 | flags << 16 | look->window);
	__be32 wscale = bpf_htonl(0x01030300 | look->wscale);
	__u64 sum = addresses + ports + isn + ack + fourth + mss + wscale;

	sg_store32(tcp, ports);
	sg_store32(tcp + 4, isn);
	sg_store32(tcp + 8, ack);
	sg_store32(tcp + 12, fourth);
	sg_store32(tcp + 20, mss);
	if (words == REPLY_PLAIN_LINUX_WORDS) {
		__be32 kinds = bpf_htonl(0x0402080a), tsval = bpf_htonl(look->tsval);
		__be32 tsecr = bpf_htonl(o->tsval);

		sum += (__u64)kinds + tsval + tsecr;
		sg_store32(tcp + 24, kinds);
		sg_store32(tcp + 28, tsval);
		sg_store32(tcp + 32, tsecr);
		sg_store32(tcp + 36, wscale);
	} else {
		__be32 kinds = bpf_htonl(0x01010402);

		sum += kinds;
		sg_store32(tcp + 24, kinds);
		sg_store32(tcp + 28, wscale);
	}
	sum = checksum_protocol(sum, IPPROTO_TCP, words * 4);
	sg_store16(tcp + 16, checksum_fold(sum));
	sg_store16(tcp + 18, 0);
}

/* For how many words of TCP a SYN of these bytes has the length of its reply; 0 = for none. */
static __always_inline int reply_plain_words(const struct packet *p, const struct cookie_terms *t,
					     __u32 frame_bytes)
{
	__u32 headers = sizeof(struct ethhdr) + sizeof(struct tcphdr) +
			(p->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if (p->tags || p->l4_offset + sizeof(struct tcphdr) != headers ||
	    frame_bytes != headers + p->option_bytes || !t->sack || !t->wscale)
		return 0;
	if (p->option_bytes == 20 && t->ts)
		return REPLY_PLAIN_LINUX_WORDS;
	return p->option_bytes == 12 && !t->ts ? REPLY_PLAIN_WINDOWS_WORDS : 0;
}

/* Writes what reply_plain_words() says; false, and has written nothing, where `end` is before it. */
static __always_inline bool reply_plain_write(void *data, void *end, const struct packet *p,
					      const struct tcp_options *o,
					      const struct cookie_terms *t,
					      const struct reply_look *look, const int words)
{
	void *ip = data + sizeof(struct ethhdr);
	__u64 sum;

	if (p->version == 4) {
		void *tcp = ip + sizeof(struct iphdr);

		if (tcp + words * 4 > end)
			return false;
		reply_ipv4(ip, p, words, look);
		sum = (__u64)p->saddr.words[3] + p->daddr.words[3];
		reply_plain_tcp(tcp, p, o, t, look, words, sum);
	} else {
		void *tcp = ip + sizeof(struct ipv6hdr);

		if (tcp + words * 4 > end)
			return false;
		reply_ipv6(ip, p, words, look);
		sum = checksum_words(checksum_words(0, p->saddr.words, 4), p->daddr.words, 4);
		reply_plain_tcp(tcp, p, o, t, look, words, sum);
	}
	reply_swap_macs(data);
	return true;
}
