/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reply budget: who is forged is not sent thousands of replies, who answers is not limited.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BUDGET	  64
#define SYNS	  400
#define WINDOW_US ((1U << SG_BUDGET_WINDOW_SHIFT) / 1000)

static struct prog *defended(int *listener, __u32 of_source, __u32 of_prefix)
{
	struct prog *p = connection_defended(listener, 1024);

	p->control->reply_budget = of_source;
	p->control->reply_budget_prefix = of_prefix;
	return p;
}

/* Runs SYNs whose ports differ, and whose sources do where `many`; how many were answered. */
static int answered(struct prog *p, const struct frame_spec *client, bool many, int count)
{
	struct frame_spec syn = *client;
	char source[64];
	int i, n = 0;

	for (i = 0; i < count; i++) {
		struct prog_frame f;
		enum sg_verdict v;

		syn.sport = 1024 + i;
		if (many) {
			snprintf(source, sizeof(source),
				 client == &client_linux4 ? "198.18.7.%d" : "2001:2::7:%d",
				 1 + i % 250);
			syn.src = source;
		}
		f = prog_frame(&syn);
		v = prog_judge(p, SG_XDP, &f, __FILE__, __LINE__);
		ck_assert_msg(v == SG_V_CHALLENGED || v == SG_V_OVER_BUDGET, "%s", prog_label(v));
		n += v == SG_V_CHALLENGED;
	}
	return n;
}

/* The window of now, by the clock that the programs read. */
static __u64 window(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (now.tv_sec * 1000000000ULL + now.tv_nsec) >> SG_BUDGET_WINDOW_SHIFT;
}

/* Waits for a window to begin. What is done next is done long before it ends. */
static __u64 window_begins(void)
{
	__u64 before = window();

	while (window() == before)
		usleep(1000);
	return before + 1;
}

/* Trap C5. */
START_TEST(c5_one_victim)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	struct frame_spec neighbour = *client;
	struct prog *p;
	int listener, n;
	__u64 began;

	p = defended(&listener, BUDGET, 0);
	began = window_begins();
	n = answered(p, client, false, SYNS);
	ck_assert_msg(window() == began, "400 SYNs took more than a window of a second");
	ck_assert_int_ge(n, BUDGET - SG_BUDGET_SAMPLE);
	ck_assert_int_le(n, BUDGET + SG_BUDGET_SAMPLE);
	/* exactly this source */
	neighbour.src = _i ? "2001:db8::99" : "192.0.2.99";
	expect_verdict(p, SG_XDP, &neighbour, SG_V_CHALLENGED);
	usleep(WINDOW_US + 10000);
	expect_verdict(p, SG_XDP, client, SG_V_CHALLENGED);
	prog_free(p);
	close(listener);
}
END_TEST

/* Trap C5: the network of a victim, each of whose addresses is forged a few times. */
START_TEST(c5_one_network)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	struct frame_spec neighbour = *client;
	struct prog *p;
	int listener, n;

	p = defended(&listener, BUDGET, 2 * BUDGET);
	n = answered(p, client, true, SYNS);
	ck_assert_int_ge(n, 2 * BUDGET - SG_BUDGET_SAMPLE);
	ck_assert_int_le(n, 4 * BUDGET + SG_BUDGET_SAMPLE);
	neighbour.src = _i ? "2001:2:0:1::1" : "198.18.8.1";
	expect_verdict(p, SG_XDP, &neighbour, SG_V_CHALLENGED);
	prog_free(p);
	close(listener);
}
END_TEST

/* A gateway of real clients: what is completed is given back. */
START_TEST(c5_completed_is_not_counted)
{
	struct frame_spec syn = client_linux4;
	struct prog *p;
	int listener, i;

	p = defended(&listener, 2 * SG_BUDGET_SAMPLE, 2 * SG_BUDGET_SAMPLE);
	prog_attach(p);
	for (i = 0; i < 100; i++) {
		syn.sport = 30000 + i;
		close(connection_challenged(p, &syn, listener).fd);
	}
	prog_free(p);
	close(listener);
}
END_TEST

START_TEST(c5_without_a_budget)
{
	struct prog *p;
	int listener;

	p = defended(&listener, 0, 0);
	ck_assert_int_eq(answered(p, &client_linux4, false, SYNS), SYNS);
	prog_free(p);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(c5_one_victim, 2, 30),
	SUITE_LOOP(c5_one_network, 2, 30),
	SUITE_TEST(c5_completed_is_not_counted, 30),
	SUITE_TEST(c5_without_a_budget, 30),
	{}
};
/* clang-format on */
