/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs loaded, attached, and unloaded. The rest of prog.h is prog.c's and prog_maps.c's.
 */
#include "prog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "synguard.skel.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define PROG_TCX_INGRESS 46
#define PROG_TCX_EGRESS	 47

/* An epoch must not end within a test that counts on one; this much of it has to be left. */
#define PROG_EPOCH_LEFT_NS 3000000000ULL

__u8 prog_epoch_shift = SG_EPOCH_SHIFT;
__u8 prog_hitter_shift = SG_HITTER_SHIFT;
__u8 prog_count_sources = 1;
bool prog_all;

/* net.core.rmem_max of the machine's first namespace. */
static __u32 prog_rmem_max;

const char *prog_lacks(void)
{
	FILE *f = fopen("/proc/sys/net/core/rmem_max", "re");
	int fields = f ? fscanf(f, "%u", &prog_rmem_max) : 0;

	if (f)
		fclose(f);
	if (fields != 1)
		return "net.core.rmem_max cannot be read";
	return geteuid() ? "loading programs and making namespaces needs root" : NULL;
}

static void prog_link(struct prog *p, int fd, int attach_type, const char *what)
{
	int link = bpf_link_create(fd, p->ifindex, attach_type, NULL);

	prog_must(link >= 0, what);
	p->links[p->link_count++] = link;
}

/* Attached as well: a veth end has receive queues for XDP only while it has a program. */
static int prog_load_pass(struct prog *p)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);

	prog_must(fd >= 0, "loading the passing program");
	prog_link(p, fd, BPF_XDP, "attaching it");
	return fd;
}

static int prog_warn(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stdout, format, args) : 0;
}

static void prog_set_control(struct prog *p)
{
	struct stat netns;

	prog_must(!stat("/proc/self/ns/net", &netns), "/proc/self/ns/net");
	*p->control = (struct sg_control){
		.key = { 0x0123456789abcdefULL, 0xfedcba9876543210ULL },
		.heartbeat_ns = prog_now_ns(),
		.lease_ns = 5000000000ULL,
		.tsval_offset = 0x5eed0000,
		.mode = SG_MODE_AUTO,
		.arm_percent = 50,
		.rmem_max = prog_rmem_max,
		.netns_inum = netns.st_ino,
		.cpus = 1,
	};
}

/* Opens the programs with none of them to be loaded. */
static struct synguard_bpf *prog_open(void)
{
	struct synguard_bpf *skel = synguard_bpf__open();
	struct bpf_program *program;

	prog_must(skel, "opening the programs");
	bpf_object__for_each_program(program, skel->obj) bpf_program__set_autoload(program, false);
	bpf_program__set_expected_attach_type(skel->progs.synguard_ingress, PROG_TCX_INGRESS);
	bpf_program__set_expected_attach_type(skel->progs.synguard_egress, PROG_TCX_EGRESS);
	return skel;
}

/*
 * The programs that nearly every test runs. Verifying all of them would take three times as long;
 * that all of them load together is test_load's to see.
 */
static void prog_load(struct prog *p)
{
	size_t bytes = SG_SERVICES_MAX * sizeof(struct sg_service);
	struct bpf_program *program;
	struct synguard_bpf *skel;

	libbpf_set_print(prog_warn);
	p->skel = skel = prog_open();
	bpf_program__set_autoload(skel->progs.synguard_xdp, true);
	bpf_program__set_autoload(skel->progs.synguard_ingress, true);
	bpf_program__set_autoload(skel->progs.synguard_egress, true);
	bpf_program__set_autoload(skel->progs.synguard_handshake, true);
	bpf_program__set_autoload(skel->progs.synguard_sent, true);
	bpf_program__set_autoload(skel->progs.synguard_failed, true);
	if (prog_all)
		bpf_object__for_each_program(program, skel->obj)
			bpf_program__set_autoload(program, true);
	skel->rodata->epoch_shift = prog_epoch_shift;
	skel->rodata->hitter_shift = prog_hitter_shift;
	skel->rodata->count_sources = prog_count_sources;
	prog_must(!synguard_bpf__load(skel), "loading the programs");
	p->control = &skel->bss->control;
	p->services = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(skel->maps.services), 0);
	prog_must(p->services != MAP_FAILED, "mapping the services");
}

static void prog_await_epoch(void)
{
	__u64 epoch_ns = 1ULL << prog_epoch_shift;
	__u64 left = epoch_ns - (prog_now_ns() & (epoch_ns - 1));

	if (left < PROG_EPOCH_LEFT_NS)
		usleep(left / 1000 + 20000);
}

static void prog_stay_on_cpu(void)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	prog_must(!sched_setaffinity(0, sizeof(cpu), &cpu), "staying on a CPU");
}

struct prog *prog_new(unsigned int ifindex)
{
	struct frame_spec v4 = {}, v6 = { .version = 6 };
	struct prog *p = calloc(1, sizeof(*p));

	prog_must(p, "memory");
	prog_stay_on_cpu();
	prog_await_epoch();
	prog_load(p);
	prog_set_control(p);
	prog_add_local(p, &v4);
	prog_add_local(p, &v6);
	p->ifindex = ifindex;
	p->pass_fd = prog_load_pass(p);
	return p;
}

struct prog *prog_free(struct prog *p)
{
	if (!p)
		return NULL;
	while (p->link_count)
		close(p->links[--p->link_count]);
	munmap(p->services, SG_SERVICES_MAX * sizeof(struct sg_service));
	synguard_bpf__destroy(p->skel);
	close(p->pass_fd);
	free(p);
	return NULL;
}

void prog_attach(struct prog *p)
{
	prog_link(p, bpf_program__fd(p->skel->progs.synguard_ingress), PROG_TCX_INGRESS, "ingress");
	prog_link(p, bpf_program__fd(p->skel->progs.synguard_egress), PROG_TCX_EGRESS, "egress");
	prog_must(!synguard_bpf__attach(p->skel), "the tracepoint");
}

void prog_detach(struct prog *p)
{
	while (p->link_count > 1) /* the passing program's */
		close(p->links[--p->link_count]);
	synguard_bpf__detach(p->skel);
}

/* BPF_PROG_RUN of a frame without a context is as if it came in by lo. */
static void prog_set_role(struct prog *p)
{
	const __u32 role = p->alone   ? SG_INGRESS_COUNTS :
			   p->answers ? SG_INGRESS_ANSWERS :
					SG_INGRESS_BEHIND_XDP;
	const __u32 ifindexes[] = { p->ifindex, 1 };
	size_t i;

	for (i = 0; i < 2; i++)
		prog_must(!bpf_map__update_elem(p->skel->maps.ingress_roles, &ifindexes[i],
						sizeof(ifindexes[i]), &role, sizeof(role), BPF_ANY),
			  "the role of ingress");
}

int prog_fd(struct prog *p, enum sg_program program)
{
	if (program == SG_XDP)
		return bpf_program__fd(p->skel->progs.synguard_xdp);
	if (program == SG_EGRESS)
		return bpf_program__fd(p->skel->progs.synguard_egress);
	prog_set_role(p);
	return bpf_program__fd(p->skel->progs.synguard_ingress);
}
