/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `synguard sources`, against what was sent and what ss says at the same moment.
 */
#include "suite.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
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
#include "told.h"

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
	burst(&s, 3, 1, 256);
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
	ck_assert_int_ge(sum_half_open(root), 138);
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

/* ---- whom to deny -------------------------------------------------------------------------- */

/* Clients in the flood's first /24, besides those of the lab. */
#define NEIGHBOURS	31
#define NEIGHBOURS_FROM 100

/*
 * A stage whose client host has addresses in the flood's range, and answers what comes for them as
 * any host does: without the sink, which would drop it.
 */
static void advice_begin(struct stage *s, int first, int count)
{
	char address[32];
	const char *const argv[] = { "ip", "address", "add", address, "dev", LAB_IFNAME, NULL };
	int i;

	stage_raise(s, &(struct server_options){ .backlog = 128 });
	s->sink = sink_free(s->sink);
	ok(lab_offload_set(s->lab, LAB_CLIENT, LAB_IFNAME, LAB_GRO, true), "NAPI for XDP_TX");
	for (i = first; i < first + count; i++) {
		snprintf(address, sizeof(address), "198.18.0.%d/32", i);
		ok(lab_run(s->lab, LAB_CLIENT, argv, 5000, NULL), "an address");
	}
	stage_daemon_config(s, "auto", "[Detector]\nHoldSec=2s\n");
	stage_prove_family(s, AF_INET, STAGE_PORT);
}

static struct flood *advice_flood(struct stage *s, uint32_t sources)
{
	const struct flood_options o = {
		.port = STAGE_PORT, .rate_per_sec = 3000, .sources = sources, .duration_ms = 60000
	};

	return stage_flood(s, o);
}

/* How many of the neighbours connect, one after the other. */
static int neighbours(struct stage *s)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int i, fd, connected = 0;

	for (i = 0; i < NEIGHBOURS; i++) {
		from.sin_addr.s_addr = htonl(0xc6120000 + NEIGHBOURS_FROM + i);
		fd = lab_socket(s->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
					    &(struct timeval){ .tv_usec = 500000 },
					    sizeof(struct timeval)),
				 0);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
		connected += !pair_connect(fd, AF_INET);
		close(fd);
	}
	return connected;
}

/* Until the heaviest of enough SYNs is judged so; with_clients: the neighbours go on connecting. */
static json_t *await_reason(struct stage *s, const char *reason, bool with_clients)
{
	json_t *root = NULL;
	int tries;

	for (tries = 0; tries < 40; tries++) {
		const char *is;

		if (with_clients)
			neighbours(s);
		else
			usleep(200000);
		json_decref(root);
		root = ask(s, "--prefix", NULL);
		is = json_string_value(json_object_get(root, "heaviest_deny_reason")) ?: "";
		if (get(root, "syns") > 8000 && !strcmp(is, reason) &&
		    (!with_clients || get(root, "heaviest_completed") >= NEIGHBOURS))
			return root;
	}
	ck_abort_msg("the heaviest is not \"%s\": %s", reason, json_dumps(root, 0));
}

/* No advice to deny, in whichever words; and these. */
static void expect_no_advice(struct stage *s, const char *verb, const char *words)
{
	struct said said = CLI(s, verb);
	char *c;

	ck_assert_int_eq(said.exit_code, 0);
	for (c = said.out; (c = strchr(c, '\n')); c++)
		*c = ' ';
	ck_assert_msg(strstr(said.out, words), "%s: %s", verb, said.out);
	ck_assert_msg(!strstr(said.out, "deny add"), "%s: %s", verb, said.out);
	said_done(&said);
}

/* What status says is of the last tick. */
static void await_status(struct stage *s, const char *reason)
{
	bool is = false;
	int tries;

	for (tries = 0; tries < 50 && !is; tries++) {
		json_t *status = stage_status(s);

		is = told_is(json_object_get(status, "sources"), "deny_reason", reason);
		json_decref(status);
		usleep(100000);
	}
	ck_assert_msg(is, "status does not say \"%s\"", reason);
}

/* The last event of the sources says these words. */
static void await_advice(struct stage *s, const char *words)
{
	json_t *last = NULL;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		json_decref(last);
		told_events(s, "flood_sources", &last);
		if (last && strstr(json_string_value(json_object_get(last, "advice")), words))
			break;
		usleep(100000);
	}
	ck_assert_msg(tries < 100, "the advice is not \"%s\"", words);
	json_decref(last);
}

static void expect_refused(struct stage *s, const char *verb, const char *what, const char *begin)
{
	struct said said = CLI(s, "deny", verb, what);
	const char *completed = strstr(said.err, "clients in there completed ");

	ck_assert_msg(said.exit_code == SG_EXIT_REFUSED, "deny %s %s: %d %s", verb, what,
		      said.exit_code, said.err);
	ck_assert_msg(completed && strstr(said.err, begin) && strstr(said.err, "--force"), "%s",
		      said.err);
	ck_assert_int_ge(atoi(completed + strlen("clients in there completed ")), NEIGHBOURS);
	said_done(&said);
	said = CLI(s, "deny", "list");
	ck_assert_msg(strstr(said.out, "the list is empty"), "%s", said.out);
	said_done(&said);
}

/* A file whose third line is the clients' network: nothing of it is taken. */
static void expect_import_refused(struct stage *s)
{
	char path[] = "/tmp/synguard-sources-XXXXXX", begin[64];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	dprintf(fd, "# found elsewhere\n203.0.113.0/24\n" LOUD4P " # here as well\n");
	close(fd);
	snprintf(begin, sizeof(begin), "%s:3: " LOUD4P " is refused", path);
	expect_refused(s, "import", path, begin);
	unlink(path);
}

/* Trap FW20: whoever follows the advice does not lose his clients. */
START_TEST(fw20_forged_from_a_network_of_clients)
{
	const json_t *row;
	struct flood *f;
	struct stage s;
	json_t *root;

	advice_begin(&s, NEIGHBOURS_FROM, NEIGHBOURS);
	f = advice_flood(&s, 256);
	told_await_word(&s, "kind", "concentrated");
	root = await_reason(&s, "completed", true);
	ck_assert_str_eq(json_string_value(json_object_get(root, "heaviest")), LOUD4P);
	ck_assert(json_is_false(json_object_get(root, "heaviest_deny")));
	ck_assert_double_ge(get(root, "heaviest_completed"), NEIGHBOURS);
	row = find(root, LOUD4P);
	ck_assert(json_is_false(json_object_get(row, "deny")));
	ck_assert_str_eq(json_string_value(json_object_get(row, "deny_reason")), "completed");
	expect_no_advice(&s, "sources", "forged from a network of your clients");
	await_status(&s, "completed");
	expect_no_advice(&s, "status", "forged from a network of your clients");
	/* the neighbours reset what is forged in their name: either reason may be told first */
	await_advice(&s, "to deny it would stop");
	expect_refused(&s, "add", LOUD4P, LOUD4P " is refused");
	expect_refused(&s, "add", "198.18.0.0/16", "198.18.0.0/16 is refused");
	expect_import_refused(&s);
	json_decref(root);
	ck_assert_int_ge(neighbours(&s), NEIGHBOURS - 3);
	ck_assert_int_eq(stage_cli(&s, NULL, "deny", "add", "203.0.113.0/24"), SG_EXIT_OK);
	{
		struct said said = CLI(&s, "deny", "add", LOUD4P, "--force");

		ck_assert_msg(said.exit_code == SG_EXIT_OK, "%s", said.err);
		said_done(&said);
	}
	ck_assert_int_eq(neighbours(&s), 0);
	ok(flood_stop(f), "the flood's end");
	flood_free(f);
	stage_strike(&s);
}
END_TEST

/* Trap FW21: the owner of a forged address resets what he is sent. */
START_TEST(fw21_forged_from_a_host_that_resets)
{
	struct flood *f;
	struct stage s;
	json_t *root;

	advice_begin(&s, 0, 1);
	f = advice_flood(&s, 1);
	root = await_reason(&s, "resets", false);
	ck_assert_str_eq(json_string_value(json_object_get(root, "heaviest")), LOUD4);
	ck_assert(json_is_false(json_object_get(root, "heaviest_deny")));
	ck_assert_double_ge(get(root, "heaviest_resets"), 100);
	ck_assert(json_is_false(json_object_get(find(root, LOUD4P), "deny")));
	expect_no_advice(&s, "sources", "its address is forged");
	told_await_word(&s, "kind", "concentrated");
	await_status(&s, "resets");
	expect_no_advice(&s, "status", "Its source is forged");
	await_advice(&s, "the source is forged");
	json_decref(root);
	ok(flood_stop(f), "the flood's end");
	flood_free(f);
	stage_strike(&s);
}
END_TEST

/* Who neither completes nor resets is denied as ever, beside clients elsewhere. */
START_TEST(silent_source_is_to_be_denied)
{
	const json_t *row;
	struct flood *f;
	struct stage s;
	json_t *root;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, "auto", "[Detector]\nHoldSec=2s\n");
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	f = advice_flood(&s, 1);
	clients(&s, 200);
	told_await_word(&s, "kind", "concentrated");
	root = await_reason(&s, "silent", false);
	ck_assert(json_is_true(json_object_get(root, "heaviest_deny")));
	row = find(root, LOUD4P);
	ck_assert(json_is_true(json_object_get(row, "deny")));
	ck_assert_str_eq(json_string_value(json_object_get(row, "deny_reason")), "silent");
	told_says_in_words(&s, "sources", NULL, "\"synguard deny add " LOUD4 "\" stops it");
	await_advice(&s, "\"synguard deny add PREFIX\" stops them");
	ck_assert_int_eq(stage_cli(&s, NULL, "deny", "add", LOUD4), SG_EXIT_OK);
	told_await_word(&s, "state", "calm");
	json_decref(root);
	ok(flood_stop(f), "the flood's end");
	flood_free(f);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(sources_of_a_flood, 90),
	SUITE_TEST(sources_half_open_is_what_ss_says, 60),
	SUITE_TEST(sources_are_for_few, 30),
	SUITE_TEST(fw20_forged_from_a_network_of_clients, 120),
	SUITE_TEST(fw21_forged_from_a_host_that_resets, 60),
	SUITE_TEST(silent_source_is_to_be_denied, 90),
	{}
};
/* clang-format on */
