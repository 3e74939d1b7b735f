/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Check suite that speaks TAP: one line per named test, skips with their reason.
 *
 * Each test is a TCase of its own, named like the test, runs in a process of its own, and may
 * leave with SKIP("reason"), which is a result and not a silence. tests/run adds up the lines.
 */
#pragma once

#include <check.h>
#include <stdbool.h>

/* Adds START_TEST(name); seconds is the limit after which it counts as failed, on an idle machine. */
#define SUITE_TEST(suite, name, seconds) suite_add(suite, #name, name, 0, 1, seconds)
/* The same as a loop over _i in [0, count); reported as one test. */
#define SUITE_LOOP(suite, name, count, seconds) suite_add(suite, #name, name, 0, count, seconds)

void suite_add(Suite *suite, const char *name, const TTest *test, int from, int to, int seconds);

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
int suite_main(Suite *suite, int argc, char **argv);
