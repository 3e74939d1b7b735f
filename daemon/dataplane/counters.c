/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "synguard.skel.h"

struct sg_service *dataplane_services(struct dataplane *dp)
{
	return dp->services;
}

/* Reads a per-CPU element; every value is an array of u64 as far as sums are concerned. */
static int dataplane_sum(struct dataplane *dp, struct bpf_map *map, uint32_t key, uint64_t *ret,
			 size_t words)
{
	_cleanup_free_ uint64_t *values = calloc(dp->cpus * words, sizeof(uint64_t));
	size_t i;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, values) < 0)
		return -errno;
	memset(ret, 0, words * sizeof(uint64_t));
	for (i = 0; i < dp->cpus * words; i++)
		ret[i % words] += values[i];
	return 0;
}

int dataplane_tally(struct dataplane *dp, uint32_t index, struct sg_tally *ret)
{
	return dataplane_sum(dp, dp->skel->maps.tallies, index, (uint64_t *)ret,
			     sizeof(*ret) / sizeof(uint64_t));
}

int dataplane_tally_clear(struct dataplane *dp, uint32_t index)
{
	_cleanup_free_ struct sg_tally *zero = calloc(dp->cpus, sizeof(*zero));

	if (!zero)
		return -ENOMEM;
	return bpf_map_update_elem(bpf_map__fd(dp->skel->maps.tallies), &index, zero, 0) < 0 ?
		       -errno :
		       0;
}

int dataplane_counters(struct dataplane *dp, enum sg_program program, struct sg_counters *ret)
{
	return dataplane_sum(dp, dp->skel->maps.counters, program, (uint64_t *)ret,
			     sizeof(*ret) / sizeof(uint64_t));
}

int dataplane_stray(struct dataplane *dp, enum sg_stray_kind kind, struct sg_stray *ret)
{
	_cleanup_free_ struct sg_stray *each = calloc(dp->cpus, sizeof(*each));
	uint32_t key = kind;
	uint64_t total = 0;
	int cpu, most = 0;

	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.strays), &key, each) < 0)
		return -errno;
	for (cpu = 0; cpu < dp->cpus; cpu++) {
		total += each[cpu].total;
		if (each[cpu].votes > each[most].votes)
			most = cpu;
	}
	*ret = each[most];
	ret->total = total;
	return 0;
}

struct dataplane_acks dataplane_acks(struct dataplane *dp, uint64_t now_ns)
{
	const struct synguard_bpf__bss *bss = dp->skel->bss;

	return (struct dataplane_acks){
		.bogus = __atomic_load_n(&bss->bogus_acks, __ATOMIC_RELAXED),
		.flood = __atomic_load_n(&bss->ack_flood_until_ns, __ATOMIC_RELAXED) > now_ns,
	};
}

uint32_t dataplane_input_hooks(struct dataplane *dp, const struct sg_addr *local)
{
	const __u32 *hooks = dp->skel->bss->input_hooks;

	return __atomic_load_n(&hooks[!addr_is_v4(local)], __ATOMIC_RELAXED);
}

int dataplane_tx(struct dataplane *dp, int ifindex, struct sg_tx *ret)
{
	return dataplane_sum(dp, dp->skel->maps.sent, ifindex, (uint64_t *)ret,
			     sizeof(*ret) / sizeof(uint64_t));
}

int dataplane_cardinality(struct dataplane *dp, uint64_t now_ns, struct cardinality *ret)
{
	_cleanup_free_ struct sg_cardinality *each = calloc(dp->cpus, sizeof(*each));
	struct cardinality all = {};
	uint32_t at;
	int cpu;

	if (!each)
		return -ENOMEM;
	for (at = 0; at < 2; at++) {
		if (bpf_map_lookup_elem(bpf_map__fd(dp->skel->maps.cardinalities), &at, each) < 0)
			return -errno;
		for (cpu = 0; cpu < dp->cpus; cpu++)
			cardinality_add(&all, &each[cpu], now_ns >> SG_HITTER_SHIFT);
	}
	all.since_ns = ((now_ns >> SG_HITTER_SHIFT) - 1) << SG_HITTER_SHIFT;
	if (all.since_ns < dp->loaded_ns)
		all.since_ns = dp->loaded_ns;
	*ret = all;
	return 0;
}

const struct sg_hitter_set *dataplane_heavy_hitters(struct dataplane *dp)
{
	return dp->heavy_hitters;
}
