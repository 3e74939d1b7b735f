// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The flood: forged SYNs, each from a random source, as fast as one CPU makes them.
 *
 * Run by BPF_PROG_RUN in live-frame mode, where XDP_TX sends the frame out of the interface that
 * the run was given and XDP_DROP gives the page back at almost no cost: that is how the program
 * waits. It writes every byte of a frame, since recycled pages come back as the receiver left them.
 *
 * Sources are within the benchmark ranges 198.18.0.0/15 and 2001:2::/48 whatever the
 * configuration says; the destination is the lab's server.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/lab/flood_abi.h"

/* MSS, SACK permitted, timestamps, NOP, window scale: the order of a Linux client. */
struct syn_options {
	__u8 before_tsval[8];
	__be32 tsval;
	__u8 after_tsval[8];
} __attribute__((packed));

_Static_assert(ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr) +
			       sizeof(struct syn_options) ==
		       FLOOD_FRAME_BYTES_4,
	       "as flood.c builds it");
_Static_assert(ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct tcphdr) +
			       sizeof(struct syn_options) ==
		       FLOOD_FRAME_BYTES_6,
	       "as flood.c builds it");

const volatile struct flood_config config;
struct flood_state state;

/* 198.18.0.0/15 and 2001:2::/48 */
#define SRC4_NET  0xc6120000
#define SRC4_MASK 0x0001ffff
#define SRC6_NET  0x20010002
#define SRC6_MASK 0x0000ffff /* of the second word */

/* By a schedule, not by a gap between frames. */
static __always_inline bool due(void)
{
	__u64 now_ns = bpf_ktime_get_ns(), now = now_ns << FLOOD_TIME_SHIFT, late;

	if (now_ns >= state.end_ns || state.offered >= config.count)
		return false;
	if (!state.start_ns) {
		state.start_ns = now_ns;
		state.next = now;
	}
	if (!config.interval)
		return true;
	if (now < state.next)
		return false;

	late = now - state.next;
	if (late > config.catch_up) {
		late = (late - config.catch_up) / config.interval;
		state.skipped += late;
		state.next += late * config.interval;
	}
	state.next += config.interval;
	return true;
}

/* A number in [0, n). */
static __always_inline __u32 random_below(__u32 n)
{
	return ((__u64)bpf_get_prandom_u32() * n) >> 32;
}

static __always_inline __u32 sum32(__be32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Words because the verifier and clang then make one instruction of eight bytes. */
static __always_inline void copy_template(void *data, const volatile struct flood_template *t,
					  unsigned int bytes)
{
	unsigned int i;

#pragma clang loop unroll(full)
	for (i = 0; i < bytes / 8; i++)
		((__u64 *)data)[i] = t->words[i];
	if (bytes & 4)
		*(__u32 *)(data + i * 8) = t->words[i];
	if (bytes & 2)
		*(__u16 *)(data + (bytes & ~3u)) = t->words[i] >> (bytes & 4 ? 32 : 0);
}

/* Ports, sequence number and TSval, which both families have; returns what they add to the sum. */
static __always_inline __u32 fill_tcp(struct tcphdr *tcp)
{
	struct syn_options *options = (void *)(tcp + 1);
	__u32 random = bpf_get_prandom_u32();

	tcp->source = bpf_htons(1024 + (random & 0x7fff)); /* 1024-33791 */
	tcp->dest = bpf_htons(config.port + (config.ports > 1 ? random_below(config.ports) : 0));
	tcp->seq = bpf_get_prandom_u32();
	options->tsval = bpf_htonl(random);
	return tcp->source + tcp->dest + sum32(tcp->seq) + sum32(options->tsval);
}

static __always_inline int build4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 source;

	if (data + FLOOD_FRAME_BYTES_4 > end)
		return XDP_DROP;
	copy_template(data, &config.v4, FLOOD_FRAME_BYTES_4);

	ip->id = bpf_get_prandom_u32();
	ip->saddr = bpf_htonl(SRC4_NET | (bpf_get_prandom_u32() & config.src4_mask & SRC4_MASK));
	source = sum32(ip->saddr);
	ip->check = fold(config.v4.ip_sum + ip->id + source);
	tcp->check = fold(config.v4.tcp_sum + source + fill_tcp(tcp));
	return XDP_TX;
}

static __always_inline int build6(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 word, sum = config.v6.tcp_sum;
	__be32 *src;
	int i;

	if (data + FLOOD_FRAME_BYTES_6 > end)
		return XDP_DROP;
	copy_template(data, &config.v6, FLOOD_FRAME_BYTES_6);

	src = ip->saddr.in6_u.u6_addr32;
#pragma clang loop unroll(full)
	for (i = 0; i < 4; i++) {
		word = config.src6_mask[i] ? bpf_get_prandom_u32() & config.src6_mask[i] : 0;
		if (i == 0)
			word = SRC6_NET;
		if (i == 1)
			word &= SRC6_MASK;
		src[i] = bpf_htonl(word);
		sum += sum32(src[i]);
	}
	tcp->check = fold(sum + fill_tcp(tcp));
	return XDP_TX;
}

/* The one place that says what the flood is made of. */
static __always_inline int build(struct xdp_md *ctx)
{
	bool v6 = config.ipv6_share && (bpf_get_prandom_u32() & 0xff) < config.ipv6_share;

	if (v6)
		return build6(ctx);
	/* The run's frame is as long as its longest. */
	if (config.ipv6_share &&
	    bpf_xdp_adjust_tail(ctx, FLOOD_FRAME_BYTES_4 - FLOOD_FRAME_BYTES_6))
		return XDP_DROP;
	return build4(ctx);
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	if (!due())
		return XDP_DROP;
	state.offered++;
	return build(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
