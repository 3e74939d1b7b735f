/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to sock_diag: listeners with their accept queues, and half-open connections.
 *
 * Both dumps are filtered by state in the kernel, so that established connections cost nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "synguard/abi.h"

struct sockdiag_socket {
	bool listening; /* else half-open */
	bool ipv6;
	bool v6only;
	struct sg_addr addr;   /* local; all zero = any */
	__be16 port;	       /* local */
	uint32_t accept_queue; /* of a listener: completed, not accepted */
	uint32_t queue_max;    /* of a listener: the backlog, which limits both queues */
};

typedef void (*sockdiag_fn)(void *userdata, const struct sockdiag_socket *s);

/*
 * Calls fn for every listener and every half-open connection of this network namespace. A dump
 * that the kernel had to interrupt (NLM_F_DUMP_INTR) is used as far as it goes. -errno.
 */
int sockdiag_walk(sockdiag_fn fn, void *userdata);
