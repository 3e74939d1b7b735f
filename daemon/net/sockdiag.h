/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to sock_diag: listeners with their accept queues, and half-open connections; and ending
 * sockets.
 *
 * What is not asked for the kernel leaves out, without a lock on any connection; but it looks at
 * every one of them to find the half-open ones, because all are in one table. So one dump is made
 * for both families.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/abi.h"

/* Numbers of enum in net/tcp_states.h, which is not for user space. */
#define SOCKDIAG_SYN_RECV 3 /* half-open: request sockets, and those of TCP Fast Open */
#define SOCKDIAG_LISTEN	  10
#define SOCKDIAG_STATES	  12 /* all are below */

struct sockdiag_socket {
	bool listening;
	uint8_t state;
	uint8_t retransmits; /* that were sent already */
	bool ipv6;
	bool v6only;
	struct sg_addr addr;   /* local; all zero = any */
	__be16 port;	       /* local */
	uint32_t accept_queue; /* of a listener: completed, not accepted */
	uint32_t queue_max;    /* of a listener: the backlog, which limits both queues */
	struct sg_addr peer;   /* not of a listener */
	__be16 peer_port;
	uint32_t expires_ms; /* until its timer fires */
	uint32_t ifindex;    /* that it is bound to; 0 = none */
	uint64_t inode, cookie, cgroup_id;
};

typedef void (*sockdiag_fn)(void *userdata, const struct sockdiag_socket *s);

/*
 * Calls fn for every listener and every half-open connection of this network namespace. A dump
 * that the kernel had to interrupt (NLM_F_DUMP_INTR) is used as far as it goes. -errno.
 */
int sockdiag_walk(sockdiag_fn fn, void *userdata);

/*
 * The same for sockets in the states of this mask, 1 << state. *partial: a dump was interrupted.
 * May be called in any thread, and takes as long as the listing is.
 */
int sockdiag_walk_states(uint32_t states, sockdiag_fn fn, void *userdata, bool *partial);

/*
 * Takes what one read of a dump has given, whose flags are changed. 1: there is more to come; 0:
 * that was the end; -errno: what the kernel says, or what is in there is no message. *partial
 * becomes true where a message says NLM_F_DUMP_INTR. Pure.
 *
 * The kernel has no such word about sockets yet: inet_diag never sets cb->seq, by which
 * nl_dump_check_consistent() knows.
 */
int sockdiag_take(void *buffer, size_t bytes, sockdiag_fn fn, void *userdata, bool *partial);

/* Ends sockets as `ss -K` does. */
struct sockdiag_ender;

/* The caller owns *ret. -errno. */
int sockdiag_ender_new(struct sockdiag_ender **ret);
struct sockdiag_ender *sockdiag_ender_free(struct sockdiag_ender *e);

/*
 * Ends these sockets, all in one message, which takes CAP_NET_ADMIN. Each is found by its addresses
 * and has to have its cookie: another one between the same ends is left alone. A half-open
 * connection is forgotten and nothing is sent (tcp_abort()). But what it becomes inherits its
 * cookie (inet_csk_clone_lock()), so the call has to follow at once on whatever said that it is
 * half-open.
 *
 * How many have been ended; the others were gone. -errno: none; -EOPNOTSUPP: this kernel cannot
 * (CONFIG_INET_DIAG_DESTROY).
 */
#define SOCKDIAG_END_MAX 64 /* at once */
int sockdiag_end(struct sockdiag_ender *e, const struct sockdiag_socket *sockets, size_t count);
