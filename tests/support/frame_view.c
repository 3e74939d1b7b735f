/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames taken apart: slow, obvious, and without a line of the code under test.
 */
#include "frame.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

static __u32 frame_get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static __u32 frame_get32(const __u8 *at)
{
	return frame_get16(at) << 16 | frame_get16(at + 2);
}

struct frame_reader {
	const __u8 *at;
	size_t left;
};

static const __u8 *frame_take(struct frame_reader *r, size_t bytes)
{
	const __u8 *at = r->at;

	if (bytes > r->left)
		return NULL;
	r->at += bytes;
	r->left -= bytes;
	return at;
}

static const char *frame_parse_ethernet(struct frame_view *v, struct frame_reader *r,
					__u32 *ethertype)
{
	const __u8 *eth = frame_take(r, 14);

	if (!eth)
		return "no Ethernet header";
	memcpy(v->destination_mac, eth, 6);
	memcpy(v->source_mac, eth + 6, 6);
	*ethertype = frame_get16(eth + 12);
	while (*ethertype == ETH_P_8021Q || *ethertype == ETH_P_8021AD) {
		const __u8 *tag = frame_take(r, 4);

		if (!tag || v->tag_count == FRAME_TAGS_MAX)
			return "a VLAN tag too many or cut off";
		v->tags[v->tag_count++] = (struct frame_tag){
			.tpid = *ethertype,
			.vid = frame_get16(tag) & 0xfff,
			.priority = tag[0] >> 5,
		};
		*ethertype = frame_get16(tag + 2);
	}
	v->l3_offset = 14 + 4 * v->tag_count;
	return NULL;
}

/* On return the reader has what the IP header claims, and no padding. */
static const char *frame_parse_ipv4(struct frame_view *v, struct frame_reader *r)
{
	const __u8 *ip = frame_take(r, 20);
	size_t header, total;

	if (!ip || ip[0] >> 4 != 4)
		return "no IPv4 header";
	header = (ip[0] & 15) * 4;
	total = frame_get16(ip + 2);
	if (header < 20 || total < header)
		return "IPv4 lengths that contradict each other";
	if (total - 20 > r->left)
		return "an IPv4 packet longer than its frame";
	if (ip[9] != IPPROTO_TCP)
		return "not TCP";
	v->version = 4;
	v->tos = ip[1];
	v->ip_id = frame_get16(ip + 4);
	v->frag_off = frame_get16(ip + 6);
	if (v->frag_off & 0x3fff)
		return "a fragment";
	v->ttl = ip[8];
	v->ip_option_bytes = header - 20;
	v->src.bytes[10] = v->src.bytes[11] = v->dst.bytes[10] = v->dst.bytes[11] = 0xff;
	memcpy(v->src.bytes + 12, ip + 12, 4);
	memcpy(v->dst.bytes + 12, ip + 16, 4);
	v->ip_checksum_ok = !frame_checksum(ip, header, 0);
	v->padding_bytes = r->left - (total - 20);
	r->left = total - 20;
	frame_take(r, header - 20);
	return NULL;
}

static const char *frame_parse_ipv6(struct frame_view *v, struct frame_reader *r)
{
	const __u8 *ip = frame_take(r, 40);
	size_t payload;
	__u8 next;

	if (!ip || ip[0] >> 4 != 6)
		return "no IPv6 header";
	payload = frame_get16(ip + 4);
	if (payload > r->left)
		return "an IPv6 packet longer than its frame";
	v->version = 6;
	v->tos = frame_get16(ip) >> 4;
	v->ttl = ip[7];
	memcpy(v->src.bytes, ip + 8, 16);
	memcpy(v->dst.bytes, ip + 24, 16);
	v->ip_checksum_ok = true;
	v->padding_bytes = r->left - payload;
	r->left = payload;
	for (next = ip[6]; next != IPPROTO_TCP;) {
		const __u8 *e;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING)
			return "not TCP, or an extension header that is not known here";
		if (r->left < 8)
			return "an extension header cut off";
		next = r->at[0];
		e = frame_take(r, (r->at[1] + 1) * 8);
		if (!e)
			return "an extension header longer than its packet";
		v->extension_bytes = r->at - ip - 40;
	}
	return NULL;
}

static const char *frame_parse_options(struct frame_view *v, const __u8 *at, size_t left)
{
	while (left && at[0] != 0) {
		size_t length;

		if (at[0] == 1) {
			at++;
			left--;
			continue;
		}
		if (left < 2 || at[1] < 2 || at[1] > left)
			return "a TCP option that overruns its header";
		length = at[1];
		v->option_order[v->option_count++] = at[0];
		if (at[0] == 2 && length == 4) {
			v->has_mss = true;
			v->mss = frame_get16(at + 2);
		} else if (at[0] == 3 && length == 3) {
			v->has_wscale = true;
			v->wscale = at[2];
		} else if (at[0] == 4 && length == 2) {
			v->has_sack = true;
		} else if (at[0] == 8 && length == 10) {
			v->has_ts = true;
			v->tsval = frame_get32(at + 2);
			v->tsecr = frame_get32(at + 6);
		}
		at += length;
		left -= length;
	}
	return NULL;
}

static const char *frame_parse_tcp(struct frame_view *v, const __u8 *frame, const __u8 *ip,
				   struct frame_reader *r)
{
	__u32 sum = frame_pseudo_sum(v->version, ip, r->left);
	bool sum_ok = !frame_checksum(r->at, r->left, sum);
	const __u8 *tcp = frame_take(r, 20);
	size_t header;

	if (!tcp)
		return "no TCP header";
	header = (tcp[12] >> 4) * 4;
	if (header < 20 || header - 20 > r->left)
		return "TCP lengths that contradict each other";
	v->tcp_checksum_ok = sum_ok;
	v->l4_offset = tcp - frame;
	v->sport = frame_get16(tcp);
	v->dport = frame_get16(tcp + 2);
	v->seq = frame_get32(tcp + 4);
	v->ack = frame_get32(tcp + 8);
	v->flags = tcp[13];
	v->window = frame_get16(tcp + 14);
	v->urgent = frame_get16(tcp + 18);
	v->option_bytes = header - 20;
	frame_take(r, header - 20);
	v->payload_offset = r->at - frame;
	v->payload_bytes = r->left;
	return frame_parse_options(v, tcp + 20, header - 20);
}

const char *frame_parse(struct frame_view *v, const void *frame, size_t bytes)
{
	struct frame_reader r = { .at = frame, .left = bytes };
	const char *wrong;
	const __u8 *ip;
	__u32 ethertype, i;

	*v = (struct frame_view){};
	wrong = frame_parse_ethernet(v, &r, &ethertype);
	if (wrong)
		return wrong;
	ip = r.at;
	if (ethertype == ETH_P_IP)
		wrong = frame_parse_ipv4(v, &r);
	else if (ethertype == ETH_P_IPV6)
		wrong = frame_parse_ipv6(v, &r);
	else
		wrong = "neither IPv4 nor IPv6";
	if (wrong)
		return wrong;
	v->padding_zero = true;
	for (i = 0; i < v->padding_bytes; i++)
		if (r.at[r.left + i])
			v->padding_zero = false;
	return frame_parse_tcp(v, frame, ip, &r);
}

bool frame_checksums_ok(const void *frame, size_t bytes)
{
	struct frame_view v;

	return !frame_parse(&v, frame, bytes) && v.ip_checksum_ok && v.tcp_checksum_ok;
}
