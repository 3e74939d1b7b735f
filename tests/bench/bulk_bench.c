/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's bulk transfers: what a connection carries that was challenged, beside one that was
 * not: over the same road, where only the connection differs, and over one of its own whose service
 * is idle, where the programs have less to do; beside one over an interface with an idle XDP
 * program, or with none; and one that was made by a cookie of the kernel.
 *
 * `bulk_bench ROUNDS MILLISECONDS` prints a line of JSON for each round of each road. Rounds are
 * meant to be short and many: the roads take turns, each round begins with another one and goes the
 * other way round, so that a noisy machine is noisy to all alike. Both ends are sockets of this
 * process, in two hosts; the sender has the first CPU, the receiver the last.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "synguard/cleanup.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/run.h"
#include "yard.h"

#define BULK_PORT      8080
#define CHUNK_BYTES    (256 * 1024)
#define TIMEOUT_SEC    5
#define CLI_TIMEOUT_MS 5000

/* Of the client's host, and on the allow list: its SYNs pass, at a service that is defended. */
#define ALLOWED_ADDR4 "192.0.2.3"

struct road {
	const char *row;
	const char *mode; /* of a daemon; NULL: none */
	bool idle_program;
	bool kernel_cookies; /* for every SYN */
	bool allowed;	     /* the client is ALLOWED_ADDR4 */
	struct road *over;   /* whose lab and daemon these are; NULL: its own */
	bool challenged;
	struct lab *lab;
	struct yard *peer;
	struct yard *yard;
	struct lab_daemon *daemon;
	int listener;
	unsigned int connections; /* over this road */
};

enum {
	NO_PROGRAM,
	IDLE_PROGRAM,
	KERNEL_COOKIES,
	IDLE_SERVICE,
	CHALLENGED,
	DEFENDED_SERVICE,
	ROADS,
};

/* clang-format off */
static struct road roads[ROADS] = {
	[NO_PROGRAM] = { "no program", .listener = -1 },
	[IDLE_PROGRAM] = { "idle XDP program", .idle_program = true, .listener = -1 },
	[KERNEL_COOKIES] = { "kernel cookies, idle XDP program", .idle_program = true,
			     .kernel_cookies = true, .listener = -1 },
	[IDLE_SERVICE] = { "synguard, idle service", .mode = "auto", .listener = -1 },
	[CHALLENGED] = { "synguard, challenged", .mode = "always", .challenged = true,
			 .listener = -1 },
	[DEFENDED_SERVICE] = { "synguard, defended service, not challenged", .allowed = true,
			       .over = &roads[CHALLENGED], .listener = -1 },
};
/* clang-format on */

static int complain(const struct road *road, int err, const char *what)
{
	if (err)
		fprintf(stderr, "bulk_bench: %s: %s: %s\n", road->row, what, strerror(-err));
	return err;
}

static struct sockaddr_in address(const char *addr, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, addr, &sa.sin_addr);
	return sa;
}

static int listen_there(struct road *road)
{
	struct sockaddr_in sa = address(LAB_SERVER_ADDR4, BULK_PORT);

	road->listener = lab_socket(road->lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0);
	if (road->listener < 0)
		return road->listener;
	if (bind(road->listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(road->listener, 128) < 0)
		return -errno;
	return 0;
}

/* Both ends of a new connection: the client's, the server's. */
static int connect_over(struct road *road, int fds[2])
{
	const struct timeval limit = { .tv_sec = TIMEOUT_SEC };
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_in sa = address(LAB_SERVER_ADDR4, BULK_PORT);
	struct sockaddr_in from = address(road->allowed ? ALLOWED_ADDR4 : LAB_CLIENT_ADDR4, 0);
	_cleanup_close_ int client = -1;
	int server, i;

	client = lab_socket(road->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);
	if (client < 0)
		return client;
	if (bind(client, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	road->connections++;
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(road->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(client, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	server = accept4(road->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		return -errno;
	fds[0] = TAKE_FD(client);
	fds[1] = server;
	for (i = 0; i < 2; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	}
	return 0;
}

/* Runs a verb of the CLI at the road's daemon. Allocates *ret. */
static int ask(struct road *road, const char *const words[3], char **ret)
{
	_cleanup_free_ char *program = NULL;
	const char *argv[] = {
		NULL,	  "--runtime-dir", lab_daemon_runtime_dir(road->daemon),
		words[0], words[1],	   words[2],
		NULL,
	};
	int err = lab_find_program("synguard", &program);

	if (err)
		return complain(road, err, "cannot find synguard");
	argv[0] = program;
	err = lab_run(road->lab, LAB_SERVER, argv, CLI_TIMEOUT_MS, ret);
	return complain(road, err > 0 ? -EIO : err, "synguard fails");
}

static int daemon_begin(struct road *road)
{
	static const char *const allow[3] = { "allow", "add", ALLOWED_ADDR4 };
	_cleanup_free_ char *text = NULL;
	char tail[1024] = "";
	int err;

	err = lab_daemon_start(&road->daemon, road->lab, LAB_SERVER,
			       &(struct lab_daemon_options){
				       .mode = road->mode,
				       /* or a client that is known is let pass */
				       .config = "[Defence]\nClientAllowance=0\n",
			       },
			       tail, sizeof(tail));
	if (err) {
		fprintf(stderr, "%s", tail);
		return complain(road, err, "cannot start synguardd");
	}
	return ask(road, allow, &text);
}

/* A lab, a listener, and what is on the way between the two hosts. */
static int road_lay(struct road *road)
{
	int err;

	err = complain(road, lab_new(&road->lab), "cannot make network namespaces");
	if (!err)
		err = complain(road,
			       lab_addr_add(road->lab, LAB_CLIENT, LAB_IFNAME, ALLOWED_ADDR4 "/24"),
			       "cannot add an address");
	if (!err && road->kernel_cookies)
		err = complain(
			road, lab_sysctl_set(road->lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "2"),
			"cannot set tcp_syncookies");
	if (!err)
		err = complain(road, listen_there(road), "cannot listen");
	/* XDP_TX over a veth needs a program on the other end; so every road gets one there. */
	if (!err)
		err = complain(road, yard_new(&road->peer, road->lab, LAB_CLIENT, YARD_IDLE),
			       "cannot attach the client's program");
	if (!err && road->idle_program)
		err = complain(road, yard_new(&road->yard, road->lab, LAB_SERVER, YARD_IDLE),
			       "cannot attach the idle program");
	if (!err && road->mode)
		err = daemon_begin(road);
	return err;
}

static int road_build(struct road *road)
{
	int err = 0, fds[2];

	if (road->over) {
		road->lab = road->over->lab;
		road->daemon = road->over->daemon;
		road->listener = road->over->listener;
	} else {
		err = road_lay(road);
	}
	/* The first one shows the daemon whose service this is. */
	if (!err)
		err = complain(road, connect_over(road, fds), "cannot connect");
	if (!err) {
		close(fds[0]);
		close(fds[1]);
	}
	road->connections = 0;
	return err;
}

static void road_free(struct road *road)
{
	if (!road->over) {
		road->daemon = lab_daemon_free(road->daemon);
		road->yard = yard_free(road->yard);
		road->peer = yard_free(road->peer);
		if (road->listener >= 0)
			close(road->listener);
		road->lab = lab_free(road->lab);
	}
	road->listener = -1;
}

/* A counter of the daemon's, by the end of its line in the metrics. */
static int figure(struct road *road, const char *label, unsigned long *ret)
{
	static const char *const metrics[3] = { "metrics" };
	_cleanup_free_ char *text = NULL;
	int err = ask(road, metrics, &text);
	const char *found = err ? NULL : strstr(text, label);

	if (!found)
		return complain(road, err ?: -EIO, "cannot read the figures");
	*ret = strtoul(found + strlen(label), NULL, 10);
	return 0;
}

/*
 * The road is what its name says: as many SYNs have been challenged as connections were made over
 * it, and as many of the allowed client have passed. Both begin with the road's first connection.
 */
static int road_check(struct road *road)
{
	unsigned long found = 0, wanted = road->challenged || road->allowed ? road->connections : 0;
	int err;

	if (!road->daemon)
		return 0;
	err = figure(road, road->allowed ? "verdict=\"allowed\"} " : "verdict=\"challenged\"} ",
		     &found);
	if (err || found == wanted + (road->allowed ? 1 : 0))
		return err;
	fprintf(stderr, "bulk_bench: %s: %lu SYNs instead of %lu\n", road->row, found, wanted);
	return -EPROTO;
}

struct sender {
	int fd;
	int cpu;
	atomic_bool stop;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;
	char *chunk = calloc(1, CHUNK_BYTES);

	lab_pin(s->cpu);
	while (chunk && !s->stop)
		if (send(s->fd, chunk, CHUNK_BYTES, MSG_NOSIGNAL) < 0)
			break;
	free(chunk);
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

/* Bytes received in a second, or -errno. */
static double transfer(int from, int to, unsigned int ms)
{
	struct sender s = { .fd = from, .cpu = 0 };
	double start = clock_now_ns() / 1e9, end = start + ms / 1e3, bytes = 0, took;
	char *chunk = malloc(CHUNK_BYTES);
	pthread_t thread;
	ssize_t n = 0;
	int err;

	if (!chunk)
		return -ENOMEM;
	err = pthread_create(&thread, NULL, send_all, &s);
	if (err) {
		free(chunk);
		return -err;
	}
	while (clock_now_ns() / 1e9 < end) {
		n = recv(to, chunk, CHUNK_BYTES, 0);
		if (n <= 0)
			break;
		bytes += n;
	}
	took = clock_now_ns() / 1e9 - start;
	s.stop = true;
	/* what is on its way has to be read, or the sender waits for room */
	while (n > 0)
		n = recv(to, chunk, CHUNK_BYTES, 0);
	pthread_join(thread, NULL);
	free(chunk);
	return bytes / took;
}

/* One connection for each direction: the client sends, the server sends. */
static int road_measure(struct road *road, unsigned int ms)
{
	double per_sec[2];
	int fds[2], i, err;

	for (i = 0; i < 2; i++) {
		err = complain(road, connect_over(road, fds), "cannot connect");
		if (err)
			return err;
		per_sec[i] = transfer(fds[i], fds[!i], ms);
		close(fds[0]);
		close(fds[1]);
		if (per_sec[i] <= 0)
			return complain(road, -EIO, "nothing was carried");
	}
	printf("{\"table\": \"bulk\", \"row\": \"%s\", \"up_bytes_per_sec\": %.0f, "
	       "\"down_bytes_per_sec\": %.0f}\n",
	       road->row, per_sec[0], per_sec[1]);
	fflush(stdout);
	return 0;
}

/* Each round begins with another road, and every other one goes the other way round. */
static struct road *turn(unsigned int round, unsigned int i)
{
	return &roads[(round + (round % 2 ? ROADS - i : i)) % ROADS];
}

static int run(unsigned int rounds, unsigned int ms)
{
	unsigned int round, i;
	int err = 0;

	for (i = 0; !err && i < ROADS; i++)
		err = road_build(&roads[i]);
	for (round = 0; !err && round < rounds; round++)
		for (i = 0; !err && i < ROADS; i++)
			err = road_measure(turn(round, i), ms);
	for (i = 0; !err && i < ROADS; i++)
		err = road_check(&roads[i]);
	return err;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 3 ? atoi(argv[1]) : 0;
	unsigned int ms = argc == 3 ? atoi(argv[2]) : 0;
	int err, i;

	lab_quiet_libbpf();
	if (!rounds || !ms) {
		fprintf(stderr, "Usage: bulk_bench ROUNDS MILLISECONDS\n");
		return 2;
	}
	err = run(rounds, ms);
	for (i = 0; i < ROADS; i++)
		road_free(&roads[i]);
	return err ? 1 : 0;
}
