/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Options of IPv4. Where the stack drops a SYN for them in silence, or does with it what only this host can
 * have set up (source routes, CIPSO), the SYN is left to the stack: __ip_options_compile(),
 * ip_rcv_options().
 */
#pragma once

#include "bpf/net/packet.h"

enum ip_option_kinds {
	IP_OPTION_END = 0,
	IP_OPTION_NOP = 1,
	IP_OPTION_ROUTE = 7,
	IP_OPTION_TIME = 68,
	IP_OPTION_LOOSE = 131,
	IP_OPTION_CIPSO = 134,
	IP_OPTION_STRICT = 137,
	IP_OPTION_ALERT = 148,
};

struct ip_options_cursor {
	const void *start;
	const void *end;
	__u32 offset;
	__u32 bytes;
	bool route, time; /* seen */
	bool wrong;
};

/* Whether the places that are left in a record (from `pointer`, which counts from 1) fit into it. */
static __always_inline bool ip_option_records(const __u8 *b, __u8 first, __u8 place)
{
	return b[1] >= first - 1 && b[2] >= first && (b[2] > b[1] || b[2] + place - 1 <= b[1]);
}

static __always_inline bool ip_option_is_right(struct ip_options_cursor *c, const __u8 *b)
{
	__u8 flag = b[3] & 15;

	switch (b[0]) {
	case IP_OPTION_ROUTE:
		if (c->route)
			return false;
		c->route = true;
		return ip_option_records(b, 4, 4);
	case IP_OPTION_TIME:
		if (c->time)
			return false;
		c->time = true;
		if (b[2] > b[1] && flag != 3 && b[3] >> 4 == 15)
			return false;
		return ip_option_records(b, 5, flag & 1 ? 8 : 4);
	case IP_OPTION_ALERT:
		return b[1] >= 4;
	case IP_OPTION_LOOSE:
	case IP_OPTION_STRICT:
	case IP_OPTION_CIPSO:
		return false;
	default:
		return true;
	}
}

/* One option; returns 1 when the list has ended. Behind the options is TCP, so there are eight bytes from any of them on. */
static long ip_options_step(__u32 index, void *ctx)
{
	struct ip_options_cursor *c = ctx;
	const __u8 *b = c->start + (c->offset & 63);

	if (c->offset >= c->bytes)
		return 1;
	c->wrong = true;
	if ((const void *)(b + 8) > c->end)
		return 1;
	if (b[0] > IP_OPTION_NOP &&
	    (b[1] < 2 || b[1] > c->bytes - c->offset || !ip_option_is_right(c, b)))
		return 1;
	c->wrong = false;
	c->offset += b[0] > IP_OPTION_NOP ? b[1] : 1;
	return b[0] == IP_OPTION_END;
}

/*
 * Whether the stack drops a SYN for its options, [ip, end) being what can be read, with the headers that
 * packet_parse() has found.
 */
static __always_inline bool ip_options_are_wrong(const struct packet *p, const void *ip,
						 const void *end)
{
	struct ip_options_cursor c = {
		.start = ip + sizeof(struct iphdr),
		.end = end,
		.bytes = p->l4_offset - p->l3_offset - sizeof(struct iphdr),
	};

	if (p->version != 4 || !c.bytes)
		return false;
	sg_loop(40, ip_options_step, &c);
	return c.wrong;
}
