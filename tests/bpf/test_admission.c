/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which SYNs are let through, and when a service is armed: by the queue of a real listener, filled
 * with real half-open connections.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* With arm_percent 50: over 8 half-open connections the service is defended. */
#define BACKLOG	  16
#define THRESHOLD 8
/* of so many that may still come until the threshold is passed */
#define QUOTA(room) (((room) + 1) / 2)

/* Opens connections halfway, from ports of their own: the kernel answers, the client never does. */
static void half_open(struct prog *p, const struct frame_spec *like, int from_port, int count)
{
	struct frame_spec syn = *like;
	int i;

	for (i = 0; i < count; i++) {
		struct prog_frame f;

		syn.sport = from_port + i;
		f = prog_frame(&syn);
		prog_deliver(p, &f);
		ck_assert_int_eq(stack_view_sent().flags, FRAME_SYN | FRAME_ACK);
	}
}

static void admitted(struct prog *p, const struct frame_spec *syn, int times)
{
	while (times--)
		expect_verdict(p, SG_XDP, syn, SG_V_SYN_ADMITTED);
}

/*
 * Of two SYNs that are more than a tick of the coarse clock apart, and less than SG_RECHECK_NS, the
 * second does not look. Asks again where the machine was too busy to keep that time.
 */
static void assert_one_look(struct prog *p, struct sg_service *s, enum sg_verdict verdict)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		__u64 first;

		s->checked_at_ns = 0;
		expect_verdict(p, SG_XDP, &client_linux4, verdict);
		first = s->checked_at_ns;
		ck_assert_uint_gt(first, 0);
		usleep(SG_RECHECK_NS / 1000 / 3);
		expect_verdict(p, SG_XDP, &client_linux4, verdict);
		if (prog_now_ns() - first > SG_RECHECK_NS)
			continue;
		ck_assert_uint_eq(s->checked_at_ns, first);
		return;
	}
	ck_abort_msg("this machine is too busy to tell");
}

START_TEST(test_mode_off)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec nonsense = { .ethertype = 0x1234 };

	stack_listen();
	prog_defend(p, &client_linux4);
	p->control->mode = SG_MODE_OFF;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_MODE_OFF);
	expect_verdict(p, SG_XDP, &nonsense, SG_V_MODE_OFF);
}
END_TEST

/* Traps H22: a wildcard listener matches every address that passes by. */
START_TEST(test_not_local)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec syn4 = client_linux4, syn6 = client_linux6;

	syn4.dst = "203.0.113.99";
	syn6.dst = "2001:db8::99";
	stack_listen();
	expect_verdict(p, SG_XDP, &syn4, SG_V_NOT_LOCAL);
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &syn4, SG_V_NOT_LOCAL);
	expect_verdict(p, SG_XDP, &syn6, SG_V_NOT_LOCAL);
	ck_assert_ptr_null(prog_service(p, &syn4));
}
END_TEST

/* An address that was ours when its service was entered. */
START_TEST(test_no_longer_local)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec syn = client_linux4;
	struct sg_service *s;

	syn.dst = "203.0.113.7";
	prog_add_local(p, &syn);
	stack_listen();
	s = prog_defend(p, &syn);
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
	prog_remove_local(p, &syn);
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &syn, SG_V_NOT_LOCAL);
	s->lease_until_ns = 0;
	s->quota = 0;
	expect_verdict(p, SG_XDP, &syn, SG_V_NOT_LOCAL);
}
END_TEST

/* Traps H14. */
START_TEST(test_no_listener)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = client_linux4;
	struct sg_service *s;
	int fd;

	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_LISTENER);
	ck_assert_ptr_null(prog_service(p, &client_linux4));
	fd = stack_listen();
	other.dport = 81;
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &other, SG_V_NO_LISTENER);
	p->control->mode = SG_MODE_AUTO;

	/* gone later: idle, then defended; looked for once per SG_RECHECK_NS */
	s = prog_enter(p, &client_linux4);
	close(fd);
	s->quota = 0;
	assert_one_look(p, s, SG_V_NO_LISTENER);
	s->proven_at_ns = prog_now_ns();
	s->lease_until_ns = prog_now_ns() + 1000000000;
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_LISTENER);

	/* and back again */
	stack_listen();
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

/* Traps H13: what a listener listens to decides which SYNs are its. */
START_TEST(test_listeners_of_one_family_or_address)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = client_linux4;

	stack_listen(.v6only = true);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_LISTENER);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_SYN_ADMITTED);

	stack_listen(.addr = STACK_SERVER4);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_SYN_ADMITTED);
	other.dst = "203.0.113.7";
	prog_add_local(p, &other);
	expect_verdict(p, SG_XDP, &other, SG_V_NO_LISTENER);
}
END_TEST

/* Traps C14: more services than the table holds; a packet evicts nobody. */
START_TEST(test_services_full)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec syn = { .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } };
	int i, full = 0, entered = 0;

	stack_listen();
	prog_defend(p, &client_linux4);
	for (i = 0; i < 2 * SG_SERVICES_MAX; i++) {
		char address[32];
		struct prog_frame f;

		snprintf(address, sizeof(address), "10.1.%d.%d", i >> 8, i & 255);
		syn.dst = address;
		prog_add_local(p, &syn);
		f = prog_frame(&syn);
		prog_mark(p);
		ck_assert_int_eq(prog_run(p, SG_XDP, &f), 2 /* XDP_PASS */);
		entered += prog_counted(p, SG_XDP, SG_V_SYN_ADMITTED);
		full += prog_counted(p, SG_XDP, SG_V_SERVICES_FULL);
	}
	ck_assert_int_eq(entered + full, 2 * SG_SERVICES_MAX);
	ck_assert_int_ge(full, SG_SERVICES_MAX);
	/* hashing fills it all but evenly */
	ck_assert_int_ge(entered, SG_SERVICES_MAX / 2);

	expect_verdict(p, SG_XDP, &syn,
		       prog_service(p, &syn) ? SG_V_SYN_ADMITTED : SG_V_SERVICES_FULL);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

/*
 * The queue is read again when half as many SYNs have passed as could have filled it to the
 * threshold: another service may have the same queue.
 */
START_TEST(test_quota)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	__u64 checked;
	int left;

	stack_listen(.backlog = BACKLOG);
	s = prog_enter(p, &client_linux4);
	ck_assert_uint_eq(s->threshold, THRESHOLD);
	ck_assert_int_eq(s->quota, QUOTA(THRESHOLD + 1));
	checked = s->checked_at_ns;
	for (left = QUOTA(THRESHOLD + 1) - 1; left >= 0; left--) {
		admitted(p, &client_linux4, 1);
		ck_assert_int_eq(s->quota, left);
	}
	ck_assert_uint_eq(s->checked_at_ns, checked);

	half_open(p, &client_linux4, 50000, 3);
	usleep(20000); /* the clock that stamps is coarse */
	admitted(p, &client_linux4, 1);
	ck_assert_uint_gt(s->checked_at_ns, checked);
	ck_assert_int_eq(s->quota, QUOTA(THRESHOLD + 1 - 3));
	ck_assert_uint_eq(s->armed_count, 0);
	ck_assert_uint_eq(prog_tally(p, s).syns, 1 + QUOTA(THRESHOLD + 1) + 1);
}
END_TEST

/* From the first SYN to the first challenge, with nothing but the kernel's own doing. */
START_TEST(test_arming_by_the_queue)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	__u64 now;

	prog_attach(p);
	stack_listen(.backlog = BACKLOG);
	s = prog_enter(p, &client_linux4);
	half_open(p, &client_linux4, 50000, THRESHOLD);
	ck_assert_uint_gt(s->proven_at_ns, 0);
	s->quota = 0;
	admitted(p, &client_linux4, 2);
	ck_assert_int_eq(s->quota, 0);
	ck_assert_uint_eq(s->lease_until_ns, 0);

	half_open(p, &client_linux4, 51000, 1);
	now = prog_now_ns();
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_eq(s->armed_count, 1);
	ck_assert_int_lt(llabs((long long)(s->lease_until_ns - now - p->control->lease_ns)),
			 100000000);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_eq(s->armed_count, 1);
	ck_assert_uint_eq(prog_tally(p, s).challenged, 2);
}
END_TEST

/* Traps H13: the listener next door stays idle. */
START_TEST(test_only_the_full_queue_arms)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = client_linux4;

	prog_attach(p);
	other.dport = 81;
	stack_listen(.backlog = BACKLOG);
	stack_listen(.backlog = BACKLOG, .port = 81);
	prog_enter(p, &client_linux4)->quota = 0;
	prog_enter(p, &other);
	half_open(p, &client_linux4, 50000, THRESHOLD + 1);
	half_open(p, &other, 50000, 1);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	admitted(p, &other, THRESHOLD + 5);
	ck_assert_uint_eq(prog_service(p, &other)->armed_count, 0);
}
END_TEST

/* The queue may hold one more than its limit; no quota may come of a difference below 0. */
START_TEST(test_full_queue_gives_no_quota)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	int percent;

	prog_attach(p);
	stack_listen(.backlog = BACKLOG);
	s = prog_enter(p, &client_linux4);
	half_open(p, &client_linux4, 50000, BACKLOG + 1);
	s->quota = 0;
	for (percent = 90; percent > 0; percent /= 3) {
		p->control->arm_percent = percent;
		s->lease_until_ns = 0;
		expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
		ck_assert_int_eq(s->quota, 0);
		ck_assert_uint_eq(s->threshold, BACKLOG * percent / 100);
	}
}
END_TEST

/* However long the queue: it may be that of many addresses. */
START_TEST(test_quota_is_bounded)
{
	struct prog *p = prog_new(stack_new());

	stack_listen(.backlog = 4000);
	ck_assert_int_eq(prog_enter(p, &client_linux4)->quota, 32);
}
END_TEST

/* Both families of a dual-stack listener fill one queue: it is armed before it is full. */
START_TEST(test_families_of_one_queue)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6 };
	struct prog *p = prog_new(stack_new());
	int sport, i, admitted = 0;

	prog_attach(p);
	stack_listen(.backlog = 100);
	for (sport = 20000; sport < 20200; sport++)
		for (i = 0; i < 2; i++) {
			struct frame_spec syn = *syns[i];
			struct prog_frame f;

			syn.sport = sport;
			f = prog_frame(&syn);
			if (prog_run(p, SG_XDP, &f) != XDP_PASS)
				continue;
			prog_deliver(p, &f);
			admitted++;
		}
	ck_assert_int_gt(admitted, 50);
	ck_assert_int_le(admitted, 53);
}
END_TEST

START_TEST(test_quota_of_a_reuseport_group)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen(.backlog = 100, .reuseport = true);
	stack_listen(.backlog = 100, .reuseport = true);
	s = prog_enter(p, &client_linux4);
	ck_assert_uint_eq(s->threshold, 50);
	ck_assert_int_eq(s->quota, 8);
}
END_TEST

/* The lease ends by itself; an emptied queue leaves the service idle, a full one arms it again. */
START_TEST(test_lease_ends)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	int fd = stack_listen(.backlog = BACKLOG);

	prog_attach(p);
	p->control->lease_ns = 200000000;
	s = prog_enter(p, &client_linux4);
	half_open(p, &client_linux4, 50000, THRESHOLD + 1);
	prog_detach(p); /* or a SYN-ACK that is sent again is counted among the runs */
	s->quota = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	usleep(300000);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_eq(s->armed_count, 2);

	close(fd);
	stack_listen(.backlog = BACKLOG);
	usleep(300000);
	admitted(p, &client_linux4, 1);
	ck_assert_uint_eq(s->armed_count, 2);
	ck_assert_int_eq(s->quota, QUOTA(THRESHOLD + 1));
}
END_TEST

/*
 * Without a daemon: the lease goes on while a second's unanswered challenges would have filled the
 * queue, and only a second that has just ended is judged.
 */
START_TEST(test_lease_is_renewed)
{
	static const struct {
		const char *name;
		__u64 age_ms;
		__u32 challenged, accepted, cpus;
		bool renewed;
	} seconds[] = {
		/* the SYN that ends the second is one more; 8 seconds' worth would be queued */
		{ "a flood", 1200, 100, 0, 1, true },
		{ "a flood among clients", 1200, 100, 90, 1, true },
		{ "just over the threshold", 1200, 20, 19, 1, true },
		{ "just at the threshold", 1200, 20, 20, 1, false },
		{ "more answers than challenges", 1200, 1, 100, 1, false },
		{ "one that has not ended", 500, 100, 0, 1, false },
		{ "one that ended long ago", 2100, 100, 0, 1, false },
		{ "a share of two CPUs", 1200, 0, 0, 2, true },
	};
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	unsigned int i;

	stack_listen(.backlog = BACKLOG);
	s = prog_defend(p, &client_linux4);
	for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		__u64 soon = prog_now_ns() + 1000000000, start;
		bool ended = seconds[i].age_ms >= 1000;

		p->control->cpus = seconds[i].cpus;
		s->lease_until_ns = soon;
		start = prog_now_ns() - seconds[i].age_ms * 1000000;
		prog_set_second(p, s, start, seconds[i].challenged + 1, seconds[i].accepted);
		expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
		ck_assert_msg((s->lease_until_ns > soon) == seconds[i].renewed, "%s: renewed %d",
			      seconds[i].name, s->lease_until_ns > soon);
		/* an ended second starts anew, so that a steady flood is judged each second */
		ck_assert_uint_eq(prog_tally(p, s).second_challenged,
				  ended ? 1 : seconds[i].challenged + 2);
	}
}
END_TEST

START_TEST(test_mode_always)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen();
	s = prog_enter(p, &client_linux4);
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_UNPROVEN);
	s->proven_at_ns = prog_now_ns();
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_eq(s->armed_count, 0);
	p->control->mode = SG_MODE_AUTO;
	s->lease_until_ns = 0;
	admitted(p, &client_linux4, 1);
}
END_TEST

/* A look costs more than all else, so a defended service pays for it 20 times a second. */
START_TEST(test_defended_service_is_looked_at_now_and_then)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	__u64 first;

	stack_listen();
	s = prog_defend(p, &client_linux4);
	assert_one_look(p, s, SG_V_CHALLENGED);
	first = s->checked_at_ns;
	usleep(SG_RECHECK_NS / 1000 + 10000);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_gt(s->checked_at_ns, first);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_mode_off, 10),
	SUITE_TEST(test_not_local, 10),
	SUITE_TEST(test_no_longer_local, 10),
	SUITE_TEST(test_no_listener, 10),
	SUITE_TEST(test_listeners_of_one_family_or_address, 10),
	SUITE_TEST(test_services_full, 30),
	SUITE_TEST(test_quota, 10),
	SUITE_TEST(test_arming_by_the_queue, 10),
	SUITE_TEST(test_only_the_full_queue_arms, 10),
	SUITE_TEST(test_full_queue_gives_no_quota, 10),
	SUITE_TEST(test_quota_is_bounded, 30),
	SUITE_TEST(test_families_of_one_queue, 30),
	SUITE_TEST(test_quota_of_a_reuseport_group, 10),
	SUITE_TEST(test_lease_ends, 10),
	SUITE_TEST(test_lease_is_renewed, 10),
	SUITE_TEST(test_mode_always, 10),
	SUITE_TEST(test_defended_service_is_looked_at_now_and_then, 10),
	{}
};
/* clang-format on */
