/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement, played as acts against a clock of the test's own.
 *
 * Every act is asserted in each of its seconds: a detector that flaps would pass an assertion at
 * the end of the act.
 */
#include <string.h>

#include "daemon/detect.h"
#include "suite.h"

#define SECOND_NS 1000000000ULL

struct act {
	const char *name;
	int seconds;
	uint64_t syns; /* per second */
	uint64_t done; /* handshakes per second */
	bool defending;
	enum detect_state expect;
};

static void play(const struct act *act)
{
	struct detector d = {};
	struct detect_sample sample = { .now_ns = 1000 * SECOND_NS };
	int second;

	detect_step(&d, &detect_defaults, &sample);
	for (; act->name; act++) {
		for (second = 1; second <= act->seconds; second++) {
			enum detect_state state;

			sample.now_ns += SECOND_NS;
			sample.syns = act->syns;
			sample.handshakes = act->done;
			sample.defending = act->defending;
			state = detect_step(&d, &detect_defaults, &sample);
			ck_assert_msg(state == act->expect, "\"%s\", second %d: %s, not %s",
				      act->name, second, detect_state_name(state),
				      detect_state_name(act->expect));
		}
	}
}

/* clang-format off */
START_TEST(detect_flood)
{
	play((struct act[]) {
		{ "an ordinary day",              60,    150,  150, false, DETECT_CALM },
		{ "the flood begins",              1,  50000,  150, true,  DETECT_ATTACK },
		{ "it goes on",                   60,  50000,  150, true,  DETECT_ATTACK },
		{ "it ebbs, but not enough",      10,    500,  150, true,  DETECT_ATTACK },
		{ "silence",                       1,      0,    0, true,  DETECT_COOLING },
		{ "more silence",                 29,      0,    0, false, DETECT_COOLING },
		{ "calm again",                   60,    150,  150, false, DETECT_CALM },
		{}
	});
}
END_TEST

START_TEST(detect_wave_returns)
{
	play((struct act[]) {
		{ "a flood",                      10,  50000,  150, true,  DETECT_ATTACK },
		{ "a pause of 20 seconds",        20,    150,  150, false, DETECT_COOLING },
		{ "the next wave",                10,  50000,  150, true,  DETECT_ATTACK },
		{ "quiet",                        30,    150,  150, false, DETECT_COOLING },
		{ "calm",                         10,    150,  150, false, DETECT_CALM },
		{}
	});
}
END_TEST

/* Between the two marks nothing begins, and what has begun does not end: the hysteresis. */
START_TEST(detect_between_the_marks)
{
	play((struct act[]) {
		{ "a few that get no answer",     60,    600,  100, false, DETECT_CALM },
		{ "a flood",                       5,   5000,  100, false, DETECT_ATTACK },
		{ "the few again",                60,    600,  100, false, DETECT_ATTACK },
		{ "quiet",                        10,    100,  100, false, DETECT_COOLING },
		{ "the few delay the calm",       60,    600,  100, false, DETECT_COOLING },
		{ "quiet from here",              29,    100,  100, false, DETECT_COOLING },
		{ "calm",                          5,    100,  100, false, DETECT_CALM },
		{}
	});
}
END_TEST

/* A small queue fills at a rate that is no flood by itself. */
START_TEST(detect_small_queue)
{
	play((struct act[]) {
		{ "300 a second, queues hold",    30,    300,    0, false, DETECT_CALM },
		{ "300 a second, a queue is full", 30,   300,    0, true,  DETECT_ATTACK },
		{}
	});
}
END_TEST

/* Many SYNs that complete are customers. */
START_TEST(detect_crowd)
{
	play((struct act[]) {
		{ "a crowd",                      60, 100000, 99950, false, DETECT_CALM },
		{ "a crowd, queues at their mark", 60, 100000, 99950, true, DETECT_CALM },
		{}
	});
}
END_TEST
/* clang-format on */

/* Rates are of the time that really passed: a late tick makes no attack, an early one hides none. */
START_TEST(detect_late_tick)
{
	struct detect_sample sample = { .now_ns = SECOND_NS };
	struct detector d = {};

	detect_step(&d, &detect_defaults, &sample);
	sample = (struct detect_sample){ .now_ns = 11 * SECOND_NS, .syns = 5000 };
	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_CALM);
	ck_assert_uint_eq(d.unanswered_per_sec, 500);
	sample = (struct detect_sample){ .now_ns = 11 * SECOND_NS + SECOND_NS / 10, .syns = 500 };
	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_ATTACK);
	ck_assert_uint_eq(d.unanswered_per_sec, 5000);
}
END_TEST

/* No time, no rate; and a clock that stands or runs back divides nothing by zero. */
START_TEST(detect_no_time)
{
	struct detect_sample sample = { .now_ns = 5 * SECOND_NS, .syns = 1000000 };
	struct detector d = {};

	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_CALM);
	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_CALM);
	sample.now_ns = 4 * SECOND_NS;
	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_CALM);
}
END_TEST

/* C10: a counter that went backwards has been reset; that is no traffic, not 2^64 of it. */
START_TEST(c10_counters_backwards)
{
	ck_assert_uint_eq(detect_growth(10, 7), 3);
	ck_assert_uint_eq(detect_growth(7, 7), 0);
	ck_assert_uint_eq(detect_growth(0, UINT64_MAX), 0);
	ck_assert_uint_eq(detect_growth(6, 7), 0);
	ck_assert_uint_eq(detect_growth(UINT64_MAX, 0), UINT64_MAX);
	/* more handshakes than SYNs, as after a reload in mid-second, are no flood */
	play((struct act[]){ { "backwards", 5, 10, 5000, true, DETECT_CALM }, {} });
}
END_TEST

START_TEST(detect_names)
{
	ck_assert_str_eq(detect_state_name(DETECT_CALM), "calm");
	ck_assert_str_eq(detect_state_name(DETECT_ATTACK), "attack");
	ck_assert_str_eq(detect_state_name(DETECT_COOLING), "cooling");
	ck_assert_str_eq(detect_state_name(DETECT_STATE_COUNT), "unknown");
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("detect");

	SUITE_TEST(suite, detect_flood, 10);
	SUITE_TEST(suite, detect_wave_returns, 10);
	SUITE_TEST(suite, detect_between_the_marks, 10);
	SUITE_TEST(suite, detect_small_queue, 10);
	SUITE_TEST(suite, detect_crowd, 10);
	SUITE_TEST(suite, detect_late_tick, 10);
	SUITE_TEST(suite, detect_no_time, 10);
	SUITE_TEST(suite, c10_counters_backwards, 10);
	SUITE_TEST(suite, detect_names, 10);
	return suite_main(suite, argc, argv);
}
