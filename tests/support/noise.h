/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers without pattern that are the same in every run: Steele, Lea and Flood's SplitMix64.
 * A test that fails fails again.
 */
#pragma once

#include <linux/types.h>

static inline __u64 noise(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* One of [0, count). */
static inline __u32 noise_below(__u64 *state, __u32 count)
{
	return noise(state) % count;
}

static inline void noise_fill(__u64 *state, void *bytes, __u32 count)
{
	__u8 *at = bytes;
	__u32 i;

	for (i = 0; i < count; i++)
		at[i] = noise(state);
}
