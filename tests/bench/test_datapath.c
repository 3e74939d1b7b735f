/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet costs in our programs, by BPF_PROG_RUN, source varied each run.
 *
 * Prints a table: the median of several rounds, interleaved so that a noisy machine is noisy to
 * all rows alike, and the ratio to a program that only drops. Compare ratios, not nanoseconds.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "prog.h"
#include "spin.skel.h"
#include "stack.h"
#include "suite.h"
#include "synguard.skel.h"

#define ROUNDS 9

enum row_kind {
	ROW_XDP,
	ROW_TC,
};

struct row {
	const char *name;
	enum row_kind kind;
	const struct frame_spec *spec;
	int (*fd)(const struct prog *p, const struct spin *spin);
	void (*prepare)(struct prog *p, const struct frame_spec *spec);
	double ns[ROUNDS];
};

static int fd_drop(const struct prog *p, const struct spin *spin)
{
	return bpf_program__fd(spin->progs.drop);
}

static int fd_next(const struct prog *p, const struct spin *spin)
{
	return bpf_program__fd(spin->progs.next);
}

static int fd_xdp(const struct prog *p, const struct spin *spin)
{
	return bpf_program__fd(p->skel->progs.synguard_xdp);
}

static int fd_ingress(const struct prog *p, const struct spin *spin)
{
	return bpf_program__fd(p->skel->progs.synguard_ingress);
}

/* An idle service with room for all: the queue is not read again. */
static void make_idle(struct prog *p, const struct frame_spec *spec)
{
	struct sg_service *s = prog_service(p, spec) ?: prog_enter(p, spec);

	s->lease_until_ns = 0;
	s->credit = 1 << 30;
}

static void make_defended(struct prog *p, const struct frame_spec *spec)
{
	struct sg_service *s = prog_service(p, spec) ?: prog_enter(p, spec);

	s->proven_at_ns = 1;
	s->lease_until_ns = prog_now_ns() + 3600ULL * 1000000000;
}

static void make_nothing(struct prog *p, const struct frame_spec *spec)
{
}

static const struct frame_spec syn4 = { .options = { FRAME_LINUX_SYN(1460, 5000, 7) } };
static const struct frame_spec syn6 = { .version = 6,
					.options = { FRAME_LINUX_SYN(1440, 5000, 7) } };
static const struct frame_spec windows4 = { .options = { FRAME_WINDOWS_SYN(1460) } };
static const struct frame_spec closed4 = { .dport = 81,
					   .options = { FRAME_LINUX_SYN(1460, 5000, 7) } };
static const struct frame_spec foreign4 = { .dst = "203.0.113.77",
					    .options = { FRAME_LINUX_SYN(1460, 5000, 7) } };
static const struct frame_spec data4 = { .flags = FRAME_ACK,
					 .ack = 77777,
					 .options = { FRAME_LINUX_ACK(5000, 6000) },
					 .payload_bytes = 8 };
static const struct frame_spec ack4 = { .flags = FRAME_ACK,
					.ack = 77777,
					.options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec ack4_idle = {
	.flags = FRAME_ACK, .dport = 81, .ack = 77777, .options = { FRAME_LINUX_ACK(5000, 6000) }
};

/* clang-format off */
static struct row rows[] = {
	{ "XDP_DROP, the yardstick",               ROW_XDP, &syn4,      fd_drop,    make_nothing },
	{ "data of an established connection",     ROW_XDP, &data4,     fd_xdp,     make_nothing },
	{ "SYN, idle service, IPv4",               ROW_XDP, &syn4,      fd_xdp,     make_idle },
	{ "SYN challenged, IPv4",                  ROW_XDP, &syn4,      fd_xdp,     make_defended },
	{ "SYN challenged, IPv6",                  ROW_XDP, &syn6,      fd_xdp,     make_defended },
	{ "SYN challenged, IPv4, no timestamps",   ROW_XDP, &windows4,  fd_xdp,     make_defended },
	{ "SYN for a closed port",                 ROW_XDP, &closed4,   fd_xdp,     make_nothing },
	{ "SYN for another host",                  ROW_XDP, &foreign4,  fd_xdp,     make_nothing },
	{ "tcx that only goes on, the yardstick",  ROW_TC,  &ack4,      fd_next,    make_nothing },
	{ "ACK, service never challenged",         ROW_TC,  &ack4_idle, fd_ingress, make_nothing },
	{ "ACK that is not ours, one hash",        ROW_TC,  &ack4,      fd_ingress, make_defended },
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(*rows))

static double measure(struct prog *p, struct spin *spin, const struct row *row, int repeat)
{
	struct prog_frame f = prog_frame(row->spec);
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.bytes, .data_size_in = f.length,
		    .repeat = repeat);
	struct xdp_md ctx = { .data_end = f.length, .ingress_ifindex = p->ifindex };
	__u32 zero = 0;
	int fd = row->fd(p, spin);

	row->prepare(p, row->spec);
	if (row->kind == ROW_XDP) {
		memset(spin->bss->frame, 0, sizeof(spin->bss->frame));
		memcpy(spin->bss->frame, f.bytes, f.length);
		/* the address; of IPv6 the /64 and what follows it */
		spin->bss->source_offset = row->spec->version == 6 ? 28 : 26;
		spin->bss->source_net = row->spec->version == 6 ? 0 : htonl(0x40000000);
		if (bpf_map_update_elem(bpf_map__fd(spin->maps.target), &zero, &fd, 0) < 0)
			ck_abort_msg("prog array");
		o.ctx_in = &ctx;
		o.ctx_size_in = sizeof(ctx);
		fd = bpf_program__fd(spin->progs.spin);
	}
	if (bpf_prog_test_run_opts(fd, &o) < 0)
		ck_abort_msg("BPF_PROG_RUN: %s", row->name);
	return o.duration;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct row *row)
{
	qsort(row->ns, ROUNDS, sizeof(*row->ns), by_value);
	return row->ns[ROUNDS / 2];
}

START_TEST(datapath_cost)
{
	int repeat = suite_full() ? 1000000 : 100000;
	double yardstick[2] = { 0 };
	struct spin *spin;
	struct prog *p;
	size_t i, round;

	p = prog_new(stack_new());
	/* everything on, as the daemon sets it */
	p->control->reply_budget = 1024;
	p->control->reply_budget_prefix = 16384;
	stack_listen(.backlog = 4096);
	spin = spin__open_and_load();
	ck_assert_ptr_nonnull(spin);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < ROW_COUNT; i++)
			rows[i].ns[round] = measure(p, spin, &rows[i], repeat);

	printf("# | packet | ns | ratio | above the yardstick, ns |\n# |---|---|---|---|\n");
	for (i = 0; i < ROW_COUNT; i++) {
		double ns = median(&rows[i]);

		if (!yardstick[rows[i].kind])
			yardstick[rows[i].kind] = ns;
		printf("# | %s | %.0f | %.2f | %+.0f |\n", rows[i].name, ns,
		       ns / yardstick[rows[i].kind], ns - yardstick[rows[i].kind]);
	}
	fflush(stdout);
	spin__destroy(spin);
	prog_free(p);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("datapath");

	if (!prog_may_run())
		return 77;
	SUITE_TEST(suite, datapath_cost, 600);
	return suite_main(suite, argc, argv);
}
