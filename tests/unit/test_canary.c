/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a service is blocked, by the sources whose acceptances fail (trap FW4). */
#include <string.h>

#include "daemon/judge/canary.h"
#include "suite.h"
#include "synguard/abi.h"

#define NS_PER_SEC  1000000000ULL
#define SECONDS_MAX 16
#define START_NS    (1000 * NS_PER_SEC)

static const struct act {
	const char *name;
	uint64_t blocked_at; /* the first of the seconds, from 1; 0: never */
	struct canary_growth seconds[SECONDS_MAX];
} acts[] = {
	{ "nothing", 0, {} },
	{ "all fail", 3, { { 20 }, { 20 }, { 20 }, { 20 } } },
	{ "all fail, and slowly", 4, { { 7 }, { 1 }, {}, { 1 } } },
	{ "many fail at once", 0, { { 60 } } },
	{ "eight fail", 0, { { 7 }, {}, { 1 } } },
	{ "one by one",
	  10,
	  { { 1 }, { 1 }, { 1 }, { 1 }, { 1 }, { 1 }, { 1 }, { 1 }, { 1 }, { 1 } } },
	{ "they fail, and then connect", 0, { { 20, 0 }, { 0, 20, 20 } } },
	{ "sixty fail in each second beside two who connect",
	  0,
	  { { 60 }, { 60, 2, 2 }, { 60 }, { 60 }, { 60, 2, 2 }, { 60 }, { 60 }, { 60 } } },
	{ "one connects in the first second, one in the next",
	  0,
	  { { 61, 1, 1 }, { 61, 1, 1 }, { 60 }, { 60 }, { 60 } } },
	{ "one connects", 3, { { 60, 1, 1 }, { 60 }, { 60 } } },
	{ "several connected, then others fail",
	  12,
	  { { 9, 9, 9 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 } } },
	{ "several connected, then others fail, until somebody connects",
	  0,
	  { { 9, 9, 9 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20, 2, 2 },
	    { 20 },
	    { 20 },
	    { 20 },
	    { 20 } } },
	{ "several connected, then they fail",
	  4,
	  { { 9, 9, 9 }, { 20, 0, 0, 2 }, { 20 }, { 20 }, { 20 } } },
};

START_TEST(canary_rule)
{
	const struct act *act = &acts[_i];
	uint64_t blocked_at = 0, second;
	struct canary c = {};

	for (second = 1; second <= SECONDS_MAX && !blocked_at; second++)
		if (canary_step(&c, START_NS + second * NS_PER_SEC, &act->seconds[second - 1])
			    .block_ns)
			blocked_at = second;
	ck_assert_msg(blocked_at == act->blocked_at, "%s: %llu", act->name,
		      (unsigned long long)blocked_at);
}
END_TEST

/* All fail, so many in each second, until it is blocked; returns for how many seconds. */
static uint64_t fails(struct canary *c, uint64_t *now_ns)
{
	const struct canary_growth all = { .doubts = 20 };
	uint64_t begin_ns = *now_ns;
	struct canary_verdict v;

	do {
		ck_assert_uint_le(*now_ns - begin_ns, 20 * NS_PER_SEC);
		*now_ns += NS_PER_SEC;
		v = canary_step(c, *now_ns, &all);
	} while (!v.block_ns);
	ck_assert_uint_ge(v.failing, 8);
	return v.block_ns / NS_PER_SEC;
}

/* Short at first, twice as long when it comes back, and short again after a success or for long. */
START_TEST(canary_blocks_grow)
{
	static const uint64_t lengths[] = { 5, 10, 20, 40, 80, 160, 180, 180 };
	const struct canary_growth several = { .doubts = 3, .cleared = 3, .successes = 3 };
	uint64_t now_ns = START_NS, i;
	struct canary c = {};

	for (i = 0; i < 8; i++) {
		ck_assert_uint_eq(fails(&c, &now_ns), lengths[i]);
		/* what comes in the block is not judged */
		now_ns += NS_PER_SEC;
		ck_assert_uint_eq(canary_step(&c, now_ns, &(struct canary_growth){ 99 }).block_ns,
				  0);
		ck_assert_uint_eq(c.failing, 0);
		now_ns += lengths[i] * NS_PER_SEC;
	}
	canary_step(&c, now_ns += NS_PER_SEC, &several);
	ck_assert_uint_eq(fails(&c, &now_ns), 5);
	now_ns += 10 * NS_PER_SEC;
	ck_assert_uint_eq(fails(&c, &now_ns), 10);
	now_ns += 620 * NS_PER_SEC;
	ck_assert_uint_eq(fails(&c, &now_ns), 5);
}
END_TEST

/* Connection tracking is named where there is some and nobody connects, rules where there are rules. */
START_TEST(canary_causes)
{
	const struct canary others = { .success_ns = START_NS - NS_PER_SEC };
	const struct canary earlier = { .success_ns = START_NS - 100 * NS_PER_SEC };
	static const struct {
		uint32_t hooks;
		const char *alone, *beside_others;
	} rows[] = {
		{ SG_INPUT_CONNTRACK | SG_INPUT_RULES, "tracking is active", "others connect" },
		{ SG_INPUT_RULES, "without connection tracking", "others connect" },
		{ 0, "no firewall rule", "no firewall rule" },
	};
	const char *cause;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t hooks = SG_INPUT_KNOWN | rows[i].hooks;

		cause = canary_cause(&earlier, START_NS, hooks);
		ck_assert_ptr_nonnull(strstr(cause, rows[i].alone));
		ck_assert(!strstr(cause, "is active") || (hooks & SG_INPUT_CONNTRACK));
		cause = canary_cause(&others, START_NS, hooks);
		ck_assert_ptr_nonnull(strstr(cause, rows[i].beside_others));
		ck_assert_ptr_null(strstr(cause, "tracking"));
	}
	cause = canary_cause(&others, START_NS, 0);
	ck_assert_ptr_null(strstr(cause, "no firewall rule"));
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(canary_rule, sizeof(acts) / sizeof(acts[0]), 10),
	SUITE_TEST(canary_blocks_grow, 10),
	SUITE_TEST(canary_causes, 10),
	{}
};
/* clang-format on */
