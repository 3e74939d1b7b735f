// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The yardsticks of the bench, as XDP programs on a listener's interface: the most that any answer
 * can do (drop), the most that any SYN-ACK can do (reflect), and nothing (idle).
 *
 * The reflector thinks of nothing: it swaps addresses and ports, sets the ACK flag and sends the
 * SYN back, with a checksum that is wrong. A queue is polled on one CPU, hence the plain increment.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* What drop() has seen. */
__u64 dropped;

SEC("xdp.frags")
int drop(struct xdp_md *ctx)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;
	dropped++;
	return XDP_DROP;
}

static __always_inline int send_back(struct ethhdr *eth, struct tcphdr *tcp)
{
	__u8 mac[ETH_ALEN];
	__be16 port = tcp->source;

	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack = 1;
	return XDP_TX;
}

SEC("xdp.frags")
int reflect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct tcphdr *tcp4 = (void *)(ip + 1), *tcp6 = (void *)(ip6 + 1);
	struct in6_addr addr6;
	__be32 addr;

	if ((void *)(tcp4 + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_TCP && tcp4->syn) {
		addr = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = addr;
		return send_back(eth, tcp4);
	}
	if ((void *)(tcp6 + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IPV6) && ip6->nexthdr == IPPROTO_TCP && tcp6->syn) {
		addr6 = ip6->saddr;
		ip6->saddr = ip6->daddr;
		ip6->daddr = addr6;
		return send_back(eth, tcp6);
	}
	return XDP_PASS;
}

SEC("xdp.frags")
int idle(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
