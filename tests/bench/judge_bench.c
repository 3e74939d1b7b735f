/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What judging adds to a tick of the daemon: a line of JSON. By hand; tests/bench/run has the whole
 * daemon's share of a core.
 *
 *	services  so many are judged, as many as the table holds
 *	heavy hitters   those that send most are looked for in a table that is empty, and one that is full
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/judge/cardinality.h"
#include "daemon/judge/detect_service.h"
#include "noise.h"

#define ROUNDS 201

static const struct sg_hitter_set *sets;

int dataplane_cardinality(struct dataplane *dp, uint64_t now_ns, struct cardinality *ret)
{
	*ret = (struct cardinality){ .syns = 1000000, .syns_now = 500000 };
	return 0;
}

const struct sg_hitter_set *dataplane_heavy_hitters(struct dataplane *dp)
{
	return sets;
}

static double now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *of)
{
	qsort(of, ROUNDS, sizeof(*of), compare);
	return of[ROUNDS / 2];
}

static double services_usec(void)
{
	static struct detect_service services[SG_SERVICES_MAX];
	double took[ROUNDS];
	__u64 seed = 1;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		double before = now_usec();

		for (i = 0; i < SG_SERVICES_MAX; i++) {
			const struct detect_service_sample sample = {
				.now_ns = (round + 1) * 1000000000ULL,
				.elapsed_ns = 1000000000,
				.syns = noise_below(&seed, 2000),
				.handshakes = noise_below(&seed, 2000),
				.limit = 128,
				.called = i & 1,
			};

			detect_service_step(&services[i], &detect_defaults,
					    round & 64 ? DETECT_ATTACK : DETECT_CALM, &sample);
		}
		took[round] = now_usec() - before;
	}
	return median(took);
}

static double hitters_usec(const struct sg_hitter_set *of, uint64_t now_ns)
{
	struct hitters_flow flow = {};
	struct hitters_figures f;
	double took[ROUNDS];
	int round;

	sets = of;
	for (round = 0; round < ROUNDS; round++) {
		double before = now_usec();

		hitters_sample(NULL, now_ns, &flow, &f);
		took[round] = now_usec() - before;
	}
	return median(took);
}

int main(void)
{
	struct sg_hitter_set *table = calloc(SG_HITTER_KINDS * SG_HITTER_SETS, sizeof(*table));
	uint64_t now_ns = 1000ULL << SG_HITTER_SHIFT;
	double empty;
	__u64 seed = 1;
	int i, way;

	if (!table)
		return 1;
	empty = hitters_usec(table, now_ns);
	for (i = 0; i < SG_HITTER_KINDS * SG_HITTER_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++) {
			table[i].keys[way] = noise(&seed) | 4;
			table[i].of[way] = (struct sg_hitter){
				.last_ns = now_ns,
				.window = now_ns >> SG_HITTER_SHIFT,
				.syns = 5000,
				.recent = noise_below(&seed, 5000),
			};
		}
	printf("{\"services\": %d, \"services_usec\": %.1f, \"hitters_empty_usec\": %.1f, "
	       "\"hitters_full_usec\": %.1f}\n",
	       SG_SERVICES_MAX, services_usec(), empty, hitters_usec(table, now_ns));
	free(table);
	return 0;
}
