/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listeners as JSON: the queues that the kernel keeps, and what the programs have counted for
 * their services in the last second. In the worker.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct dataplane;
struct services_rate;

/* dp NULL: engine "kernel"; then only what sock_diag tells is known. -errno. */
int listeners_write(FILE *to, struct dataplane *dp, const struct services_rate *rates,
		    size_t rate_count);
