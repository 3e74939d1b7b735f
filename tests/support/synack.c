/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "synack.h"

#include <string.h>

#define SYNACK_ETHERNET_MIN 60

static const char *synack_ethernet_wrong(const struct frame_view *s, const struct frame_view *a)
{
	if (memcmp(s->source_mac, a->destination_mac, 6) ||
	    memcmp(s->destination_mac, a->source_mac, 6))
		return "Ethernet addresses are not swapped";
	if (s->tag_count != a->tag_count || memcmp(s->tags, a->tags, sizeof(s->tags)))
		return "VLAN tags differ";
	return NULL;
}

static const char *synack_ip_wrong(const struct frame_view *s, const struct frame_view *a)
{
	if (s->version != a->version)
		return "another IP version";
	if (!a->ip_checksum_ok)
		return "IP checksum";
	if (memcmp(&s->src, &a->dst, sizeof(s->src)) || memcmp(&s->dst, &a->src, sizeof(s->dst)))
		return "IP addresses are not swapped";
	if (a->ip_option_bytes || a->extension_bytes)
		return "IP options or extension headers";
	if (a->tos & 3)
		return "an ECN-capable SYN-ACK, RFC 3168 6.1.1";
	if (a->version == 4 && a->frag_off != 0x4000)
		return "DF is not the only fragment bit";
	return a->ttl ? NULL : "a TTL of 0";
}

static const char *synack_tcp_wrong(const struct frame_view *s, const struct frame_view *a)
{
	__u8 asks_ecn = FRAME_ECE | FRAME_CWR;

	if (!a->tcp_checksum_ok)
		return "TCP checksum";
	if (s->sport != a->dport || s->dport != a->sport)
		return "ports are not swapped";
	if (a->ack != s->seq + 1)
		return "acknowledges something else than the SYN";
	if ((a->flags & ~FRAME_ECE) != (FRAME_SYN | FRAME_ACK))
		return "flags beyond SYN, ACK and ECE";
	if ((a->flags & FRAME_ECE) && ((s->flags & asks_ecn) != asks_ecn || (s->tos & 3)))
		return "ECE that was not asked for";
	return a->urgent ? "an urgent pointer" : NULL;
}

static const char *synack_options_wrong(const struct frame_view *s, const struct frame_view *a)
{
	__u32 known = a->has_mss + a->has_sack + a->has_ts + a->has_wscale;

	if (!a->has_mss)
		return "no MSS";
	if (a->option_count != known)
		return "an option twice, or one that a SYN-ACK has no use for";
	if ((a->has_sack && !s->has_sack) || (a->has_ts && !s->has_ts) ||
	    (a->has_wscale && !s->has_wscale))
		return "an option that the SYN did not offer";
	if (a->has_ts && a->tsecr != s->tsval)
		return "the timestamp is not echoed";
	if (a->has_wscale && a->wscale > 14)
		return "a window scale over 14";
	return NULL;
}

const char *synack_wrong(const void *syn, size_t syn_bytes, const void *synack, size_t synack_bytes)
{
	struct frame_view s, a;
	const char *wrong;
	size_t least;

	/* of the SYN the options may be rubbish: what stands before the rubbish counts */
	wrong = frame_parse(&s, syn, syn_bytes);
	if (wrong && !s.payload_offset)
		return wrong;
	wrong = frame_parse(&a, synack, synack_bytes);
	if (!wrong)
		wrong = synack_ethernet_wrong(&s, &a);
	if (!wrong)
		wrong = synack_ip_wrong(&s, &a);
	if (!wrong)
		wrong = synack_tcp_wrong(&s, &a);
	if (!wrong)
		wrong = synack_options_wrong(&s, &a);
	if (wrong)
		return wrong;
	if (a.payload_bytes)
		return "a payload";
	if (!a.padding_zero)
		return "padding that is not zero";
	/* no longer than needed, and padded where the SYN was */
	least = syn_bytes < SYNACK_ETHERNET_MIN ? syn_bytes : SYNACK_ETHERNET_MIN;
	if (synack_bytes != (a.payload_offset > least ? a.payload_offset : least))
		return "a frame of the wrong length";
	return NULL;
}
