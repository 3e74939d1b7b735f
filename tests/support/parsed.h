/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parsers under test made of a frame, held against the decoder of frame.h. The only
 * place that knows both sides.
 */
#pragma once

#include <arpa/inet.h>
#include <string.h>

#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "frame.h"

/* Returns NULL, or what of the packet differs from what stands in the frame. */
static inline const char *parsed_packet_wrong(const struct packet *p, const struct frame_view *v)
{
	__u32 vlan = v->tag_count ? SG_VLAN_PRESENT | v->tags[0].vid : 0;

	if (p->version != v->version)
		return "version";
	if (memcmp(&p->saddr, &v->src, sizeof(p->saddr)))
		return "saddr";
	if (memcmp(&p->daddr, &v->dst, sizeof(p->daddr)))
		return "daddr";
	if (ntohs(p->sport) != v->sport || ntohs(p->dport) != v->dport)
		return "ports";
	if (p->seq != v->seq || p->ack_seq != v->ack)
		return "sequence numbers";
	if (p->payload_bytes != v->payload_bytes)
		return "payload_bytes";
	if (p->vlan != vlan || p->tags != v->tag_count)
		return "tags";
	if (p->l3_offset != v->l3_offset || p->l4_offset != v->l4_offset)
		return "offsets";
	if (p->flags != v->flags)
		return "flags";
	if (p->dsfield != v->tos)
		return "dsfield";
	if (p->option_bytes != v->option_bytes)
		return "option_bytes";
	if (p->multicast != (v->destination_mac[0] & 1))
		return "multicast";
	return NULL;
}

/* What options_parse() has to say about the frame. */
static inline struct tcp_options parsed_options(const struct frame_view *v)
{
	struct tcp_options o = {};
	__u32 i;

	if (v->has_mss) {
		o.mss = v->mss;
		o.seen |= OPTIONS_SEEN_MSS;
	}
	if (v->has_wscale) {
		o.wscale = v->wscale > 14 ? 14 : v->wscale;
		o.seen |= OPTIONS_SEEN_WSCALE;
	}
	if (v->has_sack)
		o.seen |= OPTIONS_SEEN_SACK;
	if (v->has_ts) {
		o.tsval = v->tsval;
		o.tsecr = v->tsecr;
		o.seen |= OPTIONS_SEEN_TS;
	}
	for (i = 0; i < v->option_count; i++)
		if (v->option_order[i] == 19 || v->option_order[i] == 29)
			o.seen |= OPTIONS_SEEN_SIGNED;
	return o;
}

static inline bool parsed_options_same(const struct tcp_options *a, const struct tcp_options *b)
{
	return a->seen == b->seen && a->mss == b->mss && a->wscale == b->wscale &&
	       a->tsval == b->tsval && a->tsecr == b->tsecr;
}
