/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of connections. See pair.h.
 */
#include "pair.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than three retransmissions, shorter than any test's limit. */
#define PAIR_LIMIT_SEC 10
#define PAIR_LIMIT_MS  (PAIR_LIMIT_SEC * 1000)

#define PAIR_BACKLOG 512

/* What is sent at an offset; a prime, so that a segment in the wrong place shows. */
#define PAIR_PERIOD 65521
#define PAIR_PIECE  65536
static uint8_t pair_pattern[PAIR_PERIOD + PAIR_PIECE];

const char *pair_server_address(int family)
{
	return family == AF_INET ? LAB_SERVER_ADDR4 : LAB_SERVER_ADDR6;
}

const char *pair_family_name(int family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

static const char *pair_any(int family)
{
	return family == AF_INET ? "0.0.0.0" : "::";
}

static void pair_option(int fd, int level, int name, int value)
{
	ck_assert_msg(!setsockopt(fd, level, name, &value, sizeof(value)),
		      "socket option %d/%d: %s", level, name, strerror(errno));
}

static void pair_limit(int fd)
{
	const struct timeval limit = { .tv_sec = PAIR_LIMIT_SEC };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int pair_new(struct stage *s, int host, int family, uint16_t port)
{
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(pair_any(family), port, &sa);
	int fd = lab_socket(s->lab, host, family, SOCK_STREAM, 0);

	ck_assert_msg(fd >= 0, "a socket: %s", strerror(-fd));
	pair_limit(fd);
	pair_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	pair_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (family == AF_INET6)
		pair_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, host == LAB_CLIENT);
	if (port)
		ck_assert_msg(!bind(fd, (struct sockaddr *)&sa, length), "binding to port %u: %s",
			      port, strerror(errno));
	return fd;
}

int pair_listen(struct stage *s, const struct pair_listener *o)
{
	static const struct pair_listener plain;
	struct sockaddr_storage sa;
	int family, fd;
	socklen_t length;

	o = o ?: &plain;
	family = o->family ?: AF_INET6;
	fd = pair_new(s, LAB_SERVER, family, 0);
	if (o->family == AF_INET6)
		pair_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (o->rcvbuf)
		pair_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, o->rcvbuf);
	if (o->maxseg)
		pair_option(fd, IPPROTO_TCP, TCP_MAXSEG, o->maxseg);
	if (o->fastopen)
		pair_option(fd, IPPROTO_TCP, TCP_FASTOPEN, o->fastopen);
	length = tcp_sockaddr(pair_any(family), STAGE_PORT, &sa);
	ck_assert_msg(!bind(fd, (struct sockaddr *)&sa, length) &&
			      !listen(fd, o->backlog ?: PAIR_BACKLOG),
		      "listening on port %u: %s", STAGE_PORT, strerror(errno));
	return fd;
}

int pair_socket(struct stage *s, int family, uint16_t port)
{
	return pair_new(s, LAB_CLIENT, family, port);
}

int pair_connect(int fd, int family)
{
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(pair_server_address(family), STAGE_PORT, &sa);

	return connect(fd, (struct sockaddr *)&sa, length) < 0 ? -errno : 0;
}

int pair_accept(int listener, int timeout_ms)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int fd;

	if (poll(&p, 1, timeout_ms) <= 0)
		return -1;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_msg(fd >= 0, "accept: %s", strerror(errno));
	pair_limit(fd);
	return fd;
}

/* Whether the server's end is that of the client's: of the same client port. */
static bool pair_matches(const struct pair *p)
{
	struct sockaddr_in6 client = { 0 }, peer = { 0 };
	socklen_t client_length = sizeof(client), peer_length = sizeof(peer);

	/* sin_port and sin6_port lie at the same place */
	return !getsockname(p->client, (struct sockaddr *)&client, &client_length) &&
	       !getpeername(p->server, (struct sockaddr *)&peer, &peer_length) &&
	       client.sin6_port == peer.sin6_port;
}

struct pair pair_open(struct stage *s, int listener, int family, uint16_t port)
{
	struct pair p = { .client = pair_socket(s, family, port) };
	int err = pair_connect(p.client, family);

	ck_assert_msg(!err, "connecting over %s: %s", pair_family_name(family), strerror(-err));
	for (;;) {
		p.server = pair_accept(listener, PAIR_LIMIT_MS);
		ck_assert_msg(p.server >= 0, "what connected over %s was not accepted",
			      pair_family_name(family));
		if (pair_matches(&p))
			return p;
		close(p.server); /* of stage_prove() */
	}
}

struct pair pair_open_fast(struct stage *s, int listener, int family)
{
	static const char early[] = "early bird";
	struct pair p = { .client = pair_socket(s, family, 0) };
	char word[sizeof(early) - 1];
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(pair_server_address(family), STAGE_PORT, &sa);

	ck_assert_msg(sendto(p.client, early, sizeof(word), MSG_FASTOPEN | MSG_NOSIGNAL,
			     (struct sockaddr *)&sa, length) == sizeof(word),
		      "MSG_FASTOPEN: %s", strerror(errno));
	p.server = pair_accept(listener, PAIR_LIMIT_MS);
	ck_assert_int_ge(p.server, 0);
	ck_assert_int_eq(recv(p.server, word, sizeof(word), MSG_WAITALL), sizeof(word));
	ck_assert_mem_eq(word, early, sizeof(word));
	pair_talk(&p);
	return p;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* There must be nothing more to be read. */
static void pair_read_end(int fd, const char *whose)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	ck_assert_msg(n == 0, "the %s read %zd instead of the end: %s", whose, n,
		      n < 0 ? strerror(errno) : "data");
}

void pair_close(struct pair *p)
{
	shutdown(p->client, SHUT_WR);
	pair_read_end(p->server, "server");
	close(p->server);
	pair_read_end(p->client, "client");
	close(p->client);
	*p = (struct pair){ -1, -1 };
}

void pair_close_server_first(struct pair *p)
{
	shutdown(p->server, SHUT_WR);
	pair_read_end(p->client, "client");
	close(p->client);
	pair_read_end(p->server, "server");
	close(p->server);
	*p = (struct pair){ -1, -1 };
}

void pair_reset(struct pair *p)
{
	const struct linger linger = { .l_onoff = 1 };
	char byte;

	setsockopt(p->client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(p->client);
	ck_assert_msg(recv(p->server, &byte, 1, 0) < 0 && errno == ECONNRESET,
		      "the RST did not arrive: %s", strerror(errno));
	close(p->server);
	*p = (struct pair){ -1, -1 };
}

/* ---- data ---------------------------------------------------------------------------------- */

static void pair_say(int from, int to, const char *word)
{
	char buf[64];
	size_t bytes = strlen(word);
	ssize_t n;

	ck_assert_int_eq(send(from, word, bytes, MSG_NOSIGNAL), bytes);
	n = recv(to, buf, bytes, MSG_WAITALL);
	ck_assert_msg(n == (ssize_t)bytes && !memcmp(buf, word, bytes), "\"%s\" did not arrive: %s",
		      word, n < 0 ? strerror(errno) : "something else did");
}

void pair_talk(const struct pair *p)
{
	pair_say(p->client, p->server, "what comes from the client");
	pair_say(p->server, p->client, "what goes back");
}

static void pair_pattern_make(void)
{
	uint32_t x = 1, i;

	if (pair_pattern[0])
		return;
	for (i = 0; i < PAIR_PERIOD; i++) {
		x = x * 1664525 + 1013904223;
		pair_pattern[i] = x >> 24;
	}
	for (; i < sizeof(pair_pattern); i++)
		pair_pattern[i] = pair_pattern[i - PAIR_PERIOD];
}

/* What is to be sent, or has to arrive, from an offset on. */
static const uint8_t *pair_piece(size_t offset)
{
	return pair_pattern + offset % PAIR_PERIOD;
}

static size_t pair_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Sends [offset, end); false where that fails. */
static bool pair_send(int fd, size_t offset, size_t end)
{
	ssize_t n;

	for (; offset < end; offset += n) {
		n = send(fd, pair_piece(offset), pair_min(end - offset, PAIR_PIECE), MSG_NOSIGNAL);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Receives [offset, end); false where that fails or something else comes. */
static bool pair_receive(int fd, size_t offset, size_t end)
{
	uint8_t buf[PAIR_PIECE];
	ssize_t n;

	for (; offset < end; offset += n) {
		n = recv(fd, buf, pair_min(end - offset, sizeof(buf)), 0);
		if (n <= 0 || memcmp(buf, pair_piece(offset), n))
			return false;
	}
	return true;
}

void pair_stream(int from, int to, size_t bytes, size_t chunk)
{
	size_t offset, end;

	pair_pattern_make();
	for (offset = 0; offset < bytes; offset = end) {
		end = pair_min(offset + chunk, bytes);
		ck_assert_msg(pair_send(from, offset, end), "sending after %zu bytes: %s", offset,
			      strerror(errno));
		ck_assert_msg(pair_receive(to, offset, end), "receiving after %zu bytes: %s",
			      offset, strerror(errno));
	}
}

struct pair_job {
	int fd;
	size_t bytes;
	bool sends;
	bool done;
};

static void *pair_work(void *arg)
{
	struct pair_job *job = arg;

	job->done = job->sends ? pair_send(job->fd, 0, job->bytes) :
				 pair_receive(job->fd, 0, job->bytes);
	return NULL;
}

void pair_bulk(const struct pair *p, size_t bytes)
{
	struct pair_job jobs[] = {
		{ p->client, bytes, .sends = true },
		{ p->server, bytes, .sends = true },
		{ p->client, bytes },
		{ p->server, bytes },
	};
	static const char *const names[] = { "client sending", "server sending", "client receiving",
					     "server receiving" };
	pthread_t threads[4];
	int i;

	pair_pattern_make();
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pair_work, &jobs[i]), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 4; i++)
		ck_assert_msg(jobs[i].done, "%zu bytes both ways: %s failed", bytes, names[i]);
}

struct tcp_info pair_info(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	ck_assert_msg(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), "TCP_INFO: %s",
		      strerror(errno));
	return info;
}
