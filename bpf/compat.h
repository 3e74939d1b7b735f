/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What lets the packet code compile for BPF and for the host.
 *
 * bpf/ holds the programs. Folders, each of which includes only those before it: net/ (frames, TCP
 * options, checksums) and cookie/ (the cookie, the reply) touch only [data, end) and their
 * arguments; state/ keeps what outlives a packet; path/ has the steps of a packet, one file for
 * each kind. synguard.bpf.c attaches the steps to the hooks.
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
#define sg_load(type, from)	  (*(const type *)(from))
#define sg_store(type, to, value) (*(type *)(to) = (value))

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

#define sg_load(type, from)                                                                        \
	({                                                                                         \
		type value_;                                                                       \
		memcpy(&value_, from, sizeof(value_));                                             \
		value_;                                                                            \
	})
#define sg_store(type, to, value) memcpy(to, &(type){ value }, sizeof(type))

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

/* after the headers of the C library: linux/in.h leaves out what they define */
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
