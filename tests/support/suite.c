/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "leavings.h"

#define SUITE_MAX_TESTS	 256
#define SUITE_NAME_BYTES 96

/* Tests name the limit of an idle machine; on one that others use as well all takes longer. */
#define SUITE_PATIENCE 3

/* Shared with the processes that run the tests: why a test was skipped. */
struct suite_skipped {
	char name[SUITE_NAME_BYTES];
	char reason[160];
};

static struct {
	struct suite_skipped *skipped; /* [SUITE_MAX_TESTS], in order of happening */
	const char *names[SUITE_MAX_TESTS];
	int count;
} suite_state;

bool suite_full(void)
{
	const char *full = getenv("SG_FULL");

	return full && !strcmp(full, "1");
}

void suite_add(Suite *suite, const char *name, const TTest *test, int from, int to, int seconds)
{
	TCase *tcase = tcase_create(name);

	if (suite_state.count == SUITE_MAX_TESTS)
		errx(1, "more than %d tests in a suite", SUITE_MAX_TESTS);
	tcase_set_timeout(tcase, seconds * SUITE_PATIENCE);
	tcase_add_loop_test(tcase, test, from, to);
	suite_add_tcase(suite, tcase);
	suite_state.names[suite_state.count++] = name;
}

void suite_skip(const char *function, const char *reason)
{
	/* Check names the function of START_TEST(x) x_fn */
	size_t length = strlen(function);
	struct suite_skipped *s = suite_state.skipped;

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

	for (s = suite_state.skipped; s->name[0]; s++)
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

int suite_main(Suite *suite, int argc, char **argv)
{
	SRunner *runner = srunner_create(suite);
	int i, count, number = 0, failures = 0, left;
	TestResult **results;

	suite_state.skipped = mmap(NULL, SUITE_MAX_TESTS * sizeof(struct suite_skipped),
				   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (suite_state.skipped == MAP_FAILED)
		err(1, "mmap");
	leavings_watch();
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_set_fork_status(runner, getenv("CK_FORK") ? CK_FORK_GETENV : CK_FORK);
	if (argc > 1)
		srunner_run(runner, NULL, argv[1], CK_SILENT);
	else
		srunner_run_all(runner, CK_SILENT);

	results = srunner_results(runner);
	count = srunner_ntests_run(runner);
	for (i = 0; i < suite_state.count; i++) {
		if (argc > 1 && strcmp(argv[1], suite_state.names[i]))
			continue;
		failures += suite_report(suite_name(argv[0]), suite_state.names[i], ++number,
					 results, count);
	}
	/* a test that fails cannot clean up; where all passed they had to */
	left = leavings_remove();
	if (left && !failures) {
		printf("not ok %d - %s: leaves_nothing_behind\n", ++number, suite_name(argv[0]));
		printf("# %d folders or files, named above\n", left);
		failures++;
	}
	printf("1..%d\n", number);
	free(results);
	srunner_free(runner);
	munmap(suite_state.skipped, SUITE_MAX_TESTS * sizeof(struct suite_skipped));
	return failures ? 1 : 0;
}
