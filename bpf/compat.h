/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What lets the packet code compile for the kernel's BPF machine and for the host alike.
 *
 * The only place with #ifdef __BPF__. Headers that include this and not kernel.bpf.h touch only
 * [data, end) and their arguments, so the host's unit tests and fuzzers run the very same code.
 */
#pragma once

#include <linux/types.h>

#ifdef __BPF__

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define sg_loop(n, step, ctx) bpf_loop(n, step, ctx, 0)
#define sg_unroll	      _Pragma("clang loop unroll(full)")

/* Bytes of a packet; clang would read what it thinks unaligned in pieces. */
#define sg_load64(from)	    (*(const __u64 *)(from))
#define sg_load32(from)	    (*(const __u32 *)(from))
#define sg_load16(from)	    (*(const __u16 *)(from))
#define sg_store64(to, x64) (*(__u64 *)(to) = (x64))
#define sg_store32(to, x32) (*(__u32 *)(to) = (x32))
#define sg_store16(to, x16) (*(__u16 *)(to) = (x16))

#else

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define bpf_htons(x) htons(x)
#define bpf_ntohs(x) ntohs(x)
#define bpf_htonl(x) htonl(x)
#define bpf_ntohl(x) ntohl(x)

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define sg_unroll

static inline __u64 sg_load64(const void *from)
{
	__u64 x;

	memcpy(&x, from, sizeof(x));
	return x;
}

static inline __u32 sg_load32(const void *from)
{
	__u32 x;

	memcpy(&x, from, sizeof(x));
	return x;
}

static inline __u16 sg_load16(const void *from)
{
	__u16 x;

	memcpy(&x, from, sizeof(x));
	return x;
}

static inline void sg_store64(void *to, __u64 x)
{
	memcpy(to, &x, sizeof(x));
}

static inline void sg_store32(void *to, __u32 x)
{
	memcpy(to, &x, sizeof(x));
}

static inline void sg_store16(void *to, __u16 x)
{
	memcpy(to, &x, sizeof(x));
}

/* As bpf_loop(): at most n steps, a step that returns 1 ends it. Returns the steps taken. */
static inline long sg_loop(__u32 n, long (*step)(__u32 i, void *ctx), void *ctx)
{
	__u32 i;

	for (i = 0; i < n; i++)
		if (step(i, ctx))
			return i + 1;
	return i;
}

#endif

/* after the C library's, to whose definitions linux/in.h gives way */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif

#define sg_min(a, b) ((a) < (b) ? (a) : (b))
#define sg_max(a, b) ((a) > (b) ? (a) : (b))
