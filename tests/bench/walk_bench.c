/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's walks: a host with very many established connections and full SYN queues, and what
 * it costs to be told of the half-open ones. `walk_bench ROUNDS ESTABLISHED` prints lines of JSON;
 * medians and tables are left to tests/bench/run.
 *
 *	walks	synguard halfopen beside ss and netstat, from the start of the process to its end
 *	doors	sock_diag and iter/tcp: what one walk takes, and what an established connection
 *		notices while they go on without a break
 *	crowd	CPU time and memory of the daemon: alone, and with all of that
 *
 * The server's listeners share one host; of each the queue is full.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/net/sockdiag.h"
#include "holders.h"
#include "iter_walk.h"
#include "synguard/cleanup.h"
#include "tests/lab/flood.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/run.h"
#include "tests/lab/server.h"
#include "toll.h"

#define PORT	     8080
#define LISTENERS    4
#define BACKLOG	     4096
#define TALK_PORT    7
#define WATCH_USEC   4000000
#define TALK_NS	     2000000000ULL
#define TALKS_MAX    400000
#define RUN_LIMIT_MS 60000

struct bench {
	struct lab *lab;
	struct server *servers[LISTENERS];
	struct lab_daemon *daemon;
	struct holders holders;
	struct iter_walk *iter;
	unsigned int established;
	int half_open;
	int client, server; /* the ends of a connection that talks */
};

/* Ends the program; what runs in namespaces ends with it. */
static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "walk_bench: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- programs ------------------------------------------------------------------------------ */

/* netstat need not be installed */
static bool is_missing(int r, const char *const argv[])
{
	return r == -ENOENT && !strcmp(argv[0], "netstat");
}

static void run_program(struct bench *b, const char *row, const char *const argv[])
{
	_cleanup_close_ int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct lab_run_options o = { .stdout_fd = out };
	uint64_t start_ns = clock_now_ns();
	int status = 0, r;
	pid_t pid;

	r = lab_spawn(b->lab, LAB_SERVER, argv, &o, &pid);
	if (is_missing(r, argv))
		return;
	must(r, row);
	must(lab_wait(pid, RUN_LIMIT_MS, &status), row);
	if (status) {
		fprintf(stderr, "walk_bench: %s: wait status %#x\n", row, status);
		exit(1);
	}
	printf("{\"table\": \"walks\", \"row\": \"%s\", \"ms\": %.2f, \"established\": %u, "
	       "\"half_open\": %d}\n",
	       row, (clock_now_ns() - start_ns) / 1e6, b->established, b->half_open);
	fflush(stdout);
}

static void run_programs(struct bench *b, bool with_netstat)
{
	_cleanup_free_ char *synguard = NULL;
	const char *folder = lab_daemon_runtime_dir(b->daemon);

	must(lab_find_program("synguard", &synguard), "synguard");
	run_program(b, "ss -n state syn-recv",
		    (const char *const[]){ "ss", "-H", "-n", "-t", "state", "syn-recv", NULL });
	run_program(b, "synguard halfopen --json",
		    (const char *const[]){ synguard, "--runtime-dir", folder, "halfopen", "--json",
					   NULL });
	run_program(b, "synguard halfopen",
		    (const char *const[]){ synguard, "--runtime-dir", folder, "halfopen", NULL });
	run_program(b, "synguard halfopen --by none --json",
		    (const char *const[]){ synguard, "--runtime-dir", folder, "halfopen",
					   "--by=none", "--json", NULL });
	if (with_netstat)
		run_program(b, "netstat -n", (const char *const[]){ "netstat", "-n", "-t", NULL });
}

/* ---- doors --------------------------------------------------------------------------------- */

static void on_socket(void *userdata, const struct sockdiag_socket *s)
{
	++*(int *)userdata;
}

static void on_row(void *userdata, const struct iter_walk_row *row)
{
	++*(int *)userdata;
}

static int by_diag(struct bench *b)
{
	bool partial;
	int n = 0, r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, on_socket, &n, &partial);

	return r < 0 ? r : n;
}

static int by_iter(struct bench *b)
{
	int n = 0;

	return iter_walk(b->iter, on_row, &n);
}

/* NULL: nobody walks */
static const struct door {
	const char *row;
	int (*walk)(struct bench *b);
} doors[] = {
	{ "nobody walks", NULL },
	{ "sock_diag", by_diag },
	{ "iter/tcp", by_iter },
};

struct walker {
	struct bench *bench;
	const struct door *door;
	_Atomic bool end;
	unsigned int walks;
	int found;
	uint64_t cpu_ns;
};

static void *walker_run(void *arg)
{
	struct walker *w = arg;
	uint64_t before_ns;

	must(lab_enter(w->bench->lab, LAB_SERVER), "entering the host");
	before_ns = pace_cpu_ns();
	for (; !w->end; w->walks++) {
		w->found = w->door->walk(w->bench);
		must(w->found, w->door->row);
	}
	w->cpu_ns = pace_cpu_ns() - before_ns;
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* One byte there and back, over and over; how often. *took: each in nanoseconds. */
static size_t talk(struct bench *b, uint32_t took[TALKS_MAX])
{
	uint64_t start_ns = clock_now_ns(), before_ns;
	size_t n = 0;
	char byte = 0;

	while (n < TALKS_MAX && (before_ns = clock_now_ns()) - start_ns < TALK_NS) {
		if (write(b->client, &byte, 1) != 1 || read(b->server, &byte, 1) != 1 ||
		    write(b->server, &byte, 1) != 1 || read(b->client, &byte, 1) != 1)
			must(-EIO, "the connection");
		took[n++] = clock_now_ns() - before_ns;
	}
	qsort(took, n, sizeof(*took), compare);
	return n;
}

static void run_door(struct bench *b, const struct door *door)
{
	static uint32_t took[TALKS_MAX];
	struct walker w = { .bench = b, .door = door };
	pthread_t thread;
	size_t n;

	if (door->walk && pthread_create(&thread, NULL, walker_run, &w))
		must(-EAGAIN, "a thread");
	n = talk(b, took);
	w.end = true;
	if (door->walk)
		pthread_join(thread, NULL);
	printf("{\"table\": \"doors\", \"row\": \"%s\", \"talks\": %zu, \"p50_us\": %.1f, "
	       "\"p99_us\": %.1f, \"p999_us\": %.1f",
	       door->row, n, took[n / 2] / 1e3, took[n * 99 / 100] / 1e3,
	       took[n * 999 / 1000] / 1e3);
	if (w.walks)
		printf(", \"walks\": %u, \"cpu_ms_each\": %.2f, \"found\": %d", w.walks,
		       w.cpu_ns / 1e6 / w.walks, w.found);
	printf("}\n");
	fflush(stdout);
}

/* ---- the daemon ---------------------------------------------------------------------------- */

static void watch_daemon(struct bench *b, const char *row)
{
	uint64_t before_ns, after_ns, rss, anon;
	pid_t pid = lab_daemon_pid(b->daemon);

	must(toll_process_ns(pid, &before_ns), "the daemon's time");
	usleep(WATCH_USEC);
	must(toll_process_ns(pid, &after_ns), "the daemon's time");
	must(toll_rss_bytes(pid, &rss, &anon), "the daemon's memory");
	printf("{\"table\": \"crowd\", \"row\": \"%s\", \"cpu_share\": %.5f, \"rss_bytes\": %llu, "
	       "\"anon_bytes\": %llu, \"half_open\": %d}\n",
	       row, (after_ns - before_ns) / (WATCH_USEC * 1e3), (unsigned long long)rss,
	       (unsigned long long)anon, b->half_open);
	fflush(stdout);
}

/* ---- the host ------------------------------------------------------------------------------ */

static void raise_host(struct bench *b)
{
	struct server_options o = { .backlog = BACKLOG, .not_accepting = true };
	const struct lab_daemon_options daemon = { .mode = "observe" };
	char tail[1024] = "";
	int i, r;

	must(lab_new(&b->lab), "the lab (needs root)");
	must(lab_sysctl_set(b->lab, LAB_SERVER, "net.core.somaxconn", "4096"), "somaxconn");
	must(lab_sysctl_set(b->lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "8"), "retries");
	for (i = 0; i < LISTENERS; i++) {
		o.port = PORT + i;
		must(server_new(&b->servers[i], b->lab, LAB_SERVER, &o), "a listener");
	}
	r = lab_daemon_start(&b->daemon, b->lab, LAB_SERVER, &daemon, tail, sizeof(tail));
	if (r < 0)
		fputs(tail, stderr);
	must(r, "synguardd");
	must(iter_walk_new(&b->iter), "iter/tcp");
}

/* A connection from the client's host to the server's, both ends of it ours. */
static void connect_heavy_hitters(struct bench *b)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(TALK_PORT) };
	int listener = lab_socket(b->lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0), on = 1;

	inet_pton(AF_INET, LAB_SERVER_ADDR4, &to.sin_addr);
	b->client = lab_socket(b->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || b->client < 0 ||
	    bind(listener, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(listener, 1) < 0 ||
	    connect(b->client, (struct sockaddr *)&to, sizeof(to)) < 0)
		must(-errno, "a connection");
	b->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	must(b->server < 0 ? -errno : 0, "a connection");
	setsockopt(b->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(b->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(listener);
}

static void fill_queues(struct bench *b)
{
	const struct flood_options o = {
		.port = PORT, .ports = LISTENERS, .count = 8 * BACKLOG, .duration_ms = 5000
	};
	struct flood *flood;

	must(flood_new(&flood, b->lab, LAB_CLIENT, LAB_IFNAME, &o), "the flood");
	must(flood_start(flood), "the flood");
	must(flood_wait(flood), "the flood");
	flood_free(flood);
	b->half_open = lab_count_sockets(b->lab, LAB_SERVER, SOCKDIAG_SYN_RECV, 0);
	must(b->half_open, "counting");
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[1]) : 0, round;
	struct bench b = { .established = argc == 3 ? atoi(argv[2]) : 0 };
	size_t i;

	if (rounds <= 0 || !b.established) {
		fputs("Usage: walk_bench ROUNDS ESTABLISHED\n", stderr);
		return 2;
	}
	raise_host(&b);
	watch_daemon(&b, "idle");
	connect_heavy_hitters(&b);
	must(holders_start(&b.holders, b.lab, PORT, b.established), "the connections");
	for (round = 0; round < rounds; round++) {
		fill_queues(&b);
		watch_daemon(&b, "crowded");
		fill_queues(&b);
		run_programs(&b, !round);
		for (i = 0; i < ARRAY_SIZE(doors); i++) {
			fill_queues(&b);
			run_door(&b, &doors[i]);
		}
	}
	watch_daemon(&b, "afterwards");
	holders_end(&b.holders);
	iter_walk_free(b.iter);
	lab_daemon_free(b.daemon);
	for (i = 0; i < LISTENERS; i++)
		server_free(b.servers[i]);
	lab_free(b.lab);
	return 0;
}
