/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views of the sockets, as far as they are pure: groups, ages, diagnoses, units. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print/views.h"
#include "cli/verbs/verbs.h"
#include "daemon/base/addr.h"
#include "daemon/views/groups.h"
#include "daemon/views/json.h"
#include "daemon/views/view.h"
#include "suite.h"

static struct sg_addr v4(uint32_t host)
{
	return (struct sg_addr){ .words = { 0, 0, htonl(0xffff), htonl(host) } };
}

/* 5000 keys, the key k counted 1 + k % 7 times: none is lost when the table grows. */
START_TEST(groups_count_each_key)
{
	enum { KEYS = 5000 };
	uint64_t total = 0, wanted = 0;
	struct groups g;
	struct sg_addr a;
	size_t rows, i, k;

	groups_init(&g, 12345, 67890);
	for (k = 0; k < KEYS; k++) {
		a = v4(k / 2); /* two ports of each address */
		for (i = 0; i < 1 + k % 7; i++, wanted++)
			ck_assert_int_eq(groups_add(&g, &a, htons(1 + k % 2), 100 * i), 0);
	}
	rows = groups_sort(&g);
	ck_assert_uint_eq(rows, KEYS);
	for (i = 0; i < rows; i++) {
		const struct groups_row *row = &g.rows[i];

		k = 2 * ntohl(row->addr.words[3]) + ntohs(row->port) - 1;
		ck_assert_uint_eq(row->count, 1 + k % 7);
		ck_assert_uint_eq(row->oldest_ms, 100 * (k % 7));
		ck_assert(!i || row->count <= g.rows[i - 1].count);
		total += row->count;
	}
	ck_assert_uint_eq(total, wanted);
	groups_done(&g);
	groups_init(&g, 1, 2);
	ck_assert_uint_eq(groups_sort(&g), 0);
	groups_done(&g);
}
END_TEST

START_TEST(json_is_read_back)
{
	static const char text[] = "\"quotes\" \\ \n\x01 \xc3\xa4";
	static const char *const unknown[] = { "a", "b", NULL };
	char buffer[512] = "";
	struct json_writer j = { .to = fmemopen(buffer, sizeof(buffer), "w") };
	json_t *root;

	ck_assert_ptr_nonnull(j.to);
	json_open(&j, NULL, '{');
	json_put_text(&j, "text", text);
	json_put_text(&j, "empty", "");
	json_put_nulls(&j, unknown);
	json_open(&j, "list", '[');
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_open(&j, NULL, '{');
	json_put_milli(&j, "milli", 1050);
	json_close(&j, '}');
	json_close(&j, ']');
	json_put_flag(&j, "flag", true);
	json_close(&j, '}');
	fclose(j.to);
	root = json_loads(buffer, 0, NULL);
	ck_assert_msg(root, "%s", buffer);
	ck_assert_str_eq(json_string_value(json_object_get(root, "text")), text);
	ck_assert_str_eq(json_string_value(json_object_get(root, "empty")), "");
	ck_assert(json_is_null(json_object_get(root, "a")) &&
		  json_is_null(json_object_get(root, "b")));
	ck_assert_uint_eq(json_array_size(json_object_get(root, "list")), 2);
	ck_assert(json_is_true(json_object_get(root, "flag")));
	ck_assert_ptr_nonnull(strstr(buffer, ":1.050}"));
	json_decref(root);
}
END_TEST

START_TEST(halfopen_age_follows_the_timer)
{
	ck_assert_uint_eq(halfopen_age_ms(0, 1000), 0);
	ck_assert_uint_eq(halfopen_age_ms(0, 300), 700);
	ck_assert_uint_eq(halfopen_age_ms(1, 2000), 1000);
	ck_assert_uint_eq(halfopen_age_ms(3, 0), 15000);
	/* from the seventh on it is 120 s and no longer doubled */
	ck_assert_uint_eq(halfopen_age_ms(8, 0), 127000 + 2 * 120000);
	/* a timer that was postponed is no age below zero */
	ck_assert_uint_eq(halfopen_age_ms(0, 5000), 0);
	ck_assert_int_eq(halfopen_by_parse("listener"), HALFOPEN_BY_LISTENER);
	ck_assert_int_lt(halfopen_by_parse("listeners"), 0);
}
END_TEST

START_TEST(addresses_as_text)
{
	struct sg_addr four = v4(0xc6120305), six = {}, network;

	inet_pton(AF_INET6, "2001:2::5:6:7:8", six.bytes);
	ck_assert_str_eq(addr_text(&four).text, "198.18.3.5");
	ck_assert_str_eq(addr_text_socket(&four, htons(80)).text, "198.18.3.5:80");
	ck_assert_str_eq(addr_text_socket(&six, htons(80)).text, "[2001:2::5:6:7:8]:80");
	network = addr_network(&four);
	ck_assert_str_eq(addr_text_prefix(&network).text, "198.18.3.0/24");
	network = addr_network(&six);
	ck_assert_str_eq(addr_text_prefix(&network).text, "2001:2::/64");
}
END_TEST

static const char *diagnosis(const char *json)
{
	json_t *l = json_loads(json, 0, NULL);
	const char *word;

	ck_assert_ptr_nonnull(l);
	word = view_diagnose(l).label;
	json_decref(l);
	return word;
}

#define QUEUES(syn, accept, more)                                                                  \
	"{\"syn_queue\":" #syn ",\"syn_queue_max\":100,\"accept_queue\":" #accept                  \
	",\"accept_queue_max\":100" more "}"

START_TEST(diagnoses_in_words)
{
	ck_assert_str_eq(diagnosis(QUEUES(0, 0, "")), "fine");
	ck_assert_str_eq(diagnosis(QUEUES(50, 100, "")), "fine");
	ck_assert_str_eq(diagnosis(QUEUES(51, 0, "")), "filling");
	ck_assert_str_eq(diagnosis(QUEUES(100, 0, "")), "SYN queue full");
	ck_assert_str_eq(diagnosis(QUEUES(100, 0, ",\"defending\":true")), "defended");
	/* one more than its limit fits into an accept queue */
	ck_assert_str_eq(diagnosis(QUEUES(100, 0, ",\"defending\":true,\"engine\":\"listener\"")),
			 "defended");
	ck_assert_str_eq(diagnosis(QUEUES(101, 101, ",\"defending\":true")), "not accepting");
	/* what the daemon has found, before what a look alone says; a crowd before "fine" only */
	ck_assert_str_eq(diagnosis(QUEUES(0, 0, ",\"trouble\":\"slow_accept\"")), "not accepting");
	ck_assert_str_eq(diagnosis(QUEUES(100, 0, ",\"trouble\":\"small_backlog\"")),
			 "small backlog");
	ck_assert_str_eq(diagnosis(QUEUES(60, 0, ",\"trouble\":\"flash_crowd\"")), "flash crowd");
	ck_assert_str_eq(
		diagnosis(QUEUES(60, 0, ",\"trouble\":\"flash_crowd\",\"defending\":true")),
		"defended");
	ck_assert_str_eq(diagnosis(QUEUES(0, 0, ",\"trouble\":\"none\"")), "fine");
	ck_assert_str_eq(diagnosis(QUEUES(0, 0, ",\"trouble\":null")), "fine");
	/* what is not known is no trouble */
	ck_assert_str_eq(diagnosis(QUEUES(null, 0, "")), "fine");
	ck_assert_str_eq(
		diagnosis(QUEUES(1, 0, ",\"syns_per_second\":100,\"completing_ratio\":0.4")),
		"few complete");
	ck_assert_str_eq(diagnosis(QUEUES(1, 0, ",\"syns_per_second\":3,\"completing_ratio\":0.0")),
			 "fine");
}
END_TEST

START_TEST(worst_listener_first)
{
	json_t *all = json_loads(
		"[" QUEUES(0, 0, ",\"port\":1") "," QUEUES(0, 0, ",\"port\":2") "," QUEUES(
			100, 0, ",\"port\":3") "," QUEUES(0, 101, ",\"port\":4") "]",
		0, NULL);
	const int wanted[] = { 4, 3, 1, 2 };
	size_t i;

	ck_assert_ptr_nonnull(all);
	view_sort_listeners(all);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(
			json_integer_value(json_object_get(json_array_get(all, i), "port")),
			wanted[i]);
	json_decref(all);
}
END_TEST

/* A listener on which everything is as large as it gets. */
static json_t *large_listener(void)
{
	json_t *l =
		json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:s, s:i, "
			  "s:i, s:s, s:s, "
			  "s:i, s:b}",
			  "address", "2001:db8:1111:2222:3333:4444:5555:6666", "port", 65535,
			  "syn_queue", 65535LL, "syn_queue_max", 65535LL, "accept_queue", 65535LL,
			  "accept_queue_max", 65535LL, "half_open", 65535LL, "syns_per_second",
			  1500000LL, "challenges_per_second", 1500000LL, "acceptances_per_second",
			  1500000LL, "completing_ratio", 0.25, "defending", 1, "engine", "reqsk",
			  "synack_retries", 5, "pid", 4194304, "process", "a-process-of-15", "unit",
			  "a-unit-with-a-long-name@instance.service", "drops", 1000000, "mptcp", 0);

	ck_assert_ptr_nonnull(l);
	return l;
}

/* All fits, and at 80 columns there are these and no others. */
START_TEST(listeners_fit_the_screen)
{
	static const char *const narrow = "LISTENER SYN QUEUE ACCEPT SYN/S CHALL/S HALF-OPEN "
					  "DIAGNOSIS";
	static const char *const all = "LISTENER SYN QUEUE ACCEPT SYN/S DONE CHALL/S ACCEPTED/S "
				       "HALF-OPEN DROPS UNIT PROCESS DIAGNOSIS";
	static const struct {
		unsigned int columns;
		bool wide;
		const char *titles;
	} cases[] = {
		{ 80, false, narrow }, { 99, false, narrow }, { 200, false, all }, { 80, true, all }
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct screen s = { .columns = cases[i].columns, .wide = cases[i].wide };
		json_t *rows = json_pack("[o]", large_listener());
		char *text = NULL, *line, *rest, titles[256] = "";
		const char *word;
		size_t size;

		s.to = open_memstream(&text, &size);
		ck_assert_int_eq(view_print_listeners(rows, &s), 0);
		fclose(s.to);
		line = strtok_r(text, "\n", &rest);
		ck_assert(line);
		for (; line; line = strtok_r(NULL, "\n", &rest)) {
			ck_assert_msg(s.wide || screen_width(&s, line) <= s.columns, "%u: %s",
				      s.columns, line);
			if (*titles)
				continue;
			while ((word = strsep(&line, " ")))
				if (*word) {
					strcat(titles, *titles ? " " : "");
					strcat(titles, word);
				}
		}
		ck_assert_str_eq(titles, cases[i].titles);
		free(text);
		json_decref(rows);
	}
}
END_TEST

/* What --json shows of a listener is promised: these keys, all of them, and no others. */
START_TEST(listeners_keys_are_promised)
{
	static const char *const keys[] = {
		"address",
		"port",
		"syn_queue",
		"syn_queue_max",
		"accept_queue",
		"accept_queue_max",
		"half_open",
		"syns_per_second",
		"challenges_per_second",
		"acceptances_per_second",
		"completing_ratio",
		"defending",
		"engine",
		"synack_retries",
		"drops",
		"pid",
		"process",
		"unit",
		"diagnosis",
	};
	json_t *rows = json_pack("[o]", large_listener()), *promised, *value;
	const char *key;
	size_t i = 0;

	promised = view_promised_listeners(rows);
	ck_assert_uint_eq(json_array_size(promised), 1);
	json_object_foreach(json_array_get(promised, 0), key, value)
		ck_assert_str_eq(key, keys[i++]);
	ck_assert_uint_eq(i, sizeof(keys) / sizeof(keys[0]));
	/* what people are told in a word, scripts are, too */
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(promised, 0), "diagnosis")),
		view_diagnose(json_array_get(rows, 0)).label);
	json_decref(promised);
	json_decref(rows);
}
END_TEST

static bool oddity_with(const char *json, json_int_t answered, const char *wanted)
{
	json_t *states = json_loads(json, 0, NULL);
	const char *meaning = view_oddity(states, answered);

	json_decref(states);
	return wanted ? meaning && strstr(meaning, wanted) : !meaning;
}

static bool oddity_is(const char *json, const char *wanted)
{
	return oddity_with(json, 0, wanted);
}

START_TEST(odd_states_have_a_meaning)
{
	ck_assert(oddity_is("{}", NULL));
	ck_assert(oddity_is("{\"ESTABLISHED\":1000,\"CLOSE_WAIT\":100}", NULL));
	ck_assert(oddity_is("{\"ESTABLISHED\":10,\"CLOSE_WAIT\":31}", NULL));
	ck_assert(oddity_is("{\"ESTABLISHED\":10,\"CLOSE_WAIT\":32}", "does not close"));
	/* those that have been answered are not those that are not */
	ck_assert(oddity_is("{\"SYN_RECV\":40}", "do not answer"));
	ck_assert(oddity_with("{\"SYN_RECV\":40}", 40, "have answered: the listener waits"));
	ck_assert(oddity_with("{\"SYN_RECV\":40}", 20, NULL));
	/* both together are many */
	ck_assert(oddity_is("{\"LAST_ACK\":20,\"FIN_WAIT1\":20}", "vanished"));
}
END_TEST

/* Whom to deny is said where a few send most, and only there. */
START_TEST(sources_advise)
{
	static const struct {
		const char *json, *says;
	} rows[] = {
		{ "{\"syns\":5000,\"completed\":4,\"seconds\":9,\"distinct_estimate\":3,"
		  "\"pattern\":\"concentrated\",\"heaviest\":\"198.18.3.0/24\","
		  "\"heaviest_share\":0.974,\"heaviest_deny\":true,"
		  "\"heaviest_deny_reason\":\"silent\"}",
		  "198.18.3.0/24 sends 97 % of what nobody completes: \"synguard deny add\n"
		  "198.18.3.0/24\" stops it, and every client in there.\n" },
		{ "{\"syns\":5000,\"completed\":799,\"seconds\":9,\"distinct_estimate\":3,"
		  "\"pattern\":\"concentrated\",\"heaviest\":\"198.18.3.0/24\","
		  "\"heaviest_share\":0.974,\"heaviest_completed\":799,\"heaviest_deny\":false,"
		  "\"heaviest_deny_reason\":\"completed\"}",
		  NULL },
		{ "{\"syns\":5000,\"completed\":4,\"seconds\":9,\"distinct_estimate\":3,"
		  "\"pattern\":\"concentrated\",\"heaviest\":\"198.18.3.7\","
		  "\"heaviest_share\":0.974,\"heaviest_resets\":4663,\"heaviest_deny\":false,"
		  "\"heaviest_deny_reason\":\"resets\"}",
		  NULL },
		{ "{\"syns\":5000,\"completed\":4,\"seconds\":9,\"distinct_estimate\":3,"
		  "\"pattern\":\"spoofed\",\"heaviest\":\"198.18.3.0/24\",\"heaviest_share\":0.2}",
		  NULL },
		{ "{\"syns\":5,\"completed\":4,\"seconds\":9,\"distinct_estimate\":3,"
		  "\"pattern\":\"concentrated\",\"heaviest\":null,\"heaviest_share\":null}",
		  NULL },
	};
	char *text = NULL;
	size_t i, size;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct screen s = { .columns = 80, .to = open_memstream(&text, &size) };
		json_t *sources = json_loads(rows[i].json, 0, NULL);

		ck_assert_int_eq(view_print_sources(sources, &s), 0);
		fclose(s.to);
		if (rows[i].says)
			ck_assert_msg(strstr(text, rows[i].says), "%s", text);
		else
			ck_assert_msg(!strstr(text, "deny"), "%s", text);
		json_decref(sources);
		free(text);
	}
}
END_TEST

static bool looks(const char *json, enum sources_pattern wanted)
{
	json_t *sources = json_loads(json, 0, NULL);
	enum sources_pattern pattern = view_sources_pattern(sources);

	json_decref(sources);
	return pattern == wanted;
}

START_TEST(sources_look_like_what_they_are)
{
	ck_assert(looks("{\"syns\":999,\"randomness\":1.0,\"completed\":0}", SOURCES_UNCLEAR));
	ck_assert(
		looks("{\"syns\":5000,\"pattern\":\"spoofed\",\"completed\":40}", SOURCES_FORGED));
	ck_assert(looks("{\"syns\":5000,\"pattern\":\"concentrated\",\"completed\":40}",
			SOURCES_FEW));
	ck_assert(looks("{\"syns\":5000,\"pattern\":\"mixed\",\"completed\":40}", SOURCES_UNCLEAR));
	/* as slow floods are */
	ck_assert(
		looks("{\"syns\":100,\"pattern\":\"concentrated\",\"completed\":1}", SOURCES_FEW));
	ck_assert(looks("{\"syns\":100,\"pattern\":\"spoofed\",\"completed\":1}", SOURCES_UNCLEAR));
	ck_assert(looks("{\"syns\":100,\"pattern\":\"concentrated\",\"completed\":51}",
			SOURCES_UNCLEAR));
	/* a crowd of clients is as random as a flood, and completes */
	ck_assert(
		looks("{\"syns\":5000,\"pattern\":\"mixed\",\"completed\":4900}", SOURCES_CLIENTS));
}
END_TEST

START_TEST(units_of_control_groups)
{
	char service[] = "/sys/fs/cgroup/system.slice/nginx.service";
	char within[] = "/sys/fs/cgroup/system.slice/nginx.service/worker";
	char none[] = "/sys/fs/cgroup/user.slice";

	ck_assert_str_eq(unit_of_cgroup(service), "nginx.service");
	ck_assert_str_eq(unit_of_cgroup(within), "nginx.service");
	ck_assert_ptr_null(unit_of_cgroup(none));
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(groups_count_each_key, 10),
	SUITE_TEST(json_is_read_back, 5),
	SUITE_TEST(halfopen_age_follows_the_timer, 5),
	SUITE_TEST(addresses_as_text, 5),
	SUITE_TEST(diagnoses_in_words, 5),
	SUITE_TEST(listeners_fit_the_screen, 5),
	SUITE_TEST(listeners_keys_are_promised, 5),
	SUITE_TEST(worst_listener_first, 5),
	SUITE_TEST(odd_states_have_a_meaning, 5),
	SUITE_TEST(sources_look_like_what_they_are, 5),
	SUITE_TEST(units_of_control_groups, 5),
	SUITE_TEST(sources_advise, 10),
	{}
};
/* clang-format on */
