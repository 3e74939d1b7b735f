/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench's bulk transfers: what a connection carries that was challenged, beside one that was
 * not, beside one over an interface with an idle XDP program or with none.
 *
 * `bulk_bench ROUNDS MILLISECONDS` prints a line of JSON for each round of each road; the roads
 * take turns, so that a noisy machine is noisy to all alike. Both ends are sockets of this process,
 * in two hosts; the sender has the first CPU, the receiver the last.
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
#include <time.h>
#include <unistd.h>

#include "lab/kernel.h"
#include "lab/lab.h"
#include "lab/lab_daemon.h"
#include "lab/run.h"
#include "synguard/cleanup.h"
#include "yard.h"

#define BULK_PORT      8080
#define CHUNK_BYTES    (256 * 1024)
#define TIMEOUT_SEC    5
#define CLI_TIMEOUT_MS 5000

struct road {
	const char *row;
	const char *mode; /* of a daemon; NULL: none */
	bool idle_program;
	bool challenged;
	struct lab *lab;
	struct yard *peer;
	struct yard *yard;
	struct lab_daemon *daemon;
	int listener;
};

/* clang-format off */
static struct road roads[] = {
	{ "no program", .listener = -1 },
	{ "idle XDP program", .idle_program = true, .listener = -1 },
	{ "synguard, not challenged", .mode = "auto", .listener = -1 },
	{ "synguard, challenged", .mode = "always", .challenged = true, .listener = -1 },
};
/* clang-format on */

static int complain(const struct road *road, int err, const char *what)
{
	if (err)
		fprintf(stderr, "bulk_bench: %s: %s: %s\n", road->row, what, strerror(-err));
	return err;
}

static struct sockaddr_in server_address(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(BULK_PORT) };

	inet_pton(AF_INET, LAB_SERVER_ADDR4, &sa.sin_addr);
	return sa;
}

static int listen_there(struct road *road)
{
	struct sockaddr_in sa = server_address();

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
	struct sockaddr_in sa = server_address();
	_cleanup_close_ int client = -1;
	int server, i;

	client = lab_socket(road->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);
	if (client < 0)
		return client;
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

static int road_build(struct road *road)
{
	char tail[1024] = "";
	int err, fds[2];

	err = complain(road, lab_new(&road->lab), "cannot make network namespaces");
	if (!err)
		err = complain(road, listen_there(road), "cannot listen");
	/* XDP_TX over a veth needs a program on the other end; so every road gets one there. */
	if (!err)
		err = complain(road, yard_new(&road->peer, road->lab, LAB_CLIENT, YARD_IDLE),
			       "cannot attach the client's program");
	if (!err && road->idle_program)
		err = complain(road, yard_new(&road->yard, road->lab, LAB_SERVER, YARD_IDLE),
			       "cannot attach the idle program");
	if (!err && road->mode) {
		err = lab_daemon_start(&road->daemon, road->lab, LAB_SERVER,
				       &(struct lab_daemon_options){
					       .mode = road->mode,
					       /* or a client that is known is let pass */
					       .config = "[Defence]\nClientAllowance=0\n",
				       },
				       tail, sizeof(tail));
		if (err)
			fprintf(stderr, "%s", tail);
		complain(road, err, "cannot start synguardd");
	}
	if (err)
		return err;
	/* The first one shows the daemon whose service this is. */
	err = complain(road, connect_over(road, fds), "cannot connect");
	if (!err) {
		close(fds[0]);
		close(fds[1]);
	}
	return err;
}

static void road_free(struct road *road)
{
	road->daemon = lab_daemon_free(road->daemon);
	road->yard = yard_free(road->yard);
	road->peer = yard_free(road->peer);
	if (road->listener >= 0)
		close(road->listener);
	road->listener = -1;
	road->lab = lab_free(road->lab);
}

/* The road is what its name says: as many SYNs have been challenged as connections were made. */
static int road_check(struct road *road, unsigned int connections)
{
	static const char label[] = "verdict=\"challenged\"} ";
	_cleanup_free_ char *program = NULL, *text = NULL;
	const char *argv[] = { NULL, "--runtime-dir", NULL, "metrics", NULL };
	unsigned long challenged;
	char *found;
	int err;

	if (!road->daemon)
		return 0;
	err = lab_find_program("synguard", &program);
	if (err)
		return complain(road, err, "cannot find synguard");
	argv[0] = program;
	argv[2] = lab_daemon_runtime_dir(road->daemon);
	err = lab_run(road->lab, LAB_SERVER, argv, CLI_TIMEOUT_MS, &text);
	found = err || !text ? NULL : strstr(text, label);
	if (!found)
		return complain(road, err < 0 ? err : -EIO, "cannot read the figures");
	challenged = strtoul(found + sizeof(label) - 1, NULL, 10);
	if (challenged == (road->challenged ? connections : 0))
		return 0;
	fprintf(stderr, "bulk_bench: %s: %lu of %u connections were challenged\n", road->row,
		challenged, connections);
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

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Bytes received in a second, or -errno. */
static double transfer(int from, int to, unsigned int ms)
{
	struct sender s = { .fd = from, .cpu = 0 };
	double start = seconds_now(), end = start + ms / 1e3, bytes = 0, took;
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
	while (seconds_now() < end) {
		n = recv(to, chunk, CHUNK_BYTES, 0);
		if (n <= 0)
			break;
		bytes += n;
	}
	took = seconds_now() - start;
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

static int run(unsigned int rounds, unsigned int ms)
{
	unsigned int round;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(roads); i++)
		err = road_build(&roads[i]);
	for (round = 0; !err && round < rounds; round++)
		for (i = 0; !err && i < ARRAY_SIZE(roads); i++)
			err = road_measure(&roads[i], ms);
	for (i = 0; !err && i < ARRAY_SIZE(roads); i++)
		err = road_check(&roads[i], 2 * rounds);
	return err;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 3 ? atoi(argv[1]) : 0;
	unsigned int ms = argc == 3 ? atoi(argv[2]) : 0;
	size_t i;
	int err;

	kernel_quiet();
	if (!rounds || !ms) {
		fprintf(stderr, "Usage: bulk_bench ROUNDS MILLISECONDS\n");
		return 2;
	}
	err = run(rounds, ms);
	for (i = 0; i < ARRAY_SIZE(roads); i++)
		road_free(&roads[i]);
	return err ? 1 : 0;
}
