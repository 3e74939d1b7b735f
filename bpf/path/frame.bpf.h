/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * path/ has the steps of a packet, a file for each kind: SYNs and their challenges, ACKs and their
 * acceptance, floods of ACKs, the host's own SYN-ACKs. It decides; what is remembered is in state/.
 *
 * Here, from a program's context to struct packet and struct tcp_options. What is plain or of a
 * known layout is read in place, the rest by global functions.
 *
 * Global functions on purpose: the verifier proves each of them once, by itself, and the callers
 * then see nothing but scalars. Inlined, their paths would multiply with everything that follows
 * and exceed the verifier's million instructions. They return an enum sg_verdict as int.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"

/* In skb->cb[0] of a challenge that ingress sent, which egress sees. */
#define CHALLENGE_SENT 0x53474352

static __always_inline const void *frame_options_at(const void *data, const struct packet *p)
{
	return data + (p->l4_offset & 0x3fff) + sizeof(struct tcphdr);
}

/* The whole frame, which a driver may have left in several buffers; only then is it a call. */
static __always_inline __u32 frame_bytes_xdp(struct xdp_md *ctx)
{
	const struct xdp_buff *xdp = bpf_cast_to_kern_ctx(ctx);

	if (xdp->flags & KERNEL_XDP_HAS_FRAGS)
		return bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}

static __always_inline int frame_parse(const void *data, const void *end, __u32 bytes,
				       struct packet *p)
{
	struct packet_cursor c = { .pos = data, .end = end };

	return packet_parse(p, &c, bytes);
}

__noinline int frame_parse_xdp(struct xdp_md *ctx, struct packet *p)
{
	return p ? frame_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end,
			       frame_bytes_xdp(ctx), p) :
		   SG_UNDECIDED;
}

__noinline int frame_parse_skb(struct __sk_buff *skb, struct packet *p)
{
	return p ? frame_parse((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, p) :
		   SG_UNDECIDED;
}

__noinline int frame_options_xdp(struct xdp_md *ctx, const struct packet *p, struct tcp_options *o)
{
	if (p && o)
		options_parse(o, frame_options_at((void *)(long)ctx->data, p),
			      (void *)(long)ctx->data_end, p->option_bytes);
	return SG_UNDECIDED;
}

__noinline int frame_options_skb(struct __sk_buff *skb, const struct packet *p,
				 struct tcp_options *o)
{
	if (p && o)
		options_parse(o, frame_options_at((void *)(long)skb->data, p),
			      (void *)(long)skb->data_end, p->option_bytes);
	return SG_UNDECIDED;
}
