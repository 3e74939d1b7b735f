/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps and the control block: everything that outlives a packet. All bounded at load.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "synguard/abi.h"

/* Written by the daemon through the skeleton's mapping of .bss. */
struct sg_control control;

/* When the last of the suppressed may be answered again; 0 = nobody was suppressed. */
__u64 suppressed_until_ns;
/* While bogus ACKs flood in (ackflood.bpf.h), when that is taken to be over; and what they are told by. */
__u64 ack_flood_until_ns;
__u32 ack_flood_window;
__u32 ack_flood_count;
/* How many there were since the start; one in SG_ACK_SAMPLE is looked up, and stands for all. */
__u64 bogus_acks;
/* The driver's or the kernel's words for the last XDP link that could not be attached. */
char xdp_refusal[96];
/* Whether a service with a port of this slot (challenged_port()) was ever challenged. */
__u8 challenged_ports[SG_PORT_SLOTS];
/* A byte of the hash of each of services (below). */
struct sg_service_tags service_tags[SG_SERVICE_SETS];
/* A byte of the key of each of clients (below), 0 = none. */
struct sg_client_tags client_tags[SG_CLIENT_SETS];
/* Set by the daemon before it loads the programs. */
const volatile __u8 epoch_shift = SG_EPOCH_SHIFT;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SG_SERVICES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sg_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SG_SERVICES_MAX);
	__type(key, __u32);
	__type(value, struct sg_tally);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SG_PROGRAM_COUNT);
	__type(key, __u32);
	__type(value, struct sg_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sg_promises);
} promises SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sg_tick);
} ticks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SG_WITNESSES_MAX);
	__type(key, struct sg_witness_key);
	__type(value, struct sg_witness);
} witnesses SEC(".maps");

/* Since when data of a connection, by its promise_tuple(), has been held back. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SG_EARLY_MAX);
	__type(key, __u64);
	__type(value, __u64);
} early SEC(".maps");

/* Connections whose ACK passed XDP a moment ago, by promise_tuple(). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SG_AWAITED_MAX);
	__type(key, __u32);
	__type(value, struct sg_promise);
} awaited SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SG_BUDGET_LINES);
	__type(key, __u32);
	__type(value, struct sg_budget_line);
} budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sg_suppress);
} suppress SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SG_CLIENT_SETS);
	__type(key, __u32);
	__type(value, struct sg_client_set);
} clients SEC(".maps");

/* What became of XDP's answers, by interface index. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, SG_TX_MAX);
	__type(key, __u32);
	__type(value, struct sg_tx);
} sent SEC(".maps");

/* The addresses of this host, kept by the daemon; the value is unused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SG_LOCAL_ADDRS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sg_addr);
	__type(value, __u8);
} local_addrs SEC(".maps");

/* What the administrator wants left alone, kept by the daemon; the value is unused. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SG_LEFT_ALONE_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sg_left_alone);
	__type(value, __u8);
} left_alone SEC(".maps");

/* Sources that the administrator has named, kept by the daemon; the values are unused. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SG_LISTED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sg_listed);
	__type(value, __u8);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SG_LISTED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sg_listed);
	__type(value, __u8);
} denied SEC(".maps");

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
