/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a program's context to struct packet and struct tcp_options.
 *
 * Global functions on purpose: the verifier proves each of them once, by itself, and the callers
 * then see nothing but scalars. Inlined, their paths would multiply with everything that follows
 * and exceed the verifier's million instructions. They return an enum sg_verdict as int.
 */
#pragma once

#include "bpf/compat.h"
#include "bpf/kernel.bpf.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "bpf/net/packet_plain.h"

/* In skb->cb[0]: this is an answer of ingress's on its way out, which egress sees. */
#define CHALLENGE_SENT 0x53474352

static __always_inline int frame_options(const void *data, const void *end, const struct packet *p,
					 struct tcp_options *o)
{
	const void *start = data + (p->l4_offset & 0x3fff) + sizeof(struct tcphdr);

	options_parse(o, start, end, p->option_bytes);
	return SG_UNDECIDED;
}

/* The whole frame, which a driver may have left in several buffers; only then is it a call. */
static __always_inline __u32 frame_bytes_xdp(struct xdp_md *ctx)
{
	const struct xdp_buff *xdp = bpf_cast_to_kern_ctx(ctx);

	if (xdp->flags & KERNEL_XDP_HAS_FRAGS)
		return bpf_xdp_get_buff_len(ctx);
	return ctx->data_end - ctx->data;
}

__noinline int frame_parse_xdp(struct xdp_md *ctx, struct packet *p)
{
	struct packet_cursor c = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	return p ? packet_parse(p, &c, frame_bytes_xdp(ctx)) : SG_UNDECIDED;
}

__noinline int frame_options_xdp(struct xdp_md *ctx, const struct packet *p, struct tcp_options *o)
{
	if (!p || !o)
		return SG_UNDECIDED;
	return frame_options((void *)(long)ctx->data, (void *)(long)ctx->data_end, p, o);
}

__noinline int frame_parse_skb(struct __sk_buff *skb, struct packet *p)
{
	struct packet_cursor c = {
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};

	return p ? packet_parse(p, &c, skb->len) : SG_UNDECIDED;
}

__noinline int frame_options_skb(struct __sk_buff *skb, const struct packet *p,
				 struct tcp_options *o)
{
	if (!p || !o)
		return SG_UNDECIDED;
	return frame_options((void *)(long)skb->data, (void *)(long)skb->data_end, p, o);
}
