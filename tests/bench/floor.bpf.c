/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What no answer with a cookie can be cheaper than: of a SYN as of Linux, in the plainest of
 * frames, it reads what it needs, hashes it (SipHash-2-4), and writes a SYN-ACK with its checksums
 * over it. It knows no service, keeps no state, counts nothing and asks no clock.
 */
#include "bpf/compat.h"
#include "bpf/net/packet.h"
#include "bpf/net/siphash.h"

#define FLOOR_MSS    0x020405b4
#define FLOOR_WINDOW 0xfaf0

/* Constants would be folded into what they are added to. */
__u64 key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
__u32 epoch = 12345, tsval = 67890;

struct floor_tcp {
	__be32 ports, seq, ack, flags, sum, mss, kinds, tsval, tsecr, wscale;
};

/* Writes the TCP header; sum is that of the pseudo header's addresses. */
static __always_inline void floor_answer(struct floor_tcp *tcp, __u64 hash, __u64 sum)
{
	__be32 ports = tcp->ports << 16 | tcp->ports >> 16,
	       ack = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	__be32 seq = hash, ts = bpf_htonl(tsval), echo = tcp->tsval;
	__be32 flags = bpf_htonl(0xa0120000 | FLOOR_WINDOW), mss = bpf_htonl(FLOOR_MSS);
	__be32 kinds = bpf_htonl(0x0402080a), wscale = bpf_htonl(0x01030307);

	sum += (__u64)ports + ack + seq + ts + echo + flags + mss + kinds + wscale;
	sum = checksum_protocol(sum, IPPROTO_TCP, sizeof(*tcp));
	tcp->ports = ports;
	tcp->seq = seq;
	tcp->ack = ack;
	tcp->flags = flags;
	tcp->sum = checksum_fold(sum);
	tcp->mss = mss;
	tcp->kinds = kinds;
	tcp->tsval = ts;
	tcp->tsecr = echo;
	tcp->wscale = wscale;
}

static __always_inline void floor_swap_macs(void *data)
{
	__u64 to = *(__u64 *)data;
	__u32 from = *(__u32 *)(data + 8);

	*(__u32 *)data = to >> 48 | from << 16;
	*(__u16 *)(data + 4) = from >> 16;
	*(__u32 *)(data + 6) = to;
	*(__u16 *)(data + 10) = to >> 32;
}

static __always_inline bool floor_knows(const struct floor_tcp *tcp)
{
	return (tcp->flags & bpf_htonl(0xf0ff0000)) == bpf_htonl(0xa0020000) &&
	       tcp->kinds == bpf_htonl(0x0402080a);
}

static __always_inline int floor_ipv4(void *data, void *end)
{
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct floor_tcp *tcp = (void *)(ip + 1);
	__be32 from, to;
	__u64 words[2];

	if ((void *)(tcp + 1) > end || ip->protocol != IPPROTO_TCP || !floor_knows(tcp))
		return XDP_PASS;
	from = ip->saddr;
	to = ip->daddr;
	words[0] = (__u64)from << 32 | to;
	words[1] = (__u64)tcp->ports << 32 | tcp->seq;
	floor_answer(tcp, siphash(key, words, 2, epoch, 7), (__u64)from + to);
	ip->id = 0;
	ip->check = checksum_fold((__u64)bpf_htonl(0x4500003c) + bpf_htonl(0x40064000) + from + to);
	ip->ttl = 64;
	ip->saddr = to;
	ip->daddr = from;
	floor_swap_macs(data);
	return XDP_TX;
}

static __always_inline int floor_ipv6(void *data, void *end)
{
	void *ip = data + sizeof(struct ethhdr);
	struct floor_tcp *tcp = ip + sizeof(struct ipv6hdr);
	__u64 words[5], sum = 0;

	if ((void *)(tcp + 1) > end || ((struct ipv6hdr *)ip)->nexthdr != IPPROTO_TCP ||
	    !floor_knows(tcp))
		return XDP_PASS;
	sg_unroll
	for (int i = 0; i < 4; i++) {
		words[i] = *(__u64 *)(ip + 8 + i * 8);
		sum += (__u32)words[i] + (words[i] >> 32);
	}
	words[4] = (__u64)tcp->ports << 32 | tcp->seq;
	floor_answer(tcp, siphash(key, words, 5, epoch, 7), sum);
	((struct ipv6hdr *)ip)->hop_limit = 64;
	*(__u64 *)(ip + 8) = words[2];
	*(__u64 *)(ip + 16) = words[3];
	*(__u64 *)(ip + 24) = words[0];
	*(__u64 *)(ip + 32) = words[1];
	floor_swap_macs(data);
	return XDP_TX;
}

SEC("xdp.frags")
int answer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + sizeof(struct ethhdr) > end)
		return XDP_PASS;
	return ((struct ethhdr *)data)->h_proto == bpf_htons(ETH_P_IP) ? floor_ipv4(data, end) :
									 floor_ipv6(data, end);
}

char _license[] SEC("license") = "Dual BSD/GPL";
