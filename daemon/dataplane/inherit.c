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

#include "synguard.skel.h"

/*
 * To be raised when what is in the maps comes to mean something else without another layout of it,
 * so that memory of the former meaning is not taken over.
 */
#define DATAPLANE_MEANING 1

/* A name in the store; systemd allows 255 characters. */
struct kept_name {
	char text[96];
};

static const char *const kept_links[] = {
	[DATAPLANE_LINK_NATIVE] = "native",
	[DATAPLANE_LINK_GENERIC] = "generic",
	[DATAPLANE_LINK_INGRESS] = "ingress",
	[DATAPLANE_LINK_EGRESS] = "egress",
};

static struct kept_name kept_link_name(enum dataplane_link what, int ifindex)
{
	struct kept_name name;

	snprintf(name.text, sizeof(name.text), "%s-%d", kept_links[what], ifindex);
	return name;
}

static struct kept_name kept_map_name(const struct bpf_map *map,
				      const struct dataplane_stamp *stamp)
{
	struct kept_name name;

	snprintf(name.text, sizeof(name.text), "map-%s-%s", bpf_map__name(map), stamp->text);
	return name;
}

/*
 * What the programs have learned. Not what the daemon tells them, which it fills anew before any
 * interface is attached to: an address or a prefix that went meanwhile would stay in there.
 */
static bool kept_is_memory(const struct synguard_bpf *skel, const struct bpf_map *map)
{
	return map != skel->maps.local_addrs && map != skel->maps.left_alone &&
	       map != skel->maps.allowed && map != skel->maps.denied && map != skel->maps.rodata;
}

/* ---- the stamp ----------------------------------------------------------------------------- */

/* FNV-1a. Whoever could choose what is hashed here could choose the programs. */
struct kept_hash {
	uint64_t value;
};

static void kept_hash_bytes(struct kept_hash *h, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size--)
		h->value = (h->value ^ *p++) * 0x100000001b3ULL;
}

static void kept_hash_number(struct kept_hash *h, uint64_t number)
{
	kept_hash_bytes(h, &number, sizeof(number));
}

static void kept_hash_text(void *ctx, const char *format, va_list args)
{
	char text[1024];

	/* what is longer is cut for all alike */
	vsnprintf(text, sizeof(text), format, args);
	kept_hash_bytes(ctx, text, strlen(text));
}

/* Variables have places, which no type shows. */
static int kept_hash_variables(struct kept_hash *h, struct btf_dump *dump, const struct btf *btf,
			       const struct btf_type *section)
{
	const struct btf_var_secinfo *at = btf_var_secinfos(section);
	int i, r = 0;

	for (i = 0; i < btf_vlen(section) && !r; i++) {
		const struct btf_type *var = btf__type_by_id(btf, at[i].type);

		kept_hash_number(h, at[i].offset);
		kept_hash_number(h, at[i].size);
		kept_hash_bytes(h, btf__name_by_offset(btf, var->name_off),
				strlen(btf__name_by_offset(btf, var->name_off)));
		r = btf_dump__dump_type(dump, var->type);
	}
	return r;
}

static int kept_hash_map(struct kept_hash *h, struct btf_dump *dump, const struct btf *btf,
			 const struct bpf_map *map)
{
	const struct btf_type *type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	int r = 0;

	kept_hash_bytes(h, bpf_map__name(map), strlen(bpf_map__name(map)));
	kept_hash_number(h, bpf_map__type(map));
	kept_hash_number(h, bpf_map__key_size(map));
	kept_hash_number(h, bpf_map__value_size(map));
	kept_hash_number(h, bpf_map__max_entries(map));
	kept_hash_number(h, bpf_map__map_flags(map));
	if (bpf_map__btf_key_type_id(map))
		r = btf_dump__dump_type(dump, bpf_map__btf_key_type_id(map));
	if (r < 0)
		return r;
	if (type && btf_is_datasec(type))
		return kept_hash_variables(h, dump, btf, type);
	return btf_dump__dump_type(dump, bpf_map__btf_value_type_id(map));
}

int dataplane_stamp(struct synguard_bpf *skel, struct dataplane_stamp *ret)
{
	struct kept_hash h = { 0xcbf29ce484222325ULL };
	const struct btf *btf = bpf_object__btf(skel->obj);
	struct btf_dump *dump = btf_dump__new(btf, kept_hash_text, &h, NULL);
	struct bpf_map *map;
	struct stat netns;
	int r = libbpf_get_error(dump);

	if (r)
		return r;
	if (stat("/proc/self/ns/net", &netns) < 0)
		r = -errno;
	kept_hash_number(&h, DATAPLANE_MEANING);
	kept_hash_number(&h, netns.st_ino);
	kept_hash_number(&h, libbpf_num_possible_cpus());
	kept_hash_number(&h, skel->rodata->epoch_shift);
	bpf_object__for_each_map(map, skel->obj)
	{
		if (!r && kept_is_memory(skel, map))
			r = kept_hash_map(&h, dump, btf, map);
	}
	btf_dump__free(dump);
	snprintf(ret->text, sizeof(ret->text), "%016llx", (unsigned long long)h.value);
	return r < 0 ? r : 0;
}

/* ---- maps ---------------------------------------------------------------------------------- */

/* The names say that they fit. That each is what its name says is still to be seen. */
static bool kept_fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

int dataplane_reuse(struct synguard_bpf *skel, const struct dataplane_store *store,
		    const struct dataplane_stamp *stamp)
{
	struct bpf_map *map;
	bool some = false;

	if (!store)
		return 0;
	bpf_object__for_each_map(map, skel->obj)
	{
		struct kept_name name = kept_map_name(map, stamp);
		_cleanup_close_ int fd = -EBADF;
		int r;

		if (!kept_is_memory(skel, map))
			continue;
		fd = store->take(store->userdata, name.text);
		if (fd < 0 || !kept_fits(map, fd))
			return some ? -ESTALE : 0;
		r = bpf_map__reuse_fd(map, fd);
		if (r < 0)
			return r;
		some = true;
	}
	return some;
}

void dataplane_keep_maps(struct synguard_bpf *skel, const struct dataplane_store *store,
			 const struct dataplane_stamp *stamp)
{
	struct bpf_map *map;

	if (!store)
		return;
	bpf_object__for_each_map(map, skel->obj)
	{
		struct kept_name name = kept_map_name(map, stamp);

		if (kept_is_memory(skel, map))
			store->keep(store->userdata, name.text, bpf_map__fd(map));
	}
}

/* ---- links --------------------------------------------------------------------------------- */

int dataplane_take_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex)
{
	struct kept_name name = kept_link_name(what, ifindex);

	return store ? store->take(store->userdata, name.text) : -ENOENT;
}

void dataplane_keep_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex,
			 int fd)
{
	struct kept_name name = kept_link_name(what, ifindex);

	if (store)
		store->keep(store->userdata, name.text, fd);
}

void dataplane_end_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex,
			int fd)
{
	struct kept_name name = kept_link_name(what, ifindex);

	if (fd < 0)
		return;
	bpf_link_detach(fd);
	close(fd);
	if (store)
		store->drop(store->userdata, name.text);
}
