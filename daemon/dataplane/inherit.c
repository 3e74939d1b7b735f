/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/inherit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/hash.h"
#include "daemon/dataplane/fdstore.h"
#include "synguard.skel.h"

/*
 * To be raised when what is in the maps comes to mean something else without another layout of it,
 * so that memory of the former meaning is not taken over.
 */
#define INHERIT_MEANING 1

/* A name in the store; systemd allows 255 characters. */
struct inherit_name {
	char text[96];
};

static const char *const inherit_links[] = {
	[INHERIT_NATIVE] = "native",
	[INHERIT_GENERIC] = "generic",
	[INHERIT_INGRESS] = "ingress",
	[INHERIT_EGRESS] = "egress",
};

static struct inherit_name inherit_link_name(enum inherit_link what, int ifindex)
{
	struct inherit_name name;

	snprintf(name.text, sizeof(name.text), "%s-%d", inherit_links[what], ifindex);
	return name;
}

static struct inherit_name inherit_map_name(const struct bpf_map *map,
					    const struct inherit_stamp *stamp)
{
	struct inherit_name name;

	snprintf(name.text, sizeof(name.text), "map-%s-%s", bpf_map__name(map), stamp->text);
	return name;
}

/*
 * What the programs have learned. Not what control.c writes, which the daemon fills anew before any
 * interface is attached to: an address or a prefix that went meanwhile would stay in there. Nor what
 * is only passed on.
 */
static bool inherit_is_memory(const struct synguard_bpf *skel, const struct bpf_map *map)
{
	return map != skel->maps.local_addrs && map != skel->maps.local_prefixes &&
	       map != skel->maps.macs && map != skel->maps.left_alone &&
	       map != skel->maps.allowed && map != skel->maps.denied && map != skel->maps.ways &&
	       map != skel->maps.way_classes && map != skel->maps.way_ifaces &&
	       map != skel->maps.ingress_roles && map != skel->maps.calls &&
	       map != skel->maps.rodata;
}

/* ---- the stamp ----------------------------------------------------------------------------- */

/* What is hashed comes from the programs, so that nobody can force a collision. */
static void inherit_hash(uint64_t *h, const void *bytes, size_t size)
{
	*h = hash_bytes(*h, bytes, size);
}

static void inherit_hash_text(void *ctx, const char *format, va_list args)
{
	char text[1024];

	/* what is longer is cut for all alike */
	vsnprintf(text, sizeof(text), format, args);
	inherit_hash(ctx, text, strlen(text));
}

/* Variables have places, which no type shows. */
static int inherit_hash_variables(uint64_t *h, struct btf_dump *dump, const struct btf *btf,
				  const struct btf_type *section)
{
	const struct btf_var_secinfo *at = btf_var_secinfos(section);
	int i, r = 0;

	for (i = 0; i < btf_vlen(section) && !r; i++) {
		const struct btf_type *var = btf__type_by_id(btf, at[i].type);
		const char *name = btf__name_by_offset(btf, var->name_off);
		const uint64_t place[] = { at[i].offset, at[i].size };

		inherit_hash(h, place, sizeof(place));
		inherit_hash(h, name, strlen(name));
		r = btf_dump__dump_type(dump, var->type);
	}
	return r;
}

static int inherit_hash_map(uint64_t *h, struct btf_dump *dump, const struct btf *btf,
			    const struct bpf_map *map)
{
	const struct btf_type *type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	const uint64_t shape[] = { bpf_map__type(map), bpf_map__key_size(map),
				   bpf_map__value_size(map), bpf_map__max_entries(map),
				   bpf_map__map_flags(map) };
	int r = 0;

	inherit_hash(h, bpf_map__name(map), strlen(bpf_map__name(map)));
	inherit_hash(h, shape, sizeof(shape));
	if (bpf_map__btf_key_type_id(map))
		r = btf_dump__dump_type(dump, bpf_map__btf_key_type_id(map));
	if (r < 0)
		return r;
	if (type && btf_is_datasec(type))
		return inherit_hash_variables(h, dump, btf, type);
	return btf_dump__dump_type(dump, bpf_map__btf_value_type_id(map));
}

int inherit_stamp(struct synguard_bpf *skel, struct inherit_stamp *ret)
{
	uint64_t h = HASH_START;
	const struct btf *btf = bpf_object__btf(skel->obj);
	struct btf_dump *dump = btf_dump__new(btf, inherit_hash_text, &h, NULL);
	struct bpf_map *map;
	struct stat netns = {};
	int r = libbpf_get_error(dump);

	if (r)
		return r;
	if (stat("/proc/self/ns/net", &netns) < 0)
		r = -errno;
	inherit_hash(&h,
		     (uint64_t[]){ INHERIT_MEANING, netns.st_ino, libbpf_num_possible_cpus(),
				   skel->rodata->epoch_shift },
		     4 * sizeof(uint64_t));
	bpf_object__for_each_map(map, skel->obj)
	{
		if (!r && inherit_is_memory(skel, map))
			r = inherit_hash_map(&h, dump, btf, map);
	}
	btf_dump__free(dump);
	snprintf(ret->text, sizeof(ret->text), "%016llx", (unsigned long long)h);
	return r < 0 ? r : 0;
}

/* ---- maps ---------------------------------------------------------------------------------- */

/* The name has the stamp; this checks that the descriptor is what its name says. */
static bool inherit_fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

int inherit_maps(struct synguard_bpf *skel, struct fdstore *store,
		 const struct inherit_stamp *stamp)
{
	struct bpf_map *map;
	bool some = false;

	bpf_object__for_each_map(map, skel->obj)
	{
		struct inherit_name name = inherit_map_name(map, stamp);
		_cleanup_close_ int fd = -EBADF;
		int r;

		if (!inherit_is_memory(skel, map))
			continue;
		fd = fdstore_take(store, name.text);
		if (fd < 0 || !inherit_fits(map, fd))
			return some ? -ESTALE : 0;
		r = bpf_map__reuse_fd(map, fd);
		if (r < 0)
			return r;
		some = true;
	}
	return some;
}

void inherit_keep_maps(struct synguard_bpf *skel, struct fdstore *store,
		       const struct inherit_stamp *stamp)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
	{
		struct inherit_name name = inherit_map_name(map, stamp);

		if (inherit_is_memory(skel, map))
			fdstore_keep(store, name.text, bpf_map__fd(map));
	}
}

/* ---- links --------------------------------------------------------------------------------- */

int inherit_take_link(struct fdstore *store, enum inherit_link what, int ifindex)
{
	return fdstore_take(store, inherit_link_name(what, ifindex).text);
}

void inherit_keep_link(struct fdstore *store, enum inherit_link what, int ifindex, int fd)
{
	fdstore_keep(store, inherit_link_name(what, ifindex).text, fd);
}

void inherit_end_link(struct fdstore *store, enum inherit_link what, int ifindex, int fd)
{
	if (fd < 0)
		return;
	bpf_link_detach(fd);
	close(fd);
	fdstore_drop(store, inherit_link_name(what, ifindex).text);
}
