/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells the programs: struct sg_control, of which this is the only writer, and the
 * maps of addresses and prefixes.
 *
 * The programs read struct sg_control while it is written, so each field is one relaxed atomic
 * store; no two of them have to change together.
 */
#pragma once

#include "daemon/base/addr.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/net/rtnl.h"
#include "daemon/settings/settings.h"

/* Random secrets, the network namespace and the CPUs: for memory that no daemon has used. -errno. */
int control_init(struct sg_control *control);

void control_set_mode(struct dataplane *dp, enum sg_mode mode);
enum sg_mode control_mode(struct dataplane *dp);

/* CLOCK_MONOTONIC; without a stamp for SG_HEARTBEAT_LOST_NS the programs challenge nobody. */
void control_set_heartbeat(struct dataplane *dp, uint64_t now_ns);
uint64_t control_heartbeat_ns(struct dataplane *dp);

/* CLOCK_MONOTONIC; until then no cookie carries timestamps, ours or the kernel's own. */
void control_set_settle(struct dataplane *dp, uint64_t until_ns);

/* net.core.rmem_max, which bounds the windows that challenges offer. */
void control_set_rmem_max(struct dataplane *dp, uint64_t bytes);
/* Whether netfilter sees what bridges of this host pass up to IP, by version (br_netfilter). */
void control_set_bridged(struct dataplane *dp, bool v4, bool v6);

/* Which lists have entries: SG_LISTED_*. */
void control_set_listed(struct dataplane *dp, uint32_t listed);

/*
 * Leases, thresholds, budgets, and the list of services to leave alone, which goes from that of
 * `before` (NULL: empty) to that of `s`; what did not change is not written. -errno of the last
 * failure.
 */
int control_apply(struct dataplane *dp, const struct settings *before, const struct settings *s);
uint64_t control_lease_ns(struct dataplane *dp);
uint8_t control_epoch_shift(const struct dataplane *dp);

/* Addresses of this host. -EEXIST, -ENOENT: it was as it should be before. */
int control_add_local(struct dataplane *dp, const struct sg_addr *addr);
int control_remove_local(struct dataplane *dp, const struct sg_addr *addr);

/*
 * The prefixes of which every address is this host's, in place of those before; sorted, and
 * none twice. -ENOMEM, and -errno of the last one that could not be written.
 */
int control_set_local_prefixes(struct dataplane *dp, const struct addr_prefix *prefixes,
			       size_t count);

/*
 * The MAC addresses of this host's interfaces, in place of those before. -ENOMEM, and -errno of the
 * last one that could not be written: frames for that one are passed to the stack.
 */
int control_set_macs(struct dataplane *dp, const struct rtnl_iface *ifaces, size_t count);

/* What ingress does with SYNs of an interface. Of those behind XDP no entry is kept. -errno. */
int control_set_role(struct dataplane *dp, uint32_t ifindex, enum sg_ingress_role role);

/*
 * Ways back, classes of local addresses and groups of interfaces (include/synguard/abi.h): enters
 * one, or with NULL takes it out. In any thread. -ENOENT: there is none.
 */
int control_set_way(struct dataplane *dp, const struct sg_way_key *key, const struct sg_way *way);
int control_set_way_class(struct dataplane *dp, const struct sg_listed *key, const uint32_t *class);
int control_set_way_iface(struct dataplane *dp, uint32_t ifindex, const struct sg_way_iface *iface);
/* SG_WAYS_*: what of these is looked up. */
void control_set_ways(struct dataplane *dp, uint32_t ways);

/* Puts a prefix on the list of those that pass (allow) or whose SYNs are dropped, or takes it off.
 * -errno. */
int control_list(struct dataplane *dp, bool allow, const struct sg_listed *key, bool here);
