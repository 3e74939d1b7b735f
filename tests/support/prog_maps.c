/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs' maps say, and what a test writes into them. The rest of prog.h is prog.c's.
 */
#include "prog.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard.skel.h"

#define PROG_CPUS_MAX 1024

/* ---- counters ------------------------------------------------------------------------------ */

static int prog_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	ck_assert(cpus > 0 && cpus <= PROG_CPUS_MAX);
	return cpus;
}

/* Of every CPU; free() it. */
static void *prog_read_percpu(struct bpf_map *map, __u32 key, size_t bytes)
{
	size_t all = bytes * prog_cpus();
	void *values = malloc(all);

	prog_must(values, "memory");
	prog_must(!bpf_map__lookup_elem(map, &key, sizeof(key), values, all, 0), "a per-CPU map");
	return values;
}

struct sg_counters prog_counters(struct prog *p, enum sg_program program)
{
	struct sg_counters sum = {};
	struct sg_counters *each = prog_read_percpu(p->skel->maps.counters, program, sizeof(*each));
	int cpu, v;

	for (cpu = 0; cpu < prog_cpus(); cpu++) {
		sum.packets += each[cpu].packets;
		for (v = 0; v < SG_VERDICT_COUNT; v++)
			sum.verdicts[v] += each[cpu].verdicts[v];
	}
	free(each);
	return sum;
}

struct sg_tally prog_tally(struct prog *p, const struct sg_service *s)
{
	struct sg_tally sum = {};
	struct sg_tally *each =
		prog_read_percpu(p->skel->maps.tallies, s - p->services, sizeof(*each));
	int cpu;

	for (cpu = 0; cpu < prog_cpus(); cpu++) {
		sum.syns += each[cpu].syns;
		sum.challenged += each[cpu].challenged;
		sum.accepted += each[cpu].accepted;
		sum.established += each[cpu].established;
		sum.handshakes += each[cpu].handshakes;
		sum.canary_doubts += each[cpu].canary_doubts;
		sum.canary_cleared += each[cpu].canary_cleared;
		sum.canary_successes += each[cpu].canary_successes;
		sum.canary_relapses += each[cpu].canary_relapses;
		sum.canary_filtered += each[cpu].canary_filtered;
		sum.second_challenged += each[cpu].second_challenged;
		sum.second_established += each[cpu].second_established;
	}
	free(each);
	return sum;
}

void prog_set_second(struct prog *p, const struct sg_service *s, __u64 start_ns, __u32 challenged,
		     __u32 established)
{
	__u32 key = s - p->services;
	struct sg_tally *each = prog_read_percpu(p->skel->maps.tallies, key, sizeof(*each));
	int cpu = sched_getcpu(); /* and stays: prog_stay_on_cpu() */

	each[cpu].second_start_ns = start_ns;
	each[cpu].second_challenged = challenged;
	each[cpu].second_established = established;
	prog_must(!bpf_map__update_elem(p->skel->maps.tallies, &key, sizeof(key), each,
					sizeof(*each) * prog_cpus(), BPF_ANY),
		  "writing a tally");
	free(each);
}

void prog_mark(struct prog *p)
{
	int program;

	for (program = 0; program < SG_PROGRAM_COUNT; program++)
		p->marked[program] = prog_counters(p, program);
}

__u64 prog_counted(struct prog *p, enum sg_program program, enum sg_verdict verdict)
{
	return prog_counters(p, program).verdicts[verdict] - p->marked[program].verdicts[verdict];
}

void prog_await(struct prog *p, enum sg_program program, __u64 packets)
{
	int ms;

	for (ms = 0; ms < 1000; ms++) {
		if (prog_counters(p, program).packets - p->marked[program].packets >= packets)
			return;
		usleep(1000);
	}
}

/* ---- sources ------------------------------------------------------------------------------- */

struct sg_cardinality prog_cardinality(struct prog *p)
{
	__u32 window = prog_now_ns() >> prog_hitter_shift;
	struct sg_cardinality *each =
		prog_read_percpu(p->skel->maps.cardinalities, window & 1, sizeof(*each));
	struct sg_cardinality crowd = each[sched_getcpu()];

	free(each);
	return crowd;
}

struct sg_sketch *prog_sketch(struct prog *p)
{
	struct sg_sketch *each = prog_read_percpu(p->skel->maps.sketch, 0, sizeof(*each));

	each[0] = each[sched_getcpu()];
	return each;
}

struct sg_hitter_set *prog_heavy_hitters(struct prog *p, enum sg_hitter_kind kind)
{
	struct sg_hitter_set *sets = calloc(SG_HITTER_SETS, sizeof(*sets));
	__u32 i;

	prog_must(sets, "memory");
	for (i = 0; i < SG_HITTER_SETS; i++) {
		__u32 at = kind * SG_HITTER_SETS + i;

		prog_must(!bpf_map__lookup_elem(p->skel->maps.heavy_hitters, &at, sizeof(at),
						&sets[i], sizeof(*sets), 0),
			  "the heavy_hitters");
	}
	return sets;
}

/* ---- services ------------------------------------------------------------------------------ */

static struct sg_addr prog_destination(const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);

	return prog_view(&f).dst;
}

void prog_add_local(struct prog *p, const struct frame_spec *syn)
{
	struct bpf_map *map = p->skel->maps.local_addrs;
	struct sg_addr a = prog_destination(syn);
	struct sg_local_bits own = sg_local_bits(&a);
	__u8 unused = 0;

	p->control->local_bloom[own.word] |= own.bits;
	prog_must(!bpf_map__update_elem(map, &a, sizeof(a), &unused, sizeof(unused), BPF_ANY),
		  "a local address");
}

void prog_add_mac(struct prog *p, const __u8 mac[6])
{
	struct bpf_map *map = p->skel->maps.macs;
	struct sg_mac key = {};
	__u8 unused = 0;

	memcpy(key.bytes, mac, sizeof(key.bytes));
	prog_must(!bpf_map__update_elem(map, &key, sizeof(key), &unused, sizeof(unused), BPF_ANY),
		  "a MAC address");
}

void prog_add_way(struct prog *p, const struct frame_spec *syn, int addr_bits, __u32 class,
		  const struct sg_way *way)
{
	struct sg_way_key key = { .prefix_bits = SG_WAY_CLASS_BITS + addr_bits, .class = class };
	struct prog_frame f = prog_frame(syn);
	struct sg_addr source = prog_view(&f).src;

	memcpy(key.addr, source.bytes, sizeof(key.addr));
	prog_must(!bpf_map__update_elem(p->skel->maps.ways, &key, sizeof(key), way, sizeof(*way),
					BPF_ANY),
		  "a way back");
	p->control->ways |= SG_WAYS_DIFFER(syn->version == 6 ? 6 : 4);
}

void prog_add_way_class(struct prog *p, const struct frame_spec *syn, __u32 class)
{
	struct sg_listed key = { .prefix_bits = 128 };
	struct sg_addr a = prog_destination(syn);

	memcpy(key.addr, a.bytes, sizeof(key.addr));
	prog_must(!bpf_map__update_elem(p->skel->maps.way_classes, &key, sizeof(key), &class,
					sizeof(class), BPF_ANY),
		  "a class of ways");
	p->control->ways |= SG_WAYS_BY_SOURCE;
}

void prog_add_way_iface(struct prog *p, __u32 ifindex, const struct sg_way_iface *iface)
{
	prog_must(!bpf_map__update_elem(p->skel->maps.way_ifaces, &ifindex, sizeof(ifindex), iface,
					sizeof(*iface), BPF_ANY),
		  "an interface of a way");
}

static struct sg_left_alone prog_left_alone_key(const struct frame_spec *syn, int addr_bits,
						__u16 port)
{
	struct sg_left_alone key = {
		.prefix_bits = SG_LEFT_ALONE_PORT_BITS + addr_bits,
		.port = htons(port),
	};
	struct sg_addr a = prog_destination(syn);

	memcpy(key.addr, a.bytes, (addr_bits + 7) / 8);
	return key;
}

void prog_leave_alone(struct prog *p, const struct frame_spec *syn, int addr_bits, __u16 port)
{
	struct sg_left_alone key = prog_left_alone_key(syn, addr_bits, port);
	__u8 unused = 0;

	prog_must(!bpf_map__update_elem(p->skel->maps.left_alone, &key, sizeof(key), &unused,
					sizeof(unused), BPF_ANY),
		  "leaving alone");
}

void prog_leave_no_more(struct prog *p, const struct frame_spec *syn, int addr_bits, __u16 port)
{
	struct sg_left_alone key = prog_left_alone_key(syn, addr_bits, port);

	prog_must(!bpf_map__delete_elem(p->skel->maps.left_alone, &key, sizeof(key), 0),
		  "leaving alone no more");
}

void prog_list(struct prog *p, const struct frame_spec *syn, int addr_bits, bool allow)
{
	struct bpf_map *map = allow ? p->skel->maps.allowed : p->skel->maps.denied;
	struct sg_listed key = { .prefix_bits = addr_bits };
	struct prog_frame f = prog_frame(syn);
	struct sg_addr source = prog_view(&f).src;
	__u8 unused = 0;

	memcpy(key.addr, source.bytes, sizeof(key.addr));
	prog_must(!bpf_map__update_elem(map, &key, sizeof(key), &unused, sizeof(unused), BPF_ANY),
		  "listing");
	p->control->listed |= allow ? SG_LISTED_ALLOW : SG_LISTED_DENY;
}

void prog_remove_local(struct prog *p, const struct frame_spec *syn)
{
	struct bpf_map *map = p->skel->maps.local_addrs;
	struct sg_addr a = prog_destination(syn);

	prog_must(!bpf_map__delete_elem(map, &a, sizeof(a), 0), "a local address");
}

struct sg_service *prog_service(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);
	struct frame_view view = prog_view(&f);
	int i;

	for (i = 0; i < SG_SERVICES_MAX; i++) {
		struct sg_service *s = &p->services[i];

		if (s->state == SG_SERVICE_LIVE && s->port == htons(view.dport) &&
		    !memcmp(&s->addr, &view.dst, sizeof(s->addr)))
			return s;
	}
	return NULL;
}

struct sg_service *prog_enter(struct prog *p, const struct frame_spec *syn)
{
	struct sg_service *s;

	expect_verdict(p, SG_XDP, syn, SG_V_SYN_ADMITTED);
	s = prog_service(p, syn);
	ck_assert_msg(s, "the SYN was admitted without a service");
	return s;
}

struct sg_service *prog_defend(struct prog *p, const struct frame_spec *syn)
{
	struct sg_service *s = prog_enter(p, syn);

	s->proven_at_ns = prog_now_ns();
	s->lease_until_ns = s->proven_at_ns + 3600000000000ULL;
	s->checked_at_ns = 0;
	return s;
}

void prog_promise(struct prog *p, struct sg_service *s, __u32 epoch, __u8 wscale)
{
	p->skel->bss->challenged_ports[ntohs(s->port) & (SG_PORT_SLOTS - 1)] = 1;
	s->promised[epoch & 1] = (__u64)epoch << 8 | wscale;
}
