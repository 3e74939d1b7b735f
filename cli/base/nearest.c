/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

/* Nothing that we have a name for is longer. */
#define NEAREST_MAX_LENGTH 32

/* Two slips. */
#define NEAREST_MAX_DISTANCE 2

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment: the rows are prefixes of a, the columns prefixes of b. */
unsigned int nearest_distance(const char *a, const char *b)
{
	unsigned int d[NEAREST_MAX_LENGTH + 1][NEAREST_MAX_LENGTH + 1];
	size_t i, j, length_a = strlen(a), length_b = strlen(b);

	if (length_a > NEAREST_MAX_LENGTH || length_b > NEAREST_MAX_LENGTH)
		return UINT_MAX;
	for (i = 0; i <= length_a; i++)
		d[i][0] = i;
	for (j = 0; j <= length_b; j++)
		d[0][j] = j;
	for (i = 1; i <= length_a; i++) {
		for (j = 1; j <= length_b; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			d[i][j] =
				least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[length_a][length_b];
}

struct nearest nearest_to(const char *wanted)
{
	return (struct nearest){ .wanted = wanted, .distance = NEAREST_MAX_DISTANCE + 1 };
}

void nearest_offer(struct nearest *n, const char *name)
{
	unsigned int distance = nearest_distance(n->wanted, name);

	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->name = name;
}
