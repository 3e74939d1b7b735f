/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `synguard listeners`, `halfopen` and `states`, against what ss and netstat say at the same moment.
 */
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"
#include "said.h"
#include "stage.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"

#define BURST 60

/* Lines with this word in what the program says in the server's host. */
static json_int_t lines(struct stage *s, const char *const argv[], const char *word)
{
	_cleanup_free_ char *text = NULL;
	json_int_t count = 0;
	char *line, *rest;

	ok(lab_run(s->lab, LAB_SERVER, argv, 20000, &text), argv[0]);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		count += strstr(line, word) != NULL;
	return count;
}

static json_int_t ss_half_open(struct stage *s)
{
	static const char *const argv[] = { "ss", "-H", "-n", "-t", "state", "syn-recv", NULL };

	return lines(s, argv, ":");
}

static json_int_t netstat_half_open(struct stage *s)
{
	static const char *const argv[] = { "netstat", "-n", "-t", NULL };

	return lines(s, argv, "SYN_RECV");
}

static json_t *ask(struct stage *s, const char *verb, const char *option)
{
	_cleanup_free_ char *text = NULL;
	json_t *root;

	ck_assert_int_eq(stage_cli(s, &text, verb, "--json", option), SG_EXIT_OK);
	root = json_loads(text, 0, NULL);
	ck_assert_msg(root, "%s --json: %s", verb, text);
	return root;
}

static json_int_t get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
	return json_number_value(value);
}

/* So many SYNs that nobody answers, each from a source of its own, half of them IPv6. */
static void burst(struct stage *s, uint64_t count)
{
	STAGE_BURST(s, .count = count, .ipv6_share = 128);
	usleep(100000);
}

static void raise_with(struct stage *s, const char *mode)
{
	const struct server_options o = { .backlog = 128, .not_accepting = true };

	stage_raise(s, &o);
	ok(lab_sysctl_set(s->lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "8"), "retries");
	stage_daemon(s, mode);
}

static json_int_t sum(const json_t *groups)
{
	json_int_t count = 0;
	json_t *group;
	size_t i;

	json_array_foreach(groups, i, group)
		count += get(group, "count");
	return count;
}

START_TEST(halfopen_is_what_ss_says)
{
	static const char *const by[] = { "--by=source", "--by=prefix", "--by=listener" };
	struct stage s;
	json_int_t before, after;
	json_t *root, *entry;
	size_t i;

	raise_with(&s, "observe");
	burst(&s, BURST);
	for (i = 0; i < ARRAY_SIZE(by); i++) {
		before = ss_half_open(&s);
		root = ask(&s, "halfopen", by[i]);
		after = ss_half_open(&s);
		ck_assert_int_eq(before, BURST);
		ck_assert_int_eq(get(root, "total"), before);
		ck_assert_int_eq(after, before);
		ck_assert_int_eq(sum(json_object_get(root, "groups")), before);
		ck_assert(json_is_false(json_object_get(root, "partial")));
		if (i == 2) /* 192.0.2.1 and 2001:db8::1 */
			ck_assert_uint_eq(json_array_size(json_object_get(root, "groups")), 2);
		json_decref(root);
	}
	ck_assert_int_eq(netstat_half_open(&s), BURST);

	root = ask(&s, "halfopen", "--by=none");
	ck_assert_uint_eq(json_array_size(json_object_get(root, "entries")), BURST);
	json_array_foreach(json_object_get(root, "entries"), i, entry) {
		const char *source = json_string_value(json_object_get(entry, "source"));

		ck_assert_msg(!strncmp(source, "198.1", 5) || !strncmp(source, "2001:2:", 7),
			      "a source %s", source);
		ck_assert_int_eq(get(entry, "port"), STAGE_PORT);
	}
	json_decref(root);
	root = ask(&s, "halfopen", "--port=1");
	ck_assert_int_eq(get(root, "total"), 0);
	json_decref(root);
	stage_strike(&s);
}
END_TEST

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - then->tv_sec + (now.tv_nsec - then->tv_nsec) / 1e9;
}

/* The clock of the test against what follows from the kernel's timers. */
START_TEST(halfopen_ages_are_true)
{
	double age, asked, answered;
	struct timespec start;
	json_t *root;
	struct stage s;
	int i;

	raise_with(&s, "observe");
	clock_gettime(CLOCK_MONOTONIC, &start);
	burst(&s, 1);
	for (i = 0; i < 4; i++) {
		asked = seconds_since(&start);
		root = ask(&s, "halfopen", "--by=none");
		answered = seconds_since(&start);
		age = json_number_value(json_object_get(
			json_array_get(json_object_get(root, "entries"), 0), "age_seconds"));
		ck_assert_msg(age > asked - 1 && age <= answered + 0.5,
			      "%.1f s after %.1f to %.1f s", age, asked, answered);
		json_decref(root);
		sleep(1);
	}
	stage_strike(&s);
}
END_TEST

/* Sources are for those who may see them; who asks for none of them is anybody. */
START_TEST(halfopen_names_sources_to_few)
{
	struct said said;
	struct stage s;

	raise_with(&s, "observe");
	burst(&s, 1);
	said = said_as_nobody(&s, "halfopen", NULL);
	ck_assert_int_eq(said.status, SG_EXIT_NOT_ALLOWED << 8);
	ck_assert_msg(strstr(said.err, "--by listener"), "%s", said.err);
	ck_assert_msg(!strstr(said.out, "198.1"), "%s", said.out);
	said_done(&said);
	said = said_as_nobody(&s, "halfopen", "--by=listener");
	ck_assert_int_eq(said.status, 0);
	ck_assert_msg(strstr(said.out, "1 half-open connection."), "%s", said.out);
	ck_assert_msg(strstr(said.out, "LISTENER"), "%s", said.out);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* Whose the listener is takes the rights to see it; all else is for anybody. */
START_TEST(listeners_without_rights)
{
	struct said said;
	json_t *root, *row;
	struct stage s;

	raise_with(&s, "observe");
	burst(&s, 1);
	said = said_as_nobody(&s, "listeners", "--json");
	ck_assert_msg(said.exit_code == 0, "%s", said.err);
	root = json_loads(said.out, 0, NULL);
	row = json_array_get(root, 0);
	ck_assert_int_eq(get(row, "half_open"), 1);
	ck_assert(json_is_null(json_object_get(row, "pid")));
	ck_assert(json_is_null(json_object_get(row, "process")));
	json_decref(root);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

START_TEST(listeners_tell_the_full_queue)
{
	_cleanup_free_ char *text = NULL;
	json_t *root, *row;
	struct stage s;

	raise_with(&s, "observe");
	burst(&s, 1000);
	root = ask(&s, "listeners", NULL);
	ck_assert_uint_eq(json_array_size(root), 1);
	row = json_array_get(root, 0);
	ck_assert_int_eq(get(row, "port"), STAGE_PORT);
	ck_assert_int_ge(get(row, "syn_queue"), get(row, "syn_queue_max"));
	ck_assert_int_eq(get(row, "half_open"), ss_half_open(&s));
	ck_assert_int_eq(get(row, "synack_retries"), 8);
	ck_assert_int_eq(get(row, "pid"), getpid());
	ck_assert(json_is_string(json_object_get(row, "process")));
	ck_assert(json_object_get(row, "unit"));
	ck_assert_uint_eq(json_object_size(row), 21);
	json_decref(root);
	ck_assert_int_eq(stage_cli(&s, &text, "listeners", NULL, NULL), SG_EXIT_OK);
	ck_assert_msg(strstr(text, "SYN queue full"), "%s", text);
	ck_assert_msg(strstr(text, "TCPReqQFullDoCookies"), "%s", text);
	stage_strike(&s);
}
END_TEST

/* A live flood that is answered for it: the rates say what goes on, and it is called defended. */
START_TEST(listeners_of_a_flood)
{
	json_t *root = NULL, *row;
	struct flood *flood;
	struct stage s;
	int tries = 0;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon(&s, "auto");
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 20000);
	/* on a busy machine a second may pass in which the flood is not run at all */
	do {
		json_decref(root);
		sleep(2);
		root = ask(&s, "listeners", NULL);
		row = json_array_get(root, 0);
	} while ((get(row, "syns_per_second") <= 5000 ||
		  get(row, "challenges_per_second") <= 5000) &&
		 ++tries < 10);
	ck_assert(json_is_true(json_object_get(row, "defending")));
	ck_assert_int_gt(get(row, "syns_per_second"), 5000);
	ck_assert_int_gt(get(row, "challenges_per_second"), 5000);
	ck_assert_double_lt(json_number_value(json_object_get(row, "completing_ratio")), 0.1);
	json_decref(root);
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

START_TEST(states_are_what_ss_says)
{
	enum { CONNECTIONS = 40 };
	static const char *const waiting[] = { "ss", "-H", "-n", "-t", "state", "close-wait", NULL };
	struct pair pairs[CONNECTIONS];
	_cleanup_free_ char *text = NULL;
	json_t *root, *row, *states;
	struct stage s;
	int listener, i;

	stage_raise(&s, NULL);
	stage_daemon(&s, "observe");
	listener = pair_listen(&s, NULL);
	for (i = 0; i < CONNECTIONS; i++)
		pairs[i] = pair_open(&s, listener, i % 2 ? AF_INET : AF_INET6, 0);
	/* the clients go, and the application does not notice */
	for (i = 0; i < CONNECTIONS; i++)
		shutdown(pairs[i].client, SHUT_WR);
	usleep(100000);
	root = ask(&s, "states", NULL);
	ck_assert_uint_eq(json_object_size(root), 3);
	row = json_array_get(json_object_get(root, "listeners"), 0);
	ck_assert_int_eq(get(row, "port"), STAGE_PORT);
	states = json_object_get(row, "states");
	ck_assert_int_eq(get(states, "CLOSE_WAIT"), CONNECTIONS);
	ck_assert_int_eq(get(states, "CLOSE_WAIT"), lines(&s, waiting, ":"));
	ck_assert_int_eq(get(states, "LISTEN"), 1);
	ck_assert_int_eq(get(json_object_get(root, "total"), "CLOSE_WAIT"), CONNECTIONS);
	json_decref(root);
	ck_assert_int_eq(stage_cli(&s, &text, "states", NULL, NULL), SG_EXIT_OK);
	ck_assert_msg(strstr(text, "the application does not close"), "%s", text);
	for (i = 0; i < CONNECTIONS; i++) {
		close(pairs[i].server);
		close(pairs[i].client);
	}
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(halfopen_is_what_ss_says, 60),
	SUITE_TEST(halfopen_ages_are_true, 60),
	SUITE_TEST(halfopen_names_sources_to_few, 30),
	SUITE_TEST(listeners_without_rights, 30),
	SUITE_TEST(listeners_tell_the_full_queue, 30),
	SUITE_TEST(listeners_of_a_flood, 60),
	SUITE_TEST(states_are_what_ss_says, 30),
	{}
};
/* clang-format on */
