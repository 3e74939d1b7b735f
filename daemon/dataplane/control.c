/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard.skel.h"

#define CONTROL_SET(dp, field, value)                                                              \
	__atomic_store_n(&(dp)->skel->bss->control.field, value, __ATOMIC_RELAXED)
#define CONTROL_GET(dp, field) __atomic_load_n(&(dp)->skel->bss->control.field, __ATOMIC_RELAXED)

int control_init(struct sg_control *control)
{
	struct stat st;
	struct {
		uint64_t key[2];
		uint64_t source_salt;
		uint32_t tsval_offset;
	} secret;

	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	memcpy(control->key, secret.key, sizeof(control->key));
	control->source_salt = secret.source_salt;
	control->tsval_offset = secret.tsval_offset;
	explicit_bzero(&secret, sizeof(secret));
	if (stat("/proc/self/ns/net", &st) < 0)
		return -errno;
	control->netns_inum = st.st_ino;
	control->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return 0;
}

void control_set_mode(struct dataplane *dp, enum sg_mode mode)
{
	CONTROL_SET(dp, mode, mode);
}

enum sg_mode control_mode(struct dataplane *dp)
{
	return CONTROL_GET(dp, mode);
}

void control_set_heartbeat(struct dataplane *dp, uint64_t now_ns)
{
	CONTROL_SET(dp, heartbeat_ns, now_ns);
}

uint64_t control_heartbeat_ns(struct dataplane *dp)
{
	return CONTROL_GET(dp, heartbeat_ns);
}

void control_set_settle(struct dataplane *dp, uint64_t until_ns)
{
	CONTROL_SET(dp, settle_until_ns, until_ns);
}

void control_set_rmem_max(struct dataplane *dp, uint64_t bytes)
{
	CONTROL_SET(dp, rmem_max, bytes);
}

void control_set_listed(struct dataplane *dp, uint32_t listed)
{
	CONTROL_SET(dp, listed, listed);
}

uint64_t control_lease_ns(struct dataplane *dp)
{
	return CONTROL_GET(dp, lease_ns);
}

uint8_t control_epoch_shift(const struct dataplane *dp)
{
	return dp->skel->rodata->epoch_shift;
}

/* ---- maps ---------------------------------------------------------------------------------- */

static int control_write(const struct bpf_map *map, const void *key, bool here, uint64_t flags)
{
	static const uint8_t present = 1;
	int fd = bpf_map__fd(map);
	int r = here ? bpf_map_update_elem(fd, key, &present, flags) : bpf_map_delete_elem(fd, key);

	return r < 0 ? -errno : 0;
}

int control_add_local(struct dataplane *dp, const struct sg_addr *addr)
{
	struct synguard_bpf *skel = dp->skel;
	struct sg_local_bits own = sg_local_bits(addr);

	/* before the table: programs search it only where these bits are set */
	__atomic_fetch_or(&skel->bss->control.local_bloom[own.word], own.bits, __ATOMIC_RELAXED);
	return control_write(skel->maps.local_addrs, addr, true, BPF_NOEXIST);
}

int control_remove_local(struct dataplane *dp, const struct sg_addr *addr)
{
	return control_write(dp->skel->maps.local_addrs, addr, false, 0);
}

/* What is in `prefixes` and not in `others` is added (here) or removed. */
static int control_write_prefixes(struct dataplane *dp, const struct addr_prefix *prefixes,
				  size_t count, const struct addr_prefix *others,
				  size_t other_count, bool here)
{
	int r = 0, error;
	size_t i;

	for (i = 0; i < count; i++) {
		struct sg_listed key = { .prefix_bits = prefixes[i].bits };

		if (other_count && bsearch(&prefixes[i], others, other_count, sizeof(*others),
					   addr_prefix_compare))
			continue;
		memcpy(key.addr, prefixes[i].addr.bytes, sizeof(key.addr));
		error = control_write(dp->skel->maps.local_prefixes, &key, here, BPF_ANY);
		if (error < 0 && error != -ENOENT)
			r = error;
	}
	return r;
}

int control_set_local_prefixes(struct dataplane *dp, const struct addr_prefix *prefixes,
			       size_t count)
{
	struct addr_prefix *copy = calloc(count ?: 1, sizeof(*copy));
	int removed, added;

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, prefixes, count * sizeof(*copy));
	/* removed first, so that there is room for what is added */
	removed = control_write_prefixes(dp, dp->local_prefixes, dp->local_prefix_count, copy,
					 count, false);
	added = control_write_prefixes(dp, copy, count, dp->local_prefixes, dp->local_prefix_count,
				       true);
	free(dp->local_prefixes);
	dp->local_prefixes = copy;
	dp->local_prefix_count = count;
	CONTROL_SET(dp, local_prefixes, count);
	return added < 0 ? added : removed;
}

static int control_mac_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sg_mac));
}

static bool control_has_mac(const struct sg_mac *macs, size_t count, const struct sg_mac *mac)
{
	return count && bsearch(mac, macs, count, sizeof(*macs), control_mac_compare);
}

/* What is in `macs` and not in `others` is added (here) or removed. */
static int control_write_macs(struct dataplane *dp, const struct sg_mac *macs, size_t count,
			      const struct sg_mac *others, size_t other_count, bool here)
{
	int r = 0, error;
	size_t i;

	for (i = 0; i < count; i++) {
		if ((i && !control_mac_compare(&macs[i], &macs[i - 1])) ||
		    control_has_mac(others, other_count, &macs[i]))
			continue;
		error = control_write(dp->skel->maps.macs, &macs[i], here, BPF_ANY);
		if (error < 0 && error != -ENOENT)
			r = error;
	}
	return r;
}

int control_set_macs(struct dataplane *dp, const struct rtnl_iface *ifaces, size_t count)
{
	static const struct sg_mac none;
	struct sg_mac *macs = calloc(count ?: 1, sizeof(*macs));
	size_t i, n = 0;
	int removed, added;

	if (!macs)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (control_mac_compare(&ifaces[i].mac, &none))
			macs[n++] = ifaces[i].mac;
	qsort(macs, n, sizeof(*macs), control_mac_compare);
	/* removed first, so that there is room for what is added */
	removed = control_write_macs(dp, dp->macs, dp->mac_count, macs, n, false);
	added = control_write_macs(dp, macs, n, dp->macs, dp->mac_count, true);
	free(dp->macs);
	dp->macs = macs;
	dp->mac_count = n;
	return added < 0 ? added : removed;
}

int control_list(struct dataplane *dp, bool allow, const struct sg_listed *key, bool here)
{
	struct synguard_bpf *skel = dp->skel;

	return control_write(allow ? skel->maps.allowed : skel->maps.denied, key, here, BPF_ANY);
}

static int control_put(const struct bpf_map *map, const void *key, const void *value)
{
	int fd = bpf_map__fd(map);
	int r = value ? bpf_map_update_elem(fd, key, value, BPF_ANY) : bpf_map_delete_elem(fd, key);

	return r < 0 ? -errno : 0;
}

int control_set_way(struct dataplane *dp, const struct sg_way_key *key, const struct sg_way *way)
{
	return control_put(dp->skel->maps.ways, key, way);
}

int control_set_way_class(struct dataplane *dp, const struct sg_listed *key, const uint32_t *class)
{
	return control_put(dp->skel->maps.way_classes, key, class);
}

int control_set_way_iface(struct dataplane *dp, uint32_t ifindex, const struct sg_way_iface *iface)
{
	return control_put(dp->skel->maps.way_ifaces, &ifindex, iface);
}

void control_set_ways(struct dataplane *dp, uint32_t ways)
{
	CONTROL_SET(dp, ways, ways);
}

/* ---- settings ------------------------------------------------------------------------------ */

static bool control_has(const struct settings *s, const struct settings_service *service)
{
	size_t i;

	/* settings compare as bytes: their padding is 0 (settings.c) */
	for (i = 0; s && i < s->leave_alone.count; i++)
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
		if (!memcmp(&s->leave_alone.items[i], service, sizeof(*service)))
			return true;
	return false;
}

/* Adds (here) or removes the services that `s` leaves alone and `other` does not. */
static int control_leave_alone(struct dataplane *dp, const struct settings *s,
			       const struct settings *other, bool here)
{
	int r = 0, error;
	size_t i;

	for (i = 0; s && i < s->leave_alone.count; i++) {
		const struct settings_service *service = &s->leave_alone.items[i];
		struct sg_left_alone key = {
			.prefix_bits = SG_LEFT_ALONE_PORT_BITS + service->prefix.bits,
			.port = htons(service->port),
		};

		if (control_has(other, service))
			continue;
		memcpy(key.addr, service->prefix.addr.bytes, sizeof(key.addr));
		error = control_write(dp->skel->maps.left_alone, &key, here, BPF_ANY);
		if (error < 0)
			r = error;
	}
	return r;
}

int control_apply(struct dataplane *dp, const struct settings *before, const struct settings *s)
{
	int removed, added;

	CONTROL_SET(dp, lease_ns, s->lease_ns);
	CONTROL_SET(dp, arm_percent, s->arm_percent);
	CONTROL_SET(dp, client_allowance, s->client_allowance);
	CONTROL_SET(dp, ack_flood_rate, s->ack_flood_rate);
	CONTROL_SET(dp, reply_budget, s->reply_budget);
	CONTROL_SET(dp, reply_budget_prefix, s->reply_budget_prefix);
	/* removed first, so that there is room for what is added */
	removed = control_leave_alone(dp, before, s, false);
	added = control_leave_alone(dp, s, before, true);
	return added < 0 ? added : removed;
}
