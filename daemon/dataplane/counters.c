/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/dataplane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/dataplane/attach.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/load.h"
#include "synguard.skel.h"

struct dataplane {
	struct synguard_bpf *skel;
	const struct dataplane_store *store;
	bool continues;
	struct sg_service *services;
	const struct sg_hitter_set *heavy_hitters;
	uint64_t loaded_ns;
	int cpus;
};

#define DATAPLANE_SERVICES_BYTES (SG_SERVICES_MAX * sizeof(struct sg_service))
#define DATAPLANE_HITTERS_BYTES	 (SG_HITTER_KINDS * SG_HITTER_SETS * sizeof(struct sg_hitter_set))

static int dataplane_map_tables(struct dataplane *dp)
{
	void *p = mmap(NULL, DATAPLANE_SERVICES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(dp->skel->maps.services), 0);

	if (p == MAP_FAILED)
		return -errno;
	dp->services = p;
	p = mmap(NULL, DATAPLANE_HITTERS_BYTES, PROT_READ, MAP_SHARED,
		 bpf_map__fd(dp->skel->maps.heavy_hitters), 0);
	if (p == MAP_FAILED)
		return -errno;
	dp->heavy_hitters = p;
	return 0;
}

int dataplane_new(struct dataplane **ret, uint8_t epoch_shift, const struct dataplane_store *store,
		  struct complaint *c)
{
	struct dataplane_loaded loaded = {};
	struct dataplane *dp;
	int r;

	r = dataplane_load(&loaded, epoch_shift, store, c);
	if (r < 0)
		return r;
	dp = calloc(1, sizeof(*dp));
	if (!dp) {
		synguard_bpf__destroy(loaded.skel);
		return -ENOMEM;
	}
	dp->store = store;
	dp->skel = loaded.skel;
	dp->continues = loaded.continues;
	dp->cpus = libbpf_num_possible_cpus();
	r = dp->cpus < 0 ? dp->cpus : dataplane_map_tables(dp);
	if (r >= 0 && !dp->continues) {
		dp->loaded_ns = clock_now_ns();
		r = control_init(&dp->skel->bss->control);
	}
	if (r < 0) {
		complain(c, "the programs could not be set up: %s", strerror(-r));
		dataplane_free(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

bool dataplane_continues(const struct dataplane *dp)
{
	return dp->continues;
}

const struct dataplane_store *dataplane_store(struct dataplane *dp)
{
	return dp->store;
}

struct synguard_bpf *dataplane_skeleton(struct dataplane *dp)
{
	return dp->skel;
}

struct dataplane *dataplane_free(struct dataplane *dp)
{
	if (!dp)
		return NULL;
	if (dp->services)
		munmap(dp->services, DATAPLANE_SERVICES_BYTES);
	if (dp->heavy_hitters)
		munmap((void *)dp->heavy_hitters, DATAPLANE_HITTERS_BYTES);
	synguard_bpf__destroy(dp->skel);
	free(dp);
	return NULL;
}

/* Without it a driver that cannot send is not found out; nothing else suffers. */
static void dataplane_watch_driver(struct bpf_program *prog, struct bpf_link **ret)
{
	struct bpf_link *link = bpf_program__autoload(prog) ? bpf_program__attach(prog) : NULL;

	if (link && !libbpf_get_error(link))
		*ret = link;
}

int dataplane_attach_births(struct dataplane *dp, struct complaint *c)
{
	struct bpf_link *link = bpf_program__attach(dp->skel->progs.synguard_born);
	int r = libbpf_get_error(link);

	if (r) {
		complain(c, "the tracepoint inet_sock_set_state could not be attached: %s",
			 strerror(-r));
		return r;
	}
	dp->skel->links.synguard_born = link; /* the skeleton destroys it */
	dataplane_watch_driver(dp->skel->progs.synguard_sent, &dp->skel->links.synguard_sent);
	dataplane_watch_driver(dp->skel->progs.synguard_failed, &dp->skel->links.synguard_failed);

	if (bpf_program__autoload(dp->skel->progs.synguard_listeners)) {
		link = bpf_program__attach(dp->skel->progs.synguard_listeners);
		if (!libbpf_get_error(link))
			dp->skel->links.synguard_listeners = link;
	}
	return 0;
}

int dataplane_listeners(struct dataplane *dp)
{
	struct bpf_link *link = dp->skel->links.synguard_listeners;
	int fd;

	if (!link)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(link));
	return fd < 0 ? -errno : fd;
}

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

struct dataplane_acks dataplane_acks(struct dataplane *dp, uint64_t now_ns)
{
	const struct synguard_bpf__bss *bss = dp->skel->bss;

	return (struct dataplane_acks){
		.bogus = __atomic_load_n(&bss->bogus_acks, __ATOMIC_RELAXED),
		.flood = __atomic_load_n(&bss->ack_flood_until_ns, __ATOMIC_RELAXED) > now_ns,
	};
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
