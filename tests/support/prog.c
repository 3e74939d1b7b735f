/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prog.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synack.h"
#include "synguard.skel.h"

/* enum tcx_action_base of Linux 6.6, which older headers lack. */
#define PROG_TCX_NEXT	  (-1)
#define PROG_TCX_DROP	  2
#define PROG_TCX_REDIRECT 7

/* clang-format off */
#define PROG_LABEL_(programs, name, action, label, meaning) label,
static const char *const prog_labels[SG_VERDICT_COUNT] = { SG_VERDICTS(PROG_LABEL_) };

#define PROG_ACTION_(programs, name, action, label, meaning) SG_##action,
static const __u8 prog_actions[SG_VERDICT_COUNT] = { SG_VERDICTS(PROG_ACTION_) };
/* clang-format on */

const char *prog_label(enum sg_verdict verdict)
{
	return prog_labels[verdict];
}

enum sg_action prog_action(enum sg_verdict verdict)
{
	return prog_actions[verdict];
}

void prog_must(bool ok, const char *what)
{
	if (!ok)
		ck_abort_msg("%s: %s", what, strerror(errno));
}

__u64 prog_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- frames -------------------------------------------------------------------------------- */

struct prog_frame prog_frame(const struct frame_spec *spec)
{
	struct prog_frame f;

	f.length = frame_build(f.bytes, sizeof(f.bytes), spec);
	return f;
}

struct frame_view prog_view(const struct prog_frame *f)
{
	struct frame_view view;
	const char *wrong = frame_parse(&view, f->bytes, f->length);

	if (wrong)
		ck_abort_msg("a frame of %zu bytes: %s", f->length, wrong);
	return view;
}

int prog_run(struct prog *p, enum sg_program program, const struct prog_frame *in)
{
	struct xdp_md xdp = {
		.data_end = p->xdp_linear_bytes ? p->xdp_linear_bytes : in->length,
		.ingress_ifindex = p->ifindex,
	};
	struct __sk_buff skb = {
		.ifindex = p->ifindex,
		.ingress_ifindex = p->skb_ingress_ifindex,
		.cb = { p->skb_mark },
	};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in->bytes, .data_size_in = in->length,
		    .data_out = p->out.bytes, .data_size_out = sizeof(p->out.bytes), .repeat = 1);
	int error;

	run.ctx_in = program == SG_XDP ? (void *)&xdp : (void *)&skb;
	run.ctx_size_in = program == SG_XDP ? sizeof(xdp) : sizeof(skb);
	error = bpf_prog_test_run_opts(prog_fd(p, program), &run);
	if (error)
		ck_abort_msg("BPF_PROG_RUN of %zu bytes: %s", in->length, strerror(-error));
	p->out.length = run.data_size_out;
	return run.retval;
}

bool prog_can_split(struct prog *p)
{
	struct xdp_md half = { .data_end = 50, .ingress_ifindex = p->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = p->out.bytes, .data_size_in = 100,
		    .ctx_in = &half, .ctx_size_in = sizeof(half), .repeat = 1);

	return !bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.synguard_xdp), &run);
}

static int prog_return_code(enum sg_program program, enum sg_verdict verdict)
{
	enum sg_action action = prog_action(verdict);

	if (program == SG_XDP)
		return action == SG_REPLY ? XDP_TX : action == SG_DROP ? XDP_DROP : XDP_PASS;
	if (action == SG_REQUEUE || action == SG_REPLY)
		return PROG_TCX_REDIRECT;
	return action == SG_DROP ? PROG_TCX_DROP : PROG_TCX_NEXT;
}

/*
 * The verdict that the program came to since prog_mark(); asserts that it was one, for one packet.
 */
static enum sg_verdict prog_only_verdict(struct prog *p, enum sg_program program, const char *file,
					 int line)
{
	struct sg_counters now = prog_counters(p, program);
	const struct sg_counters *then = &p->marked[program];
	enum sg_verdict verdict = SG_UNDECIDED;
	__u64 total = 0;
	int v;

	for (v = 0; v < SG_VERDICT_COUNT; v++) {
		__u64 times = now.verdicts[v] - then->verdicts[v];

		total += times;
		if (times)
			verdict = v;
	}
	if (total != 1)
		ck_abort_msg("%s:%d: %llu verdicts, %s among them, expected 1", file, line, total,
			     prog_label(verdict));
	if (now.packets - then->packets != 1)
		ck_abort_msg("%s:%d: %llu packets, expected 1", file, line,
			     now.packets - then->packets);
	return verdict;
}

static void prog_assert_verdict(enum sg_verdict verdict, enum sg_verdict expected, const char *file,
				int line)
{
	if (verdict != expected)
		ck_abort_msg("%s:%d: %s, expected %s", file, line, prog_label(verdict),
			     prog_label(expected));
}

/* NULL, or what the action should not have done to the frame. */
static const char *prog_frame_wrong(const struct prog_frame *in, const struct prog_frame *out,
				    enum sg_action action)
{
	if (action == SG_REPLY)
		return synack_wrong(in->bytes, in->length, out->bytes, out->length);
	if (out->length != in->length || memcmp(out->bytes, in->bytes, in->length))
		return "the frame was changed";
	return NULL;
}

enum sg_verdict prog_judge(struct prog *p, enum sg_program program, const struct prog_frame *in,
			   const char *file, int line)
{
	enum sg_verdict verdict;
	const char *wrong;
	int code, other;

	prog_mark(p);
	code = prog_run(p, program, in);
	verdict = prog_only_verdict(p, program, file, line);
	for (other = 0; other < SG_PROGRAM_COUNT; other++)
		if (other != program && prog_counters(p, other).packets != p->marked[other].packets)
			ck_abort_msg("%s:%d: another program counted the packet", file, line);
	if (code != prog_return_code(program, verdict))
		ck_abort_msg("%s:%d: %s returned %d, expected %d", file, line, prog_label(verdict),
			     code, prog_return_code(program, verdict));
	wrong = prog_frame_wrong(in, &p->out, prog_action(verdict));
	if (wrong)
		ck_abort_msg("%s:%d: %s: %s", file, line, prog_label(verdict), wrong);
	return verdict;
}

const struct prog_frame *prog_expect(struct prog *p, enum sg_program program,
				     const struct prog_frame *in, enum sg_verdict verdict,
				     const char *file, int line)
{
	prog_assert_verdict(prog_judge(p, program, in, file, line), verdict, file, line);
	return &p->out;
}

struct frame_spec prog_answer(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);
	struct frame_view asked = prog_view(&f), view;

	prog_mark(p);
	prog_run(p, SG_XDP, &f);
	ck_assert_msg(prog_counted(p, SG_XDP, SG_V_CHALLENGED) +
				      prog_counted(p, SG_XDP, SG_V_CHALLENGED_PLAIN) ==
			      1,
		      "the SYN was not challenged");
	view = prog_view(&p->out);
	return frame_answer(&view, asked.tsval + 10);
}

void prog_deliver(struct prog *p, const struct prog_frame *f)
{
	struct xdp_md xdp = { .data_end = f->length, .ingress_ifindex = p->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->bytes, .data_size_in = f->length,
		    .ctx_in = &xdp, .ctx_size_in = sizeof(xdp), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int error = bpf_prog_test_run_opts(p->pass_fd, &run);

	if (error)
		ck_abort_msg("BPF_PROG_RUN of a live frame: %s", strerror(-error));
}

void prog_deliver_expect(struct prog *p, const struct prog_frame *f, enum sg_verdict verdict,
			 const char *file, int line)
{
	prog_mark(p);
	prog_deliver(p, f);
	prog_assert_verdict(prog_only_verdict(p, SG_INGRESS, file, line), verdict, file, line);
}
