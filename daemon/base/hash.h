/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FNV-1a, 64 bits: against torn files and slips of an editor, not against malice. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325ULL

/* Goes on from the hash of the bytes before, HASH_START at first. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *p = bytes;

	while (count--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}
