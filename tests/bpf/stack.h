/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP stack for one test: a network namespace of the calling process's own, with
 *
 *	"client", no address  <-- veth -->  "server" 203.0.113.1, 2001:db8::2, MTU 1500
 *
 * What the server sends is read at the client's end; what it is to receive is put into it with
 * prog_deliver(). Addresses and MACs are the defaults of struct frame_spec: a spec without a word
 * is a SYN to port 80 of the server.
 *
 * Nothing outlives the process. What cannot be set up fails the running test and says why.
 */
#pragma once

#include <stdbool.h>

#include "frame.h"
#include "prog.h"

#define STACK_SERVER4 "203.0.113.1"
#define STACK_SERVER6 "2001:db8::2"
#define STACK_CLIENT4 "198.51.100.1"
#define STACK_CLIENT6 "2001:db8::1"
#define STACK_PORT    80

/* Makes it and enters it; returns the interface index of "server". */
unsigned int stack_new(void);

/* The next TCP frame that the stack sent out of "server"; false after a second without one. */
bool stack_sent(struct prog_frame *f);

/* Asserts that there is one, and takes it apart. */
struct frame_view stack_view_sent(void);

/* Asserts that there is none, or no RST: a tenth of a second is long after what softirqs do. */
void stack_assert_silent(void);
void stack_assert_no_reset(void);

struct stack_listener {
	const char *addr; /* "::", both families */
	int port;	  /* STACK_PORT */
	int backlog;	  /* 128 */
	int protocol;
	int rcvbuf;
	int maxseg;
	int ttl; /* of IPv4 */
	int tos;
	bool reuseport;
	bool v6only;
};

/* A listening socket, non-blocking: stack_listen(.backlog = 1). */
#define stack_listen(...) stack_listen_as(&(struct stack_listener){ __VA_ARGS__ })
int stack_listen_as(const struct stack_listener *l);

/* The next connection of a listener, or -1 after a tenth of a second. */
int stack_accept(int listener);

/* A connection to the listener over lo; returns when it waits in the accept queue. */
int stack_connect(int listener, int family);

/* A value of /proc/sys/net in the namespace: ("ipv4/tcp_sack", "0"). */
void stack_sysctl(const char *name, const char *value);

/* Runs a shell command, which has to succeed. */
void stack_command(const char *command);
