/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel which half-open connections nobody will answer (bpf/reap.bpf.c).
 *
 * The program is loaded by itself: it needs neither the others nor what they need, and no interface
 * is attached to. Belongs to one thread at a time.
 */
#pragma once

#include <stdint.h>

#include "synguard/reap_abi.h"

#include "daemon/base/complaint.h"

struct dataplane_requests;

/*
 * Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; what follows needs none of them. -errno, with *c
 * saying what is missing. The caller owns *ret.
 */
int dataplane_requests_new(struct dataplane_requests **ret, struct complaint *c);
struct dataplane_requests *dataplane_requests_free(struct dataplane_requests *q);

/* What is asked about, and the answers; memory that is shared with the program. */
struct sg_requests *dataplane_requests(struct dataplane_requests *q);

/*
 * Fills in the verdicts of the connections of the caller's network namespace. ifindex: of the
 * interface that they are bound to, 0 for none. -errno: -ENODEV, it is gone.
 */
int dataplane_requests_judge(struct dataplane_requests *q, uint32_t ifindex);
