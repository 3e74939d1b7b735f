/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An echo server in a host of the lab: one listener, one thread of this process.
 *
 * It sends back what it reads until the client closes. And what both ends of a TCP connection of
 * the lab have in common: the socket address, and what the connection kept of what its ends can do,
 * the part of TCP_INFO that a SYN cookie may lose.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tests/lab/lab.h"

/* The socket address of "192.0.2.1" or "2001:db8::1" and a port in host byte order. Returns its
 * length, or -EINVAL. */
int tcp_sockaddr(const char *addr, uint16_t port, struct sockaddr_storage *ret);

struct kept {
	bool known;	    /* there was a connection to look at */
	uint32_t snd_mss;   /* bytes of payload per segment, options deducted */
	uint8_t snd_wscale; /* the peer's window scale, and ours; 0 also where none was agreed */
	uint8_t rcv_wscale;
	bool wscale;
	bool sack;
	bool timestamps;
	bool ecn;
};

/* Of a connected TCP socket (or an MPTCP one: of its first subflow). 0 or -errno. */
int kept_read(int fd, struct kept *ret);

/* "mss 1448, wscale 7/7, sack, ts", or "-"; returns @buf. */
const char *kept_format(const struct kept *k, char *buf, size_t size);

struct server_options {
	const char *addr; /* NULL: "::", which serves IPv4 too unless v6only */
	uint16_t port;	  /* host byte order */
	int backlog;	  /* 0: 128 */
	int rcvbuf;	  /* SO_RCVBUF of the listener, bytes as given to setsockopt; 0: not set */
	int maxseg;	  /* TCP_MAXSEG of the listener, bytes; 0: not set */
	int defer_accept; /* TCP_DEFER_ACCEPT, seconds; 0: not set */
	const char *device; /* SO_BINDTODEVICE, or NULL */
	bool v6only;
	bool reuseport;
	bool mptcp;
	bool not_accepting;   /* listens only, until server_set_accepting() */
	const char *greeting; /* sent to each client first (the server speaks first), or NULL */
	bool closes_first;    /* closes after the first echo, so TIME_WAIT is the server's */
	int cpu_plus_1;	      /* the only CPU its thread may use, plus 1; 0 for any */
};

struct server;

/* Listens when it returns. -EADDRINUSE and the like. */
int server_new(struct server **ret, struct lab *lab, int host, const struct server_options *o);

/* Closes listener and connections, ends the thread. Takes NULL, returns NULL. */
struct server *server_free(struct server *server);

void server_set_accepting(struct server *server, bool accepting);

/* What the latest connection over @family (AF_INET also where the listener is dual-stack) kept, as
 * the server's end saw it right after accept(). */
void server_kept(struct server *server, int family, struct kept *ret);

/* The listener's own descriptor; stays the server's. */
int server_fd(const struct server *server);

static inline void server_freep(struct server **p)
{
	server_free(*p);
}
