/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts half-open connections by address and port. An attacker may choose the keys, so the hash
 * table is salted; it grows with the number of different keys. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "synguard/abi.h"

struct groups_row {
	struct sg_addr addr;
	__be16 port;
	uint64_t count; /* 0: the row is free */
	uint64_t oldest_ms;
};

struct groups {
	struct groups_row *rows;
	size_t size, used; /* size is a power of two, or 0 */
	uint64_t salt[2];
};

/* The salt is any random number. */
void groups_init(struct groups *g, uint64_t salt_a, uint64_t salt_b);
void groups_done(struct groups *g);

/* -ENOMEM */
int groups_add(struct groups *g, const struct sg_addr *addr, __be16 port, uint64_t age_ms);

/* Moves the rows with a count to the front, the highest count first, and returns how many there are.
 * Nothing can be added after it. */
size_t groups_sort(struct groups *g);
