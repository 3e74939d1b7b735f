/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's floods: phases of the demo (tests/lab/phase.h) beside yardsticks (yard.h), over and
 * over. `flood_bench KIND ROUNDS SECONDS [ROW]...` prints a line of JSON for each phase that it has run;
 * medians and tables are left to tests/bench/run.
 *
 *	saturating	as fast as a CPU sends, with clients where somebody answers them
 *	paced		500 000 SYN/s with clients, and calm
 *	memory		what the maps hold before and after floods of 1 to 10^7 sources
 *	cpus		one and two CPUs that flood, each its own queue
 *	daemon		CPU time and memory of the daemon, idle and flooded
 */
#include <errno.h>
#include <linux/if_link.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "tests/lab/phase.h"
#include "tests/lab/run.h"
#include "toll.h"
#include "yard.h"

#define SYNS_PER_SEC 500000
#define IDLE_USEC    2000000

struct bench {
	const char *table;
	const char *row;
	struct phase phase;
	bool yardstick;
	enum yard_program program;
	bool idle_first; /* watch the daemon before the flood */
	uint32_t sources;
	unsigned int stretch; /* so many times as long; 0 is 1 */
	unsigned int ipv6_share;
	unsigned int cpus; /* that flood, of a link with two queues; 0: one, and one queue */
};

/* What was seen while a phase ran. */
struct notes {
	const struct bench *bench;
	struct yard *yard;
	uint64_t dropped;
	uint64_t received[2];		     /* frames, before and after */
	uint64_t map_bytes[2];		     /* before, after */
	uint64_t cpu_ns[3], rss[3], anon[3]; /* before and after the idle time, flooded */
};

#define SATURATED .title = "", .key = "", .syncookies = "1", .flood = true, .saturated = true

#define IPV6_SHARE 32 /* of 256: one in eight, as in the demo */

/* clang-format off */
static const struct bench benches[] = {
	{ "saturating", "kernel cookies", { SATURATED }, .ipv6_share = IPV6_SHARE },
	{ "saturating", "synguard", { SATURATED, .synguard = true }, .ipv6_share = IPV6_SHARE },
	{ "saturating", "reflector", { SATURATED, .no_clients = true }, .ipv6_share = IPV6_SHARE,
	  .yardstick = true, .program = YARD_REFLECT },
	{ "saturating", "XDP_DROP", { SATURATED, .no_clients = true }, .ipv6_share = IPV6_SHARE,
	  .yardstick = true, .program = YARD_DROP },
	/* the flood has a queue of its own, where it meets no client */
	{ "saturating", "kernel cookies, two queues", { SATURATED }, .ipv6_share = IPV6_SHARE,
	  .cpus = 1 },
	{ "saturating", "synguard, two queues", { SATURATED, .synguard = true },
	  .ipv6_share = IPV6_SHARE, .cpus = 1 },
	/* the same on a host with NAT, where synguard has engine listener */
	{ "nat", "kernel cookies", { SATURATED, .nat = true }, .ipv6_share = IPV6_SHARE, .cpus = 1 },
	{ "nat", "synguard", { SATURATED, .synguard = true, .nat = true },
	  .ipv6_share = IPV6_SHARE, .cpus = 1 },
	{ "paced", "calm", { .syncookies = "1" }, .ipv6_share = IPV6_SHARE },
	{ "paced", "synguard", { .syncookies = "1", .flood = true, .synguard = true },
	  .ipv6_share = IPV6_SHARE },
	{ "memory", "1", { SATURATED, .synguard = true, .no_clients = true }, .sources = 1 },
	{ "memory", "10^3", { SATURATED, .synguard = true, .no_clients = true }, .sources = 1 << 10 },
	{ "memory", "10^5", { SATURATED, .synguard = true, .no_clients = true }, .sources = 1 << 17 },
	/* of IPv4 sources there are not enough; of these none comes twice */
	{ "memory", "10^7", { SATURATED, .synguard = true, .no_clients = true }, .ipv6_share = 256,
	  .stretch = 4 },
	{ "cpus", "one", { SATURATED, .synguard = true, .no_clients = true },
	  .ipv6_share = IPV6_SHARE, .cpus = 1 },
	{ "cpus", "two", { SATURATED, .synguard = true, .no_clients = true },
	  .ipv6_share = IPV6_SHARE, .cpus = 2 },
	{ "daemon", "synguard", { SATURATED, .synguard = true }, .ipv6_share = IPV6_SHARE,
	  .idle_first = true },
};
/* clang-format on */

static int toll(const struct phase_view *view, struct notes *n, int i)
{
	return toll_cpu_ns(view->daemon, &n->cpu_ns[i]) ?:
		       toll_rss_bytes(view->daemon, &n->rss[i], &n->anon[i]);
}

/* What came through the ring of the listener's interface, whatever became of it. */
static int received(const struct phase_view *view, uint64_t *ret)
{
	struct rtnl_link_stats64 stats;
	int err = lab_link_stats(view->lab, LAB_SERVER, LAB_IFNAME, &stats);

	if (!err)
		*ret = stats.rx_packets;
	return err;
}

static int look_before(const struct phase_view *view, struct notes *n)
{
	int err = received(view, &n->received[0]);

	if (err || !view->daemon)
		return err;
	err = toll_map_bytes(view->daemon, &n->map_bytes[0]) ?: toll(view, n, 0);
	if (!err && n->bench->idle_first) {
		usleep(IDLE_USEC);
		err = toll(view, n, 1);
	}
	return err;
}

static int look_after(const struct phase_view *view, struct notes *n)
{
	int err = received(view, &n->received[1]);

	if (n->yard)
		n->dropped = yard_dropped(n->yard);
	if (err || !view->daemon)
		return err;
	return toll(view, n, 2);
}

static int observe(enum phase_moment moment, const struct phase_view *view, void *arg)
{
	struct notes *n = arg;

	switch (moment) {
	case PHASE_BUILT:
		if (!n->bench->yardstick)
			return 0;
		return yard_new(&n->yard, view->lab, LAB_SERVER, n->bench->program);
	case PHASE_READY:
		return look_before(view, n);
	case PHASE_MEASURED:
		return look_after(view, n);
	case PHASE_FLOODED:
		return view->daemon ? toll_map_bytes(view->daemon, &n->map_bytes[1]) : 0;
	}
	return 0;
}

static double per_sec(uint64_t count, const struct phase_result *r)
{
	return r->seconds ? count / r->seconds : 0;
}

/* How many of the sources that a flood picks from at random have sent something; without a bound
 * each SYN has one of its own (of IPv6: nearly). */
static double distinct(const struct bench *b, const struct phase_result *r)
{
	if (!b->sources)
		return r->sent;
	return b->sources * (1 - exp(-(double)r->sent / b->sources));
}

static double ms(const struct clients_result *c, unsigned int percent)
{
	return clients_percentile_ns(c, percent) / 1e6;
}

static void print_clients(const struct clients_result *c)
{
	if (!c->attempted)
		return;
	printf(", \"attempted\": %u, \"connected_3s\": %u, \"connected_1s\": %u", c->attempted,
	       c->connected, c->connected_1s);
	if (c->times)
		printf(", \"p50_ms\": %.4f, \"p99_ms\": %.4f", ms(c, 50), ms(c, 99));
}

static void print(const struct bench *b, const struct notes *n, const struct phase_result *r)
{
	uint64_t absorbed = n->dropped ?: r->absorbed;

	printf("{\"table\": \"%s\", \"row\": \"%s\"", b->table, b->row);
	if (b->phase.flood)
		printf(", \"sent_per_sec\": %.0f, \"received_per_sec\": %.0f, "
		       "\"absorbed_per_sec\": %.0f",
		       per_sec(r->sent, r), per_sec(n->received[1] - n->received[0], r),
		       per_sec(absorbed, r));
	print_clients(&r->clients);
	if (!strcmp(b->table, "memory"))
		printf(", \"sources\": %.0f", distinct(b, r));
	if (n->map_bytes[0])
		printf(", \"map_bytes_before\": %llu, \"map_bytes_after\": %llu",
		       (unsigned long long)n->map_bytes[0], (unsigned long long)n->map_bytes[1]);
	if (b->idle_first)
		printf(", \"idle_cpu_share\": %.5f, \"flood_cpu_share\": %.5f, "
		       "\"idle_rss_bytes\": %llu, \"flood_rss_bytes\": %llu, "
		       "\"flood_anon_bytes\": %llu",
		       (n->cpu_ns[1] - n->cpu_ns[0]) / (IDLE_USEC * 1e3),
		       (n->cpu_ns[2] - n->cpu_ns[1]) / (r->seconds * 1e9),
		       (unsigned long long)n->rss[1], (unsigned long long)n->rss[2],
		       (unsigned long long)n->anon[2]);
	printf("}\n");
	fflush(stdout);
}

static int run(const struct bench *b, unsigned int seconds)
{
	struct notes notes = { .bench = b };
	struct phase_settings s = {
		.seconds = seconds * (b->stretch ?: 1),
		.syns_per_sec = SYNS_PER_SEC,
		.clients_per_sec = 200,
		.ipv6_share = b->ipv6_share,
		.sources = b->sources,
		.generators = b->cpus,
		.queues = b->cpus ? 2 : 0,
		.backlog = 128,
		.cancel_fd = -1, /* poll() takes no notice of it */
		.observe = observe,
		.observer_arg = &notes,
	};
	struct phase_result r = { 0 };
	char complaint[1024];
	int err;

	lab_cpus(&s.client_cpu, &s.flood_cpu);
	err = phase_run(&b->phase, &s, &r, complaint, sizeof(complaint));
	yard_free(notes.yard);
	if (err) {
		fprintf(stderr, "flood_bench: %s, %s: %s\n", b->table, b->row, complaint);
		return err;
	}
	print(b, &notes, &r);
	clients_result_done(&r.clients);
	return 0;
}

/* argv[4] and on are the rows that are wanted; none: all. */
static bool wanted(const struct bench *b, char **argv)
{
	char **row = &argv[4];

	if (strcmp(b->table, argv[1]))
		return false;
	if (!*row)
		return true;
	for (; *row; row++)
		if (!strcmp(*row, b->row))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc >= 4 ? atoi(argv[2]) : 0;
	unsigned int seconds = argc >= 4 ? atoi(argv[3]) : 0;
	unsigned int round, ran = 0;
	size_t i;

	lab_quiet_libbpf();
	for (round = 0; round < rounds; round++) {
		for (i = 0; seconds && i < ARRAY_SIZE(benches); i++) {
			if (!wanted(&benches[i], argv))
				continue;
			ran++;
			if (run(&benches[i], seconds))
				return 1;
		}
	}
	if (!ran)
		fprintf(stderr, "Usage: flood_bench saturating|paced|memory|cpus|daemon ROUNDS "
				"SECONDS [ROW]...\n");
	return ran ? 0 : 2;
}
