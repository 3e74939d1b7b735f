/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of the model share: what the judge read, the reply is made of.
 */
#pragma once

#include "model.h"

/* What stands in the SYN. Numbers are in host order. */
struct model_syn {
	const __u8 *bytes;
	int version;
	int tags;
	__u32 vlan;
	int l3, l4;
	struct sg_addr src, dst;
	__u8 tos;
	__u16 sport, dport;
	__u32 seq;
	__u8 flags;
	int options, option_bytes;

	bool mss_seen, wscale_seen, sack_seen, ts_seen, is_signed;
	__u16 mss;
	__u8 wscale;
	__u32 tsval;
};

/* A client's MSS below this passes, and one that tells none has it: RFC 9293 3.7.1, RFC 8200 5. */
int model_least_mss(const struct model_syn *s);

static inline __u32 model_16(const __u8 *b)
{
	return b[0] * 256 + b[1];
}

static inline __u32 model_32(const __u8 *b)
{
	return model_16(b) * 65536 + model_16(b + 2);
}

/* What is kept for the MSS: the interface's MTU, or less, by the clamp that was seen. */
void model_mtu(const struct model *m, const struct model_syn *s, struct sg_service *of);

/* Writes the reply and what the service promises with it into a. */
enum sg_verdict model_challenge(const struct model *m, const struct model_syn *s, __u64 now_ns,
				__u64 clock_ms, size_t linear, struct model_answer *a);
