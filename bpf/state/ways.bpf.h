/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way back: by which interface this host sends to a client, and what its route promises.
 *
 * A challenge goes where the host's own SYN-ACK would go, or what leaves by the SYN's interface is
 * lost (another provider, direct server return, a firewall on a stick). bpf_fib_lookup() does not
 * tell it: without forwarding on the interface it refuses (BPF_FIB_LKUP_RET_FWD_DISABLED). So the
 * daemon makes a table of rules and routes (daemon/ways), in which most hosts have nothing.
 *
 * A challenge by XDP also goes back to the MAC address that the SYN came from: a router. The host may
 * send by another one (a director of LVS, two routers), which its own SYN-ACKs show as well, of each such
 * address; then tcx sends the challenge, for which the kernel looks the next hop up.
 *
 * Where rules ask for a mark, which a firewall sets after TCP has made the SYN-ACK, for a port, a
 * user or TOS, the table is a guess. There each service shows by its own SYN-ACKs whether it is
 * right, before anybody is challenged.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/packet.h"

enum way_kind {
	WAY_PLAIN,     /* the SYN's interface, which says all */
	WAY_BACK,      /* the same, with a route that promises less */
	WAY_ELSEWHERE, /* another interface, which tcx can send by */
	WAY_NEXT_HOP,  /* the SYN's, but not to the MAC address that it came from: tcx as well */
	WAY_CLOSED,    /* another interface, and it cannot */
	WAY_NONE,      /* none, or the kernel refuses what comes in by another one */
	WAY_UNKNOWN,   /* no SYN-ACK has shown yet which it is */
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

/* ---- what SYN-ACKs show ------------------------------------------------------------------------ */

/* When SYN-ACKs showed one thing or another last, by enum way_shown or enum way_hop_is; 0 = never. */
struct way_times {
	__u64 ns[4];
};

static __always_inline bool way_is_recent(__u64 ns, __u64 now_ns, __u64 within_ns)
{
	return ns && (__s64)(now_ns - ns) < (__s64)within_ns;
}

static __always_inline void way_note(void *map, const void *key, __u32 what, __u64 now_ns)
{
	struct way_times *times = bpf_map_lookup_elem(map, key), first = {};

	if (times) {
		times->ns[what & 3] = now_ns;
		return;
	}
	first.ns[what & 3] = now_ns;
	bpf_map_update_elem(map, key, &first, BPF_NOEXIST);
}

enum way_shown {
	WAY_SHOWN_BOTH,	 /* as the table has it, which is back by the SYN's interface */
	WAY_SHOWN_TABLE, /* as the table has it, by another one */
	WAY_SHOWN_SYN,	 /* by the SYN's interface, which the table does not say */
	WAY_SHOWN_OTHER,
};

/* Of a service, and of the interface that its SYNs come in by. */
struct way_shown_key {
	struct sg_addr addr;
	__u32 port; /* network byte order */
	__u32 ifindex;
};

MAP(ways_shown, LRU_HASH, 1024, 0, struct way_shown_key, struct way_times);

/* So long it counts. Where more than one counts, clients differ in what rules ask for. */
#define WAY_SHOWN_NS 120000000000ULL

/* The SYNs that the stack got last, for their SYN-ACKs. */
#define WAYS_CAME    4096
#define WAY_NO_GROUP 255

struct way_came {
	__u64 from;  /* the MAC address that it came from, way_mac() */
	__u32 tuple; /* way_tuple() */
	__u32 ifindex;
	/* only where rules ask for more than addresses: of the interface, and of the table's */
	__u8 group, table_group;
	bool table_has_metrics;
	bool answered; /* its SYN-ACK was seen */
};

MAP(ways_came, ARRAY, WAYS_CAME, 0, __u32, struct way_came);

static __always_inline __u32 way_tuple(const struct sg_addr *client, __be16 client_port,
				       const struct sg_addr *local, __be16 port)
{
	__u64 h = (client->halves[0] ^ client->halves[1]) * 0x9e3779b97f4a7c15ULL;

	h ^= local->halves[0] ^ local->halves[1] ^ ((__u64)client_port << 16 | port);
	return (h * 0x9e3779b97f4a7c15ULL) >> 32;
}

static __always_inline struct way_came *way_came_of(__u32 tuple)
{
	__u32 at = tuple & (WAYS_CAME - 1);

	return bpf_map_lookup_elem(&ways_came, &at);
}

/* What the host's SYN-ACKs made of what the table says of this SYN, which came in by ifindex. */
static __always_inline enum way_kind way_as_shown(const struct packet *p, __u32 ifindex,
						  enum way_kind told, __u64 now_ns)
{
	struct way_shown_key key = { .addr = p->daddr, .port = p->dport, .ifindex = ifindex };
	const struct way_times *at = bpf_map_lookup_elem(&ways_shown, &key);
	__u64 table, syn;

	if (!at)
		return WAY_UNKNOWN;
	table = at->ns[WAY_SHOWN_TABLE];
	syn = at->ns[WAY_SHOWN_SYN];
	if (way_is_recent(at->ns[WAY_SHOWN_OTHER], now_ns, WAY_SHOWN_NS) ||
	    (way_is_recent(table, now_ns, WAY_SHOWN_NS) &&
	     way_is_recent(syn, now_ns, WAY_SHOWN_NS)))
		return WAY_CLOSED;
	if (syn > table)
		return WAY_PLAIN;
	return table || (told <= WAY_BACK && at->ns[WAY_SHOWN_BOTH]) ? told : WAY_UNKNOWN;
}

/* Global functions, so that the verifier proves each of them once, by itself. They return 0. */
__noinline int way_note_shown(const struct sg_addr *local, __be16 port, __u32 ifindex,
			      enum way_shown shown, __u64 now_ns)
{
	struct way_shown_key key = { .port = port, .ifindex = ifindex };

	if (!local)
		return 0;
	key.addr = *local;
	way_note(&ways_shown, &key, shown, now_ns);
	return 0;
}

static __always_inline __u64 way_mac(const void *mac)
{
	return (__u64)sg_load(__u16, mac + 4) << 32 | sg_load(__u32, mac);
}

/* What is known of a SYN-ACK's route. */
#define WAY_ROUTE_METRICS (1u << 0)
#define WAY_ROUTE_GATEWAY (1u << 1)

/*
 * Whether SYN-ACKs go to the MAC address that their SYNs came from, by that address and the interface. Those
 * to a gateway count before those to a client on the link: of such a client anybody can send a SYN through
 * the router, and the SYN-ACK goes past the router.
 */
struct way_hop_key {
	__u64 from; /* way_mac() */
	__u64 ifindex;
};

enum way_hop_is {
	WAY_HOP_SAME, /* of those to a gateway */
	WAY_HOP_ANOTHER,
	WAY_HOP_ANOTHER_ON_LINK,
};

MAP(way_hops, LRU_HASH, 1024, 0, struct way_hop_key, struct way_times);

#define WAY_HOPS_NS 300000000000ULL

__u64 hops_differ_until_ns; /* of all; else the map is not asked */

/* By the clock of the heartbeat, a second behind at most. */
static __always_inline bool way_hop_is_another(__u64 from, __u32 ifindex)
{
	struct way_hop_key key = { from, ifindex };
	const struct way_times *hop = bpf_map_lookup_elem(&way_hops, &key);
	__u64 now_ns = control.heartbeat_ns;

	return hop && (way_is_recent(hop->ns[WAY_HOP_ANOTHER], now_ns, WAY_HOPS_NS) ||
		       (way_is_recent(hop->ns[WAY_HOP_ANOTHER_ON_LINK], now_ns, WAY_HOPS_NS) &&
			!way_is_recent(hop->ns[WAY_HOP_SAME], now_ns, WAY_HOPS_NS)));
}

static __always_inline void way_note_hop(__u64 from, __u32 ifindex, bool same, bool gateway,
					 __u64 now_ns)
{
	enum way_hop_is is = !gateway ? WAY_HOP_ANOTHER_ON_LINK :
			     same     ? WAY_HOP_SAME :
					WAY_HOP_ANOTHER;
	struct way_hop_key key = { from, ifindex };

	if (same && !gateway)
		return;
	if (!same)
		hops_differ_until_ns = now_ns + WAY_HOPS_NS;
	way_note(&way_hops, &key, is, now_ns);
}

static __always_inline enum way_shown way_shown_by(const struct way_came *came, __u8 group,
						   bool has_metrics)
{
	bool as_came = group == came->group;

	if (group == came->table_group && has_metrics == came->table_has_metrics)
		return as_came ? WAY_SHOWN_BOTH : WAY_SHOWN_TABLE;
	return as_came && !has_metrics ? WAY_SHOWN_SYN : WAY_SHOWN_OTHER;
}

/* The host's own SYN-ACK leaves by ifindex, to a MAC address, by a route: WAY_ROUTE_*. */
__noinline int way_of_synack(const struct packet *p, __u32 ifindex, __u64 to, __u32 route,
			     __u64 now_ns)
{
	const struct sg_way_iface *iface;
	struct way_came *came;
	__u32 tuple;

	if (!p)
		return 0;
	tuple = way_tuple(&p->daddr, p->dport, &p->saddr, p->sport);
	came = way_came_of(tuple);
	if (!came || came->tuple != tuple)
		return 0;
	if (came->ifindex == ifindex)
		way_note_hop(came->from, ifindex, came->from == to, route & WAY_ROUTE_GATEWAY,
			     now_ns);
	if (!(control.ways & SG_WAYS_BY_OTHERS(p->version)))
		return 0;
	iface = bpf_map_lookup_elem(&way_ifaces, &ifindex);
	if (!iface)
		return 0;
	came->answered = true;
	return way_note_shown(&p->saddr, p->sport, came->ifindex,
			      way_shown_by(came, iface->group, route & WAY_ROUTE_METRICS), now_ns);
}

/*
 * A handshake that the kernel alone made. Where its SYN-ACK was not seen, it left by an interface that
 * we are not attached to, which is the table's or not.
 */
__noinline int way_of_handshake(const struct sg_addr *client, __be16 client_port,
				const struct sg_addr *local, __be16 port, __u64 now_ns)
{
	struct way_came *came;
	__u32 tuple;

	if (!client || !local)
		return 0;
	tuple = way_tuple(client, client_port, local, port);
	came = way_came_of(tuple);
	if (!came || came->tuple != tuple || came->answered)
		return 0;
	return way_note_shown(local, port, came->ifindex,
			      came->table_group != came->group &&
					      came->table_group != WAY_NO_GROUP ?
				      WAY_SHOWN_TABLE :
				      WAY_SHOWN_OTHER,
			      now_ns);
}

/* ---- a SYN's way ------------------------------------------------------------------------------- */

static __always_inline enum way_kind way_of_table(const struct packet *p,
						  const struct sg_way_iface *iface,
						  struct scratch *scratch_of_cpu)
{
	struct sg_way_key key = { .prefix_bits = SG_WAY_CLASS_BITS + 8 * sizeof(key.addr) };
	const struct sg_way *way = NULL;

	if (control.ways & SG_WAYS_DIFFER(p->version)) {
		key.class = way_class(&p->daddr);
		__builtin_memcpy(key.addr, &p->saddr, sizeof(key.addr));
		way = bpf_map_lookup_elem(&ways, &key);
	}
	if (!way) {
		scratch_of_cpu->way = (struct sg_way){};
		return WAY_PLAIN;
	}
	scratch_of_cpu->way = *way;
	return way_kind_of(way, iface, p->version);
}

/* Notes a SYN that the stack gets, which came in by ifindex from a MAC address. Returns 0. */
__noinline int way_note_syn(const struct packet *p, __u32 ifindex, __u64 from)
{
	struct scratch *scratch_of_cpu = map_only_value(&scratch);
	const struct sg_way_iface *iface, *other;
	struct way_came *came;
	enum way_kind kind;
	const struct sg_way *way;
	__u32 tuple;

	if (!p || !scratch_of_cpu)
		return 0;
	tuple = way_tuple(&p->saddr, p->sport, &p->daddr, p->dport);
	came = way_came_of(tuple);
	if (!came)
		return 0;
	came->tuple = 0; /* while it is half written */
	barrier();
	came->from = from;
	came->ifindex = ifindex;
	barrier();
	came->tuple = tuple;
	if (!(control.ways & SG_WAYS_BY_OTHERS(p->version)))
		return 0;
	iface = bpf_map_lookup_elem(&way_ifaces, &ifindex);
	if (!iface)
		return 0;
	kind = way_of_table(p, iface, scratch_of_cpu);
	way = &scratch_of_cpu->way;
	came->answered = false;
	came->group = iface->group;
	came->table_group = kind <= WAY_BACK ? iface->group : WAY_NO_GROUP;
	came->table_has_metrics = way->mss || way->window || way->initrwnd || way->hop_limit;
	other = kind == WAY_ELSEWHERE ? bpf_map_lookup_elem(&way_ifaces, &way->ifindex) : NULL;
	if (other)
		came->table_group = other->group;
	return 0;
}

static __always_inline bool way_is_by_tcx(enum way_kind kind)
{
	return kind == WAY_ELSEWHERE || kind == WAY_NEXT_HOP;
}

/* Whether there is more to know of a SYN's way than that it came in. */
static __always_inline bool way_is_asked(__u8 version)
{
	return (control.ways & (SG_WAYS_DIFFER(version) | SG_WAYS_BY_OTHERS(version))) ||
	       hops_differ_until_ns > control.heartbeat_ns;
}

/*
 * Returns an enum way_kind, for a SYN that came in by ifindex from a MAC address. A global function, which
 * the verifier proves once.
 */
__noinline int way_find(const struct packet *p, __u32 ifindex, __u64 from)
{
	struct scratch *scratch_of_cpu = map_only_value(&scratch);
	const struct sg_way_iface *iface;
	bool another_hop;
	enum way_kind kind;

	if (!p || !scratch_of_cpu)
		return WAY_PLAIN;
	another_hop = hops_differ_until_ns > control.heartbeat_ns &&
		      way_hop_is_another(from, ifindex);
	/* not of a VRF, which has ways of its own, nor one that the daemon has not heard of yet */
	iface = bpf_map_lookup_elem(&way_ifaces, &ifindex);
	if (!iface)
		return another_hop ? WAY_CLOSED : WAY_PLAIN;
	kind = way_of_table(p, iface, scratch_of_cpu);
	if (control.ways & SG_WAYS_BY_OTHERS(p->version))
		kind = way_as_shown(p, ifindex, kind, clock_read(scratch_of_cpu));
	if (kind > WAY_BACK || !another_hop)
		return kind;
	/* the kernel would look the next hop up without the mark, port or user of the answer */
	if (!iface->top || (control.ways & SG_WAYS_BY_OTHERS(p->version)))
		return WAY_CLOSED;
	scratch_of_cpu->way.ifindex = iface->top;
	return WAY_NEXT_HOP;
}
