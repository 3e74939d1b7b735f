/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listeners of this network namespace, with their queues as the kernel keeps them, and the
 * program that adjusts them (bpf/adjust.bpf.c), which can be loaded without the others.
 *
 * A walk costs what the listeners cost and nothing for the connections, however many are
 * established. A reuseport group has one listener for each of its sockets, each with its own queues.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/complaint.h"
#include "synguard/listener_abi.h"

struct dataplane;

typedef void (*listeners_fn)(void *userdata, const struct sg_listener *listener);

/* Calls fn for each. -EOPNOTSUPP: without programs, or where the kernel has no such iterator. */
int listeners_walk(struct dataplane *dp, listeners_fn fn, void *userdata);

/* The same from such a descriptor, so many at a time; 0: as many as there is room for. */
int listeners_read(int fd, size_t at_once, listeners_fn fn, void *userdata);

/*
 * How many half-open connections fit: its backlog; without kernel cookies the kernel also keeps a
 * quarter of net.ipv4.tcp_max_syn_backlog for hosts that it knows.
 */
uint32_t listeners_syn_queue_max(const struct sg_listener *listener);

/* ---- adjusting ---- */

struct dataplane_adjust;

/*
 * Loads and attaches the program, which needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; afterwards
 * CAP_NET_ADMIN suffices. -EOPNOTSUPP: this kernel does not let a program walk sockets; other
 * -errno; with *c filled. The caller owns *ret.
 */
int dataplane_adjust_new(struct dataplane_adjust **ret, struct complaint *c);
struct dataplane_adjust *dataplane_adjust_free(struct dataplane_adjust *a);

/* To be carried out when that listener is read next. -errno. */
int dataplane_adjust_order(struct dataplane_adjust *a, uint64_t cookie,
			   const struct sg_order *order);
/* Takes the order back: what the kernel said of it, 0 or -errno; 0 also where it was not reached. */
int dataplane_adjust_result(struct dataplane_adjust *a, uint64_t cookie);

/*
 * A descriptor for listeners_read(), of the network namespace of the caller; each listener's order
 * is carried out as it is read. The caller closes it. -errno.
 */
int dataplane_adjust_listeners(struct dataplane_adjust *a);
