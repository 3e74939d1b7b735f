/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock_diag: listeners with their accept queues, half-open connections, and ending sockets.
 *
 * The kernel filters by state without locking a connection, but has to look at every one of them,
 * because half-open ones are in the same table (ehash). So one dump is made for both families.
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
	uint8_t retransmits; /* sent so far */
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
 * Calls fn for every listener and every half-open connection of this network namespace. An
 * interrupted dump (NLM_F_DUMP_INTR) is used as far as it goes. -errno.
 */
int sockdiag_walk(sockdiag_fn fn, void *userdata);

/*
 * The same for sockets in the states of this mask, 1 << state. *partial: the dump was interrupted.
 * May be called in any thread. Takes time in proportion to the connections of the host.
 */
int sockdiag_walk_states(uint32_t states, sockdiag_fn fn, void *userdata, bool *partial);

/*
 * Handles one read of a dump, and clears NLM_F_DUMP_INTR in it: then *partial becomes true. 1: more
 * is to come; 0: that was the end; -errno: the kernel's, or the bytes are no message. Pure.
 *
 * Kernels do not set the flag for sockets so far: inet_diag never sets cb->seq, which
 * nl_dump_check_consistent() compares.
 */
int sockdiag_take(void *buffer, size_t bytes, sockdiag_fn fn, void *userdata, bool *partial);

/* Ends sockets as `ss -K` does. */
struct sockdiag_ender;

/* The caller owns *ret. -errno. */
int sockdiag_ender_new(struct sockdiag_ender **ret);
struct sockdiag_ender *sockdiag_ender_free(struct sockdiag_ender *e);

/*
 * Ends these sockets with one write; takes CAP_NET_ADMIN. Each is found by its addresses and must
 * have its cookie: another one between the same ends stays. A half-open connection is dropped and
 * nothing is sent (tcp_abort()). The connection that it becomes inherits its cookie
 * (inet_csk_clone_lock()), so the call has to follow at once on the dump that showed it half-open.
 *
 * Returns how many were ended; the others had gone. -errno: none was; -EOPNOTSUPP: the kernel is
 * built without CONFIG_INET_DIAG_DESTROY.
 */
#define SOCKDIAG_END_MAX 64 /* at once */
int sockdiag_end(struct sockdiag_ender *e, const struct sockdiag_socket *sockets, size_t count);
