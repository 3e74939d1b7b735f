/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever comes, each program comes to one verdict, and the verdicts add up to the packets.
 *
 * Frames that mean something, and the same with random damage, in every mode and with services in
 * every state. The seed is fixed: what fails fails again.
 */
#include "client.h"
#include "noise.h"
#include "stack.h"
#include "suite.h"

#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES	    20000
#define FRAMES_FULL 100000

/* bpf/path/frame.bpf.h: CHALLENGE_SENT */
#define ANSWER_SENT 0x53474352

/* What BPF_PROG_RUN takes of every kind: an skb with less than its IP header is refused. */
#define FRAME_LEAST 60

/* clang-format off */
static const struct frame_spec sane[] = {
	{ .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
	{ .version = 6, .options = { FRAME_LINUX_SYN(1440, CLIENT_TSVAL, 7) } },
	{ .options = { FRAME_WINDOWS_SYN(1460) } },
	{ .version = 6, .options = { FRAME_WINDOWS_SYN(1440) }, .payload_bytes = 300 },
	{ .pad_to = 60 },
	{ .options = { FRAME_MSS(500) } },
	{ .options = { FRAME_MD5 } },
	{ .tags = { { .vid = 7 } }, .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
	{ .tags = { { .vid = 7 }, { .vid = 8 } } },
	{ .tags = { { .vid = 7 }, { .vid = 8 }, { .vid = 9 } } },
	{ .dport = 81, .pad_to = 60 },
	{ .dst = "203.0.113.99", .pad_to = 60 },
	{ .dport = 443, .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
	{ .destination_mac = { 255, 255, 255, 255, 255, 255 }, .pad_to = 60 },
	{ .flags = FRAME_ACK, .options = { FRAME_LINUX_ACK(1, 2) }, .payload_bytes = 100 },
	{ .version = 6, .flags = FRAME_ACK, .options = { FRAME_LINUX_ACK(1, 2) } },
	{ .flags = FRAME_RST, .pad_to = 60 },
	{ .src = STACK_SERVER4, .dst = STACK_CLIENT4, .sport = 80, .dport = 40000, .pad_to = 60,
	  .flags = FRAME_SYN | FRAME_ACK },
	{ .version = 6, .src = STACK_SERVER6, .dst = STACK_CLIENT6, .sport = 80, .dport = 40000,
	  .flags = FRAME_SYN | FRAME_ACK },
	{ .frag_off = 0x2000, .pad_to = 60 },
	{ .protocol = 17, .pad_to = 60 },
	{ .ethertype = 0x0806, .pad_to = 60 },
	{ .version = 6, .extension_count = 2, .extensions = { { .kind = 0 }, { .kind = 60 } } },
	{ .version = 6, .extension_count = 1, .extensions = { { .kind = 44 } } },
	{ .version = 6, .extension_count = 1, .extensions = { { .kind = 51 } } },
};
/* clang-format on */

#define SANE (sizeof(sane) / sizeof(sane[0]))

/* A third of the frames stay whole; the rest is hit where headers are. */
static struct prog_frame next_frame(__u64 *seed, const struct frame_spec *ack)
{
	__u32 which = noise_below(seed, SANE + 2);
	struct prog_frame f = prog_frame(which < SANE ? &sane[which] : ack);
	__u32 hits = noise_below(seed, 3) * noise_below(seed, 3), i;

	for (i = 0; i < hits; i++) {
		__u32 at = noise_below(seed, f.length < 100 ? f.length : 100);

		if (noise_below(seed, 2))
			f.bytes[at] ^= 1 << noise_below(seed, 8);
		else
			f.bytes[at] = noise(seed);
	}
	if (!noise_below(seed, 8) && f.length > FRAME_LEAST)
		f.length = FRAME_LEAST + noise_below(seed, f.length - FRAME_LEAST);
	return f;
}

/* Whoever else writes to the state of a service, over a long time. */
static void shake(struct prog *p, struct sg_service *s, __u64 *seed)
{
	const __u32 hindrances[] = { 0,
				     0,
				     0,
				     SG_V_MPTCP_LISTENER,
				     SG_V_SYNCOOKIES_OFF,
				     SG_V_ACCEPT_FULL,
				     SG_V_NO_LISTENER };
	__u64 now = prog_now_ns(), later = now + 10000000000ULL;

	p->control->mode = noise_below(seed, SG_MODE_COUNT);
	p->control->heartbeat_ns = noise_below(seed, 8) ? now : 0;
	s->lease_until_ns = noise_below(seed, 4) ? later : 0;
	s->blocked_until_ns = noise_below(seed, 8) ? 0 : later;
	s->forwarded_until_ns = noise_below(seed, 8) ? 0 : later;
	s->proven_at_ns = noise_below(seed, 8) ? now : 0;
	s->vlan = noise_below(seed, 4) ? 0 : SG_VLAN_PRESENT | 7;
	s->quota = noise_below(seed, 4);
	s->hindrance = hindrances[noise_below(seed, 7)];
	s->checked_at_ns = noise_below(seed, 2) ? now : 0;
	s->offers = noise(seed);
	s->user_mss = noise_below(seed, 4) ? 0 : noise(seed);
	s->window_space = noise_below(seed, 4) ? 65536 : noise(seed);
}

/* The object's own invariant, over all CPUs and all that a test has done. */
static int assert_sums(struct prog *p)
{
	int program, v, reached = 0;

	for (program = 0; program < SG_PROGRAM_COUNT; program++) {
		struct sg_counters c = prog_counters(p, program);
		__u64 sum = 0;

		for (v = 0; v < SG_VERDICT_COUNT; v++) {
			sum += c.verdicts[v];
			reached += !!c.verdicts[v];
		}
		ck_assert_uint_eq(sum, c.packets);
		ck_assert_uint_eq(c.verdicts[SG_UNDECIDED], 0);
	}
	return reached;
}

START_TEST(test_verdicts_add_up)
{
	const enum sg_program turns[] = { SG_XDP, SG_XDP, SG_INGRESS, SG_INGRESS, SG_EGRESS };
	struct prog *p = prog_new(stack_new());
	bool splits = prog_can_split(p);
	struct sg_service *services[3];
	__u64 seed = 20240601;
	struct frame_spec ack;
	int i, frames = suite_full() ? FRAMES_FULL : FRAMES;

	stack_listen();
	stack_listen(.port = 443, .backlog = 1);
	services[0] = prog_defend(p, &client_linux4);
	services[1] = prog_defend(p, &client_linux6);
	services[2] = prog_defend(p, &sane[12]);
	ack = prog_answer(p, &client_linux4);
	ack.payload_bytes = 20;

	for (i = 0; i < frames; i++) {
		struct prog_frame f = next_frame(&seed, &ack);

		if (!(i % 16))
			shake(p, services[noise_below(&seed, 3)], &seed);
		p->alone = noise_below(&seed, 2);
		p->answers = noise_below(&seed, 2);
		p->skb_mark = noise_below(&seed, 8) ? 0 : ANSWER_SENT;
		p->skb_ingress_ifindex = noise_below(&seed, 4) ? 0 : p->ifindex;
		p->xdp_linear_bytes = splits && !noise_below(&seed, 8) ?
					      14 + noise_below(&seed, f.length - 13) :
					      0;
		prog_judge(p, turns[noise_below(&seed, 5)], &f, "frame", i);
	}
	/* what is meant to be met was met */
	ck_assert_int_ge(assert_sums(p), 40);
}
END_TEST

/* Frames of random bytes: hardly one is more than "neither IPv4 nor IPv6". */
START_TEST(test_noise)
{
	struct prog *p = prog_new(stack_new());
	__u64 seed = 7;
	int i;

	p->control->mode = SG_MODE_ALWAYS;
	for (i = 0; i < FRAMES / 10; i++) {
		struct prog_frame f;

		f.length = FRAME_LEAST + noise_below(&seed, 1400);
		noise_fill(&seed, f.bytes, f.length);
		if (i % 4)
			memcpy(f.bytes + 12, i & 1 ? "\x08\x00\x45" : "\x86\xdd\x60", 3);
		prog_judge(p, i % SG_PROGRAM_COUNT, &f, "frame", i);
	}
	assert_sums(p);
}
END_TEST

/* To any CPU but the one that prog_new() has tied the process to; where there is one. */
static void leave_cpu(void)
{
	cpu_set_t others;
	int cpu;

	CPU_ZERO(&others);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu != sched_getcpu())
			CPU_SET(cpu, &others);
	sched_setaffinity(0, sizeof(others), &others);
}

/* Packets of several CPUs at once: counters are per CPU and nothing is lost between them. */
START_TEST(test_verdicts_add_up_at_once)
{
	struct prog *p = prog_new(stack_new());
	struct prog_frame f = prog_frame(&client_linux4);
	const int each = 2000;
	pid_t child;
	int i, status;

	stack_listen();
	prog_defend(p, &client_linux4);
	prog_mark(p);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child)
		leave_cpu();
	for (i = 0; i < each; i++)
		prog_run(p, i & 1 ? SG_XDP : SG_INGRESS, &f);
	if (!child)
		_exit(0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(prog_counted(p, SG_XDP, SG_V_CHALLENGED), each);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_SYN), each);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).challenged, each);
	assert_sums(p);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_verdicts_add_up, 120),
	SUITE_TEST(test_noise, 30),
	SUITE_TEST(test_verdicts_add_up_at_once, 30),
	{}
};
/* clang-format on */
