/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP options, read as the kernel's tcp_parse_options() reads them: what has a wrong length is
 * skipped, what overruns the header ends the list, of duplicates the last one counts.
 */
#pragma once

#include "bpf/compat.h"

#define OPTIONS_MAX_BYTES  40
#define OPTIONS_MAX_WSCALE 14 /* RFC 7323 2.3 */

enum options_kind {
	OPTIONS_END = 0,
	OPTIONS_NOP = 1,
	OPTIONS_MSS = 2,
	OPTIONS_WSCALE = 3,
	OPTIONS_SACK_PERMITTED = 4,
	OPTIONS_TIMESTAMPS = 8,
	OPTIONS_MD5 = 19, /* RFC 2385 */
	OPTIONS_AO = 29,  /* RFC 5925 */
};

enum options_seen {
	OPTIONS_SEEN_MSS = 1 << 0,
	OPTIONS_SEEN_WSCALE = 1 << 1,
	OPTIONS_SEEN_SACK = 1 << 2,
	OPTIONS_SEEN_TS = 1 << 3,
	OPTIONS_SEEN_SIGNED = 1 << 4,
};

struct tcp_options {
	__u32 tsval;
	__u32 tsecr;
	__u16 mss;   /* valid with OPTIONS_SEEN_MSS */
	__u8 wscale; /* clamped to 14 */
	__u8 seen;   /* enum options_seen */
};

struct options_cursor {
	const void *start;
	const void *end;
	__u32 offset;
	__u32 bytes;
	struct tcp_options o;
};

static __always_inline __u32 options_be32(const __u8 *b)
{
	return (__u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

/* One option; returns 1 when the list has ended. The bounds are those of packet and header. */
static long options_step(__u32 index, void *ctx)
{
	struct options_cursor *c = ctx;
	/* the mask is for the verifier, which does not follow offset through the comparison */
	const __u8 *b = c->start + (c->offset & 63);
	__u32 left = c->bytes - c->offset;
	__u8 length;

	if (c->offset >= c->bytes || (const void *)(b + 1) > c->end || b[0] == OPTIONS_END)
		return 1;
	if (b[0] == OPTIONS_NOP) {
		c->offset++;
		return 0;
	}
	if (left < 2 || (const void *)(b + 2) > c->end)
		return 1;
	length = b[1];
	if (length < 2 || length > left)
		return 1;
	if (b[0] == OPTIONS_MSS && length == 4 && (const void *)(b + 4) <= c->end) {
		c->o.mss = b[2] << 8 | b[3];
		c->o.seen |= OPTIONS_SEEN_MSS;
	} else if (b[0] == OPTIONS_WSCALE && length == 3 && (const void *)(b + 3) <= c->end) {
		c->o.wscale = sg_min(b[2], OPTIONS_MAX_WSCALE);
		c->o.seen |= OPTIONS_SEEN_WSCALE;
	} else if (b[0] == OPTIONS_SACK_PERMITTED && length == 2) {
		c->o.seen |= OPTIONS_SEEN_SACK;
	} else if (b[0] == OPTIONS_TIMESTAMPS && length == 10 && (const void *)(b + 10) <= c->end) {
		c->o.tsval = options_be32(b + 2);
		c->o.tsecr = options_be32(b + 6);
		c->o.seen |= OPTIONS_SEEN_TS;
	} else if (b[0] == OPTIONS_MD5 || b[0] == OPTIONS_AO) {
		c->o.seen |= OPTIONS_SEEN_SIGNED;
	}
	c->offset += length;
	return 0;
}

/*
 * The layouts that nearly all SYNs of Linux, Android and Windows have, and nearly all ACKs, read
 * without a loop; false for any other, of which nothing is known.
 */
static __always_inline bool options_parse_known(struct tcp_options *o, const void *start,
						const void *end, __u32 bytes)
{
	const __be32 *w = start;

	/* MSS, SACK permitted, timestamps, NOP, window scale */
	if (bytes == 20 && (const void *)(w + 5) <= end &&
	    (w[0] & bpf_htonl(0xffff0000)) == bpf_htonl(0x02040000) &&
	    w[1] == bpf_htonl(0x0402080a) &&
	    (w[4] & bpf_htonl(0xffffff00)) == bpf_htonl(0x01030300)) {
		__u8 wscale = bpf_ntohl(w[4]) & 0xff;

		o->mss = bpf_ntohl(w[0]) & 0xffff;
		o->tsval = bpf_ntohl(w[2]);
		o->tsecr = bpf_ntohl(w[3]);
		o->wscale = sg_min(wscale, OPTIONS_MAX_WSCALE);
		o->seen = OPTIONS_SEEN_MSS | OPTIONS_SEEN_SACK | OPTIONS_SEEN_TS |
			  OPTIONS_SEEN_WSCALE;
		return true;
	}
	/* NOP, NOP, timestamps */
	if (bytes == 12 && (const void *)(w + 3) <= end && w[0] == bpf_htonl(0x0101080a)) {
		o->mss = 0;
		o->wscale = 0;
		o->tsval = bpf_ntohl(w[1]);
		o->tsecr = bpf_ntohl(w[2]);
		o->seen = OPTIONS_SEEN_TS;
		return true;
	}
	/* MSS, NOP, window scale, NOP, NOP, SACK permitted: Windows */
	if (bytes == 12 && (const void *)(w + 3) <= end &&
	    (w[0] & bpf_htonl(0xffff0000)) == bpf_htonl(0x02040000) &&
	    (w[1] & bpf_htonl(0xffffff00)) == bpf_htonl(0x01030300) &&
	    w[2] == bpf_htonl(0x01010402)) {
		__u8 wscale = bpf_ntohl(w[1]) & 0xff;

		o->mss = bpf_ntohl(w[0]) & 0xffff;
		o->wscale = sg_min(wscale, OPTIONS_MAX_WSCALE);
		o->tsval = 0;
		o->tsecr = 0;
		o->seen = OPTIONS_SEEN_MSS | OPTIONS_SEEN_SACK | OPTIONS_SEEN_WSCALE;
		return true;
	}
	return false;
}

/*
 * Parses `bytes` (at most 40) of options at `start`; both must lie in the packet, which
 * packet_parse() has made sure of.
 */
static __always_inline void options_parse(struct tcp_options *o, const void *start, const void *end,
					  __u32 bytes)
{
	struct options_cursor c = { .start = start, .end = end, .bytes = bytes };

	if (options_parse_known(o, start, end, bytes))
		return;
	if (bytes)
		sg_loop(OPTIONS_MAX_BYTES, options_step, &c);
	*o = c.o;
}
