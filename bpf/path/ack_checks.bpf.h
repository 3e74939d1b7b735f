/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the stack has any reason of its own to drop an ACK that tcx ingress sees before it.
 *
 * Acceptances that are not born have a service blocked, and whoever has a few addresses could bring
 * that about with ACKs that carry a true cookie and something that IP or TCP drops. So the canary
 * hears only plain frames with the right checksums. Of what carries data and no word of the
 * hardware's on its checksum nothing is said: it counts as not sound.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/net/checksum.h"
#include "bpf/net/packet.h"

#define ACK_CHECK_TCP_WORDS_MAX 15

/* To be added to, as the checksums' fields are part of the sums. */
static __always_inline bool ack_check_adds_up(__u64 sum)
{
	return !checksum_fold(sum);
}

static __always_inline bool ack_check_is_tcp(struct __sk_buff *skb, const struct packet *p,
					     __u64 sum)
{
	__be32 tcp[ACK_CHECK_TCP_WORDS_MAX] = {};
	__u32 bytes = sizeof(struct tcphdr) + p->option_bytes;

	barrier_var(bytes);
	if (bytes > sizeof(tcp) || bpf_skb_load_bytes(skb, p->l4_offset, tcp, bytes))
		return false;
	sum = checksum_words(sum, tcp, ACK_CHECK_TCP_WORDS_MAX);
	return ack_check_adds_up(checksum_protocol(sum, IPPROTO_TCP, bytes));
}

/*
 * p is the packet that frame_parse_skb() or packet_parse_plain() found in skb. Returns 1 or 0. A
 * global function, so that the verifier proves it once, by itself.
 */
__noinline int ack_check_is_ack(struct __sk_buff *skb, const struct packet *p)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);
	const void *end = (void *)(long)skb->data_end, *ip;
	__u8 summed = BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed);
	__u64 sum;

	if (!p)
		return 0;
	ip = (void *)(long)skb->data + (p->l3_offset & 31);
	if (p->version == 4) {
		if (p->l4_offset != p->l3_offset + sizeof(struct iphdr) ||
		    ip + sizeof(struct iphdr) > end ||
		    !ack_check_adds_up(checksum_words(0, ip, sizeof(struct iphdr) / 4)))
			return 0;
		sum = (__u64)p->saddr.words[3] + p->daddr.words[3];
	} else {
		if (p->l4_offset != p->l3_offset + sizeof(struct ipv6hdr))
			return 0;
		sum = checksum_words(0, p->saddr.words, 4);
		sum = checksum_words(sum, p->daddr.words, 4);
	}
	if (summed == KERNEL_CHECKSUM_UNNECESSARY || summed == KERNEL_CHECKSUM_PARTIAL)
		return 1;
	return !p->payload_bytes && ack_check_is_tcp(skb, p, sum);
}
