/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation on listeners: those with SYN-ACK retries of their own, and with PerListenerRetries=yes
 * the others, get fewer while it lasts and the old ones back, however the daemon ended, whoever
 * else writes, and whatever becomes of the listener.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mitigator.h"
#include "suite.h"
#include "synguard/names.h"

static void raw(struct host *h, const int expected[HOST_LISTENERS], const char *when)
{
	int i;

	for (i = 0; i < HOST_LISTENERS; i++)
		ck_assert_msg(raw_retries(h, i) == expected[i], "%s: listener %d has %d, not %d",
			      when, i, raw_retries(h, i), expected[i]);
}

static const int untouched[] = { 6, 4, 1, 0, 0 };
static const int own_lowered[] = { 1, 1, 1, 0, 0 };
static const int all_lowered[] = { 1, 1, 1, 1, 1 };

/* Into the host's namespace, where the mitigation mitigates in this process. */
static void raise_and_enter(struct host *h, struct mitigator *c)
{
	host_raise(h);
	ok(lab_enter(h->s.lab, LAB_SERVER), "into the host");
	mitigator_new(c, h->dir);
}

/* ---- C7 ------------------------------------------------------------------------------------ */

/* With PerListenerRetries=yes, killed wherever: the retries in force are those of before. */
START_TEST(c7_killed_per_listener)
{
	int passes = 1, killed = 0;
	struct host h;

	host_raise(&h);
	h.in_force = true;
	free(h.before);
	h.before = all_values(&h);
	while (fall(&h, _i, passes++)) {
		killed++;
		undo_well(&h, fault_names[_i]);
		as_before(&h, fault_names[_i]);
		/* or those that had none would have some of their own from now on */
		close(h.fds[HOST_NONE]);
		close(h.fds[HOST_NONE_V6]);
		h.fds[HOST_NONE] = host_listen(&h, AF_INET, HOST_PORT + HOST_NONE, 0);
		h.fds[HOST_NONE_V6] = host_listen(&h, AF_INET6, HOST_PORT + HOST_NONE_V6, 0);
	}
	as_before(&h, "not killed at all");
	ck_assert_msg(killed, "nothing comes by where %s", fault_names[_i]);
	if (_i == FAULT_LISTENER_TAKEN || _i == FAULT_LISTENER_UNDONE)
		ck_assert_int_ge(killed, 4);
	host_strike(&h);
}
END_TEST

/* ---- in an attack -------------------------------------------------------------------------- */

/* Exactly as before where it had a number; others are not touched. */
START_TEST(retries_of_their_own)
{
	struct mitigator c;
	struct host h;

	raise_and_enter(&h, &c);
	mitigate(&c, DETECT_CALM);
	raw(&h, untouched, "while it is calm");
	mitigate(&c, DETECT_ATTACK);
	raw(&h, own_lowered, "in an attack");
	mitigate(&c, DETECT_COOLING);
	raw(&h, own_lowered, "while it cools");
	mitigate(&c, DETECT_CALM);
	raw(&h, untouched, "when it is calm again");
	c.now.mode = SG_MODE_OFF;
	mitigate(&c, DETECT_CALM);
	as_before(&h, "in mode off");
	mitigation_free(c.mitigation);
	host_strike(&h);
}
END_TEST

/* Without a number before, the host's of this moment; not the one that the mitigation made of it. */
START_TEST(retries_of_all)
{
	static const int host_given[] = { 6, 4, 1, 5, 5 };
	struct mitigator c;
	struct host h;

	raise_and_enter(&h, &c);
	mitigator_per_listener(&c);
	mitigate(&c, DETECT_ATTACK);
	raw(&h, all_lowered, "in an attack");
	/* now also the host's, which must not be taken for what was before */
	c.settings.mitigation_retries = 1;
	mitigate(&c, DETECT_ATTACK);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	ck_assert_int_eq(mitigation_undo(c.mitigation, "listener_retries"), 0);
	raw(&h, host_given, "undone by hand, under the host's lowered number");
	mitigate(&c, DETECT_CALM);
	raw(&h, host_given, "when it is calm again");
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 5);
	mitigation_free(c.mitigation);
	host_strike(&h);
}
END_TEST

/* Where the host's number is brought down, those without one of their own are left alone. */
START_TEST(retries_of_all_need_no_residue)
{
	struct mitigator c;
	struct host h;

	raise_and_enter(&h, &c);
	c.settings.mitigation_per_listener = true;
	mitigate(&c, DETECT_ATTACK);
	mitigate(&c, DETECT_ATTACK);
	raw(&h, own_lowered, "in an attack");
	mitigation_free(c.mitigation);
	as_before(&h, "at the end");
	host_strike(&h);
}
END_TEST

/* None ever goes up: not to the floor, and not by undoing what somebody else has lowered. */
START_TEST(retries_never_go_up)
{
	static const int floor[] = { 3, 3, 1, 0, 0 }, lower[] = { 2, 4, 1, 0, 0 };
	struct mitigator c;
	struct host h;

	raise_and_enter(&h, &c);
	c.settings.mitigation_listener_retries = 3;
	mitigate(&c, DETECT_ATTACK);
	raw(&h, floor, "with a floor of 3");
	set_retries(&h, HOST_OWN_SIX, 2);
	mitigate(&c, DETECT_ATTACK);
	mitigate(&c, DETECT_CALM);
	raw(&h, lower, "somebody else's 2 stays");
	mitigation_free(c.mitigation);
	host_strike(&h);
}
END_TEST

/* One that comes is adjusted, one that goes is dropped; each with a word. */
START_TEST(retries_of_who_comes_and_goes)
{
	struct mitigator c;
	struct host h;
	char *text;
	int fd;

	raise_and_enter(&h, &c);
	mitigate(&c, DETECT_ATTACK);
	fd = host_listen(&h, AF_INET, HOST_PORT + HOST_LISTENERS, 9);
	mitigate(&c, DETECT_ATTACK);
	ck_assert_int_eq(raw_retries(&h, HOST_LISTENERS), 1);
	text = record(&h);
	ck_assert_msg(strstr(text, "at 0.0.0.0:8106 step listener_retries old 9 ours 1"), "%s",
		      text);
	free(text);
	close(fd);
	mitigate(&c, DETECT_ATTACK);
	ck_assert_msg(strstr(c.reason, "listener 0.0.0.0:8106 is gone"), "%s", c.reason);
	text = record(&h);
	ck_assert_msg(!strstr(text, "8106"), "%s", text);
	free(text);
	mitigation_free(c.mitigation);
	as_before(&h, "at the end");
	host_strike(&h);
}
END_TEST

/* ---- C6 ------------------------------------------------------------------------------------ */

/* Another writer's number stays, is told of once, and is not taken again while the attack lasts. */
START_TEST(c6_other_writer_of_a_listener)
{
	static const int mixed[] = { 3, 1, 1, 0, 0 }, after[] = { 3, 4, 1, 0, 0 };
	struct mitigator c;
	struct host h;

	raise_and_enter(&h, &c);
	mitigate(&c, DETECT_ATTACK);
	set_retries(&h, HOST_OWN_SIX, 3);
	mitigate(&c, DETECT_ATTACK);
	mitigate(&c, DETECT_ATTACK);
	raw(&h, mixed, "after another writer");
	ck_assert_uint_eq(c.events[MITIGATION_CONFLICT], 1);
	ck_assert_uint_eq(mitigation_counts(c.mitigation).conflicts, 1);
	mitigate(&c, DETECT_CALM);
	raw(&h, after, "when it is calm again");
	/* until the configuration is loaded again */
	mitigation_try_again(c.mitigation);
	mitigate(&c, DETECT_ATTACK);
	raw(&h, own_lowered, "tried again");
	mitigation_free(c.mitigation);
	raw(&h, after, "at the end");
	host_strike(&h);
}
END_TEST

/* After a kill: another writer's stays, what is gone is said, the rest is undone. */
START_TEST(c6_listener_written_after_a_kill)
{
	static const int after[] = { 3, 4, 1, 0, 0 };
	struct said said;
	struct host h;
	int fd;

	host_raise(&h);
	fd = host_listen(&h, AF_INET, HOST_PORT + HOST_LISTENERS, 9);
	ck_assert(fall(&h, FAULT_TAKEN, 4));
	ck_assert_int_eq(raw_retries(&h, HOST_LISTENERS), 1);
	close(fd);
	set_retries(&h, HOST_OWN_SIX, 3);
	said = undo(&h);
	ck_assert_int_eq(said.exit_code, 0);
	ck_assert_msg(strstr(said.err, "listener_retries of 0.0.0.0:8101 is 3, not our 1"), "%s",
		      said.err);
	ck_assert_msg(strstr(said.err, "the listener 0.0.0.0:8106 is gone"), "%s", said.err);
	said_done(&said);
	raw(&h, after, "after --undo");
	set_retries(&h, HOST_OWN_SIX, 6);
	as_before(&h, "the rest");
	host_strike(&h);
}
END_TEST

/* ---- the faces ----------------------------------------------------------------------------- */

static json_int_t number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void shows(struct host *h, const char *text)
{
	const char *args[] = { said_program(), "--runtime-dir", h->dir, "mitigation", NULL };
	struct said said = said_run(&h->s, args, -1);

	ck_assert_msg(!said.exit_code && strstr(said.out, text), "no \"%s\" in:\n%s%s", text,
		      said.out, said.err);
	said_done(&said);
}

/* A row for each listener: taken, then in conflict. */
START_TEST(listeners_are_shown)
{
	struct flood *flood;
	struct host h;
	json_t *row;

	host_raise(&h);
	start_daemon(&h, "auto", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "listener_retries", "taken", true, 8);
	row = row_of(&h, "listener_retries", "0.0.0.0:8101");
	ck_assert(row && json_is_true(json_object_get(row, "taken")));
	ck_assert_int_eq(number(row, "old"), 6);
	ck_assert_int_eq(number(row, "new"), 1);
	ck_assert(*json_string_value(json_object_get(row, "since")));
	json_decref(row);
	ck_assert_ptr_null(row_of(&h, "listener_retries", "0.0.0.0:8104"));
	shows(&h, "0.0.0.0:8102 4 -> 1");
	set_retries(&h, HOST_OWN_FOUR, 2);
	await(&h, "listener_retries", "conflict", true, 3);
	shows(&h, "0.0.0.0:8102 2, conflict");
	stage_flood_end(flood);
	await(&h, "listener_retries", "taken", false, 10);
	ck_assert_int_eq(raw_retries(&h, HOST_OWN_SIX), 6);
	ck_assert_int_eq(raw_retries(&h, HOST_OWN_FOUR), 2);
	end_daemon(&h, SIGTERM);
	set_retries(&h, HOST_OWN_FOUR, 4);
	as_before(&h, "at the end");
	host_strike(&h);
}
END_TEST

/* Nothing is taken in mode observe, but it says of whom. */
START_TEST(listeners_are_observed)
{
	struct flood *flood;
	struct host h;
	json_t *row;

	host_raise(&h);
	start_daemon(&h, "observe", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "listener_retries", "would", true, 8);
	row = row_of(&h, "listener_retries", "0.0.0.0:8101");
	ck_assert(row && json_is_true(json_object_get(row, "would")));
	ck_assert(!json_is_true(json_object_get(row, "taken")));
	json_decref(row);
	as_before(&h, "in mode observe");
	stage_flood_end(flood);
	end_daemon(&h, SIGTERM);
	host_strike(&h);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_RANGE(c7_killed_per_listener, FAULT_NONE + 1, FAULT_COUNT, 60),
	SUITE_TEST(retries_of_their_own, 30),
	SUITE_TEST(retries_of_all, 30),
	SUITE_TEST(retries_of_all_need_no_residue, 30),
	SUITE_TEST(retries_never_go_up, 30),
	SUITE_TEST(retries_of_who_comes_and_goes, 30),
	SUITE_TEST(c6_other_writer_of_a_listener, 30),
	SUITE_TEST(c6_listener_written_after_a_kill, 30),
	SUITE_TEST(listeners_are_shown, 60),
	SUITE_TEST(listeners_are_observed, 60),
	{}
};
/* clang-format on */
