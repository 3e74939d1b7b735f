/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suffers and is not defended: which SYNs were not seen, when it begins and ends, what is said. */
#include <arpa/inet.h>
#include <string.h>

#include "daemon/judge/undefended.h"
#include "suite.h"

#define SECOND 1000000000ULL

START_TEST(unseen_is_what_was_not_passed)
{
	struct undefended_sample s = { .overfull = 100, .passed = 30 };

	ck_assert_uint_eq(undefended_unseen(&s), 70);
	ck_assert_uint_eq(undefended_syns(&s), 70);
	s.passed = 200;
	ck_assert_uint_eq(undefended_unseen(&s), 0);
	ck_assert_uint_eq(undefended_syns(&s), 0);
	/* what is redirected is counted twice and judged once; what others are sent is no concern */
	s = (struct undefended_sample){ .overfull = 100, .strays = { 5000, 90, 20 } };
	ck_assert_uint_eq(undefended_syns(&s), 110);
}
END_TEST

START_TEST(cause_is_as_much)
{
	struct undefended_sample s = { .overfull = 100 };

	ck_assert_int_eq(undefended_cause(&s), SG_UNDECIDED);
	s.strays[SG_STRAY_NO_LISTENER] = 49;
	ck_assert_int_eq(undefended_cause(&s), SG_UNDECIDED);
	s.strays[SG_STRAY_NO_LISTENER] = 50;
	ck_assert_int_eq(undefended_cause(&s), SG_V_NO_LISTENER);
	s.strays[SG_STRAY_NOT_LOCAL] = 51;
	ck_assert_int_eq(undefended_cause(&s), SG_V_NOT_LOCAL);
	s.strays[SG_STRAY_SERVICES_FULL] = 52;
	ck_assert_int_eq(undefended_cause(&s), SG_V_SERVICES_FULL);
}
END_TEST

struct news {
	int began, ended;
	uint64_t for_ns;
};

static void on_news(void *userdata, const struct undefended_row *row, bool ended, uint64_t for_ns)
{
	struct news *n = userdata;

	n->began += !ended;
	n->ended += ended;
	n->for_ns = for_ns;
}

static const struct undefended_row unseen = {
	.kind = SG_UNDEFENDED_UNSEEN,
	.per_sec = 2000,
	.queue = 33,
	.limit = 32,
};

START_TEST(begins_by_three_of_four_and_ends_by_the_hold)
{
	struct undefended u = {};
	struct news n = {};
	uint64_t now;

	for (now = 1; now <= 3; now++) {
		undefended_show(&u, &unseen, true);
		ck_assert(undefended_is_full(&u));
		ck_assert_int_eq(undefended_worst(&u), SG_UNDEFENDED_NONE);
		undefended_step(&u, now * SECOND, 2 * SECOND, on_news, &n);
		ck_assert(!undefended_is_full(&u));
	}
	ck_assert_int_eq(n.began, 1);
	ck_assert_int_eq(undefended_worst(&u), SG_UNDEFENDED_UNSEEN);
	for (; now <= 5; now++)
		undefended_step(&u, now * SECOND, 2 * SECOND, on_news, &n);
	ck_assert_int_eq(n.ended, 0);
	undefended_show(&u, &unseen, true);
	undefended_step(&u, now++ * SECOND, 2 * SECOND, on_news, &n);
	for (; now <= 9; now++)
		undefended_step(&u, now * SECOND, 2 * SECOND, on_news, &n);
	ck_assert_int_eq(n.began, 1);
	ck_assert_int_eq(n.ended, 1);
	ck_assert_uint_eq(n.for_ns, 6 * SECOND);
	ck_assert_uint_eq(u.count, 0);
}
END_TEST

START_TEST(one_odd_second_is_nothing)
{
	struct undefended u = {};
	struct news n = {};
	uint64_t now;

	undefended_show(&u, &unseen, false); /* enough to stay, not to begin */
	ck_assert_uint_eq(u.count, 0);
	undefended_show(&u, &unseen, true);
	for (now = 1; now <= 5; now++)
		undefended_step(&u, now * SECOND, 2 * SECOND, on_news, &n);
	ck_assert_int_eq(n.began, 0);
	ck_assert_uint_eq(u.count, 0);
}
END_TEST

/* A closed port is one, whichever is hit most; of many only so many are kept. */
START_TEST(rows_are_bounded)
{
	struct undefended_row row = { .kind = SG_UNDEFENDED_CLOSED_PORT };
	struct undefended u = {};
	int i;

	for (i = 0; i < 3 * UNDEFENDED_MAX; i++) {
		row.port = htons(i);
		undefended_show(&u, &row, true);
	}
	ck_assert_uint_eq(u.count, 1);
	row.kind = SG_UNDEFENDED_SERVICE;
	for (i = 0; i < 3 * UNDEFENDED_MAX; i++) {
		row.port = htons(i);
		undefended_show(&u, &row, true);
	}
	ck_assert_uint_eq(u.count, UNDEFENDED_MAX);
}
END_TEST

START_TEST(words)
{
	struct undefended_row row = unseen;
	char text[480];
	int i;

	row.port = htons(8080);
	ck_assert_str_eq(undefended_name(&row).text, "0.0.0.0:8080");
	ck_assert_ptr_nonnull(strstr(undefended_text(&row, text, sizeof(text)), "(33 of 32)"));
	ck_assert_ptr_nonnull(strstr(text, "2000 SYN/s"));
	ck_assert_ptr_nonnull(strstr(text, "name it with Interface="));
	row.kind = SG_UNDEFENDED_CLOSED_PORT;
	ck_assert_str_eq(undefended_name(&row).text, "port 8080");
	row.port = 0;
	ck_assert_str_eq(undefended_name(&row).text, "many ports");
	/* none is cut, and none has a field that is not filled */
	for (row.kind = 0; row.kind < SG_UNDEFENDED_COUNT; row.kind++)
		for (i = 0; i < SG_VERDICT_COUNT; i++) {
			row.verdict = i;
			undefended_text(&row, text, sizeof(text));
			ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
			ck_assert_ptr_null(strchr(text, '{'));
		}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(unseen_is_what_was_not_passed, 5),
	SUITE_TEST(cause_is_as_much, 5),
	SUITE_TEST(begins_by_three_of_four_and_ends_by_the_hold, 5),
	SUITE_TEST(one_odd_second_is_nothing, 5),
	SUITE_TEST(rows_are_bounded, 5),
	SUITE_TEST(words, 5),
	{}
};
/* clang-format on */
