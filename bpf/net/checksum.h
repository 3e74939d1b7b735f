/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071) over words that the caller holds.
 *
 * Sums are kept in 64 bits and in network byte order: the checksum does not care which bytes of a
 * 16-bit word come first as long as all are taken alike (RFC 1071, 2(B)).
 */
#pragma once

#include "bpf/compat.h"

static __always_inline __u64 checksum_words(__u64 sum, const __be32 *words, const int count)
{
	sg_unroll
	for (int i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/* Protocol and length of the pseudo header, RFC 9293 3.1 and RFC 8200 8.1: one big-endian word. */
static __always_inline __u64 checksum_protocol(__u64 sum, __u8 protocol, __u32 bytes)
{
	/* 16 + 16 bits for IPv4 and 32 + 32 for IPv6 add up to the same below 64 KiB */
	return sum + bpf_htonl((__u32)protocol << 16 | bytes);
}

/* The checksum field's value, ready to be stored. */
static __always_inline __u16 checksum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}
