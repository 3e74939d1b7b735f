// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sink: drops what is sent to the flood's sources and counts the SYN-ACKs of it, passes
 * everything else.
 *
 * So the answers to forged SYNs are counted exactly, and the stack of the host they arrive at costs
 * nothing and answers nothing. A CPU counts in a line of its own, hence the plain increments.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/lab/sink_abi.h"

struct sink_state states[SINK_CPUS];

static __always_inline int take(const struct tcphdr *tcp, const void *end)
{
	if ((const void *)(tcp + 1) <= end && tcp->syn && tcp->ack)
		states[bpf_get_smp_processor_id() % SINK_CPUS].synacks++;
	return XDP_DROP;
}

/* frags: without, a veth's peer may have no MTU above 3500 and no segmentation offload */
SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const struct ipv6hdr *ip6 = (const void *)(eth + 1);
	const struct iphdr *ip = (const void *)(eth + 1);

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;

	/* 198.18.0.0/15 */
	if (eth->h_proto == bpf_htons(ETH_P_IP) && (const void *)(ip + 1) <= end &&
	    (ip->daddr & bpf_htonl(0xfffe0000)) == bpf_htonl(0xc6120000) &&
	    ip->protocol == IPPROTO_TCP && ip->ihl == 5)
		return take((const void *)(ip + 1), end);

	/* 2001:2::/48 */
	if (eth->h_proto == bpf_htons(ETH_P_IPV6) && (const void *)(ip6 + 1) <= end &&
	    ip6->daddr.in6_u.u6_addr32[0] == bpf_htonl(0x20010002) &&
	    ip6->daddr.in6_u.u6_addr16[2] == 0 && ip6->nexthdr == IPPROTO_TCP)
		return take((const void *)(ip6 + 1), end);

	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
