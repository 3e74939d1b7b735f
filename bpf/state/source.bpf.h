/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a packet says that it is from, as a 64-bit keyed hash: what tables of sources are keyed by.
 *
 * The salt is random, so that nobody outside can choose sources that meet in one place, and two
 * sources with the same hash are not to be expected. No address is kept.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"

/* The window of about a second in which the SYNs and challenges of a source are counted. */
static __always_inline __u32 source_window(__u64 now_ns)
{
	return now_ns >> SG_BUDGET_WINDOW_SHIFT;
}

/*
 * A product's bits depend on those below them only, so what differs between the addresses of one
 * network has to come to the bottom before it is multiplied: the tables take the bits from 32 on.
 */
static __always_inline __u64 source_hash(__u64 high, __u64 low)
{
	__u64 h = (high ^ control.source_salt) * 0x9e3779b97f4a7c15ULL;

	h ^= h >> 32;
	h = (h ^ (low << 32 | low >> 32)) * 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 32;
}

/* The lowest bit tells addresses from prefixes; a key of an address is therefore never 0. */
static __always_inline __u64 source_address(const struct sg_addr *a)
{
	return source_hash(a->halves[0], a->halves[1]) | 1;
}

/* The IPv4 /24, the IPv6 /64. */
static __always_inline __u64 source_prefix(const struct sg_addr *a, __u8 version)
{
	struct sg_addr prefix = *a;

	if (version == 4)
		prefix.bytes[15] = 0;
	else
		prefix.halves[1] = 0;
	return source_hash(prefix.halves[0], prefix.halves[1]) & ~1ULL;
}

/* Who is one client: an IPv4 address, an IPv6 /64, in which anybody has all addresses. */
static __always_inline __u64 source_client(const struct sg_addr *a, __u8 version)
{
	return version == 4 ? source_address(a) : source_prefix(a, version);
}
