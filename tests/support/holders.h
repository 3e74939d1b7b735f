/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Very many established connections of the lab's server, held by processes of their own: a process
 * may have so many descriptors and no more.
 *
 * Each has one end only, made by TCP_REPAIR: the kernel has it as established, in its table with
 * all the others, and it sends nothing, not even when it is closed.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/lab.h"

#define HOLDERS_PER_PROCESS 10000
#define HOLDERS_MAX	    200000

struct holders {
	pid_t pids[HOLDERS_MAX / HOLDERS_PER_PROCESS];
	int count; /* of processes */
	int until; /* they end when this is closed */
};

/* All are there when it returns. `port` is the local one, in host byte order. -errno. */
int holders_start(struct holders *h, struct lab *lab, uint16_t port, unsigned int connections);
/* All zero = nothing to do. */
void holders_end(struct holders *h);
