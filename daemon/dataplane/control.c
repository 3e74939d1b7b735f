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

void control_set_bridged(struct dataplane *dp, bool v4, bool v6)
{
	CONTROL_SET(dp, bridged, v4 << 4 | v6 << 6);
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

/* Keys that `of` has and `other` has not, both sorted, are written (here) or removed. */
static int control_write_others(const struct bpf_map *map, const struct control_keys *of,
				const struct control_keys *other, bool here)
{
	size_t size = bpf_map__key_size(map), i, at = 0;
	int r = 0, error, order = 1;

	for (i = 0; i < of->count; i++) {
		const char *key = (const char *)of->keys + i * size;

		for (; at < other->count; at++) {
			order = memcmp((const char *)other->keys + at * size, key, size);
			if (order >= 0)
				break;
		}
		if (at < other->count && !order)
			continue;
		error = control_write(map, key, here, BPF_ANY);
		if (error < 0 && error != -ENOENT)
			r = error;
	}
	return r;
}

static int control_compare_keys(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

/* Makes the map hold these keys, which it takes over, by what differs from *in_map. */
static int control_set_keys(const struct bpf_map *map, struct control_keys *in_map, void *keys,
			    size_t count)
{
	struct control_keys now = { keys, count };
	size_t size = bpf_map__key_size(map);
	int removed, added;

	qsort_r(keys, count, size, control_compare_keys, &size);
	/* removed first, so that there is room for what is added */
	removed = control_write_others(map, in_map, &now, false);
	added = control_write_others(map, &now, in_map, true);
	free(in_map->keys);
	*in_map = now;
	return added < 0 ? added : removed;
}

int control_set_local_prefixes(struct dataplane *dp, const struct addr_prefix *prefixes,
			       size_t count)
{
	struct sg_listed *keys = calloc(count ?: 1, sizeof(*keys));
	size_t i;
	int r;

	if (!keys)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		keys[i].prefix_bits = prefixes[i].bits;
		memcpy(keys[i].addr, prefixes[i].addr.bytes, sizeof(keys[i].addr));
	}
	r = control_set_keys(dp->skel->maps.local_prefixes, &dp->local_prefixes, keys, count);
	CONTROL_SET(dp, local_prefixes, count);
	return r;
}

int control_set_macs(struct dataplane *dp, const struct rtnl_iface *ifaces, size_t count)
{
	static const struct sg_mac none;
	struct sg_mac *macs = calloc(count ?: 1, sizeof(*macs));
	size_t i, n = 0;

	if (!macs)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (memcmp(&ifaces[i].mac, &none, sizeof(none)))
			macs[n++] = ifaces[i].mac;
	return control_set_keys(dp->skel->maps.macs, &dp->macs, macs, n);
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

int control_set_role(struct dataplane *dp, uint32_t ifindex, enum sg_ingress_role role)
{
	uint32_t value = role;
	int r = control_put(dp->skel->maps.ingress_roles, &ifindex,
			    role == SG_INGRESS_BEHIND_XDP ? NULL : &value);

	return r == -ENOENT ? 0 : r;
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
