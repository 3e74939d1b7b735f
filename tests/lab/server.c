/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The echo server. See server.h.
 *
 * What is read is written at once: requests are short, so a connection whose send buffer is full is
 * one that does not read, and is closed.
 */
#include "tests/lab/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "tests/lab/run.h"

#define BACKLOG_DEFAULT 128

int tcp_sockaddr(const char *addr, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sg_addr a;

	if (addr_parse(&a, addr) < 0)
		return -EINVAL;
	*ret = (struct sockaddr_storage){ 0 };
	if (addr_is_v4(&a)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = a.words[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, &a, sizeof(a));
	return sizeof(*v6);
}

int kept_read(int fd, struct kept *ret)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*ret = (struct kept){
		.known = true,
		.snd_mss = info.tcpi_snd_mss,
		.snd_wscale = info.tcpi_snd_wscale,
		.rcv_wscale = info.tcpi_rcv_wscale,
		.wscale = info.tcpi_options & TCPI_OPT_WSCALE,
		.sack = info.tcpi_options & TCPI_OPT_SACK,
		.timestamps = info.tcpi_options & TCPI_OPT_TIMESTAMPS,
		.ecn = info.tcpi_options & TCPI_OPT_ECN,
	};
	return 0;
}

const char *kept_format(const struct kept *k, char *buf, size_t size)
{
	char wscale[32] = "";

	if (!k->known) {
		snprintf(buf, size, "-");
		return buf;
	}
	if (k->wscale)
		snprintf(wscale, sizeof(wscale), ", wscale %u/%u", k->snd_wscale, k->rcv_wscale);
	snprintf(buf, size, "mss %u%s%s%s%s", k->snd_mss, wscale, k->sack ? ", sack" : "",
		 k->timestamps ? ", ts" : "", k->ecn ? ", ecn" : "");
	return buf;
}

struct connection {
	int fd;
	LIST_ENTRY(connection) link;
};

struct server {
	struct server_options o;
	char *greeting;
	int listen_fd;
	int epoll_fd;
	int wake_fd; /* stop or accepting has changed */
	pthread_t thread;
	bool running;
	LIST_HEAD(, connection) connections;
	atomic_bool stop;
	atomic_bool accepting;

	pthread_mutex_t lock; /* of what follows */
	struct kept kept4;
	struct kept kept6;
};

static int listener_options(int fd, int family, const struct server_options *o)
{
	/* 0 stands for "leave it as it is", which is also what it would set. */
	const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_REUSEPORT, o->reuseport },
		{ SOL_SOCKET, SO_RCVBUF, o->rcvbuf },
		{ IPPROTO_TCP, TCP_MAXSEG, o->maxseg },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, o->defer_accept },
	};
	const int v6only = o->v6only;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].value && setsockopt(fd, options[i].level, options[i].name,
						   &options[i].value, sizeof(int)) < 0)
			return -errno;
	/* Its default is a sysctl. */
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	if (o->device &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device, strlen(o->device) + 1) < 0)
		return -errno;
	return 0;
}

static int listener_new(struct lab *lab, int host, const struct server_options *o)
{
	struct sockaddr_storage sa;
	_cleanup_close_ int fd = -1;
	int err, len = tcp_sockaddr(o->addr ?: "::", o->port, &sa);

	if (len < 0)
		return len;
	fd = lab_socket(lab, host, sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK,
			o->mptcp ? IPPROTO_MPTCP : IPPROTO_TCP);
	if (fd < 0)
		return fd;
	err = listener_options(fd, sa.ss_family, o);
	if (err)
		return err;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	if (listen(fd, o->backlog ?: BACKLOG_DEFAULT) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void connection_close(struct server *s, struct connection *c)
{
	LIST_REMOVE(c, link);
	/* a child between fork() and execve() has the descriptor too, and epoll would go on */
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	free(c);
}

/* Takes the descriptor. */
static void connection_open(struct server *s, int fd, bool v4)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct connection *c = calloc(1, sizeof(*c));
	struct kept kept = { 0 };

	if (!c) {
		close(fd);
		return;
	}
	c->fd = fd;
	LIST_INSERT_HEAD(&s->connections, c, link);

	kept_read(fd, &kept);
	pthread_mutex_lock(&s->lock);
	*(v4 ? &s->kept4 : &s->kept6) = kept;
	pthread_mutex_unlock(&s->lock);

	ev.data.ptr = c;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		connection_close(s, c);
	else if (s->greeting && send(fd, s->greeting, strlen(s->greeting), MSG_NOSIGNAL) < 0)
		connection_close(s, c);
}

static void accept_all(struct server *s)
{
	struct sockaddr_in6 sa;
	socklen_t len;
	int fd;

	for (;;) {
		len = sizeof(sa);
		fd = accept4(s->listen_fd, (struct sockaddr *)&sa, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		connection_open(s, fd,
				sa.sin6_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&sa.sin6_addr));
	}
}

static void echo(struct server *s, struct connection *c)
{
	char buf[16384];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || send(c->fd, buf, n, MSG_NOSIGNAL) != n || s->o.closes_first)
		connection_close(s, c);
}

/* Applies what server_set_accepting() and server_free() have set; true: go on. */
static bool obey(struct server *s)
{
	struct epoll_event ev = { .data.ptr = &s->listen_fd };
	eventfd_t count;

	if (eventfd_read(s->wake_fd, &count) < 0 && errno != EAGAIN)
		return false;
	ev.events = s->accepting ? EPOLLIN : 0;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->listen_fd, &ev);
	return !s->stop;
}

static void *server_thread(void *arg)
{
	struct server *s = arg;
	struct epoll_event events[64];
	bool go_on = true, listener_ready;
	int n, i;

	lab_pin(s->o.cpu_plus_1 - 1);
	while (go_on) {
		n = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), -1);
		listener_ready = false;
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == &s->wake_fd)
				go_on = obey(s);
			else if (events[i].data.ptr == &s->listen_fd)
				listener_ready = true;
			else
				echo(s, events[i].data.ptr);
		}
		/* Last, because it may reuse the memory of a connection closed above. */
		if (listener_ready)
			accept_all(s);
	}
	return NULL;
}

static int watch(struct server *s, int *fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = fd };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, *fd, &ev) < 0 ? -errno : 0;
}

static int server_start(struct server *s)
{
	int err;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->wake_fd < 0)
		return -errno;
	err = watch(s, &s->wake_fd, EPOLLIN) ?: watch(s, &s->listen_fd, s->accepting ? EPOLLIN : 0);
	if (err)
		return err;
	err = pthread_create(&s->thread, NULL, server_thread, s);
	s->running = !err;
	return -err;
}

int server_new(struct server **ret, struct lab *lab, int host, const struct server_options *o)
{
	_cleanup_(server_freep) struct server *s = NULL;
	int err;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->listen_fd = s->epoll_fd = s->wake_fd = -1;
	s->accepting = !o->not_accepting;
	pthread_mutex_init(&s->lock, NULL);
	if (o->greeting) {
		s->greeting = strdup(o->greeting);
		if (!s->greeting)
			return -ENOMEM;
	}

	s->listen_fd = listener_new(lab, host, o);
	if (s->listen_fd < 0)
		return s->listen_fd;
	err = server_start(s);
	if (err)
		return err;
	*ret = TAKE_PTR(s);
	return 0;
}

static void server_wake(struct server *s)
{
	/* Can only fail where 2^64 - 2 wakes are pending. */
	eventfd_write(s->wake_fd, 1);
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	if (server->running) {
		server->stop = true;
		server_wake(server);
		pthread_join(server->thread, NULL);
	}
	while (!LIST_EMPTY(&server->connections))
		connection_close(server, LIST_FIRST(&server->connections));
	close_fd(server->listen_fd);
	close_fd(server->epoll_fd);
	close_fd(server->wake_fd);
	pthread_mutex_destroy(&server->lock);
	free(server->greeting);
	free(server);
	return NULL;
}

void server_set_accepting(struct server *server, bool accepting)
{
	server->accepting = accepting;
	server_wake(server);
}

void server_kept(struct server *server, int family, struct kept *ret)
{
	pthread_mutex_lock(&server->lock);
	*ret = family == AF_INET ? server->kept4 : server->kept6;
	pthread_mutex_unlock(&server->lock);
}

int server_fd(const struct server *server)
{
	return server->listen_fd;
}
