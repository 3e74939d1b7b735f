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
#include "bpf/maps.bpf.h"
#include "bpf/net/ip_options.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "bpf/state/ways.bpf.h"

/*
 * Frames for another machine's MAC come in where a switch floods, where a NIC is promiscuous, and
 * through a bridge. That machine may have the same address and a service on the same port, and the
 * stack drops what is not for its own (ip_rcv_core()). Not so where the MAC is that of a device
 * above: a bridge, a VLAN, a macvlan, whose frames are for this host. Groups are not looked at.
 */
static __always_inline bool frame_is_to_mac_of_ours(const void *eth)
{
	union {
		struct sg_mac mac;
		struct {
			__u32 front;
			__u16 back, pad;
		};
	} key = { .front = sg_load(__u32, eth), .back = sg_load(__u16, eth + 4) };

	return bpf_map_lookup_elem(&macs, &key.mac);
}

static __always_inline bool frame_is_ours_xdp(struct xdp_md *ctx)
{
	const void *eth = (void *)(long)ctx->data;
	const struct net_device *dev;
	const struct xdp_buff *xdp;

	if (eth + sizeof(struct ethhdr) > (void *)(long)ctx->data_end)
		return true;
	/* the map has it as well, and costs more */
	if (!kernel_has_casts)
		return frame_is_to_mac_of_ours(eth);
	xdp = bpf_cast_to_kern_ctx(ctx);
	dev = xdp->rxq->dev;
	return (sg_load(__u32, eth) == sg_load(__u32, &dev->dev_addr_shadow[0]) &&
		sg_load(__u16, eth + 4) == sg_load(__u16, &dev->dev_addr_shadow[4])) ||
	       frame_is_to_mac_of_ours(eth);
}

/* The stack has compared the MAC with the device's: eth_type_trans(). */
static __always_inline bool frame_is_ours_skb(struct __sk_buff *skb)
{
	const void *eth = (void *)(long)skb->data;

	return skb->pkt_type != KERNEL_PACKET_OTHERHOST ||
	       eth + sizeof(struct ethhdr) > (void *)(long)skb->data_end ||
	       frame_is_to_mac_of_ours(eth);
}

/* The MAC addresses of the frame as way_mac() has them, 0 where it is too short. */
static __always_inline __u64 frame_mac(const void *data, const void *end, __u32 at)
{
	const void *mac = data + at;

	return data + sizeof(struct ethhdr) > end ? 0 : way_mac(mac);
}

static __always_inline __u64 frame_source(const void *data, const void *end)
{
	return frame_mac(data, end, offsetof(struct ethhdr, h_source));
}

/*
 * In skb->cb[0] of a challenge that ingress sent, which egress sees; in cb[1] is the interface that
 * it was sent out of.
 */
#define CHALLENGE_SENT 0x53474352

static __always_inline const void *frame_options_at(const void *data, const struct packet *p)
{
	return data + (p->l4_offset & 0x3fff) + sizeof(struct tcphdr);
}

/* The whole frame, which a driver may have left in several buffers; only then is it a call. */
static __always_inline __u32 frame_bytes_xdp(struct xdp_md *ctx)
{
	const struct xdp_buff *xdp;

	if (!kernel_has_casts)
		return bpf_xdp_get_buff_len(ctx);
	xdp = bpf_cast_to_kern_ctx(ctx);
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

/* What the stack judges of a SYN before TCP, and only it can. */
static __always_inline int frame_ip_options(const void *data, const void *end,
					    const struct packet *p)
{
	if (!(p->flags & PACKET_SYN))
		return SG_UNDECIDED;
	if (p->odd_extension)
		return SG_V_EXT_CHAIN;
	return ip_options_are_wrong(p, data + (p->l3_offset & 63), end) ? SG_V_MALFORMED :
									  SG_UNDECIDED;
}

__noinline int frame_ip_options_xdp(struct xdp_md *ctx, const struct packet *p)
{
	return p ? frame_ip_options((void *)(long)ctx->data, (void *)(long)ctx->data_end, p) :
		   SG_UNDECIDED;
}

__noinline int frame_ip_options_skb(struct __sk_buff *skb, const struct packet *p)
{
	return p ? frame_ip_options((void *)(long)skb->data, (void *)(long)skb->data_end, p) :
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
