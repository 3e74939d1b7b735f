/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "leavings.h"

#define SUITE_MAX_TESTS	 256 /* of one program */
#define SUITE_NAME_BYTES 96

/* Tests name the limit of an idle machine; on one that others use as well all takes longer. */
#define SUITE_PATIENCE 3

/* Shared with the processes that run the tests: why a test was skipped. */
struct suite_skipped {
	char name[SUITE_NAME_BYTES];
	char reason[160];
};

static struct suite_skipped *suite_skipped; /* [SUITE_MAX_TESTS], in order of happening */

bool suite_full(void)
{
	const char *full = getenv("SG_FULL");

	return full && !strcmp(full, "1");
}

__attribute__((weak)) const char *suite_lacks(void)
{
	return NULL;
}

const char *suite_lacks_root(void)
{
	return geteuid() ? "making namespaces needs root" : NULL;
}

/* Whether a test is one of this run's; *seconds is its limit. */
static bool suite_runs(const struct suite_test *t, int *seconds)
{
	*seconds = suite_full() && t->full_seconds ? t->full_seconds : t->seconds;
	return suite_full() || !t->full_only;
}

/* A TCase a test, of its name. */
static Suite *suite_make(const char *name)
{
	Suite *suite = suite_create(name);
	const struct suite_test *t;
	int seconds;

	for (t = suite_tests; t->name; t++) {
		TCase *tcase;

		if (!suite_runs(t, &seconds))
			continue;
		tcase = tcase_create(t->name);
		tcase_set_timeout(tcase, seconds * SUITE_PATIENCE);
		tcase_add_loop_test(tcase, *t->test, t->from, t->to);
		suite_add_tcase(suite, tcase);
	}
	if (t - suite_tests > SUITE_MAX_TESTS)
		errx(1, "more than %d tests in a suite", SUITE_MAX_TESTS);
	return suite;
}

void suite_skip(const char *function, const char *reason)
{
	/* Check names the function of START_TEST(x) x_fn */
	size_t length = strlen(function);
	struct suite_skipped *s = suite_skipped;

	if (length > 3 && !strcmp(function + length - 3, "_fn"))
		length -= 3;
	while (s->name[0])
		s++;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	snprintf(s->name, sizeof(s->name), "%.*s", (int)length, function);
}

static const char *suite_skip_reason(const char *name)
{
	struct suite_skipped *s;

	for (s = suite_skipped; s->name[0]; s++)
		if (!strcmp(s->name, name))
			return s->reason;
	return NULL;
}

/* The diagnostics of a failure, each line behind "# ". */
static void suite_explain(TestResult *result)
{
	const char *message = tr_msg(result) ? tr_msg(result) : "no message";
	const char *line = message;

	printf("# %s:%d: ", tr_lfile(result) ? tr_lfile(result) : "?", tr_lno(result));
	while (*line) {
		int length = strcspn(line, "\n");

		printf("%s%.*s\n", line == message ? "" : "# ", length, line);
		line += length + !!line[length];
	}
}

/* One line for all the results of one test; returns whether it failed. */
static bool suite_report(const char *suite, const char *name, int number, TestResult **results,
			 int count)
{
	const char *reason = suite_skip_reason(name);
	bool ran = false, failed = false;
	int i;

	for (i = 0; i < count; i++) {
		if (strcmp(tr_tcname(results[i]), name))
			continue;
		ran = true;
		failed = failed || tr_rtype(results[i]) != CK_PASS;
	}
	failed = failed || !ran;
	printf("%sok %d - %s: %s%s%s\n", failed ? "not " : "", number, suite, name,
	       reason && !failed ? " # SKIP " : "", reason && !failed ? reason : "");
	for (i = 0; i < count; i++)
		if (!strcmp(tr_tcname(results[i]), name) && tr_rtype(results[i]) != CK_PASS)
			suite_explain(results[i]);
	if (!ran)
		printf("# it did not run\n");
	return failed;
}

static const char *suite_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

int suite_main(int argc, char **argv)
{
	const char *name = suite_name(argv[0]), *lacks = suite_lacks();
	int count, seconds, number = 0, failures = 0, left;
	const struct suite_test *t;
	TestResult **results;
	SRunner *runner;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (lacks) {
		printf("1..0 # SKIP %s\n", lacks);
		return 0;
	}
	suite_skipped = mmap(NULL, SUITE_MAX_TESTS * sizeof(struct suite_skipped),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (suite_skipped == MAP_FAILED)
		err(1, "mmap");
	leavings_watch();
	runner = srunner_create(suite_make(name));
	srunner_set_fork_status(runner, getenv("CK_FORK") ? CK_FORK_GETENV : CK_FORK);
	if (argc > 1)
		srunner_run(runner, NULL, argv[1], CK_SILENT);
	else
		srunner_run_all(runner, CK_SILENT);

	results = srunner_results(runner);
	count = srunner_ntests_run(runner);
	for (t = suite_tests; t->name; t++)
		if (suite_runs(t, &seconds) && (argc < 2 || !strcmp(argv[1], t->name)))
			failures += suite_report(name, t->name, ++number, results, count);
	/* a test that fails cannot clean up; where all passed they had to */
	left = leavings_remove();
	if (left && !failures) {
		printf("not ok %d - %s: leaves_nothing_behind\n", ++number, name);
		printf("# %d folders or files, named above\n", left);
		failures++;
	}
	printf("1..%d\n", number);
	free(results);
	srunner_free(runner);
	munmap(suite_skipped, SUITE_MAX_TESTS * sizeof(struct suite_skipped));
	return failures ? 1 : 0;
}
