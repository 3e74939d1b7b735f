/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-2-4 with a 128-bit key over 64-bit words and up to 7 bytes more.
 *
 * After J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). Words are
 * taken as numbers, which on a little-endian machine is the paper's byte order; the unit test
 * holds it against the paper's vectors.
 */
#pragma once

#include "bpf/compat.h"

struct siphash_state {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 siphash_rotate(__u64 x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static __always_inline void siphash_round(struct siphash_state *s)
{
	s->v0 += s->v1;
	s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
	s->v0 = siphash_rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
	s->v2 = siphash_rotate(s->v2, 32);
}

static __always_inline void siphash_word(struct siphash_state *s, __u64 word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

static __always_inline void siphash_begin(struct siphash_state *s, const __u64 key[2])
{
	s->v0 = 0x736f6d6570736575ULL ^ key[0];
	s->v1 = 0x646f72616e646f6dULL ^ key[1];
	s->v2 = 0x6c7967656e657261ULL ^ key[0];
	s->v3 = 0x7465646279746573ULL ^ key[1];
}

/*
 * What is hashed is `bytes` long, of which the last ones (0 to 7) are in `tail` and go into the word
 * that has to be hashed for the length anyway; tail has nothing above its bytes.
 */
static __always_inline __u64 siphash_end(struct siphash_state *s, __u64 tail, const __u32 bytes)
{
	/* the last word carries the length in bytes, modulo 256, in its top byte */
	siphash_word(s, (__u64)bytes << 56 | tail);
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/*
 * The hash of `count` words and of the `tail_bytes` in `tail`. Both numbers must be compile-time
 * constants, for the loop to unroll.
 */
static __always_inline __u64 siphash(const __u64 key[2], const __u64 *words, const int count,
				     __u64 tail, const int tail_bytes)
{
	struct siphash_state s;

	siphash_begin(&s, key);
	sg_unroll
	for (int i = 0; i < count; i++)
		siphash_word(&s, words[i]);
	return siphash_end(&s, tail, count * 8 + tail_bytes);
}
