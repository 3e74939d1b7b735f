/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_FIRST_SIZE 64

void groups_init(struct groups *g, uint64_t salt_a, uint64_t salt_b)
{
	*g = (struct groups){ .salt = { salt_a | 1, salt_b | 1 } };
}

void groups_done(struct groups *g)
{
	free(g->rows);
	g->rows = NULL;
}

static uint64_t groups_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

/* The row of the key, or the free one where it would go. */
static struct groups_row *groups_place(const struct groups *g, const struct sg_addr *addr,
				       __be16 port)
{
	uint64_t hash = groups_mix((addr->halves[0] + port) * g->salt[0]);
	size_t i = groups_mix((hash ^ addr->halves[1]) * g->salt[1]) & (g->size - 1);

	while (g->rows[i].count &&
	       (g->rows[i].port != port || memcmp(&g->rows[i].addr, addr, sizeof(*addr))))
		i = (i + 1) & (g->size - 1);
	return &g->rows[i];
}

static int groups_grow(struct groups *g)
{
	struct groups bigger = *g;
	size_t i;

	bigger.size = g->size ? g->size * 2 : GROUPS_FIRST_SIZE;
	bigger.rows = calloc(bigger.size, sizeof(*bigger.rows));
	if (!bigger.rows)
		return -ENOMEM;
	for (i = 0; i < g->size; i++)
		if (g->rows[i].count)
			*groups_place(&bigger, &g->rows[i].addr, g->rows[i].port) = g->rows[i];
	free(g->rows);
	*g = bigger;
	return 0;
}

int groups_add(struct groups *g, const struct sg_addr *addr, __be16 port, uint64_t age_ms)
{
	struct groups_row *row;

	if (g->used >= g->size / 2 && groups_grow(g) < 0)
		return -ENOMEM;
	row = groups_place(g, addr, port);
	if (!row->count) {
		row->addr = *addr;
		row->port = port;
		g->used++;
	}
	row->count++;
	if (age_ms > row->oldest_ms)
		row->oldest_ms = age_ms;
	return 0;
}

static int groups_compare(const void *a, const void *b)
{
	const struct groups_row *x = a, *y = b;
	int r;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	r = memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return r ? r : memcmp(&x->port, &y->port, sizeof(x->port));
}

size_t groups_sort(struct groups *g)
{
	size_t i, kept = 0;

	for (i = 0; i < g->size; i++)
		if (g->rows[i].count)
			g->rows[kept++] = g->rows[i];
	if (kept)
		qsort(g->rows, kept, sizeof(*g->rows), groups_compare);
	return kept;
}
