/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way back: by which interface this host sends to a client, and what its route promises.
 *
 * A challenge goes where the host's own SYN-ACK would go, or what leaves by the SYN's interface is
 * lost (another provider, direct server return, a firewall on a stick). bpf_fib_lookup() does not
 * tell it: without forwarding on the interface it refuses (BPF_FIB_LKUP_RET_FWD_DISABLED). So the
 * daemon makes a table of rules and routes (daemon/ways), in which most hosts have nothing.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"

enum way_kind {
	WAY_PLAIN,     /* the SYN's interface, which says all */
	WAY_BACK,      /* the same, with a route that promises less */
	WAY_ELSEWHERE, /* another interface, which tcx can send by */
	WAY_CLOSED,    /* another interface, and it cannot */
	WAY_NONE,      /* none, or the kernel refuses what comes in by another one */
};

/* WAY_PLAIN. No constant, or the verifier would follow it through all that comes after. */
__u32 way_plain;

static __always_inline __u32 way_class(const struct sg_addr *local)
{
	struct sg_listed key = { .prefix_bits = 8 * sizeof(*local) };
	const __u32 *class;

	if (!(control.ways & SG_WAYS_BY_SOURCE))
		return 0;
	__builtin_memcpy(key.addr, local, sizeof(*local));
	class = bpf_map_lookup_elem(&way_classes, &key);
	return class ? *class : 0;
}

static __always_inline enum way_kind way_kind_of(const struct sg_way *way,
						 const struct sg_way_iface *iface, __u8 version)
{
	if (!way->groups)
		return WAY_NONE;
	if (way->groups >> (iface->group & (SG_WAY_GROUPS_MAX - 1)) & 1)
		return WAY_BACK;
	if (iface->strict && version == 4)
		return WAY_NONE;
	return way->ifindex ? WAY_ELSEWHERE : WAY_CLOSED;
}

/* Returns an enum way_kind. A global function, which the verifier proves once. */
__noinline int way_find(const struct packet *p, __u32 ifindex)
{
	struct sg_way_key key = { .prefix_bits = SG_WAY_CLASS_BITS + 8 * sizeof(key.addr) };
	struct scratch *scratch_of_cpu = map_only_value(&scratch);
	const struct sg_way_iface *iface;
	const struct sg_way *way;

	if (!p || !scratch_of_cpu)
		return WAY_PLAIN;
	/* not of a VRF, which has ways of its own, nor one that the daemon has not heard of yet */
	iface = bpf_map_lookup_elem(&way_ifaces, &ifindex);
	if (!iface)
		return WAY_PLAIN;
	key.class = way_class(&p->daddr);
	__builtin_memcpy(key.addr, &p->saddr, sizeof(key.addr));
	way = bpf_map_lookup_elem(&ways, &key);
	if (!way)
		return WAY_PLAIN;
	scratch_of_cpu->way = *way;
	return way_kind_of(way, iface, p->version);
}
