/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a driver is given up on that loses XDP's answers (trap F10). */
#include "daemon/judge/tx_errors.h"
#include "suite.h"

/* One second after the other; the last one is the last of the row. */
struct second {
	uint64_t sent, failed, challenged, accepted;
};

static const struct act {
	const char *name;
	bool told; /* the driver tells of what it sent, too */
	bool give_up;
	struct second seconds[5];
} acts[] = {
	{ "all is lost", true, true, { { 0, 1, 1 }, { 0, 2, 2 }, { 0, 1, 1 } } },
	{ "all is lost here, and others are fine",
	  true,
	  true,
	  { { 0, 1, 9, 9 }, { 0, 2, 9, 9 }, { 0, 1, 9, 9 } } },
	{ "two seconds", true, false, { { 0, 900, 900 }, { 0, 900, 900 }, { 0 } } },
	{ "with silence between",
	  true,
	  true,
	  { { 0, 5, 5 }, { 0 }, { 0, 5, 5 }, { 0 }, { 0, 5, 5 } } },
	{ "with a good one between",
	  true,
	  false,
	  { { 0, 5, 5 }, { 0, 5, 5 }, { 5, 0, 5 }, { 0, 5, 5 }, { 0, 5, 5 } } },
	{ "most of many", true, true, { { 40, 100 }, { 40, 100 }, { 40, 100 } } },
	{ "most of few", true, false, { { 40, 60 }, { 40, 60 }, { 40, 60 } } },
	{ "half of many", true, false, { { 500, 500 }, { 500, 500 }, { 500, 500 } } },
	{ "most of many, and somebody gets through",
	  true,
	  false,
	  { { 400, 1000, 1400, 1 }, { 400, 1000, 1400, 1 }, { 400, 1000, 1400, 1 } } },
	{ "only failures are told",
	  false,
	  true,
	  { { 0, 900, 1000 }, { 0, 900, 1000 }, { 0, 900, 1000 } } },
	{ "few of those", false, false, { { 0, 400, 1000 }, { 0, 400, 1000 }, { 0, 400, 1000 } } },
};

START_TEST(tx_errors_rule)
{
	const struct act *act = &acts[_i];
	struct tx_errors_sums sums = { .tx = { 7, 7, act->told }, .challenged = 7, .accepted = 7 };
	struct tx_errors w;
	bool gave_up = false;
	int i;

	tx_errors_begin(&w, &sums);
	for (i = 0; i < 5; i++) {
		const struct second *s = &act->seconds[i];

		ck_assert_msg(!gave_up || (!s->failed && !s->sent), "%s: in second %d", act->name,
			      i);
		sums.tx.sent += s->sent;
		sums.tx.failed += s->failed;
		sums.challenged += s->challenged;
		sums.accepted += s->accepted;
		gave_up |= tx_errors_step(&w, &sums);
	}
	ck_assert_msg(gave_up == act->give_up, "%s", act->name);
}
END_TEST

/* Counters that go backwards (another interface by now, or an evicted entry) are no failures. */
START_TEST(tx_errors_backwards)
{
	struct tx_errors_sums sums = { .tx = { 1000, 1000, 1 } };
	struct tx_errors w;
	int i;

	tx_errors_begin(&w, &sums);
	for (i = 0; i < 5; i++) {
		sums.tx.failed -= 100;
		ck_assert(!tx_errors_step(&w, &sums));
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(tx_errors_rule, sizeof(acts) / sizeof(acts[0]), 5),
	SUITE_TEST(tx_errors_backwards, 5),
	{}
};
/* clang-format on */
