/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an attack is called, and what is called none (traps C2, C3): real floods, real clients, and
 * servers that do not keep up. What an ACK flood is called is in test_ackflood.c.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"
#include "told.h"

/* So that a test does not have to wait for half a minute. */
#define SHORT "[Detector]\nHoldSec=2s\n"
/* What clients send that this host turns away would be an attack. */
#define STRICT SHORT "AttackRate=150\nEbbRate=20\n"

static struct flood *flood_begin(struct stage *s, uint32_t sources)
{
	return STAGE_FLOOD(s, .rate_per_sec = 8000, .sources = sources);
}

static void expect_metric(struct stage *s, const char *family, const char *kind)
{
	char line[128];

	snprintf(line, sizeof(line), "\n%s{kind=\"%s\"} 1\n", family, kind);
	told_says(s, "metrics", line);
}

static void expect_event(struct stage *s, const char *name, const char *key, const char *text)
{
	json_t *event = told_await(s, name);

	ck_assert_str_eq(json_string_value(json_object_get(event, key)), text);
	json_decref(event);
}

static int count_events(struct stage *s, const char *name)
{
	json_t *last;
	int count = told_events(s, name, &last);

	json_decref(last);
	return count;
}

/* No state but calm has been seen, and none was told. */
static void expect_no_attack(struct stage *s)
{
	json_t *status = stage_status(s);

	ck_assert(told_is(status, "state", "calm"));
	ck_assert(told_is(status, "kind", "none"));
	ck_assert_int_eq(stage_figure(status, "mitigation_takes"), 0);
	json_decref(status);
	ck_assert_int_eq(count_events(s, "state_changed"), 0);
}

/* ---- floods -------------------------------------------------------------------------------- */

static const struct {
	uint32_t sources;
	const char *kind, *says, *sources_say;
} floods[] = {
	{ 0, "spoofed", "Its sources are forged at random", "forged at random." },
	{ 1, "concentrated", "\"synguard deny add PREFIX\" stops them.",
	  "\"synguard deny add 198.18.0.0\" stops it" },
	/* the whole of two /24, which are one /23 */
	{ 512, "concentrated", "\"synguard sources --prefix\" names them",
	  "198.18.0.0/23\" stops it" },
};

START_TEST(kind_of_a_flood)
{
	struct flood *flood;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, "auto", SHORT);
	stage_prove(&s, STAGE_PORT);
	told_await_word(&s, "kind", "none");
	flood = flood_begin(&s, floods[_i].sources);
	told_await_word(&s, "kind", floods[_i].kind);
	told_await_word(&s, "flood_sources", floods[_i].kind);
	expect_event(&s, "flood_sources", "sources", floods[_i].kind);
	told_says_in_words(&s, "status", NULL, "A SYN flood, ");
	told_says_in_words(&s, "status", NULL, floods[_i].says);
	told_says_in_words(&s, "sources", "--prefix", floods[_i].sources_say);
	expect_metric(&s, "synguard_attack", floods[_i].kind);
	expect_metric(&s, "synguard_flood_sources", floods[_i].kind);
	expect_metric(&s, "synguard_trouble", "none");
	ck_assert_int_eq(count_events(&s, "trouble_began"), 0);
	stage_flood_end(flood);
	told_await_word(&s, "state", "calm");
	told_await_word(&s, "flood_sources", "none");
	/* once, and by the one name */
	ck_assert_int_eq(count_events(&s, "flood_sources"), 1);
	stage_strike(&s);
}
END_TEST

/* Events of a step of the mitigation. */
static int count_steps(struct stage *s, const char *name, const char *step)
{
	char *output = NULL, *line, *state = NULL, quoted[64];
	int count = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\"", step);
	ck_assert_int_eq(stage_cli(s, &output, "events", "--json", NULL), SG_EXIT_OK);
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		count += strstr(line, name) && strstr(line, quoted);
	free(output);
	return count;
}

#define PULSES 4

/*
 * Trap FW82: a flood that comes in pulses takes the steps of the mitigation once, and is told as one
 * that has come back so many times, by the events, status and the metric alike.
 */
START_TEST(fw82_flood_in_pulses)
{
	static const char *const steps[] = { "lease", "reap", "synack_retries" };
	json_t *last, *status;
	struct flood *flood;
	struct stage s;
	char text[64];
	size_t i;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "5"), "retries");
	stage_daemon_config(&s, "auto", "[Detector]\nHoldSec=8s\n");
	stage_prove(&s, STAGE_PORT);
	for (i = 0; i <= PULSES; i++) {
		flood = flood_begin(&s, 0);
		told_await_word(&s, "state", "attack");
		stage_flood_end(flood);
		told_await_word(&s, "state", "cooling");
	}
	told_says_in_words(&s, "status", NULL,
			   "It comes in pulses: it has ebbed and come back 4 times.");
	told_says(&s, "metrics", "\nsynguard_attack_pulses 4\n");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ck_assert_int_eq(count_steps(&s, "mitigation_taken", steps[i]), 1);
		ck_assert_int_eq(count_steps(&s, "mitigation_undone", steps[i]), 0);
	}
	ck_assert_int_eq(count_events(&s, "defence_ended"), 0);
	told_await_word(&s, "state", "calm");
	snprintf(text, sizeof(text), "it has ebbed and come back %d times", PULSES);
	ck_assert_int_le(told_events(&s, "state_changed", &last), 7);
	ck_assert_str_eq(json_string_value(json_object_get(last, "state")), "calm");
	ck_assert_str_eq(json_string_value(json_object_get(last, "again")), text);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(last, "sentence")), text));
	status = stage_status(&s);
	ck_assert_int_eq(stage_figure(last, "pulses"), PULSES);
	ck_assert_int_eq(stage_figure(status, "pulses"), PULSES);
	json_decref(status);
	json_decref(last);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		ck_assert_int_eq(count_steps(&s, "mitigation_undone", steps[i]), 1);
	stage_strike(&s);
}
END_TEST

/* What is advised against a flood of one source stops it. */
START_TEST(advice_against_a_concentrated_flood)
{
	struct flood *flood;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, "auto", SHORT);
	stage_prove(&s, STAGE_PORT);
	flood = flood_begin(&s, 1);
	told_await_word(&s, "kind", "concentrated");
	ck_assert_int_eq(stage_cli(&s, NULL, "deny", "add", "198.18.0.0"), SG_EXIT_OK);
	told_await_word(&s, "state", "calm");
	stage_connect_all(&s, STAGE_PORT, 20, 500);
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

/*
 * 12 to 25 SYN/s of one provider's /22, far below AttackRate: what tells is that nobody answers. As the
 * state is an attack, half-open connections live for seconds, and nothing comes and goes meanwhile.
 */
static const struct {
	int backlog, rate;
} slow_floods[] = { { 128, 12 }, { 511, 25 } };

static void expect_retries(struct stage *s, const char *number)
{
	_cleanup_free_ char *is = NULL;

	ok(lab_sysctl_get(s->lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", &is), "retries");
	ck_assert_str_eq(is, number);
}

static void await_heaviest(struct stage *s, const char *network)
{
	_cleanup_free_ char *output = NULL;
	bool is = false;
	json_t *root;
	int tries;

	for (tries = 0; tries < 200 && !is; tries++) {
		free(TAKE_PTR(output));
		ck_assert_int_eq(stage_cli(s, &output, "sources", "--json", NULL), SG_EXIT_OK);
		root = json_loads(output, 0, NULL);
		is = told_is(root, "heaviest", network);
		json_decref(root);
		usleep(100000);
	}
	ck_assert_msg(is, "%s is not the heaviest: %s", network, output);
}

START_TEST(slow_flood_of_one_network)
{
	struct clients_result clients;
	struct flood *flood;
	struct stage s;
	int second;

	stage_raise(&s, &(struct server_options){ .backlog = slow_floods[_i].backlog });
	stage_daemon_config(&s, "auto", SHORT);
	stage_prove(&s, STAGE_PORT);
	told_await_word(&s, "kind", "none");
	flood = STAGE_FLOOD(&s, .rate_per_sec = slow_floods[_i].rate, .sources = 1024);
	told_await_word(&s, "state", "attack");
	told_await_word(&s, "kind", "concentrated");
	told_says_in_words(&s, "status", NULL, "A slow SYN flood, ");
	told_says_in_words(&s, "status", NULL, "\"synguard sources --prefix\" names them");
	await_heaviest(&s, "198.18.0.0/22");
	told_says_in_words(&s, "sources", "--prefix", "198.18.0.0/22 sends ");
	expect_metric(&s, "synguard_attack", "concentrated");
	expect_retries(&s, "1");
	for (second = 0; second < 5; second++) {
		told_await_word(&s, "state", "attack");
		sleep(1);
	}
	ck_assert_int_eq(count_events(&s, "state_changed"), 1);
	ck_assert_int_eq(count_events(&s, "defence_ended"), 0);
	ok(clients_run(s.lab, LAB_CLIENT,
		       &(struct clients_options){
			       .port = STAGE_PORT, .rate_per_sec = 20, .duration_ms = 500 },
		       &clients),
	   "clients");
	ck_assert_uint_eq(clients.connected, clients.attempted);
	clients_result_done(&clients);
	stage_flood_end(flood);
	/* it takes a dozen seconds, whichever flood it was */
	if (!_i) {
		told_await_word(&s, "state", "calm");
		expect_retries(&s, "5");
	}
	stage_strike(&s);
}
END_TEST

/* ---- no attack ----------------------------------------------------------------------------- */

/* That the trouble of the one service is told in the same words by all. */
static void expect_trouble(struct stage *s, const char *word, const char *label, const char *remedy)
{
	_cleanup_free_ char *sentence = NULL;
	json_t *event, *status, *service, *rows, *row;
	char *output = NULL;

	told_await_word(s, "trouble", word);
	event = told_await(s, "trouble_began");
	ck_assert_str_eq(json_string_value(json_object_get(event, "trouble")), word);
	sentence = strdup(json_string_value(json_object_get(event, "text")));
	json_decref(event);
	ck_assert_msg(strstr(sentence, "which is no SYN flood"), "%s", sentence);
	ck_assert_msg(strstr(sentence, remedy), "\"%s\", without \"%s\"", sentence, remedy);

	status = stage_status(s);
	service = stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT);
	ck_assert(told_is(service, "trouble", word));
	told_says_in_words(s, "status", NULL, "No attack, but ");
	told_says_in_words(s, "status", NULL,
			   json_string_value(json_object_get(service, "trouble_text")));
	json_decref(status);
	expect_metric(s, "synguard_trouble", word);

	ck_assert_int_eq(stage_cli(s, &output, "listeners", "--json", NULL), SG_EXIT_OK);
	rows = json_loads(output, 0, NULL);
	row = json_array_get(rows, 0);
	ck_assert(told_is(row, "trouble", word));
	free(output);
	told_says_in_words(s, "listeners", NULL, label);
	told_says_in_words(s, "listeners", NULL, remedy);
	json_decref(rows);
}

static void expect_its_end(struct stage *s, const char *word)
{
	told_await_word(s, "trouble", "none");
	expect_event(s, "trouble_ended", "trouble", word);
	ck_assert_int_eq(count_events(s, "trouble_began"), 1);
	ck_assert_int_eq(count_events(s, "trouble_ended"), 1);
	expect_no_attack(s);
}

static struct clients *clients_begin(struct stage *s, unsigned int rate, unsigned int ms)
{
	const struct clients_options o = {
		.family = CLIENTS_V4,
		.port = STAGE_PORT,
		.rate_per_sec = rate,
		.duration_ms = ms,
		.reset_close = true,
	};
	struct clients *c;

	ck_assert_int_eq(clients_start(&c, s->lab, LAB_CLIENT, &o), 0);
	return c;
}

static void clients_all_connect(struct clients *c)
{
	struct clients_result result;

	ck_assert_int_eq(clients_wait(c, &result), 0);
	ck_assert_uint_gt(result.attempted, 0);
	ck_assert_uint_eq(result.connected, result.attempted);
	clients_result_done(&result);
	clients_free(c);
}

/* C2: many clients at once are a crowd; all of them connect. */
START_TEST(c2_crowd_of_clients)
{
	struct clients *c;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 4096 });
	stage_daemon_config(&s, "auto", STRICT);
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	clients_all_connect(clients_begin(&s, 20, 3000));
	told_await_word(&s, "trouble", "none");
	c = clients_begin(&s, 500, 8000);
	expect_trouble(&s, "flash_crowd", "flash crowd", "Nothing has to be changed");
	clients_all_connect(c);
	expect_its_end(&s, "flash_crowd");
	stage_strike(&s);
}
END_TEST

/* As the settings are by default, with a queue that is over half full again and again. */
START_TEST(burst_of_clients_is_no_attack)
{
	struct clients *c;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 16 });
	stage_daemon(&s, "auto");
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	clients_all_connect(clients_begin(&s, 10, 3000));
	c = clients_begin(&s, 1500, 4000);
	while (clients_running(c)) {
		expect_no_attack(&s);
		usleep(200000);
	}
	clients_free(c);
	expect_no_attack(&s);
	stage_strike(&s);
}
END_TEST

/* C3: an application that does not accept, whose clients repeat their SYNs. */
START_TEST(c3_application_does_not_accept)
{
	struct clients *c;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 16 });
	stage_daemon_config(&s, "auto", STRICT);
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	clients_all_connect(clients_begin(&s, 100, 3000));
	server_set_accepting(s.server, false);
	c = clients_begin(&s, 100, 6000);
	expect_trouble(&s, "slow_accept", "not accepting", "give it more threads or processes");
	while (clients_running(c)) {
		expect_no_attack(&s);
		usleep(200000);
	}
	clients_free(c);
	server_set_accepting(s.server, true);
	expect_its_end(&s, "slow_accept");
	stage_strike(&s);
}
END_TEST

/* ---- a backlog that is too small ----------------------------------------------------------- */

#define BURST	 30 /* clients at once, for a backlog of 8 */
#define EVERY_MS 60

struct bursts {
	struct stage *s;
	pthread_t thread;
	atomic_bool over;
};

/* Each time while the server is busy with something else for a moment. */
static void *bursts_run(void *arg)
{
	struct bursts *b = arg;
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(STAGE_PORT),
		.sin_addr = { htonl(0xc0000201) },
	};
	const struct linger hard = { .l_onoff = 1 };
	int fds[BURST], i;

	if (lab_enter(b->s->lab, LAB_CLIENT))
		return NULL;
	while (!atomic_load(&b->over)) {
		server_set_accepting(b->s->server, false);
		usleep(2000);
		for (i = 0; i < BURST; i++) {
			fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
			connect(fds[i], (const struct sockaddr *)&to, sizeof(to));
		}
		usleep(2000);
		server_set_accepting(b->s->server, true);
		usleep(EVERY_MS * 1000);
		for (i = 0; i < BURST; i++) {
			setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			close(fds[i]);
		}
	}
	return NULL;
}

/* C3: clients come in bursts that do not fit, and the application keeps up otherwise. */
START_TEST(c3_backlog_of_8)
{
	struct bursts b = { .s = NULL };
	struct stage s;
	int second;

	stage_raise(&s, &(struct server_options){ .backlog = 8 });
	stage_daemon_config(&s, "auto", STRICT);
	stage_prove_family(&s, AF_INET, STAGE_PORT);
	clients_all_connect(clients_begin(&s, 20, 2000));
	b.s = &s;
	ck_assert_int_eq(pthread_create(&b.thread, NULL, bursts_run, &b), 0);
	expect_trouble(&s, "small_backlog", "small backlog", "call listen() with ");
	told_says_in_words(&s, "status", NULL, "Its queues have room for 8, ");
	for (second = 0; second < 5; second++) {
		expect_no_attack(&s);
		sleep(1);
	}
	atomic_store(&b.over, true);
	pthread_join(b.thread, NULL);
	expect_its_end(&s, "small_backlog");
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(kind_of_a_flood, sizeof(floods) / sizeof(floods[0]), 60),
	SUITE_TEST(fw82_flood_in_pulses, 90),
	SUITE_TEST(advice_against_a_concentrated_flood, 60),
	SUITE_LOOP(slow_flood_of_one_network, ARRAY_SIZE(slow_floods), 60),
	SUITE_TEST(c2_crowd_of_clients, 60),
	SUITE_TEST(burst_of_clients_is_no_attack, 60),
	SUITE_TEST(c3_application_does_not_accept, 60),
	SUITE_TEST(c3_backlog_of_8, 60),
	{}
};
/* clang-format on */
