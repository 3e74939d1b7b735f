/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/cardinality.h"

#include <assert.h>

static_assert(SG_CARDINALITY_RANK_MAX < 64, "a histogram of ranks");

void cardinality_add(struct cardinality *c, const struct sg_cardinality *seen, uint32_t window)
{
	size_t i;

	if (window - seen->window > 1)
		return;
	c->syns += seen->syns;
	c->completed += seen->completed;
	if (seen->window == window) {
		c->syns_now += seen->syns;
		c->completed_now += seen->completed;
	}
	for (i = 0; i < SG_CARDINALITY_REGISTERS; i++)
		if (seen->registers[i] > c->registers[i])
			c->registers[i] = seen->registers[i];
}

/* sigma(x) of the paper below: x + the sum of x^(2^k) * 2^(k-1). x < 1. */
static double cardinality_sigma(double x)
{
	double sum = x, before, weight = 1;

	do {
		x *= x;
		before = sum;
		sum += x * weight;
		weight *= 2;
	} while (sum != before);
	return sum;
}

/*
 * O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6:
 * without the jump of the original one where it goes over to counting empty registers. The term of
 * registers at their highest rank, which no flood reaches in practice, is left out.
 */
uint64_t cardinality_distinct(const struct cardinality *c)
{
	const double m = SG_CARDINALITY_REGISTERS,
		     alpha = 0.72134752044448170368; /* 1 / (2 ln 2) */
	uint32_t of_rank[64] = { 0 };
	double sum = 0;
	int i;

	for (i = 0; i < SG_CARDINALITY_REGISTERS; i++)
		of_rank[c->registers[i] & 63]++;
	if (of_rank[0] == SG_CARDINALITY_REGISTERS)
		return 0;
	for (i = SG_CARDINALITY_RANK_MAX; i > 0; i--)
		sum = (sum + of_rank[i]) / 2;
	sum += m * cardinality_sigma(of_rank[0] / m);
	/* never negative */
	return alpha * m * m / sum + 0.5; /* NOLINT(bugprone-incorrect-roundings) */
}

double cardinality_randomness(uint64_t distinct, uint64_t syns)
{
	if (!syns)
		return 0;
	return distinct < syns ? (double)distinct / syns : 1;
}
