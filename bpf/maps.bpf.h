/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs share with the daemon: the control block, and the maps that both know. Maps of
 * the programs alone are beside the code that uses them. All are bounded at load.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "synguard/abi.h"

/* A map; BPF_F_* in `flags`, the sizes of key and value from their types. */
#define MAP(name, kind, entries, flags, key_type, value_type)                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, flags);                                                          \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

/* The value of an array of one. */
#define map_only_value(map)                                                                        \
	({                                                                                         \
		__u32 zero_ = 0;                                                                   \
		bpf_map_lookup_elem(map, &zero_);                                                  \
	})

/* Written by the daemon through the skeleton's mapping of .bss. */
struct sg_control control;

/* Set by the daemon before it loads the programs. */
const volatile __u8 epoch_shift = SG_EPOCH_SHIFT;

/* clang-format off */
MAP(services, ARRAY, SG_SERVICES_MAX, BPF_F_MMAPABLE, __u32, struct sg_service);
MAP(tallies, PERCPU_ARRAY, SG_SERVICES_MAX, 0, __u32, struct sg_tally);
MAP(counters, PERCPU_ARRAY, SG_PROGRAM_COUNT, 0, __u32, struct sg_counters);
MAP(strays, PERCPU_ARRAY, SG_STRAY_KINDS, 0, __u32, struct sg_stray);
/* what became of XDP's answers, by interface index */
MAP(sent, LRU_PERCPU_HASH, SG_TX_MAX, 0, __u32, struct sg_tx);

/* Written by the daemon; their values are unused. The addresses of this host: */
MAP(local_addrs, HASH, SG_LOCAL_ADDRS_MAX, BPF_F_NO_PREALLOC, struct sg_addr, __u8);
/* the prefixes that a route of type local makes its own (AnyIP) */
MAP(local_prefixes, LPM_TRIE, SG_LOCAL_PREFIXES_MAX, BPF_F_NO_PREALLOC, struct sg_listed, __u8);
/* the MAC addresses of its Ethernet interfaces */
MAP(macs, HASH, SG_MACS_MAX, BPF_F_NO_PREALLOC, struct sg_mac, __u8);
/* what ingress does with SYNs, by interface: enum sg_ingress_role */
MAP(ingress_roles, HASH, SG_INGRESS_ROLES_MAX, BPF_F_NO_PREALLOC, __u32, __u32);
/* the services that are never challenged (LeaveAlone=) */
MAP(left_alone, LPM_TRIE, SG_LEFT_ALONE_MAX, BPF_F_NO_PREALLOC, struct sg_left_alone, __u8);
/* the ways back to clients, the classes of local addresses, the groups of interfaces */
MAP(ways, LPM_TRIE, SG_WAYS_MAX, BPF_F_NO_PREALLOC, struct sg_way_key, struct sg_way);
MAP(way_classes, LPM_TRIE, SG_WAY_CLASSES_MAX, BPF_F_NO_PREALLOC, struct sg_listed, __u32);
MAP(way_ifaces, HASH, SG_WAY_IFACES_MAX, BPF_F_NO_PREALLOC, __u32, struct sg_way_iface);
/* the sources on the allow list and on the deny list */
MAP(allowed, LPM_TRIE, SG_LISTED_MAX, BPF_F_NO_PREALLOC, struct sg_listed, __u8);
MAP(denied, LPM_TRIE, SG_LISTED_MAX, BPF_F_NO_PREALLOC, struct sg_listed, __u8);
/* clang-format on */

/* The key of a look-up there: on the stack there is no room for it. */
MAP(local_prefix_keys, PERCPU_ARRAY, 1, 0, __u32, struct sg_listed);

static __always_inline bool addr_is_in_local_prefix(const struct sg_addr *addr)
{
	struct sg_listed *key = map_only_value(&local_prefix_keys);

	if (!key)
		return false;
	key->prefix_bits = 8 * sizeof(*addr);
	__builtin_memcpy(key->addr, addr, sizeof(key->addr));
	return bpf_map_lookup_elem(&local_prefixes, key);
}

static __always_inline bool addr_is_local(const struct sg_addr *addr)
{
	/* an argument of a global function is no key before Linux 6.5 */
	struct sg_addr key = *addr;

	return bpf_map_lookup_elem(&local_addrs, &key) ||
	       (control.local_prefixes && addr_is_in_local_prefix(addr));
}

/* ---- verdicts -------------------------------------------------------------------------------- */

#define SG_VERDICT_ACTION_(programs, name, action, label, meaning) SG_##action,
static const __u8 verdict_actions[SG_VERDICT_COUNT] = { SG_VERDICTS(SG_VERDICT_ACTION_) };

static __always_inline struct sg_counters *counters_of(__u32 program)
{
	struct sg_counters *c = bpf_map_lookup_elem(&counters, &program);

	if (c)
		c->packets++;
	return c;
}

/* Counts the verdict; the only way out of a program. */
static __always_inline __u8 counters_conclude(struct sg_counters *c, enum sg_verdict v)
{
	__u32 index = v;

	/*
	 * clang knows the range of some verdicts and would leave out the check for them, by
	 * comparing a register that Linux 6.12's verifier does not connect with this one.
	 */
	barrier_var(index);
	if (index >= SG_VERDICT_COUNT)
		index = SG_UNDECIDED;
	if (c)
		c->verdicts[index]++;
	return verdict_actions[index];
}

/* ---- the clock ------------------------------------------------------------------------------- */

/* What a CPU keeps for itself: the clock, and what the steps of one packet hand on. */
struct scratch {
	__u64 jiffies; /* when the clock was read, and what it said */
	__u64 now_ns;
	/*
	 * For how many SYNs the one at hand stands in heavy_hitters.bpf.h, 0: it is not counted. On
	 * the stack the verifier would follow each of its values through all that comes after.
	 */
	__u64 weight;
	/* what challenge_window() made of what, the last time */
	__u64 window_of;
	__u64 window;
	struct sg_way way; /* back to the client, where it is not WAY_PLAIN (ways.bpf.h) */
};

MAP(scratch, PERCPU_ARRAY, 1, 0, __u32, struct scratch);

/*
 * The kernel's coarse CLOCK_MONOTONIC, read once per tick and CPU. It moves on only with a tick,
 * which also counts jiffies, and jiffies are read without a call; reading the clock is two, of
 * which each return is mispredicted on a CPU that does not trust its prediction of returns.
 * Returns what bpf_ktime_get_coarse_ns() returns.
 */
static __always_inline __u64 clock_read(struct scratch *s)
{
	__u64 jiffies = bpf_jiffies64(), now_ns;

	if (s && s->jiffies == jiffies)
		return s->now_ns;
	now_ns = bpf_ktime_get_coarse_ns();
	/*
	 * Jiffies are counted a moment before the clock is set (tick_do_update_jiffies64()): in
	 * between, the old time must not be kept for the new tick.
	 */
	if (s && s->now_ns != now_ns) {
		s->now_ns = now_ns;
		s->jiffies = jiffies;
	}
	return now_ns;
}

static __always_inline __u64 clock_now(void)
{
	return clock_read(map_only_value(&scratch));
}
