/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary beside filters and people who want to be dropped: sources whose acceptances alone come
 * to nothing are left to the kernel, and block nothing; a host that drops them all is noticed.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "watch.h"

#define FILTERED4 "10.99.1.0"
#define FILTERED6 "2001:db8:99:100::1"
#define HONEST4	  "10.99.2.0"
#define HONEST6	  "2001:db8:99:200::1"

static const char *const addresses[] = { LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };

static void nft(struct stage *s, const char *rules)
{
	const char *const argv[] = { "nft", rules, NULL };

	ok(lab_run(s->lab, LAB_SERVER, argv, 5000, NULL), rules);
}

/* A client's host with networks of its own, and a daemon that challenges everybody. */
static void raise(struct stage *s, const char *rules)
{
	stage_raise(s, &(struct server_options){});
	stage_sources(s, "10.99.0.0/16", "2001:db8:99::/48");
	if (rules)
		nft(s, rules);
	stage_daemon(s, "always");
	stage_prove(s, STAGE_PORT);
}

static struct clients *start(struct stage *s, const struct clients_options *o)
{
	struct clients *clients;

	ok(clients_start(&clients, s->lab, LAB_CLIENT, o), "clients");
	return clients;
}

/* How many of the two services are blocked. */
static int blocked(struct stage *s)
{
	json_t *status = stage_status(s);
	int i, n = 0;

	for (i = 0; i < 2; i++)
		n += json_is_true(json_object_get(stage_service(status, addresses[i], STAGE_PORT),
						  "blocked"));
	json_decref(status);
	return n;
}

/* Whether the text of a verb has these words. */
static bool says(struct stage *s, const char *verb, const char *words)
{
	char *text = NULL, *c;
	bool found;

	ck_assert_int_eq(stage_cli(s, &text, verb, NULL, NULL), 0);
	for (c = text; *c; c++) /* the lines are wrapped */
		if (*c == '\n')
			*c = ' ';
	found = strstr(text, words);
	free(text);
	return found;
}

/* ---- a few who are filtered --------------------------------------------------------------- */

#define DROP_ALL                                                                                   \
	"table inet t { chain c { type filter hook input priority filter;"                         \
	"  ip saddr 10.99.1.0/24 drop; ip6 saddr 2001:db8:99:100::/56 drop; }; };"
/* SYNs go through, and what answers a challenge does not: who wants to be dropped finds a way */
#define DROP_ACKS                                                                                  \
	"table inet t { chain c { type filter hook input priority filter;"                         \
	"  ip saddr 10.99.1.0/24 tcp flags & (syn|ack) == ack drop;"                               \
	"  ip6 saddr 2001:db8:99:100::/56 tcp flags & (syn|ack) == ack drop; }; };"

static const struct {
	const char *rules;
	enum clients_family family;
	unsigned int filtered, filtered_per_sec;
	unsigned int honest_per_sec; /* each from an address of his own */
} filters[] = {
	{ DROP_ALL, CLIENTS_V4, 1, 20, 0 },	{ DROP_ALL, CLIENTS_V4, 3, 60, 5 },
	{ DROP_ALL, CLIENTS_V4, 111, 222, 20 }, { DROP_ACKS, CLIENTS_V4, 10, 200, 5 },
	{ DROP_ACKS, CLIENTS_V6, 16, 320, 5 },	{ DROP_ACKS, CLIENTS_V4, 60, 600, 20 },
};

START_TEST(canary_sources_filtered)
{
	const struct clients_options filtered = {
		.family = filters[_i].family,
		.src4 = FILTERED4,
		.src6 = FILTERED6,
		.sources = filters[_i].filtered,
		.port = STAGE_PORT,
		.rate_per_sec = filters[_i].filtered_per_sec,
		.duration_ms = 4000,
		.deadline_ms = 200,
	};
	const struct clients_options honest = {
		.family = filters[_i].family,
		.src4 = HONEST4,
		.src6 = HONEST6,
		.sources = 200,
		.port = STAGE_PORT,
		.rate_per_sec = filters[_i].honest_per_sec ?: 1,
		.duration_ms = filters[_i].honest_per_sec ? 4000 : 1000,
	};
	struct clients *of_filtered, *of_honest;
	struct watch_service before, after;
	struct clients_result r;
	struct stage s;

	raise(&s, filters[_i].rules);
	before = watch_service(&s);
	if (filters[_i].honest_per_sec)
		of_honest = start(&s, &honest);
	of_filtered = start(&s, &filtered);
	while (clients_running(of_filtered)) {
		ck_assert_int_eq(blocked(&s), 0);
		usleep(100000);
	}
	ok(clients_wait(of_filtered, &r), "the filtered");
	ck_assert_uint_eq(r.connected, 0);
	clients_result_done(&r);
	clients_free(of_filtered);
	if (!filters[_i].honest_per_sec)
		of_honest = start(&s, &honest);
	ok(clients_wait(of_honest, &r), "the honest");
	ck_assert_uint_eq(r.connected, r.attempted);
	clients_free(of_honest);
	ck_assert_int_eq(blocked(&s), 0);
	after = watch_service(&s);
	/* challenged all the time */
	ck_assert_int_ge(after.established - before.established, r.connected);
	clients_result_done(&r);
	/* each of them has had a few challenges, and the firewall has his SYNs since */
	ck_assert_int_le(after.challenged - after.established, filters[_i].filtered * 4);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "filtered_source"), filtered.rate_per_sec);
	ck_assert(!says(&s, "status", "tracking is active"));
	ck_assert(!says(&s, "status", "BLOCKED"));
	ck_assert(says(&s, "status", "are left to the kernel"));
	stage_strike(&s);
}
END_TEST

/* ---- a host that drops them all ------------------------------------------------------------- */

static bool event_says(struct stage *s, const char *name, const char *words)
{
	char *output = NULL, *line, *state = NULL;
	bool found = false;

	ck_assert_int_eq(stage_cli(s, &output, "events", "--json", NULL), 0);
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		found = found || (strstr(line, name) && strstr(line, words));
	free(output);
	return found;
}

static void await_blocked(struct stage *s, int services)
{
	int tries;

	for (tries = 0; blocked(s) != services && tries < 80; tries++)
		usleep(100000);
	ck_assert_int_eq(blocked(s), services);
}

/*
 * Clients of many addresses, none of whose acceptances becomes a connection: the service is stood
 * down within seconds, and who comes then connects. For a short while at first.
 */
START_TEST(canary_host_drops_all)
{
	static const char *const strict =
		"table inet t { chain c { type filter hook input priority filter;"
		"  ct state new tcp flags & (syn|ack|rst|fin) != syn drop; }; };";
	const struct clients_options o = {
		.src4 = HONEST4,
		.src6 = HONEST6,
		.sources = 100,
		.port = STAGE_PORT,
		.rate_per_sec = 40,
		.duration_ms = 20000,
		.deadline_ms = 1000,
	};
	const struct clients_options later = {
		.src4 = "10.99.3.0",
		.src6 = "2001:db8:99:300::1",
		.sources = 40,
		.port = STAGE_PORT,
		.rate_per_sec = 40,
		.duration_ms = 1000,
	};
	struct clients *clients;
	struct clients_result r;
	struct stage s;

	raise(&s, strict);
	clients = start(&s, &o);
	await_blocked(&s, 2);
	ok(clients_run(s.lab, LAB_CLIENT, &later, &r), "clients");
	ck_assert_uint_eq(r.connected, r.attempted);
	clients_result_done(&r);
	ck_assert(event_says(&s, "\"service_blocked\"", "\"seconds\":5,"));
	ck_assert(event_says(&s, "\"service_blocked\"", "tracking is active"));
	ck_assert(says(&s, "status", "tracking is active"));
	clients_free(clients);
	stage_strike(&s);
}
END_TEST

/* The same by a rule without connection tracking, which is not blamed then. */
START_TEST(canary_cause_is_told)
{
	static const char *const untracked =
		"table inet t { chain c { type filter hook input priority filter;"
		"  tcp flags & (syn|ack|rst|fin) == ack drop; }; };";
	const struct clients_options o = {
		.src4 = HONEST4,
		.src6 = HONEST6,
		.sources = 100,
		.port = STAGE_PORT,
		.rate_per_sec = 40,
		.duration_ms = 20000,
		.deadline_ms = 500,
	};
	struct clients *clients;
	struct stage s;

	raise(&s, NULL);
	nft(&s, untracked);
	clients = start(&s, &o);
	await_blocked(&s, 2);
	ck_assert(says(&s, "status", "BLOCKED"));
	ck_assert(says(&s, "status", "without connection tracking"));
	ck_assert(!says(&s, "status", "tracking is active"));
	ck_assert(event_says(&s, "\"service_blocked\"", "without connection tracking"));
	clients_free(clients);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(canary_sources_filtered, ARRAY_SIZE(filters), 60),
	SUITE_TEST(canary_host_drops_all, 60),
	SUITE_TEST(canary_cause_is_told, 60),
	{}
};
/* clang-format on */
