/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs have counted: per-CPU values are summed here. All of it since the memory began. */
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/judge/cardinality.h"

/* SG_SERVICES_MAX entries of live memory, shared with the programs. */
struct sg_service *dataplane_services(struct dataplane *dp);

/* Of the service entry with this index. -errno. */
int dataplane_tally(struct dataplane *dp, uint32_t index, struct sg_tally *ret);
/* Makes it zero on all CPUs, before the entry is used for another service. -errno. */
int dataplane_tally_clear(struct dataplane *dp, uint32_t index);

int dataplane_counters(struct dataplane *dp, enum sg_program program, struct sg_counters *ret);

/* Over all CPUs: the totals are added, and the port is the one with the most votes. -errno. */
int dataplane_stray(struct dataplane *dp, enum sg_stray_kind kind, struct sg_stray *ret);

/* Bogus ACKs, by samples, and whether they are taken for a flood just now. */
struct dataplane_acks {
	uint64_t bogus;
	bool flood;
};
struct dataplane_acks dataplane_acks(struct dataplane *dp, uint64_t now_ns);

/* What the driver did with XDP's answers on an interface. -ENOENT: nothing yet. */
/* What of netfilter is on the way of what comes in for addresses of this kind: SG_INPUT_*. */
uint32_t dataplane_input_hooks(struct dataplane *dp, const struct sg_addr *local);

int dataplane_tx(struct dataplane *dp, int ifindex, struct sg_tx *ret);

/* How many sources sent SYNs to services in this window and the last. -errno. */
int dataplane_cardinality(struct dataplane *dp, uint64_t now_ns, struct cardinality *ret);

/* SG_HITTER_KINDS * SG_HITTER_SETS of live memory, which the programs write: see heavy_hitters.h. */
const struct sg_hitter_set *dataplane_heavy_hitters(struct dataplane *dp);
