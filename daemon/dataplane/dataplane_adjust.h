/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The half of dataplane that adjusts listeners: a program of its own (bpf/adjust.bpf.c), which can
 * be had without the others. Orders are carried out when the listeners are read.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/complaint.h"
#include "synguard/listener_abi.h"

struct dataplane_adjust;

/*
 * Loads and attaches it, which needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; afterwards
 * CAP_NET_ADMIN suffices. -EOPNOTSUPP: this kernel does not let a program walk sockets; other
 * -errno; with *c filled. The caller owns *ret.
 */
int dataplane_adjust_new(struct dataplane_adjust **ret, struct complaint *c);
struct dataplane_adjust *dataplane_adjust_free(struct dataplane_adjust *a);

/* To be carried out when that listener is read next. -errno. */
int dataplane_adjust_order(struct dataplane_adjust *a, uint64_t cookie,
			   const struct sg_order *order);
/* Takes the order back. What the kernel said of it, 0 or -errno; 0 also where it never came to it. */
int dataplane_adjust_result(struct dataplane_adjust *a, uint64_t cookie);

/*
 * A descriptor from which struct sg_listener can be read, of the network namespace of the caller,
 * each with its order carried out; -EAGAIN there is the end as 0 is. The caller closes it. -errno.
 */
int dataplane_adjust_listeners(struct dataplane_adjust *a);
