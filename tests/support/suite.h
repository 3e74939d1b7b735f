/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Check suite that speaks TAP: one line per named test, skips with their reason.
 *
 * A test program is its tests and this table; main() is here:
 *
 *	const struct suite_test suite_tests[] = {
 *		SUITE_TEST(h1_soak, 60, .full_seconds = 420),
 *		SUITE_LOOP(test_mss, ROWS(cases), 10),
 *		{}
 *	};
 *
 * Each test runs in a process of its own and may leave with SKIP("reason"), which is a result and
 * not a silence. tests/tally adds up the lines.
 */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <string.h>

struct suite_test {
	const char *name;
	const TTest *const *test;
	int from, to;	  /* _i goes from the one up to, and not including, the other */
	int seconds;	  /* the limit after which it counts as failed, on an idle machine */
	int full_seconds; /* the same of the long form; 0: no other */
	bool full_only;	  /* a test of the long form */
};

/* Ends with an empty row. Each test program has one. */
extern const struct suite_test suite_tests[];

#define SUITE_RANGE(test, from, to, ...)                                                           \
	{                                                                                          \
#test, &test, from, to, __VA_ARGS__                                                \
	}
#define SUITE_TEST(test, ...) SUITE_RANGE(test, 0, 1, __VA_ARGS__)
/* A loop over _i in [0, count), reported as one test. */
#define SUITE_LOOP(test, count, ...) SUITE_RANGE(test, 0, count, __VA_ARGS__)

/*
 * Why none of the program's tests can run here, or NULL, as `function` says it, which is called
 * once before the first of them. Without it nothing is needed.
 */
#define SUITE_NEEDS(function)                                                                      \
	const char *suite_lacks(void)                                                              \
	{                                                                                          \
		return function();                                                                 \
	}
const char *suite_lacks(void);
const char *suite_lacks_root(void);

/* Ends the running test as skipped. */
#define SKIP(reason)                                                                               \
	do {                                                                                       \
		suite_skip(__func__, reason);                                                      \
		return;                                                                            \
	} while (0)
void suite_skip(const char *function, const char *reason);

/* The long forms of tests were asked for (SG_FULL=1). */
bool suite_full(void);

/* Runs all, or the one named argv[1]; returns main()'s exit status. */
int suite_main(int argc, char **argv);

/* Fails the running test where a call returned -errno; `what` was done. */
static inline void ok(int error, const char *what)
{
	ck_assert_msg(error >= 0, "%s: %s", what, strerror(-error));
}
