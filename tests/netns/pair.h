/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of which a test holds both ends.
 *
 * All sockets are blocking, with a limit after which a call fails with EAGAIN: nothing hangs. They
 * have TCP_NODELAY, so that nothing waits for the other end's delayed ACK either.
 * Functions fail the running test with the reason, so callers check nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tcp.h>

#include "stage.h"

struct pair {
	int client;
	int server;
};

struct pair_listener {
	int family;   /* 0: dual-stack; AF_INET6: IPv6 only */
	int backlog;  /* 0: 512 */
	int rcvbuf;   /* SO_RCVBUFFORCE, 0: not set */
	int maxseg;   /* TCP_MAXSEG, 0: not set */
	int fastopen; /* TCP_FASTOPEN, 0: not set */
};

/* A listener on STAGE_PORT of the server. o may be NULL. */
int pair_listen(struct stage *s, const struct pair_listener *o);

/* A client's socket, not connected; port 0: the kernel's choice. */
int pair_socket(struct stage *s, int family, uint16_t port);

/* Connects it to STAGE_PORT of the server: 0 or -errno. */
int pair_connect(int fd, int family);

/* The next connection of the listener, or -1 where there is none within timeout_ms. */
int pair_accept(int listener, int timeout_ms);

/* Both ends of a new connection. */
struct pair pair_open(struct stage *s, int listener, int family, uint16_t port);

/* The same with MSG_FASTOPEN: a word in the SYN where the client has a cookie, else after it. The
 * server has read it, and they have talked. */
struct pair pair_open_fast(struct stage *s, int listener, int family);

/* How a connection ends. Each waits until both ends know it. */
void pair_close(struct pair *p); /* the client first: TIME_WAIT is the client's */
void pair_close_server_first(struct pair *p);
void pair_reset(struct pair *p); /* RST by the client */

/* A word there and back. */
void pair_talk(const struct pair *p);

/*
 * Sends bytes from one end to the other and compares what arrives. By turns, with never more than
 * chunk bytes under way: then no window closes but for a fault.
 */
void pair_stream(int from, int to, size_t bytes, size_t chunk);

/* The same both ways at once, as fast as it goes. */
void pair_bulk(const struct pair *p, size_t bytes);

struct tcp_info pair_info(int fd);

/* The server's address of the family, and "IPv4" or "IPv6". */
const char *pair_server_address(int family);
const char *pair_family_name(int family);
