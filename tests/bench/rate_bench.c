/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's throughput as RFC 2544, section 26.1, has it: the highest rate of SYNs that is answered
 * with next to no loss, found by halving, and what becomes of clients at that rate.
 *
 * `rate_bench ROUNDS TRIAL_MS CLIENT_SECONDS [ROW]...` prints a line of JSON for each row of each
 * round. Medians and tables are left to tests/bench/run.
 *
 * That is a rate at which the median of many short windows loses no more than RATE_LOSS_MOST; see
 * rate_host.h for the host, its network, and what a trial is. What was lost in all is printed too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rate_host.h"
#include "synguard/cleanup.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/phase.h"
#include "tests/lab/run.h"

#define STEPS	       8 /* halvings: to 1/256 of what can be sent */
#define DAEMON_STOP_MS 3000

static const struct rate_row rows[] = {
	{ .name = "kernel cookies" },
	{ .name = "synguard", .synguard = true },
	{ .name = "reflector", .yardstick = true, .program = YARD_REFLECT },
	{ .name = "XDP_DROP", .yardstick = true, .program = YARD_DROP },
};

/*
 * The first trial has no bound, and gives it; it also is what arms the service. Where all that can be
 * sent is carried, *all is true. Where no rate is, as on a machine that has other things to do, *best
 * is zero.
 */
static int search(struct rate_host *h, struct rate_trial *best, bool *all)
{
	double low = 0, high, middle;
	struct rate_trial t;
	int i, err;

	err = rate_try(h, 0, &t) ?: rate_try(h, 0, &t);
	*best = t;
	*all = !err && rate_is_carried(&t);
	if (err || *all)
		return err;
	high = t.per_sec;
	*best = (struct rate_trial){ 0 };
	for (i = 0; i < STEPS; i++) {
		middle = (low + high) / 2;
		err = rate_try(h, middle, &t);
		if (err)
			return err;
		if (rate_is_carried(&t)) {
			low = middle;
			*best = t;
		} else {
			high = middle;
		}
	}
	return 0;
}

/* Clients at the rate that is carried without any. */
static int visit(struct rate_host *h, const struct rate_trial *best, unsigned int ms,
		 struct clients_result *ret)
{
	_cleanup_(flood_freep) struct flood *flood = NULL;
	int err;

	if (h->row->yardstick || !ms || best->per_sec < 1)
		return 0;
	err = rate_flood(h, &flood, best->per_sec, 2 * RATE_CLIENT_LAST_MS + ms);
	if (!err)
		err = rate_clients(h, ms, ret);
	return err ?: rate_complain(h, flood_stop(flood), "the flood failed");
}

static void print(const struct rate_host *h, const struct rate_trial *best, bool all,
		  const struct clients_result *c)
{
	printf("{\"table\": \"rate\", \"row\": \"%s\", \"per_sec\": %.0f, \"loss\": %.6f, "
	       "\"loss_of_all\": %.6f, \"trials\": %u, \"all_that_was_sent\": %s",
	       h->row->name, best->per_sec, best->loss, best->loss_of_all, h->trials,
	       all ? "true" : "false");
	if (c->attempted)
		printf(", \"attempted\": %u, \"connected_3s\": %u, \"connected_1s\": %u",
		       c->attempted, c->connected, c->connected_1s);
	if (c->times)
		printf(", \"p50_ms\": %.4f, \"p99_ms\": %.4f", clients_percentile_ns(c, 50) / 1e6,
		       clients_percentile_ns(c, 99) / 1e6);
	printf("}\n");
	fflush(stdout);
}

static int run(struct rate_host *h, unsigned int client_ms)
{
	struct clients_result seen = { 0 };
	struct rate_trial best;
	bool all = false;
	int err = rate_host_build(h);

	if (!err)
		err = search(h, &best, &all);
	if (!err)
		err = visit(h, &best, client_ms, &seen);
	if (!err && h->daemon)
		err = rate_complain(h, lab_daemon_stop(h->daemon, DAEMON_STOP_MS, NULL),
				    "synguardd did not end by itself");
	if (!err)
		print(h, &best, all, &seen);
	clients_result_done(&seen);
	rate_host_clear(h);
	return err;
}

/* argv[4] and on are the rows that are wanted; none: all. */
static bool wanted(const struct rate_row *r, char **argv)
{
	char **name = &argv[4];

	if (!*name)
		return true;
	for (; *name; name++)
		if (!strcmp(*name, r->name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc >= 4 ? atoi(argv[1]) : 0, round;
	struct phase_settings cpus = { 0 };
	size_t i;

	lab_quiet_libbpf();
	lab_cpus(&cpus.client_cpu, &cpus.flood_cpu);
	if (!rounds || atoi(argv[2]) < RATE_WINDOW_MS) {
		fprintf(stderr, "Usage: rate_bench ROUNDS TRIAL_MS CLIENT_SECONDS [ROW]...\n");
		return 2;
	}
	if (cpus.flood_cpu == cpus.client_cpu) {
		fprintf(stderr, "rate_bench: needs two CPUs, one for the network\n");
		return 1;
	}
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			struct rate_host h = {
				.row = &rows[i],
				.trial_ms = atoi(argv[2]),
				.network_cpu = cpus.flood_cpu,
				.host_cpu = cpus.client_cpu,
			};

			if (wanted(&rows[i], argv) && run(&h, 1000 * atoi(argv[3])))
				return 1;
		}
	}
	return 0;
}
