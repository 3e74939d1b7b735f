/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's mitigation: what its steps do for a listener that is flooded, without SYN cookies and
 * with them. `mitigation_bench ROUNDS SECONDS [ROW]...` prints a line of JSON for each row that it has
 * run; a ROW is the beginning of a row's name. Medians and tables are left to tests/bench/run.
 *
 * Three listeners of a backlog of 128 share a host. The first one is flooded from its start to its
 * end, and clients connect to it. When the daemon has had time to arm, two bursts of SYNs that
 * nobody answers go to the others: a few to the quiet one, whose queue stays below half, and more
 * to the full one than its queue takes. How long those live is how long a half-open connection
 * lives; a first row has them on a host that is not flooded.
 *
 *	connected_3s, p99_ms	of the clients
 *	usable_ms	from the flood's start until the flooded queue is at most half full, and
 *			stays so for as long as it lasts: -1 where it never does
 *	recovered_ms	from the flood's end until it is
 *	quiet_life_ms	until the quiet queue is empty
 *	full_life_ms	until the full one is half full, where the kernel stops to prune it
 *	restored_ms	from the flood's end until every value of the host is as before, but
 *			tcp_syncookies, which the engine keeps; -1: longer than was waited for
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "now.h"
#include "synguard/cleanup.h"

#include "daemon/net/sockdiag.h"
#include "tests/lab/clients.h"
#include "tests/lab/flood.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/run.h"
#include "tests/lab/server.h"
#include "values.h"

#define BACKLOG		128
#define QUIET_BURST	20
#define CLIENTS_PER_SEC 50
#define CLIENT_SECONDS	3 /* that a client has */
#define LOOK_MS		50
#define BURST_AT_MS	4000 /* the daemon has armed by then, in its third look */
#define LIFE_MAX_MS	9000
#define UNDISTURBED_MS	70000
#define RESTORE_MAX_MS	60000
#define HALF		(BACKLOG / 2)

enum { FLOODED, QUIET, FULL, LISTENERS };

#define PORT(listener) (8080 + (listener))

#define DETECT "[Detector]\nAttackRate=500\nEbbRate=50\nHoldSec=1s\n"
#define STEPS(cookies, retries, rest)                                                              \
	"[Mitigation]\nSyncookies=" cookies "\nSynackRetries=" retries "\n" rest
#define ALL_STEPS "Lease=yes\nReap=yes\nSomaxconn=4096\nSynBacklog=4096\n"

/* clang-format off */
static const struct {
	const char *name;
	const char *steps; /* NULL: no daemon */
} variants[] = {
	{ "nothing",               NULL },
	{ "synack_retries",        STEPS("no",  "1", "Lease=no\nReap=no\n") },
	{ "reap",                  STEPS("no",  "0", "Lease=no\nReap=yes\n") },
	{ "the mitigation, no cookies", STEPS("no",  "1", ALL_STEPS) },
	{ "the mitigation and cookies", STEPS("yes", "1", ALL_STEPS) },
};
/* clang-format on */

static const char *const engines[] = { "kernel", "reqsk" };
static const unsigned int rates[] = { 2000, 20000 };

struct bench {
	char row[96];
	const char *engine; /* NULL: no daemon */
	const char *steps;
	unsigned int rate;
	unsigned int seconds;
	struct lab *lab;
	struct sink *sink;
	struct server *servers[LISTENERS];
	struct lab_daemon *daemon;
	struct flood *flood, *bursts[LISTENERS];
	struct clients *clients;
	char *before; /* every value of the host */
};

struct seen {
	int64_t usable_ms, recovered_ms, quiet_life_ms, full_life_ms, restored_ms;
	struct clients_result clients;
};

/* Ends the program; what runs in namespaces ends with it. */
static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "mitigation_bench: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- looking ------------------------------------------------------------------------------- */

/* How many half-open connections the listeners have. */
struct queues {
	unsigned int length[LISTENERS];
};

static void queues_count(void *userdata, const struct sockdiag_socket *s)
{
	struct queues *q = userdata;
	int listener = ntohs(s->port) - PORT(0);

	if (listener >= 0 && listener < LISTENERS)
		q->length[listener]++;
}

/* In the server's host. */
static int queues_walk(void *arg)
{
	bool partial;

	return sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, queues_count, arg, &partial);
}

static struct queues look(struct bench *b)
{
	struct queues q = { { 0 } };

	must(lab_call(b->lab, LAB_SERVER, queues_walk, &q), "the queues");
	return q;
}

/* tcp_syncookies is the engine's for as long as the daemon runs */
static char *values(struct bench *b)
{
	char *text = values_of(b->lab, LAB_SERVER, "tcp_syncookies");

	must(text ? 0 : -EIO, "the values");
	return text;
}

static bool values_are_as_before(struct bench *b)
{
	_cleanup_free_ char *now = values(b);

	return !strcmp(now, b->before);
}

/* ---- a host -------------------------------------------------------------------------------- */

static void build(struct bench *b)
{
	int i;

	must(lab_new(&b->lab), "the lab (needs root)");
	must(sink_new(&b->sink, b->lab, LAB_CLIENT, LAB_IFNAME), "the sink");
	must(lab_sysctl_set(b->lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "tcp_syncookies");
	must(lab_sysctl_set(b->lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "5"), "retries");
	must(lab_sysctl_set(b->lab, LAB_SERVER, "net.ipv4.tcp_max_syn_backlog", "1024"), "backlog");
	for (i = 0; i < LISTENERS; i++)
		must(server_new(&b->servers[i], b->lab, LAB_SERVER,
				&(struct server_options){ .port = PORT(i), .backlog = BACKLOG }),
		     "a server");
	b->before = values(b);
}

static void start_daemon(struct bench *b)
{
	char config[1024], tail[2048] = "";
	struct lab_daemon_options o = { .mode = "auto", .config = config };
	struct clients_result proof;
	int r;

	snprintf(config, sizeof(config), DETECT "%s[Daemon]\nEngine=%s\n", b->steps,
		 strcmp(b->engine, "kernel") ? "auto" : "kernel");
	r = lab_daemon_start(&b->daemon, b->lab, LAB_SERVER, &o, tail, sizeof(tail));
	if (r < 0)
		fprintf(stderr, "%s\n", tail);
	must(r, "synguardd");
	/* a handshake of each family: the service is proven */
	must(clients_run(b->lab, LAB_CLIENT,
			 &(struct clients_options){
				 .port = PORT(FLOODED), .rate_per_sec = 20, .duration_ms = 200 },
			 &proof),
	     "the first clients");
	clients_result_done(&proof);
	usleep(1500000);
}

static struct flood *flood_of(struct bench *b, struct flood_options o)
{
	struct flood *flood;

	must(flood_new(&flood, b->lab, LAB_CLIENT, LAB_IFNAME, &o), "a flood");
	must(flood_start(flood), "its start");
	return flood;
}

static void clear(struct bench *b)
{
	int i;

	flood_free(b->flood);
	for (i = 0; i < LISTENERS; i++)
		flood_free(b->bursts[i]);
	clients_free(b->clients);
	lab_daemon_free(b->daemon);
	for (i = 0; i < LISTENERS; i++)
		server_free(b->servers[i]);
	sink_free(b->sink);
	lab_free(b->lab);
	free(b->before);
}

/* ---- a row --------------------------------------------------------------------------------- */

static void begin_bursts(struct bench *b)
{
	b->bursts[QUIET] = flood_of(b, (struct flood_options){ .port = PORT(QUIET),
							       .count = QUIET_BURST,
							       .duration_ms = 1000 });
	b->bursts[FULL] = flood_of(b, (struct flood_options){ .port = PORT(FULL),
							      .count = 4 * BACKLOG,
							      .duration_ms = 1000 });
}

/* Keeps the first moment of being below half that was the last change. */
static void note_usable(struct seen *seen, const struct queues *q, int64_t ms)
{
	if (q->length[FLOODED] > HALF)
		seen->usable_ms = -1;
	else if (seen->usable_ms < 0)
		seen->usable_ms = ms;
}

static void note_lives(struct seen *seen, const struct queues *q, int64_t ms)
{
	if (ms < 500) /* they are being filled */
		return;
	if (!q->length[QUIET] && seen->quiet_life_ms < 0)
		seen->quiet_life_ms = ms;
	if (q->length[FULL] <= HALF && seen->full_life_ms < 0)
		seen->full_life_ms = ms;
}

static bool all_seen(const struct bench *b, const struct seen *seen)
{
	return seen->recovered_ms >= 0 && seen->quiet_life_ms >= 0 && seen->full_life_ms >= 0 &&
	       (!b->daemon || seen->restored_ms >= 0);
}

static void watch_end(struct bench *b, struct seen *seen, int64_t burst)
{
	int64_t began = now_ms(), limit = began + LIFE_MAX_MS;
	struct queues q;

	while (!all_seen(b, seen) && now_ms() < limit) {
		q = look(b);
		note_lives(seen, &q, now_ms() - burst);
		if (seen->recovered_ms < 0 && q.length[FLOODED] <= HALF)
			seen->recovered_ms = now_ms() - began;
		if (b->daemon && seen->restored_ms < 0 && values_are_as_before(b))
			seen->restored_ms = now_ms() - began;
		usleep(LOOK_MS * 1000);
	}
	/* the values are waited for the longest */
	for (limit = began + RESTORE_MAX_MS; b->daemon && seen->restored_ms < 0 && now_ms() < limit;
	     usleep(LOOK_MS * 1000))
		if (values_are_as_before(b))
			seen->restored_ms = now_ms() - began;
}

static void watch_flood(struct bench *b, struct seen *seen)
{
	int64_t began = now_ms(), burst = 0, now;
	struct queues q;

	while ((now = now_ms()) < began + b->seconds * 1000LL) {
		q = look(b);
		/* the queue is not full before it is flooded */
		if (now > began + 1000)
			note_usable(seen, &q, now - began);
		if (burst)
			note_lives(seen, &q, now - burst);
		if (!burst && now >= began + BURST_AT_MS) {
			begin_bursts(b);
			burst = now_ms();
		}
		usleep(LOOK_MS * 1000);
	}
	must(flood_stop(b->flood), "the flood's end");
	watch_end(b, seen, burst);
}

static void print(const struct bench *b, const struct seen *seen)
{
	const struct clients_result *c = &seen->clients;

	printf("{\"table\": \"mitigation\", \"row\": \"%s\", \"attempted\": %u, \"connected_3s\": "
	       "%u, "
	       "\"connected_1s\": %u, \"usable_ms\": %lld, \"recovered_ms\": %lld, "
	       "\"quiet_life_ms\": %lld, \"full_life_ms\": %lld, \"restored_ms\": %lld",
	       b->row, c->attempted, c->connected, c->connected_1s, (long long)seen->usable_ms,
	       (long long)seen->recovered_ms, (long long)seen->quiet_life_ms,
	       (long long)seen->full_life_ms, (long long)seen->restored_ms);
	if (c->times)
		printf(", \"p99_ms\": %.3f", clients_percentile_ns(c, 99) / 1e6);
	printf("}\n");
	fflush(stdout);
}

static void run(struct bench *b)
{
	struct seen seen = { -1, -1, -1, -1, -1, {} };
	const struct clients_options clients = {
		.port = PORT(FLOODED),
		.rate_per_sec = CLIENTS_PER_SEC,
		.duration_ms = (b->seconds - CLIENT_SECONDS) * 1000,
	};

	build(b);
	if (b->engine)
		start_daemon(b);
	b->flood = flood_of(b, (struct flood_options){ .port = PORT(FLOODED),
						       .rate_per_sec = b->rate,
						       .duration_ms = b->seconds * 1000 + 1000 });
	must(clients_start(&b->clients, b->lab, LAB_CLIENT, &clients), "the clients");
	watch_flood(b, &seen);
	must(clients_wait(b->clients, &seen.clients), "the clients");
	print(b, &seen);
	clients_result_done(&seen.clients);
	clear(b);
}

/* Without a flood and without a daemon: how long a half-open connection lives. */
static bool run_undisturbed(struct bench *b)
{
	struct seen seen = { -1, -1, -1, -1, -1, {} };
	int64_t began = now_ms();
	struct queues q;

	build(b);
	begin_bursts(b);
	while ((seen.quiet_life_ms < 0 || seen.full_life_ms < 0) &&
	       now_ms() < began + UNDISTURBED_MS) {
		q = look(b);
		note_lives(&seen, &q, now_ms() - began);
		usleep(LOOK_MS * 1000);
	}
	print(b, &seen);
	clear(b);
	return true;
}

/* argv[3] and on are the rows that are wanted; none: all. */
static bool wanted(const char *row, char **argv)
{
	char **word = &argv[3];

	if (!*word)
		return true;
	for (; *word; word++)
		if (!strncmp(*word, row, strlen(*word)))
			return true;
	return false;
}

static bool run_row(const char *engine, unsigned int rate, size_t variant, unsigned int seconds,
		    char **argv)
{
	struct bench b = {
		.engine = variants[variant].steps ? engine : NULL,
		.steps = variants[variant].steps,
		.rate = rate,
		.seconds = seconds,
	};

	snprintf(b.row, sizeof(b.row), "%u SYN/s, %s%s%s", rate, b.engine ?: "",
		 b.engine ? ": " : "", variants[variant].name);
	if (!wanted(b.row, argv))
		return false;
	run(&b);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc >= 3 ? atoi(argv[1]) : 0, ran = 0;
	unsigned int seconds = argc >= 3 ? atoi(argv[2]) : 0;
	size_t rate, engine, v;

	lab_quiet_libbpf();
	while (seconds > CLIENT_SECONDS && rounds--) {
		struct bench undisturbed = { .row = "no flood" };

		if (wanted(undisturbed.row, argv))
			ran += run_undisturbed(&undisturbed);
		for (rate = 0; rate < ARRAY_SIZE(rates); rate++)
			for (engine = 0; engine < ARRAY_SIZE(engines); engine++)
				/* without a daemon there is no engine: once */
				for (v = engine ? 1 : 0; v < ARRAY_SIZE(variants); v++)
					ran += run_row(engines[engine], rates[rate], v, seconds,
						       argv);
	}
	if (!ran)
		fprintf(stderr, "Usage: mitigation_bench ROUNDS SECONDS [ROW]...\n");
	return ran ? 0 : 2;
}
