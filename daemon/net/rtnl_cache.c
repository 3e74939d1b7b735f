/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the index is, or would be. */
static size_t rtnl_cache_place(const struct rtnl_cache *k, int index)
{
	size_t low = 0, high = k->info_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (k->infos[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rtnl_iface *rtnl_cache_find(struct rtnl_cache *k, int index)
{
	size_t at = rtnl_cache_place(k, index);

	return at < k->info_count && k->infos[at].index == index ? &k->infos[at] : NULL;
}

static struct rtnl_iface *rtnl_cache_add(struct rtnl_cache *k, int index)
{
	size_t at = rtnl_cache_place(k, index);
	struct rtnl_iface *infos = realloc(k->infos, (k->info_count + 1) * sizeof(*infos));

	if (!infos)
		return NULL;
	k->infos = infos;
	memmove(infos + at + 1, infos + at, (k->info_count++ - at) * sizeof(*infos));
	infos[at] = (struct rtnl_iface){ .index = index, .serial = ++k->serial };
	return &infos[at];
}

struct rtnl_iface *rtnl_cache_get(struct rtnl_cache *k, int index)
{
	struct rtnl_iface *info = rtnl_cache_find(k, index) ?: rtnl_cache_add(k, index);

	if (info) {
		info->stale = false;
		info->version = ++k->version;
	}
	return info;
}

void rtnl_cache_remove(struct rtnl_cache *k, int index)
{
	size_t at = rtnl_cache_place(k, index);

	if (!rtnl_cache_find(k, index))
		return;
	memmove(k->infos + at, k->infos + at + 1, (--k->info_count - at) * sizeof(*k->infos));
}

static int rtnl_cache_address_compare(const struct rtnl_address *a, const struct sg_addr *addr,
				      int ifindex)
{
	return memcmp(&a->addr, addr, sizeof(*addr)) ?:
		       (a->ifindex > ifindex) - (a->ifindex < ifindex);
}

/* Where the address of that interface is, or would be. Index 0: where the address' first one is. */
static size_t rtnl_cache_address_place(const struct rtnl_cache *k, const struct sg_addr *addr,
				       int ifindex)
{
	size_t low = 0, high = k->address_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rtnl_cache_address_compare(&k->addresses[middle], addr, ifindex) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool rtnl_cache_is_here(const struct rtnl_cache *k, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(k, addr, 0);

	return at < k->address_count && !memcmp(&k->addresses[at].addr, addr, sizeof(*addr));
}

int rtnl_cache_address_add(struct rtnl_cache *k, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(k, addr, ifindex);
	bool news = !rtnl_cache_is_here(k, addr);
	struct rtnl_address *grown;

	if (at < k->address_count &&
	    !rtnl_cache_address_compare(&k->addresses[at], addr, ifindex)) {
		k->addresses[at].stale = false;
		return 0;
	}
	grown = realloc(k->addresses, (k->address_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	k->addresses = grown;
	memmove(grown + at + 1, grown + at, (k->address_count++ - at) * sizeof(*grown));
	grown[at] = (struct rtnl_address){ *addr, ifindex, false };
	if (news)
		k->handler->address(k->handler->userdata, addr, true);
	return 0;
}

static void rtnl_cache_address_drop(struct rtnl_cache *k, size_t at)
{
	struct sg_addr addr = k->addresses[at].addr;

	memmove(k->addresses + at, k->addresses + at + 1,
		(--k->address_count - at) * sizeof(*k->addresses));
	if (!rtnl_cache_is_here(k, &addr))
		k->handler->address(k->handler->userdata, &addr, false);
}

void rtnl_cache_address_remove(struct rtnl_cache *k, int ifindex, const struct sg_addr *addr)
{
	size_t at = rtnl_cache_address_place(k, addr, ifindex);

	if (at < k->address_count && !rtnl_cache_address_compare(&k->addresses[at], addr, ifindex))
		rtnl_cache_address_drop(k, at);
}

void rtnl_cache_doubt(struct rtnl_cache *k)
{
	size_t i;

	for (i = 0; i < k->info_count; i++)
		k->infos[i].stale = true;
	for (i = 0; i < k->address_count; i++)
		k->addresses[i].stale = true;
}

void rtnl_cache_drop_stale(struct rtnl_cache *k)
{
	size_t i, kept = 0;

	for (i = 0; i < k->info_count; i++)
		if (!k->infos[i].stale)
			k->infos[kept++] = k->infos[i];
	k->info_count = kept;
	for (i = k->address_count; i > 0; i--)
		if (k->addresses[i - 1].stale)
			rtnl_cache_address_drop(k, i - 1);
}

void rtnl_cache_done(struct rtnl_cache *k)
{
	free(k->infos);
	free(k->addresses);
}
