/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `synguard sources`, against what was sent and what ss says at the same moment.
 */
#include "suite.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "said.h"
#include "stage.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"

/* The first source of a flood's range: of one that has but one, all SYNs. */
#define LOUD4  "198.18.0.0"
#define LOUD4P "198.18.0.0/24"
#define LOUD6  "2001:2::/64"

#define RANDOM_SYNS 60000
#define LOUD_SYNS   8000
#define CLIENTS	    1000
/* of a flood, 198.18.0.0/15 */
#define RANDOM_SOURCES 131072

static json_t *ask(struct stage *s, const char *a, const char *b)
{
	struct said said = CLI(s, "sources", "--json", a, b);
	json_t *root;

	ck_assert_msg(!said.exit_code, "sources: %s", said.err);
	root = json_loads(said.out, 0, NULL);
	ck_assert_msg(root, "sources --json: %s", said.out);
	said_done(&said);
	return root;
}

static double get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_number(value), "no number \"%s\"", key);
	return json_number_value(value);
}

/* NULL: it is not there. */
static const json_t *row_of(const json_t *root, const char *source)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(root, "sources"), i, row)
		if (!strcmp(json_string_value(json_object_get(row, "source")), source))
			return row;
	return NULL;
}

static const json_t *find(const json_t *root, const char *source)
{
	const json_t *row = row_of(root, source);

	ck_assert_msg(row, "%s is not listed", source);
	return row;
}

static void near(double is, double expected, double part, const char *what)
{
	ck_assert_msg(fabs(is - expected) <= expected * part, "%s: %.0f, expected %.0f", what, is,
		      expected);
}

static uint64_t flood_end(struct flood *f)
{
	struct flood_counts counts;

	ok(flood_wait(f), "a flood's end");
	flood_counts(f, &counts);
	flood_free(f);
	return counts.offered;
}

/* Real clients, one after the other. */
static void clients(struct stage *s, int count)
{
	int i, fd;

	for (i = 0; i < count; i++) {
		fd = pair_socket(s, AF_INET, 0);
		ok(pair_connect(fd, AF_INET), "a client");
		close(fd);
	}
}

/* What all SYNs came to, as the programs counted them one by one. */
static json_int_t service_syns(struct stage *s)
{
	json_t *status = stage_status(s);
	json_int_t syns = stage_figure(stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT), "syns");

	json_decref(status);
	return syns;
}

static void says_what_it_looks_like(struct stage *s)
{
	struct said said = CLI(s, "sources");

	ck_assert_int_eq(said.exit_code, 0);
	ck_assert_msg(!strncmp(said.out, "About ", 6), "%s", said.out);
	ck_assert_msg(strstr(said.out, "forged at random."), "%s", said.out);
	ck_assert_msg(strstr(said.out, LOUD4), "%s", said.out);
	ck_assert_msg(strstr(said.out, "~"), "%s", said.out);
	said_is_narrow(&said, 80, "sources");
	said_done(&said);
}

static void figures_are_told(struct stage *s)
{
	json_t *status = stage_status(s), *sources = json_object_get(status, "sources");
	struct said said = CLI(s, "metrics");

	ck_assert_double_gt(get(sources, "distinct"), 1000);
	ck_assert_double_gt(get(sources, "randomness"), 0.5);
	ck_assert_msg(strstr(said.out, "\nsynguard_sources_distinct "), "%s", said.out);
	ck_assert_msg(strstr(said.out, "\nsynguard_map_entries{map=\"heavy_hitters\"} "), "%s",
		      said.out);
	ck_assert_msg(!strstr(said.out, LOUD4), "a source is named in the metrics");
	json_decref(status);
	said_done(&said);
}

/* A flood of random sources, one forged source that is loud, and real clients, all at once. */
START_TEST(sources_of_a_flood)
{
	const struct flood_options random = {
		.port = STAGE_PORT, .rate_per_sec = 20000, .count = RANDOM_SYNS, .duration_ms = 6000
	};
	const struct flood_options loud = { .port = STAGE_PORT,
					    .rate_per_sec = 2600,
					    .count = LOUD_SYNS,
					    .sources = 1,
					    .duration_ms = 6000 };
	json_int_t before, counted, offered, of_loud;
	struct flood *f, *g;
	const json_t *row;
	double distinct;
	struct stage s;
	json_t *root;

	stage_raise(&s, &(struct server_options){ .backlog = 4096 });
	stage_daemon(&s, "auto");
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	before = service_syns(&s);
	f = stage_flood(&s, random);
	g = stage_flood(&s, loud);
	clients(&s, CLIENTS);
	of_loud = flood_end(g);
	offered = flood_end(f) + of_loud;
	root = ask(&s, NULL, NULL);
	counted = service_syns(&s) - before;
	/* nothing was lost on the way, or what follows would mean nothing */
	near(counted, offered + CLIENTS, 0.02, "SYNs counted");

	distinct = RANDOM_SOURCES * (1 - exp(-(double)(offered - of_loud) / RANDOM_SOURCES));
	near(get(root, "distinct_estimate"), distinct, 0.06, "distinct sources");
	near(get(root, "syns"), counted, 0.02, "SYNs");
	near(get(root, "randomness"), distinct / counted, 0.08, "randomness");
	ck_assert_double_ge(get(root, "completed"), CLIENTS);

	row = find(root, LOUD4);
	near(get(row, "syns"), of_loud, 0.12, "SYNs of the loud one");
	ck_assert_double_ge(get(row, "challenged"), 1);
	ck_assert_double_eq(get(row, "completed"), 0);
	row = find(root, LAB_CLIENT_ADDR4);
	/* one in 8 of so few says less */
	near(get(row, "syns"), CLIENTS, 0.4, "SYNs of the clients");
	ck_assert_double_ge(get(row, "completed"), CLIENTS / 4);
	ck_assert(json_is_string(json_object_get(row, "first_seen")));
	/* the first to be listed are those who send most */
	row = json_array_get(json_object_get(root, "sources"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "source")), LOUD4);
	json_decref(root);

	root = ask(&s, "--prefix", NULL);
	near(get(find(root, LOUD4P), "syns"), of_loud, 0.12, "SYNs of its prefix");
	json_decref(root);
	root = ask(&s, "--top=1", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "sources")), 1);
	json_decref(root);
	says_what_it_looks_like(&s);
	figures_are_told(&s);
	stage_strike(&s);
}
END_TEST

/* ---- half-open connections ----------------------------------------------------------------- */

/* from NULL: all. */
static json_int_t ss_half_open(struct stage *s, const char *from)
{
	const char *const argv[] = {
		"ss", "-H", "-n", "-t", "state", "syn-recv", from ? "dst" : NULL, from, NULL
	};
	_cleanup_free_ char *text = NULL;
	json_int_t count = 0;
	const char *c;

	ok(lab_run(s->lab, LAB_SERVER, argv, 20000, &text), "ss");
	for (c = text; *c; c++)
		count += *c == '\n';
	return count;
}

static void burst(struct stage *s, uint64_t count, uint32_t sources, unsigned int ipv6_share)
{
	STAGE_BURST(s, .count = count, .sources = sources, .ipv6_share = ipv6_share);
	usleep(100000);
}

static json_int_t sum_half_open(const json_t *root)
{
	json_int_t sum = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(root, "sources"), i, row)
		sum += get(row, "half_open");
	return sum;
}

/* Exact, of a heavy hitter as of whoever has sent one SYN. */
START_TEST(sources_half_open_is_what_ss_says)
{
	const struct server_options o = { .backlog = 1024, .not_accepting = true };
	const json_t *row;
	struct stage s;
	json_t *root;

	stage_raise(&s, &o);
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "8"), "retries");
	stage_daemon(&s, "observe");
	burst(&s, 90, 1, 0);
	burst(&s, 20, 1, 256);
	burst(&s, 60, 0, 128);
	root = ask(&s, NULL, NULL);
	row = find(root, LOUD4);
	ck_assert_int_eq(get(row, "half_open"), ss_half_open(&s, LOUD4));
	/* two SYNs may have the same port by chance */
	ck_assert_int_ge(get(row, "half_open"), 80);
	ck_assert_int_eq(get(row, "syns"), 90);
	/* too few SYNs to be a heavy hitter */
	row = find(root, LOUD6);
	ck_assert_int_eq(get(row, "half_open"), ss_half_open(&s, LOUD6));
	ck_assert(json_is_null(json_object_get(row, "syns")));
	ck_assert(json_is_null(json_object_get(row, "first_seen")));
	ck_assert_int_eq(sum_half_open(root), ss_half_open(&s, NULL));
	ck_assert_int_ge(sum_half_open(root), 155);
	ck_assert(json_is_false(json_object_get(root, "partial")));
	json_decref(root);
	root = ask(&s, "--prefix", NULL);
	ck_assert_int_eq(sum_half_open(root), ss_half_open(&s, NULL));
	ck_assert_int_ge(get(find(root, LOUD4P), "half_open"), 80);
	json_decref(root);
	stage_strike(&s);
}
END_TEST

/* Who may not see sources is told so, and by no other way either. */
START_TEST(sources_are_for_few)
{
	struct said said;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 1024 });
	stage_daemon(&s, "observe");
	burst(&s, 200, 1, 0);
	said = said_as_nobody(&s, "sources", NULL);
	ck_assert_int_eq(said.exit_code, SG_EXIT_NOT_ALLOWED);
	ck_assert_msg(strstr(said.err, SG_GROUP), "%s", said.err);
	ck_assert_msg(!strstr(said.out, "198.1"), "%s", said.out);
	said_done(&said);
	said = CLI(&s, "sources", "--top=0");
	ck_assert_int_eq(said.exit_code, SG_EXIT_USAGE);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(sources_of_a_flood, 90),
	SUITE_TEST(sources_half_open_is_what_ss_says, 60),
	SUITE_TEST(sources_are_for_few, 30),
	{}
};
/* clang-format on */
