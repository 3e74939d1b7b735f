/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of the mitigation, found by who comes after: the next daemon, or --undo. What is damaged,
 * or of another boot or place, is told of, and nothing is written because of it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/hash.h"
#include "mitigator.h"
#include "suite.h"
#include "synguard/names.h"

/* The next daemon does the same at its start. */
START_TEST(c7_next_start)
{
	struct host h;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	ck_assert(has_record(&h));
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	start_daemon(&h, "observe", "");
	as_before(&h, "after the next start");
	end_daemon(&h, SIGTERM);
	as_before(&h, "after its end");
	host_strike(&h);
}
END_TEST

static void seal(char *text)
{
	char *end = strstr(text, "\nsum ") + 1;

	sprintf(end, "sum %016llx\n", (unsigned long long)hash_bytes(HASH_START, text, end - text));
}

/* As a daemon before 0.2 has left it: RUNTIME_DIR/ladder. */
static void rename_record(struct host *h)
{
	char path[64], old_path[64], *text = record(h), *rest = strchr(text, '\n');
	char old[4096];

	snprintf(old, sizeof(old), "synguard-ladder 2%s", rest);
	free(text);
	seal(old);
	write_record(h, old);
	snprintf(path, sizeof(path), "%s/mitigation", h->dir);
	snprintf(old_path, sizeof(old_path), "%s/ladder", h->dir);
	ck_assert_int_eq(rename(path, old_path), 0);
}

/* By --undo and by the next daemon; where there is a newer one, the old one is left alone. */
START_TEST(c7_record_of_an_older_daemon)
{
	char path[64];
	struct host h;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	rename_record(&h);
	undo_well(&h, "a record called ladder");
	as_before(&h, "a record called ladder");
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	rename_record(&h);
	start_daemon(&h, "observe", "");
	as_before(&h, "after the next start");
	end_daemon(&h, SIGTERM);

	ck_assert(fall(&h, FAULT_TAKEN, 3));
	snprintf(path, sizeof(path), "%s/ladder", h.dir);
	fclose(fopen(path, "w"));
	undo_well(&h, "both");
	as_before(&h, "both");
	ck_assert_int_eq(unlink(path), 0);
	host_strike(&h);
}
END_TEST

/* A record that is damaged, or of another place, is told of, and nothing is written. */
START_TEST(c7_record_that_is_not_ours)
{
	struct said said;
	struct host h;
	char *text, *now, *taken;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	taken = all_values(&h);
	text = record(&h);

	*strstr(text, "old ") = 'O';
	write_record(&h, text);
	said = undo(&h);
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_msg(strstr(said.err, "damaged"), "%s", said.err);
	said_done(&said);
	*strstr(text, "Old ") = 'o';
	write_record(&h, text);

	/* in another namespace: the client's */
	said = (struct said){};
	{
		char *program;

		ok(lab_find_program("synguardd", &program), "synguardd");
		ck_assert_int_eq(lab_run(h.s.lab, LAB_CLIENT,
					 (const char *const[]){ program, "--undo", "--runtime-dir",
								h.dir, NULL },
					 5000, NULL),
				 SG_EXIT_FAILED);
		free(program);
	}
	now = all_values(&h);
	ck_assert_str_eq(now, taken);
	undo_well(&h, "the record as it was");
	as_before(&h, "the record as it was");
	free(text);
	free(now);
	free(taken);
	host_strike(&h);
}
END_TEST

/* ---- at the start of a daemon -------------------------------------------------------------- */

static void damage(char *text)
{
	*strstr(text, "old ") = 'O';
}

static void truncate_line(char *text)
{
	*strrchr(strstr(text, "step "), 'u') = '\0';
}

static void empty(char *text)
{
	*text = '\0';
}

static void of_another_version(char *text)
{
	text[strcspn(text, "\n") - 1]++;
}

static void of_another_boot(char *text)
{
	char *id = strstr(text, "boot ") + 5;

	*id = *id == '0' ? '1' : '0';
	seal(text);
}

static void of_another_namespace(char *text)
{
	char *last = strstr(text, "netns ");

	last += strcspn(last, "\n") - 1;
	*last = *last == '0' ? '1' : '0';
	seal(text);
}

static void of_an_unknown_step(char *text)
{
	memcpy(strstr(text, "step ") + 5, "some", 4);
	seal(text);
}

static const struct {
	void (*spoil)(char *text);
	const char *says;
} spoilt[] = {
	{ damage, "it is damaged" },
	{ truncate_line, "it is damaged" },
	{ empty, "it is damaged" },
	{ of_another_version, "of another version" },
	{ of_another_boot, "of another boot" },
	{ of_another_namespace, "of another network" },
	{ of_an_unknown_step, "it is damaged" },
};

/* It starts, says what it found, writes no value because of it, and takes the record's place. */
START_TEST(c7_start_with_a_record_that_is_not_ours)
{
	char *text, *taken, *now, tail[4096];
	struct host h;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	taken = all_values(&h);
	text = record(&h);
	spoilt[_i].spoil(text);
	write_record(&h, text);
	free(text);

	start_daemon(&h, "observe", "");
	lab_daemon_tail(h.s.daemon, tail, sizeof(tail));
	ck_assert_msg(strstr(tail, spoilt[_i].says), "no \"%s\" in:\n%s", spoilt[_i].says, tail);
	now = all_values(&h);
	ck_assert_str_eq(now, taken);
	ck_assert(!has_record(&h));
	end_daemon(&h, SIGTERM);
	free(now);
	now = all_values(&h);
	ck_assert_str_eq(now, taken);
	free(now);
	free(taken);
	host_strike(&h);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(c7_next_start, 30),
	SUITE_TEST(c7_record_of_an_older_daemon, 30),
	SUITE_TEST(c7_record_that_is_not_ours, 30),
	SUITE_LOOP(c7_start_with_a_record_that_is_not_ours, 7, 30),
	{}
};
/* clang-format on */
