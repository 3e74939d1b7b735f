/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * state/ is what the programs remember from one packet to the next: services and their listeners,
 * sources, heavy hitters. The steps of a packet (path/) read and write it; the daemon reads it.
 *
 * Here are set-associative tables: a hash chooses a set, which has a few ways, and a key is in one of
 * them or nowhere. The sizes are constants, so that the loops unroll. An entry begins with its
 * 64-bit key, and 0 is no key. Of a new key's place there are two kinds:
 *
 *	set_claim()  entries that expire by themselves: suppressed sources, pending acceptances
 *	set_least()  entries of different worth, the least of which goes: clients, heavy hitters
 *
 * The services are another kind: each entry is a map element of its own, because the daemon maps
 * them, and no packet ever evicts one. They share the tags.
 */
#pragma once

#include "bpf/kernel.bpf.h"

/* The entry with this key, or NULL. */
static __always_inline void *set_find(void *set, const __u32 ways, const __u32 bytes, __u64 key)
{
	sg_unroll
	for (__u32 i = 0; i < ways; i++)
		if (*(__u64 *)(set + i * bytes) == key)
			return set + i * bytes;
	return NULL;
}

/* An entry that is valid for a time. */
struct set_timed {
	__u64 key;
	__u64 until_ns;
};

/* A cache line. */
#define SET_TIMED_WAYS 4

static __always_inline struct set_timed *set_find_timed(struct set_timed *set, __u64 key)
{
	return set_find(set, SET_TIMED_WAYS, sizeof(*set), key);
}

/* The place of the key, or of an entry that is over; of a full set the first. */
static __always_inline void set_claim(struct set_timed *set, __u64 key, __u64 now_ns,
				      __u64 until_ns)
{
	struct set_timed *place = set;

	sg_unroll
	for (int i = SET_TIMED_WAYS - 1; i >= 0; i--)
		if (set[i].key == key || set[i].until_ns <= now_ns)
			place = &set[i];
	place->key = key;
	place->until_ns = until_ns;
}

/* The way of the entry that is worth least, and less than `below`; `ways` where there is none. */
static __always_inline __u32 set_least(const void *set, const __u32 ways, const __u32 bytes,
				       __u32 (*worth)(const void *entry, __u32 window),
				       __u32 window, __u32 below)
{
	__u32 least = ways;

	sg_unroll
	for (__u32 i = 0; i < ways; i++) {
		__u32 this = worth(set + i * bytes, window);

		if (this < below) {
			below = this;
			least = i;
		}
	}
	barrier_var(least); /* or clang keeps pointers instead, of which the verifier loses one */
	return least;
}

/*
 * A byte of the key of each way, in one word kept apart from the entries: an entry that is read is a
 * cache line from far away, and one that is not the right one a wrong guess of the CPU. Returns the
 * highest bit of each byte that is this tag, and maybe of some above the lowest such (Mycroft).
 */
static __always_inline __u64 set_match_tags(__u64 tags, __u8 tag)
{
	__u64 differ = tags ^ tag * 0x0101010101010101ULL;

	return (differ - 0x0101010101010101ULL) & ~differ & 0x8080808080808080ULL;
}
