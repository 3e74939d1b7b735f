/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client engine. See clients.h.
 *
 * Clients are an array in the order of their start. All have the same deadline, so those that are
 * overdue are always at the front of what is open.
 */
#include "tests/lab/clients.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/process.h"
#include "tests/lab/run.h"

#define DEADLINE_DEFAULT_MS 3000
#define CLIENTS_MAX	    1000000
#define CANCEL_MS	    20
#define NS_PER_MS	    1000000ULL
#define NS_PER_SEC	    1000000000ULL

static const char request[] = "GET /a-line-that-comes-back HTTP/1.0\n";

enum client_state {
	CLIENT_NOT_STARTED,
	CLIENT_CONNECTING,
	CLIENT_ECHOING,
	CLIENT_CONNECTED,
	CLIENT_FAILED,
};

struct client {
	int fd;
	enum client_state state;
	bool v6;
	int err;
	size_t received;
	uint64_t start_ns;
	uint64_t connect_ns; /* since start_ns */
	uint64_t echo_ns;
};

struct clients {
	struct lab *lab;
	int host;
	struct clients_options o;
	struct sockaddr_storage to[2]; /* IPv4, IPv6 */
	socklen_t to_length[2];
	struct sockaddr_storage from[2]; /* family 0: the host's choice */

	struct client *all;
	unsigned int total;
	unsigned int started;	 /* all[0 .. started) */
	unsigned int first_open; /* none before it is open */

	int epoll_fd;
	pthread_t thread;
	bool joinable;
	atomic_bool running;
	atomic_bool cancelled;
	int result;
	struct kept kept4;
	struct kept kept6;
};

static void client_end(struct client *c, enum client_state state, int err)
{
	c->state = state;
	c->err = err;
	c->fd = close_fd(c->fd);
}

/* To the next of the sources: of IPv4 the last bits, of IPv6 the last of its /64. */
static int client_bind(const struct clients *cl, const struct client *c)
{
	struct sockaddr_storage from = cl->from[c->v6];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&from;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&from;
	unsigned int n =
		(c - cl->all) / (cl->o.family == CLIENTS_BOTH ? 2 : 1) % (cl->o.sources ?: 1);
	const int on = 1;

	if (!from.ss_family)
		return 0;
	if (c->v6)
		v6->sin6_addr.s6_addr16[3] = htons(ntohs(v6->sin6_addr.s6_addr16[3]) + n);
	else
		v4->sin_addr.s_addr = htonl(ntohl(v4->sin_addr.s_addr) + n);
	/* an address that is only routed here will do */
	if (setsockopt(c->fd, c->v6 ? SOL_IPV6 : SOL_IP, c->v6 ? IPV6_FREEBIND : IP_FREEBIND, &on,
		       sizeof(on)) < 0 ||
	    setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return -errno;
	return bind(c->fd, (struct sockaddr *)&from, cl->to_length[c->v6]) < 0 ? -errno : 0;
}

static int client_socket(struct clients *cl, struct client *c)
{
	const struct linger linger = { .l_onoff = 1 };
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = c };
	const void *to = &cl->to[c->v6];
	int err;

	c->fd = socket(c->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       cl->o.mptcp ? IPPROTO_MPTCP : IPPROTO_TCP);
	if (c->fd < 0)
		return -errno;
	if (cl->o.reset_close &&
	    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
		return -errno;
	err = client_bind(cl, c);
	if (err)
		return err;

	c->start_ns = clock_now_ns();
	if (connect(c->fd, to, cl->to_length[c->v6]) < 0 && errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(cl->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0 ? -errno : 0;
}

static void client_start(struct clients *cl)
{
	struct client *c = &cl->all[cl->started];
	int err;

	c->state = CLIENT_CONNECTING;
	c->v6 = cl->o.family == CLIENTS_V6 || (cl->o.family == CLIENTS_BOTH && cl->started % 2);
	cl->started++;
	err = client_socket(cl, c);
	if (err)
		client_end(c, CLIENT_FAILED, err);
}

static void client_connected(struct clients *cl, struct client *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	c->connect_ns = clock_now_ns() - c->start_ns;
	if (!err && send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		err = errno;
	if (!err && epoll_ctl(cl->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		err = errno;
	if (err)
		client_end(c, CLIENT_FAILED, -err);
	else
		c->state = CLIENT_ECHOING;
}

static void client_receives(struct clients *cl, struct client *c)
{
	char buf[256];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_end(c, CLIENT_FAILED, n ? -errno : -ECONNRESET);
		return;
	}
	c->received += n;
	if (c->received < sizeof(request) - 1)
		return;

	c->echo_ns = clock_now_ns() - c->start_ns;
	kept_read(c->fd, c->v6 ? &cl->kept6 : &cl->kept4);
	client_end(c, CLIENT_CONNECTED, 0);
}

static bool client_open(const struct client *c)
{
	return c->state == CLIENT_CONNECTING || c->state == CLIENT_ECHOING;
}

static uint64_t deadline_ns(const struct clients *cl, const struct client *c)
{
	return c->start_ns + cl->o.deadline_ms * NS_PER_MS;
}

static void end_overdue(struct clients *cl, uint64_t now)
{
	struct client *c;

	for (; cl->first_open < cl->started; cl->first_open++) {
		c = &cl->all[cl->first_open];
		if (!client_open(c))
			continue;
		if (now < deadline_ns(cl, c))
			return;
		client_end(c, CLIENT_FAILED, -ETIMEDOUT);
	}
}

/* When the next client starts, as long as there is one. */
static uint64_t next_start_ns(const struct clients *cl, uint64_t begin)
{
	return begin + cl->started * NS_PER_SEC / cl->o.rate_per_sec;
}

/* How long the loop may sleep: until a client is to start or to be given up, and not so long that
 * clients_free() would wait for it. */
static int sleep_ms(const struct clients *cl, uint64_t begin, uint64_t now)
{
	uint64_t until = now + CANCEL_MS * NS_PER_MS, deadline;

	if (cl->started < cl->total && next_start_ns(cl, begin) < until)
		until = next_start_ns(cl, begin);
	if (cl->first_open < cl->started) {
		deadline = deadline_ns(cl, &cl->all[cl->first_open]);
		until = deadline < until ? deadline : until;
	}
	return until <= now ? 0 : (until - now + NS_PER_MS - 1) / NS_PER_MS;
}

static void handle(struct clients *cl, struct client *c)
{
	if (c->state == CLIENT_CONNECTING)
		client_connected(cl, c);
	else if (c->state == CLIENT_ECHOING)
		client_receives(cl, c);
}

static int loop(struct clients *cl)
{
	uint64_t begin = clock_now_ns(), now = begin;
	struct epoll_event events[64];
	int n, i;

	while (!atomic_load(&cl->cancelled)) {
		now = clock_now_ns();
		end_overdue(cl, now);
		while (cl->started < cl->total && next_start_ns(cl, begin) <= now)
			client_start(cl);
		if (cl->started == cl->total && cl->first_open == cl->started)
			return 0;

		n = epoll_wait(cl->epoll_fd, events, ARRAY_SIZE(events), sleep_ms(cl, begin, now));
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++)
			handle(cl, events[i].data.ptr);
	}
	return -ECANCELED;
}

static void *clients_thread(void *arg)
{
	struct clients *cl = arg;
	unsigned int i;

	lab_pin(cl->o.cpu_plus_1 - 1);
	cl->result = lab_enter(cl->lab, cl->host);
	if (!cl->result)
		cl->result = loop(cl);
	/* Those that a failure of the engine left open are no clients. */
	for (i = cl->first_open; i < cl->started; i++)
		if (client_open(&cl->all[i]))
			client_end(&cl->all[i], CLIENT_NOT_STARTED, 0);
	atomic_store(&cl->running, false);
	return NULL;
}

static int clients_prepare(struct clients *cl)
{
	const char *to[] = { cl->o.dst4 ?: LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };
	const char *from[] = { cl->o.src4, cl->o.src6 };
	uint64_t total = (uint64_t)cl->o.rate_per_sec * cl->o.duration_ms / 1000;
	unsigned int i;
	int len;

	if (!total || total > CLIENTS_MAX)
		return -EINVAL;
	cl->total = total;
	for (i = 0; i < 2; i++) {
		len = tcp_sockaddr(to[i], cl->o.port, &cl->to[i]);
		if (len < 0)
			return len;
		cl->to_length[i] = len;
		len = from[i] ? tcp_sockaddr(from[i], 0, &cl->from[i]) : 0;
		if (len < 0)
			return len;
	}
	descriptors_raise();

	cl->all = calloc(total, sizeof(*cl->all));
	if (!cl->all)
		return -ENOMEM;
	for (i = 0; i < cl->total; i++)
		cl->all[i].fd = -1;

	cl->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return cl->epoll_fd < 0 ? -errno : 0;
}

int clients_start(struct clients **ret, struct lab *lab, int host, const struct clients_options *o)
{
	_cleanup_(clients_freep) struct clients *cl = NULL;
	int err;

	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return -ENOMEM;
	cl->lab = lab;
	cl->host = host;
	cl->o = *o;
	cl->o.deadline_ms = o->deadline_ms ?: DEADLINE_DEFAULT_MS;
	cl->epoll_fd = -1;

	err = clients_prepare(cl);
	if (err)
		return err;
	atomic_store(&cl->running, true);
	err = pthread_create(&cl->thread, NULL, clients_thread, cl);
	if (err)
		return -err;
	cl->joinable = true;
	*ret = TAKE_PTR(cl);
	return 0;
}

bool clients_running(struct clients *clients)
{
	return atomic_load(&clients->running);
}

/* ---- the result ---------------------------------------------------------------------------- */

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void count_failure(struct clients_result *r, int err)
{
	switch (err) {
	case -ETIMEDOUT:
		r->timed_out++;
		break;
	case -ECONNREFUSED:
		r->refused++;
		break;
	case -ECONNRESET:
	case -EPIPE:
		r->reset++;
		break;
	default:
		r->other++;
	}
}

static void count_client(struct clients_result *r, const struct client *c)
{
	if (c->state == CLIENT_NOT_STARTED)
		return;
	r->attempted++;
	r->attempted6 += c->v6;
	if (c->state == CLIENT_FAILED) {
		count_failure(r, c->err);
		return;
	}
	r->connected++;
	r->connected6 += c->v6;
	r->connected_1s += c->echo_ns <= NS_PER_SEC;
	r->connect_ns[r->times++] = c->connect_ns;
}

static int clients_count(const struct client *all, size_t n, struct clients_result *ret)
{
	struct clients_result r = { 0 };
	size_t i;

	/* Without clients there is nothing to point at, which is not a failure. */
	r.connect_ns = calloc(n + 1, sizeof(*r.connect_ns));
	if (!r.connect_ns)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		count_client(&r, &all[i]);
	qsort(r.connect_ns, r.times, sizeof(*r.connect_ns), compare_ns);
	*ret = r;
	return 0;
}

void clients_result_done(struct clients_result *result)
{
	free(result->connect_ns);
	result->connect_ns = NULL;
	result->times = 0;
}

uint64_t clients_percentile_ns(const struct clients_result *r, unsigned int percent)
{
	/* nearest rank */
	return r->times ? r->connect_ns[(r->times * percent + 99) / 100 - (percent > 0)] : 0;
}

int clients_wait(struct clients *clients, struct clients_result *ret)
{
	struct clients_result r = { 0 };
	int err;

	if (clients->joinable)
		pthread_join(clients->thread, NULL);
	clients->joinable = false;

	err = clients_count(clients->all, clients->started, &r);
	if (err)
		return err;
	r.kept4 = clients->kept4;
	r.kept6 = clients->kept6;
	*ret = r;
	return clients->result;
}

struct clients *clients_free(struct clients *clients)
{
	if (!clients)
		return NULL;
	if (clients->joinable) {
		atomic_store(&clients->cancelled, true);
		pthread_join(clients->thread, NULL);
	}
	close_fd(clients->epoll_fd);
	free(clients->all);
	free(clients);
	return NULL;
}

int clients_run(struct lab *lab, int host, const struct clients_options *o,
		struct clients_result *ret)
{
	_cleanup_(clients_freep) struct clients *clients = NULL;
	int err = clients_start(&clients, lab, host, o);

	return err ?: clients_wait(clients, ret);
}
