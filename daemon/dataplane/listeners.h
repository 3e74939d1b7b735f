/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listeners of this network namespace, with their queues as the kernel keeps them.
 *
 * Costs what the listeners cost and nothing for the connections, however many are established. A
 * reuseport group has one listener for each of its sockets, each with queues of its own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "synguard/listener_abi.h"

struct dataplane;

typedef void (*listeners_fn)(void *userdata, const struct sg_listener *listener);

/* Calls fn for each. -EOPNOTSUPP: without programs, or where the kernel offers no such walk. */
int listeners_walk(struct dataplane *dp, listeners_fn fn, void *userdata);

/* The same from such a descriptor, so many at a time; 0: as many as there is room for. */
int listeners_read(int fd, size_t at_once, listeners_fn fn, void *userdata);

/*
 * How many half-open connections fit: its backlog; without kernel cookies the kernel also keeps a
 * quarter of net.ipv4.tcp_max_syn_backlog for hosts that it knows.
 */
uint32_t listeners_syn_queue_max(const struct sg_listener *listener);
