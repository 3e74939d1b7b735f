/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement, played as acts against a clock of the test's own.
 *
 * Every act is asserted in each of its seconds: a detector that flaps would pass an assertion at
 * the end of the act.
 */
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/judge/detect.h"
#include "daemon/judge/episodes.h"
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
START_TEST(detect_cardinality)
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
	ck_assert_uint_eq(d.floods[DETECT_SYN_FLOOD].per_sec, 500);
	sample = (struct detect_sample){ .now_ns = 11 * SECOND_NS + SECOND_NS / 10, .syns = 500 };
	ck_assert_int_eq(detect_step(&d, &detect_defaults, &sample), DETECT_ATTACK);
	ck_assert_uint_eq(d.floods[DETECT_SYN_FLOOD].per_sec, 5000);
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
	ck_assert_uint_eq(rate_growth(10, 7), 3);
	ck_assert_uint_eq(rate_growth(7, 7), 0);
	ck_assert_uint_eq(rate_growth(0, UINT64_MAX), 0);
	ck_assert_uint_eq(rate_growth(6, 7), 0);
	ck_assert_uint_eq(rate_growth(UINT64_MAX, 0), UINT64_MAX);
	/* more handshakes than SYNs, as after a reload in mid-second, are no flood */
	play((struct act[]){ { "backwards", 5, 10, 5000, true, DETECT_CALM }, {} });
}
END_TEST

/* ---- floods of ACKs ------------------------------------------------------------------------ */

struct ack_act {
	const char *name;
	int seconds;
	uint64_t syns, bogus;
	bool dropping;
	enum detect_state expect;
	enum detect_kind kind;
};

static void play_acks(const struct ack_act *act)
{
	struct detect_sample sample = { .now_ns = 1000 * SECOND_NS };
	struct detector d = {};
	int second;

	detect_step(&d, &detect_defaults, &sample);
	for (; act->name; act++)
		for (second = 1; second <= act->seconds; second++) {
			sample.now_ns += SECOND_NS;
			sample.syns = act->syns;
			sample.bogus_acks = act->bogus;
			sample.dropping = act->dropping;
			detect_step(&d, &detect_defaults, &sample);
			ck_assert_msg(d.state == act->expect && d.kind == act->kind,
				      "\"%s\", second %d: %s by %s, not %s by %s", act->name,
				      second, detect_state_name(d.state),
				      detect_kind_name(d.kind, d.pattern),
				      detect_state_name(act->expect),
				      detect_kind_name(act->kind, DETECT_MIXED));
		}
}

#define SYNS DETECT_KIND_SYN_FLOOD
#define ACKS DETECT_KIND_ACK_FLOOD

/* clang-format off */
START_TEST(detect_ack_flood)
{
	play_acks((struct ack_act[]) {
		{ "a server restarts",            5,   0,  9000, false, DETECT_CALM,    DETECT_NO_KIND },
		{ "the flood begins",             1,   0, 50000, false, DETECT_ATTACK,  ACKS },
		{ "it goes on",                  60,   0, 50000, true,  DETECT_ATTACK,  ACKS },
		{ "it ebbs, but not enough",     10,   0,  2000, true,  DETECT_ATTACK,  ACKS },
		{ "silence",                     10,   0,     0, true,  DETECT_COOLING, ACKS },
		{ "the next wave",                1,   0, 10000, true,  DETECT_ATTACK,  ACKS },
		{ "silence again",               30,   0,   999, false, DETECT_COOLING, ACKS },
		{ "calm",                        60,   0,   999, false, DETECT_CALM,    DETECT_NO_KIND },
		{}
	});
}
END_TEST

/* A burst that is no flood by the second has made XDP drop. */
START_TEST(detect_ack_burst)
{
	play_acks((struct ack_act[]) {
		{ "in one burst, not dropped",    5,   0,  4000, false, DETECT_CALM,    DETECT_NO_KIND },
		{ "in one burst, dropped",        5,   0,  4000, true,  DETECT_ATTACK,  ACKS },
		{ "a few are dropped yet",       30,   0,   100, true,  DETECT_COOLING, ACKS },
		{ "calm",                         5,   0,   100, true,  DETECT_CALM,    DETECT_NO_KIND },
		{}
	});
}
END_TEST

/* One of them does not hide the other, nor end with it. */
START_TEST(detect_both_floods)
{
	play_acks((struct ack_act[]) {
		{ "SYNs",                         5, 50000,     0, false, DETECT_ATTACK,  SYNS },
		{ "ACKs as well",                 5, 50000, 50000, true,  DETECT_ATTACK,  SYNS | ACKS },
		{ "ACKs alone",                  40,     0, 50000, true,  DETECT_ATTACK,  ACKS },
		{ "SYNs alone",                  10, 50000,     0, false, DETECT_ATTACK,  SYNS },
		{ "silence",                     20,     0,     0, false, DETECT_COOLING, SYNS | ACKS },
		{ "the SYNs are the last to go", 10,     0,     0, false, DETECT_COOLING, SYNS },
		{ "calm",                         5,     0,     0, false, DETECT_CALM,    DETECT_NO_KIND },
		{}
	});
}
END_TEST
/* clang-format on */

/* AckFloodRate=0: nothing is dropped, and nothing is called a flood; also in the midst of one. */
START_TEST(detect_no_mark)
{
	struct detect_config config = detect_defaults;
	struct detect_sample sample = { .now_ns = SECOND_NS, .bogus_acks = 1000000 };
	struct detector d = {};

	detect_step(&d, &config, &sample);
	sample.now_ns += SECOND_NS;
	ck_assert_int_eq(detect_step(&d, &config, &sample), DETECT_ATTACK);
	config.marks[DETECT_ACK_FLOOD] = (struct detect_marks){};
	sample.now_ns += SECOND_NS;
	ck_assert_int_eq(detect_step(&d, &config, &sample), DETECT_COOLING);
	sample.now_ns += config.hold_ns;
	ck_assert_int_eq(detect_step(&d, &config, &sample), DETECT_CALM);
	sample.now_ns += SECOND_NS;
	ck_assert_int_eq(detect_step(&d, &config, &sample), DETECT_CALM);
	ck_assert_uint_eq(d.floods[DETECT_ACK_FLOOD].per_sec, 1000000);
}
END_TEST

/* One flood of three waves and one story: told twice, with the totals of its attack. */
START_TEST(acks_of_a_flood)
{
	static const uint64_t bogus[] = { 100, 50000, 50000, 20, 50000, 50 };
	struct detect_sample sample = { .now_ns = SECOND_NS };
	struct ack_flood_counts now = { 7, 3 };
	struct detector d = {};
	struct ack_flood a = {};
	int second, began = 0, ended = 0;

	ack_flood_count(&a, &now); /* what there was before the daemon */
	detect_step(&d, &detect_defaults, &sample);
	for (second = 0; second < 60; second++) {
		uint64_t grew = second < 6 ? bogus[second] : 5;

		sample.now_ns += SECOND_NS;
		sample.bogus_acks = grew;
		now.bogus += grew;
		now.dropped += grew / 10;
		ack_flood_count(&a, &now);
		detect_step(&d, &detect_defaults, &sample);
		switch (ack_flood_step(&a, sample.now_ns, &d.floods[DETECT_ACK_FLOOD])) {
		case ACK_FLOOD_STARTED:
			began++;
			ck_assert_int_eq(second, 1);
			break;
		case ACK_FLOOD_STOPPED:
			ended++;
			ck_assert_int_eq(second, 5 + 30);
			break;
		case ACK_FLOOD_NO_CHANGE:
			break;
		}
	}
	ck_assert_int_eq(began, 1);
	ck_assert_int_eq(ended, 1);
	ck_assert_uint_eq(a.flood.bogus, 150070);
	ck_assert_uint_eq(a.flood.dropped, 15007);
	ck_assert_uint_eq(a.ended_ns - a.began_ns, 4 * SECOND_NS);
	ck_assert_uint_eq(a.total.bogus, now.bogus);
	/* loaded anew: what is lower is no growth, and the totals stay */
	ack_flood_count(&a, &(struct ack_flood_counts){ 5, 5 });
	ck_assert_uint_eq(a.total.bogus, now.bogus);
	ck_assert_uint_eq(a.grew.bogus, 0);
	ack_flood_count(&a, &(struct ack_flood_counts){ 6, 6 });
	ck_assert_uint_eq(a.total.bogus, now.bogus + 1);
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

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(detect_flood, 10),
	SUITE_TEST(detect_wave_returns, 10),
	SUITE_TEST(detect_between_the_marks, 10),
	SUITE_TEST(detect_small_queue, 10),
	SUITE_TEST(detect_cardinality, 10),
	SUITE_TEST(detect_late_tick, 10),
	SUITE_TEST(detect_no_time, 10),
	SUITE_TEST(c10_counters_backwards, 10),
	SUITE_TEST(detect_ack_flood, 10),
	SUITE_TEST(detect_ack_burst, 10),
	SUITE_TEST(detect_both_floods, 10),
	SUITE_TEST(detect_no_mark, 10),
	SUITE_TEST(acks_of_a_flood, 10),
	SUITE_TEST(detect_names, 10),
	{}
};
/* clang-format on */
