/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict table as a whole: what no single row shows.
 */
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/verdict.h"

#include <ctype.h>
#include <string.h>

struct row {
	unsigned int programs;
	enum sg_action action;
	const char *label;
	const char *meaning;
};

#define ROW(in, name, act, text, what)                                                             \
	[SG_V_##name] = { .programs = in, .action = SG_##act, .label = text, .meaning = what },
static const struct row rows[] = { SG_VERDICTS(ROW) };

static int in_program(int verdict, enum sg_program program)
{
	return rows[verdict].programs & 1u << program;
}

START_TEST(verdict_rows_are_whole)
{
	const struct row *r = &rows[_i];
	const char *c;

	ck_assert(r->label && r->label[0]);
	for (c = r->label; *c; c++)
		ck_assert_msg(islower(*c) || *c == '_', "label %s", r->label);
	ck_assert_msg(strlen(r->meaning) > 10, "%s has no meaning", r->label);
	/* shown in lists: without a stop at its end */
	ck_assert_msg(r->meaning[strlen(r->meaning) - 1] != '.', "%s", r->meaning);
	ck_assert_msg(r->programs && !(r->programs & ~SG_IN_ANY), "%s: programs %x", r->label,
		      r->programs);
	ck_assert_msg(r->action == SG_PASS || r->action == SG_REPLY || r->action == SG_DROP ||
			      r->action == SG_REQUEUE,
		      "%s: action %d", r->label, r->action);
}
END_TEST

START_TEST(verdict_labels_are_unique)
{
	int program, a, b;

	for (program = 0; program < SG_PROGRAM_COUNT; program++)
		for (a = 0; a < SG_VERDICT_COUNT; a++)
			for (b = 0; b < a; b++)
				ck_assert_msg(!in_program(a, program) || !in_program(b, program) ||
						      strcmp(rows[a].label, rows[b].label),
					      "%s twice", rows[a].label);
}
END_TEST

START_TEST(verdict_actions_belong_to_their_programs)
{
	int v;

	for (v = 0; v < SG_VERDICT_COUNT; v++) {
		if (rows[v].action == SG_REPLY)
			ck_assert_msg(rows[v].programs == SG_IN_SYN, "%s", rows[v].label);
		/* only tcx ingress can put a packet behind its batch */
		if (rows[v].action == SG_REQUEUE)
			ck_assert_msg(rows[v].programs == SG_IN_INGRESS, "%s", rows[v].label);
		/* what leaves the host is nobody's attack */
		if (rows[v].action == SG_DROP)
			ck_assert_msg(!in_program(v, SG_EGRESS), "%s", rows[v].label);
	}
}
END_TEST

/* What is not understood passes: the kernel's own cookies are the second line. */
START_TEST(verdict_drops_are_these)
{
	static const char *const drops[] = { "denied",	 "bogus_ack",  "accept_full", "over_budget",
					     "deferred", "early_data", "port_zero" };
	int v, i, count = 0;

	for (v = 0; v < SG_VERDICT_COUNT; v++) {
		if (rows[v].action != SG_DROP)
			continue;
		count++;
		for (i = 0; i < ARRAY_SIZE(drops); i++)
			if (!strcmp(rows[v].label, drops[i]))
				break;
		ck_assert_msg(i < ARRAY_SIZE(drops), "%s drops", rows[v].label);
	}
	ck_assert_int_eq(count, ARRAY_SIZE(drops));
}
END_TEST

START_TEST(verdict_undecided_is_zero_and_passes)
{
	ck_assert_int_eq(SG_UNDECIDED, 0);
	ck_assert_int_eq(rows[SG_UNDECIDED].action, SG_PASS);
	ck_assert_uint_eq(rows[SG_UNDECIDED].programs, SG_IN_ANY);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(verdict_rows_are_whole, SG_VERDICT_COUNT, 10),
	SUITE_TEST(verdict_labels_are_unique, 10),
	SUITE_TEST(verdict_actions_belong_to_their_programs, 10),
	SUITE_TEST(verdict_drops_are_these, 10),
	SUITE_TEST(verdict_undecided_is_zero_and_passes, 10),
	{}
};
/* clang-format on */
