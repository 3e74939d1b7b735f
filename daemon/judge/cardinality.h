/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many different sources sent SYNs: an estimate from the programs' sketches of each CPU and window
 * (synguard/heavy_hitters_abi.h). Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "synguard/heavy_hitters_abi.h"

struct cardinality {
	uint8_t registers[SG_CARDINALITY_REGISTERS];
	uint64_t syns, completed;
	uint64_t syns_now, completed_now; /* of these: in this window */
	uint64_t since_ns; /* CLOCK_MONOTONIC, when the last window began; the caller's */
};

/* Adds a CPU's sketch of a window; only this window and the last one count. */
void cardinality_add(struct cardinality *c, const struct sg_cardinality *seen, uint32_t window);

/* Different sources, within some 2 % (the standard error is 1.6 %). */
uint64_t cardinality_distinct(const struct cardinality *c);

/* SYNs of a source that had not sent one before, of all SYNs: 0 to 1, and 0 without a SYN. */
double cardinality_randomness(uint64_t distinct, uint64_t syns);
