/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The storm: fifty clients open, send, wait, close and reset at random, at a server that waits, one
 * that speaks first and one that closes first, under a flood, while the mode is changed all the
 * time. What a client takes for a connection carries its bytes to the last, and no packet of it is
 * dropped by us.
 *
 * SG_SECONDS says how long; SG_SEED, as printed, makes the clients choose the same again.
 */
#include "noise.h"
#include "stage.h"
#include "suite.h"
#include "tape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/flood.h"

#define CLIENTS	     50
#define FAITHFUL     6 /* of them keep the connection that they had before the flood */
#define SECONDS	     15
#define SECONDS_FULL 600
#define FLOOD_RATE   20000
#define MOST_BYTES   6000
#define GREETING     "welcome\n"
#define PATIENCE_SEC 20
#define NO_WORD_SEC  4 /* after which a client that waits for the server speaks itself */
#define CONNECT_SEC  10

enum {
	WAITS,	      /* 192.0.2.1 only */
	SPEAKS_FIRST, /* both families */
	CLOSES_FIRST, /* IPv6 only */
	SERVERS,
};

/* clang-format off */
static const struct server_options options[SERVERS] = {
	[WAITS] = { .port = STAGE_PORT, .addr = "0.0.0.0" },
	[SPEAKS_FIRST] = { .port = STAGE_PORT + 1, .greeting = GREETING },
	[CLOSES_FIRST] = { .port = STAGE_PORT + 2, .v6only = true, .closes_first = true },
};
/* clang-format on */

struct storm {
	struct stage stage;
	struct server *servers[SERVERS];
	atomic_bool over;
	atomic_int ready; /* the faithful that have connected */
	atomic_int left;  /* clients */
	atomic_uint connected[SERVERS], unanswered, bytes, silent;
	struct tape *tape;
	char wrong[160];     /* the first thing that went wrong with a connection */
	uint16_t wrong_port; /* the client's */
	int wrong_server;
	atomic_bool shown; /* what there was of it */
	pthread_mutex_t lock;
	__u64 seed;
};

struct client {
	struct storm *storm;
	pthread_t thread;
	int number;
	__u64 seed;
	__u32 turn; /* makes what it sends its own */
};

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 sa = { 0 };
	socklen_t length = sizeof(sa);

	getsockname(fd, (struct sockaddr *)&sa, &length);
	return ntohs(sa.sin6_port); /* where that of IPv4 is, too */
}

/* The first to complain ends the storm, and keeps its socket until it has been looked at. */
static void complain(struct client *c, int fd, const char *what, int server, size_t done, size_t of)
{
	struct storm *s = c->storm;
	int error = errno;

	pthread_mutex_lock(&s->lock);
	if (!s->wrong[0]) {
		snprintf(s->wrong, sizeof(s->wrong),
			 "client %d, server %d, turn %u: %s: %s (%zu of %zu)", c->number, server,
			 c->turn, what, strerror(error), done, of);
		s->wrong_port = port_of(fd);
		s->wrong_server = server;
	}
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->over, true);
	while (!atomic_load(&s->shown))
		usleep(10000);
	pthread_mutex_lock(&s->lock); /* it is being shown */
	pthread_mutex_unlock(&s->lock);
}

static void limit(int fd, int name, int sec)
{
	struct timeval tv = { .tv_sec = sec };

	setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

/* Returns the connection, or -errno: the server was not reached, which is no lie yet. */
static int socket_owner(struct client *c, int server)
{
	bool six = server == CLOSES_FIRST || (server == SPEAKS_FIRST && noise_below(&c->seed, 2));
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	to6.sin6_port = to4.sin_port = htons(options[server].port);
	inet_pton(AF_INET, LAB_SERVER_ADDR4, &to4.sin_addr);
	inet_pton(AF_INET6, LAB_SERVER_ADDR6, &to6.sin6_addr);
	limit(fd, SO_SNDTIMEO, CONNECT_SEC); /* of connect(), too */
	limit(fd, SO_RCVTIMEO, PATIENCE_SEC);
	err = six ? connect(fd, (struct sockaddr *)&to6, sizeof(to6)) :
		    connect(fd, (struct sockaddr *)&to4, sizeof(to4));
	if (!err) {
		limit(fd, SO_SNDTIMEO, PATIENCE_SEC);
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

static bool expect(struct client *c, int fd, int server, const char *bytes, size_t count)
{
	char got[MOST_BYTES];
	size_t done = 0;

	while (done < count) {
		ssize_t n = recv(fd, got + done, count - done, 0);

		if (n <= 0 || memcmp(got + done, bytes + done, n)) {
			if (n >= 0)
				errno = 0;
			complain(c, fd,
				 n < 0 ? "nothing comes" :
				 n     ? "other bytes" :
					 "the end comes",
				 server, done, count);
			return false;
		}
		done += n;
	}
	return true;
}

/* Something there and back. */
static bool talk(struct client *c, int fd, int server, size_t count)
{
	char bytes[MOST_BYTES];

	c->turn++;
	for (size_t i = 0; i < count; i++)
		bytes[i] = (i * 7919 + c->turn * 104729 + c->number * 31) >> 3;
	errno = 0;
	if (send(fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count) {
		complain(c, fd, "not sent", server, 0, count);
		return false;
	}
	atomic_fetch_add(&c->storm->bytes, count);
	return expect(c, fd, server, bytes, count);
}

/*
 * The server's first word. Where the ACK of a challenge was lost, neither side would ever speak,
 * as with the kernel's cookies; the client's own word then makes the connection.
 */
static bool hear_greeting(struct client *c, int fd)
{
	char word[] = GREETING;
	bool heard;

	limit(fd, SO_RCVTIMEO, NO_WORD_SEC);
	heard = recv(fd, word, 1, MSG_PEEK) == 1;
	limit(fd, SO_RCVTIMEO, PATIENCE_SEC);
	if (heard)
		return expect(c, fd, SPEAKS_FIRST, GREETING, strlen(GREETING));
	atomic_fetch_add(&c->storm->silent, 1);
	if (send(fd, "?", 1, MSG_NOSIGNAL) != 1) {
		complain(c, fd, "the first word not sent", SPEAKS_FIRST, 0, 1);
		return false;
	}
	return expect(c, fd, SPEAKS_FIRST, GREETING "?", strlen(GREETING) + 1);
}

/* By a RST, by a FIN, or by half of one and waiting for the other half. */
static void end(struct client *c, int fd, int server)
{
	const struct linger now = { .l_onoff = 1 };
	__u32 how = noise_below(&c->seed, 3);
	char byte;

	if (how == 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (how == 1)
		shutdown(fd, SHUT_WR);
	errno = 0;
	if ((how == 1 || server == CLOSES_FIRST) && recv(fd, &byte, 1, 0))
		complain(c, fd, "no end comes", server, 0, 0);
	close(fd);
}

static bool visit(struct client *c)
{
	int server = noise_below(&c->seed, SERVERS), fd = socket_owner(c, server);
	int turns = server == CLOSES_FIRST ? 1 : noise_below(&c->seed, 5);
	bool ok = true;

	if (fd < 0) {
		if (fd != -EADDRNOTAVAIL)
			atomic_fetch_add(&c->storm->unanswered, 1);
		usleep(100000);
		return true;
	}
	atomic_fetch_add(&c->storm->connected[server], 1);
	if (server == SPEAKS_FIRST)
		ok = hear_greeting(c, fd);
	while (ok && turns--)
		ok = talk(c, fd, server,
			  1 + noise_below(&c->seed, server == CLOSES_FIRST ? 200 : MOST_BYTES));
	if (ok)
		end(c, fd, server);
	else
		close(fd);
	return ok;
}

/* One connection from before the flood until after it. */
static void stay(struct client *c)
{
	int server = c->number % 2 ? WAITS : SPEAKS_FIRST, fd = socket_owner(c, server);
	bool ok = fd >= 0;

	if (!ok)
		complain(c, fd, "no connection before the flood", server, 0, 0);
	if (ok && server == SPEAKS_FIRST)
		ok = hear_greeting(c, fd);
	atomic_fetch_add(&c->storm->ready, 1);
	while (ok && !atomic_load(&c->storm->over)) {
		ok = talk(c, fd, server, 1 + noise_below(&c->seed, MOST_BYTES));
		usleep(noise_below(&c->seed, 20000));
	}
	if (fd >= 0)
		close(fd);
}

static void *client_run(void *arg)
{
	struct client *c = arg;

	if (lab_enter(c->storm->stage.lab, LAB_CLIENT)) {
		complain(c, -1, "not in the client's host", 0, 0, 0);
	} else if (c->number < FAITHFUL) {
		stay(c);
	} else {
		while (atomic_load(&c->storm->ready) < FAITHFUL && !atomic_load(&c->storm->over))
			usleep(10000);
		while (!atomic_load(&c->storm->over) && visit(c))
			usleep(noise_below(&c->seed, 100000));
	}
	atomic_fetch_sub(&c->storm->left, 1);
	return NULL;
}

static void clients_begin(struct storm *s, struct client clients[CLIENTS])
{
	s->left = CLIENTS;
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .storm = s, .number = i, .seed = s->seed + i };
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]),
				 0);
	}
}

static int seconds(void)
{
	const char *text = getenv("SG_SECONDS");

	return text ? atoi(text) : suite_full() ? SECONDS_FULL : SECONDS;
}

static time_t now_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int flip_until(struct storm *s, time_t end)
{
	static const char *const modes[] = { "off", "auto", "always", "observe", "always", "auto" };
	int flips = 0;

	while (now_sec() < end && !atomic_load(&s->over)) {
		stage_mode(&s->stage, modes[noise_below(&s->seed, 6)]);
		usleep(noise_below(&s->seed, 40000));
		flips++;
	}
	return flips;
}

static void storm_new(struct storm *s)
{
	const char *text = getenv("SG_SEED");
	__u32 seed = 0;

	*s = (struct storm){ .lock = PTHREAD_MUTEX_INITIALIZER };
	ck_assert_int_eq(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	s->seed = text ? strtoull(text, NULL, 0) : seed;
	printf("# SG_SEED=%llu\n", s->seed);
	stage_raise(&s->stage, NULL);
	for (int i = 0; i < SERVERS; i++)
		ck_assert_int_eq(server_new(&s->servers[i], s->stage.lab, LAB_SERVER, &options[i]),
				 0);
	stage_daemon_config(&s->stage, "always", STAGE_NOBODY_IS_VERIFIED);
	stage_prove_family(&s->stage, AF_INET, STAGE_PORT);
	stage_prove(&s->stage, STAGE_PORT + 1);
	stage_prove_family(&s->stage, AF_INET6, STAGE_PORT + 2);
}

static __u64 lost_by_veth(struct storm *s)
{
	struct rtnl_link_stats64 client, server;

	ck_assert_int_eq(lab_link_stats(s->stage.lab, LAB_CLIENT, LAB_IFNAME, &client), 0);
	ck_assert_int_eq(lab_link_stats(s->stage.lab, LAB_SERVER, LAB_IFNAME, &server), 0);
	return client.tx_dropped + server.tx_dropped;
}

/* What a maintainer needs of the connection that went wrong, while it is still there. */
static void show(struct storm *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->wrong[0] && !atomic_exchange(&s->shown, true))
		tape_show(s->tape, s->wrong_port, options[s->wrong_server].port);
	pthread_mutex_unlock(&s->lock);
}

/* The clients end what they are at, which may go wrong as well. */
static void clients_end(struct storm *s, struct client clients[CLIENTS])
{
	while (atomic_load(&s->left)) {
		show(s);
		usleep(10000);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
}

/* After the storm: what was told of it, and that nothing of a connection was dropped. */
static void judge(struct storm *s, int flips)
{
	__u64 lost = lost_by_veth(s);
	json_t *status = stage_status(&s->stage);

	printf("# %d changes of mode; %u, %u, %u connections, %u not reached, %u silent, %u bytes; "
	       "%lld challenged, %lld accepted, %llu lost by veth\n",
	       flips, s->connected[0], s->connected[1], s->connected[2], s->unanswered, s->silent,
	       s->bytes, stage_verdict(status, "xdp", "challenged"),
	       stage_verdict(status, "ingress", "accepted"), lost);
	ck_assert_msg(!s->wrong[0], "%s", s->wrong);
	stage_assert_accounted(status);
	for (int i = 0; i < SERVERS; i++)
		ck_assert_uint_gt(s->connected[i], 20);
	ck_assert_uint_le(s->unanswered,
			  (s->connected[0] + s->connected[1] + s->connected[2]) / 50);
	ck_assert_int_gt(stage_verdict(status, "xdp", "challenged"), FLOOD_RATE);
	ck_assert_int_gt(stage_verdict(status, "xdp", "mode_off"), 0);
	ck_assert_int_gt(stage_verdict(status, "ingress", "accepted"), 20);
	/* all that we drop of what is no SYN; it needs an ACK that was lost on the way */
	ck_assert_int_eq(stage_verdict(status, "ingress", "deferred"), 0);
	ck_assert_int_le(stage_verdict(status, "ingress", "early_data"), lost);
	json_decref(status);
}

START_TEST(storm)
{
	const struct flood_options o = {
		.port = STAGE_PORT,
		.ports = SERVERS,
		.rate_per_sec = FLOOD_RATE,
		.ipv6_share = 128,
		.duration_ms = seconds() * 1000,
	};
	struct client clients[CLIENTS];
	struct flood *flood;
	struct storm s;
	int flips;

	storm_new(&s);
	s.tape = tape_new(&s.stage);
	clients_begin(&s, clients);
	while (atomic_load(&s.ready) < FAITHFUL && !atomic_load(&s.over))
		usleep(10000);
	flood = stage_flood(&s.stage, o);
	flips = flip_until(&s, now_sec() + seconds());
	show(&s); /* while the flood is on */
	stage_flood_end(flood);
	atomic_store(&s.over, true);
	clients_end(&s, clients);
	judge(&s, flips);
	tape_free(s.tape);
	for (int i = 0; i < SERVERS; i++)
		server_free(s.servers[i]);
	stage_strike(&s.stage);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(storm, 90, .full_seconds = 1200),
	{}
};
/* clang-format on */
