/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Engine listener: the challenge carries the kernel's own SYN cookie, so the ACK is an ordinary one to
 * conntrack, NAT and the listener, and nothing is done to it.
 *
 * bpf_tcp_gen_syncookie() makes the number, with tcp_syncookies=2 also while the queue has room. The
 * kernel reads wscale, SACK and ECN from the lowest bits of the timestamp that the client echoes, once
 * the connection's secret offset is off it (cookie_timestamp_decode()). With tcp_timestamps=2 there is
 * none, so that the bits can be written here; otherwise the challenge has no timestamps, and keeps an
 * MSS alone.
 */
#pragma once

#include "bpf/cookie/cookie.h"
#include "bpf/kernel.bpf.h"
#include "bpf/net/packet.h"
#include "bpf/state/listener.bpf.h"

#define KERNEL_COOKIE_TS_MASK 63u /* TSMASK of net/ipv4/syncookies.c */

/* The SYN as far as the cookie covers it. */
struct kernel_cookie_syn {
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	};
	struct tcphdr tcp;
	__be32 mss_option;
};

/*
 * Asks for a cookie where nothing but the listener has the SYN's addresses and ports. Returns the
 * cookie and, above its 32 bits, the MSS that it keeps; below that: the enum sg_verdict by which the
 * stack gets the SYN. `mss` 0: the SYN has none.
 */
static __always_inline __u64 kernel_cookie_from(void *ctx, const struct packet *p, __u16 mss)
{
	struct bpf_sock *sk = listener_lookup(ctx, p, p->sport);
	struct kernel_cookie_syn syn = {};
	__u32 tcp_bytes = sizeof(syn.tcp) + (mss ? sizeof(syn.mss_option) : 0);
	__s64 cookie;

	if (!sk)
		return SG_V_NO_LISTENER;
	if (sk->state != KERNEL_TCP_LISTEN) {
		bpf_sk_release(sk);
		return SG_V_TUPLE_KNOWN;
	}
	syn.tcp.source = p->sport;
	syn.tcp.dest = p->dport;
	syn.tcp.seq = bpf_htonl(p->seq);
	syn.tcp.doff = tcp_bytes / 4;
	syn.tcp.syn = 1;
	syn.mss_option = bpf_htonl((__u32)OPTIONS_MSS << 24 | 4 << 16 | mss);
	if (p->version == 4) {
		syn.v4.version = 4;
		syn.v4.saddr = p->saddr.words[3];
		syn.v4.daddr = p->daddr.words[3];
		cookie = bpf_tcp_gen_syncookie(sk, &syn.v4, sizeof(syn.v4), &syn.tcp, tcp_bytes);
	} else {
		syn.v6.version = 6;
		__builtin_memcpy(&syn.v6.saddr, &p->saddr, sizeof(p->saddr));
		__builtin_memcpy(&syn.v6.daddr, &p->daddr, sizeof(p->daddr));
		cookie = bpf_tcp_gen_syncookie(sk, &syn.v6, sizeof(syn.v6), &syn.tcp, tcp_bytes);
	}
	bpf_sk_release(sk);
	return cookie > 0 ? cookie : SG_V_COOKIE_REFUSED;
}

/* Global functions, so that the verifier proves each of them once, by itself. */
__noinline __u64 kernel_cookie(struct xdp_md *ctx, const struct packet *p, __u16 mss)
{
	return p ? kernel_cookie_from(ctx, p, mss) : SG_UNDECIDED;
}

__noinline __u64 kernel_cookie_skb(struct __sk_buff *skb, const struct packet *p, __u16 mss)
{
	return p ? kernel_cookie_from(skb, p, mss) : SG_UNDECIDED;
}

/* Leaves of the terms what the kernel's cookie keeps, and the MSS that it keeps. */
static __always_inline void kernel_cookie_lessen(struct cookie_terms *t,
						 const struct tcp_options *o,
						 const struct sg_service *s, __u16 mss,
						 __u64 now_ns)
{
	t->mss = mss;
	if (t->ts && (s->host & SG_HOST_RAW_TS) && control.settle_until_ns <= now_ns) {
		t->ts_bits &= KERNEL_COOKIE_TS_MASK;
		return;
	}
	*t = (struct cookie_terms){
		.mss = mss,
		.lossy = o->seen & (OPTIONS_SEEN_SACK | OPTIONS_SEEN_WSCALE | OPTIONS_SEEN_TS),
	};
}
