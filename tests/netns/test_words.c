/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that are true: who passes, who has answered, whose queue is full, who answers in our place.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "pair.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "told.h"
#include "watch.h"

static json_int_t rate_of(struct stage *s, const char *key)
{
	json_t *status = stage_status(s);
	json_int_t rate = stage_figure(json_object_get(status, "rates"), key);

	json_decref(status);
	return rate;
}

static json_int_t of_service(struct stage *s, const char *key)
{
	json_t *status = stage_status(s);
	json_int_t n = stage_figure(stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT), key);

	json_decref(status);
	return n;
}

/* ---- who passes ---------------------------------------------------------------------------- */

/* Verified clients pass unchallenged, and are clients all the same. */
START_TEST(clients_that_pass_are_counted)
{
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 10, .duration_ms = 4000, .family = CLIENTS_V4
	};
	struct clients *clients;
	struct flood *flood;
	struct stage s;
	json_int_t most = 0, now;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, "auto", "[Detector]\nHoldSec=2s\n");
	stage_prove(&s, STAGE_PORT);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 8000);
	told_await_word(&s, "state", "attack");
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	while (clients_running(clients)) {
		now = rate_of(&s, "handshakes_per_second");
		most = now > most ? now : most;
		usleep(100000);
	}
	clients_free(clients);
	ck_assert_int_ge(most, 5);
	ck_assert_int_ge(of_service(&s, "handshakes"), 40);
	ck_assert_int_lt(of_service(&s, "established"), 30);
	told_says(&s, "metrics",
		  "\nsynguard_service_handshakes_total{listener=\"" LAB_SERVER_ADDR4 ":8080\"} ");
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

/* ---- health checks ------------------------------------------------------------------------- */

struct checks {
	struct stage *s;
	pthread_t thread;
	unsigned int per_sec;
	atomic_bool over;
	atomic_uint done;
};

/* As HAProxy does: the SYN-ACK is answered by RST,ACK, since nothing is acknowledged before. */
static void check_once(void)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(STAGE_PORT),
		.sin_addr = { htonl(0xc0000201) },
	};
	const struct linger hard = { .l_onoff = 1 };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int off = 0;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

static void *checks_run(void *arg)
{
	struct checks *c = arg;
	uint64_t began_ns = clock_now_ns();
	unsigned int n = 0;

	if (lab_enter(c->s->lab, LAB_CLIENT))
		return NULL;
	for (; !atomic_load(&c->over); usleep(1000))
		while (!atomic_load(&c->over) &&
		       n < (clock_now_ns() - began_ns) * c->per_sec / 1000000000) {
			check_once();
			atomic_store(&c->done, ++n);
		}
	return NULL;
}

static const struct {
	const char *mode;
	unsigned int per_sec;
} checked[] = { { "auto", 10 }, { "auto", 1200 }, { "always", 10 }, { "always", 1200 } };

/* Who only looks whether somebody answers has had his answer. */
START_TEST(health_checks_are_no_attack)
{
	struct checks c = { .per_sec = checked[_i].per_sec };
	json_t *last, *status;
	struct stage s;
	int i;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	stage_daemon_config(&s, checked[_i].mode, "[Detector]\nHoldSec=2s\n");
	stage_prove(&s, STAGE_PORT);
	c.s = &s;
	ck_assert_int_eq(pthread_create(&c.thread, NULL, checks_run, &c), 0);
	for (i = 0; i < 40; i++) {
		usleep(100000);
		status = stage_status(&s);
		ck_assert(told_is(status, "state", "calm"));
		json_decref(status);
	}
	/* what is told is of the last second, in which this machine may have done something else */
	for (i = 0; i < 100 && rate_of(&s, "syns_per_second") <= (json_int_t)c.per_sec / 4; i++)
		usleep(100000);
	ck_assert_int_lt(i, 100);
	told_says_in_words(&s, "listeners", NULL,
			   strcmp(checked[_i].mode, "auto") ? "defended" : "fine");
	atomic_store(&c.over, true);
	pthread_join(c.thread, NULL);
	ck_assert_uint_gt(atomic_load(&c.done), c.per_sec);
	ck_assert_int_eq(told_events(&s, "state_changed", &last), 0);
	json_decref(last);
	ck_assert_int_le(of_service(&s, "syn_queue"), 2);
	stage_strike(&s);
}
END_TEST

/* ---- half-open connections that have been answered ------------------------------------------ */

#define SILENT 40

START_TEST(answered_half_open_are_told)
{
	static const char *const engines[] = { "auto", "kernel" };
	json_t *view, *entry;
	int fds[SILENT], i;
	char config[64], *text;
	struct stage s;
	double oldest = 0;
	size_t at;

	snprintf(config, sizeof(config), "[Daemon]\nEngine=%s\n", engines[_i]);
	stage_raise(&s, &(struct server_options){ .backlog = 128, .defer_accept = 60 });
	stage_daemon_config(&s, "auto", config);
	for (i = 0; i < SILENT; i++) {
		fds[i] = pair_socket(&s, AF_INET, 0);
		ck_assert_int_eq(pair_connect(fds[i], AF_INET), 0);
	}
	usleep(2500000);
	ck_assert_int_eq(stage_cli(&s, &text, "halfopen", "--json", "--by=none"), SG_EXIT_OK);
	view = json_loads(text, 0, NULL);
	free(text);
	ck_assert_uint_eq(json_array_size(json_object_get(view, "entries")), SILENT);
	ck_assert_int_eq(stage_figure(view, "total"), SILENT);
	ck_assert_int_eq(stage_figure(view, "answered"), SILENT);
	json_array_foreach(json_object_get(view, "entries"), at, entry) {
		double age = json_number_value(json_object_get(entry, "age_seconds"));

		ck_assert(json_is_true(json_object_get(entry, "answered")));
		oldest = age > oldest ? age : oldest;
	}
	ck_assert_msg(oldest >= 2, "oldest: %f s", oldest);
	json_decref(view);
	told_says_in_words(&s, "halfopen", NULL, "Clients have answered 40 of them");
	told_says_in_words(&s, "states", NULL, "Many SYN_RECV that the clients have answered");
	for (i = 0; i < SILENT; i++)
		close(fds[i]);
	stage_strike(&s);
}
END_TEST

/* ---- a full queue -------------------------------------------------------------------------- */

/* Nothing runs that could walk the listeners: the half-open connections say it. */
START_TEST(full_queue_in_engine_kernel)
{
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 64 });
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "syncookies");
	stage_daemon_config(&s, "off", "[Daemon]\nEngine=kernel\n");
	told_says_in_words(&s, "listeners", NULL, "fine");
	STAGE_BURST(&s, .count = 400);
	told_says_in_words(&s, "listeners", NULL, "SYN queue full");
	stage_strike(&s);
}
END_TEST

/* ---- when tcp_syncookies is set ------------------------------------------------------------- */

#define SYNCOOKIES "net.ipv4.tcp_syncookies"

static void await_syncookies(struct stage *s, const char *value, const char *when)
{
	char *is = NULL;
	int tries;

	for (tries = 0; tries < 200; tries++) {
		free(is);
		ok(lab_sysctl_get(s->lab, LAB_SERVER, SYNCOOKIES, &is), SYNCOOKIES);
		if (!strcmp(is, value))
			break;
		usleep(100000);
	}
	ck_assert_msg(tries < 200, "%s: %s is %s", when, SYNCOOKIES, is);
	free(is);
}

/* It is so, and still is when the daemon has thought about it again. */
static void expect_syncookies(struct stage *s, const char *value, const char *when)
{
	await_syncookies(s, value, when);
	told_await_ticks(s, 2);
	await_syncookies(s, value, when);
}

static void end_of_the_daemon(struct stage *s)
{
	ok(lab_daemon_stop(s->daemon, 10000, NULL), "the end of the daemon");
	s->daemon = lab_daemon_free(s->daemon);
	await_syncookies(s, "0", "after the end");
}

/* These are README's words; the test below holds the daemon to them. */
static const char *const readme_says =
	"- `net.ipv4.tcp_syncookies` must not be 0: the kernel would reset the clients. synguard "
	"sets "
	"it to 1 from its start to its end (in the modes `auto` and `always`; with the engine "
	"`kernel` while an attack lasts); where it may not (`[Mitigation]`), it passes all SYNs "
	"and "
	"says so (`syncookies_off`).";

START_TEST(readme_on_syncookies)
{
	char path[512], text[65536] = "", *at, *to = text;
	FILE *readme;

	snprintf(path, sizeof(path), "%s/README.md", getenv("SG_SOURCE") ?: ".");
	readme = fopen(path, "r");
	ck_assert_ptr_nonnull(readme);
	ck_assert_uint_lt(fread(text, 1, sizeof(text) - 1, readme), sizeof(text) - 1);
	fclose(readme);
	/* however its lines are wrapped */
	for (at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
	for (at = text; *at; at++)
		if (*at != ' ' || at[1] != ' ')
			*to++ = *at;
	*to = 0;
	ck_assert_msg(strstr(text, readme_says), "README.md no longer says: %s", readme_says);
}
END_TEST

START_TEST(syncookies_as_the_readme_says)
{
	struct flood *flood;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 64 });
	ok(lab_sysctl_set(s.lab, LAB_SERVER, SYNCOOKIES, "0"), SYNCOOKIES);

	stage_daemon(&s, "auto");
	expect_syncookies(&s, "1", "auto, calm");
	stage_mode(&s, "observe");
	expect_syncookies(&s, "0", "observe");
	stage_mode(&s, "always");
	expect_syncookies(&s, "1", "always, calm");
	stage_mode(&s, "off");
	expect_syncookies(&s, "0", "off");
	stage_mode(&s, "auto");
	await_syncookies(&s, "1", "auto again");
	end_of_the_daemon(&s);

	stage_daemon_config(&s, "auto", "[Daemon]\nEngine=kernel\n[Detector]\nHoldSec=1s\n");
	expect_syncookies(&s, "0", "engine kernel, calm");
	flood = STAGE_FLOOD(&s, .rate_per_sec = 4000);
	told_await_word(&s, "state", "attack");
	expect_syncookies(&s, "1", "engine kernel, attack");
	stage_flood_end(flood);
	told_await_word(&s, "state", "calm");
	expect_syncookies(&s, "0", "engine kernel, after the attack");
	end_of_the_daemon(&s);

	stage_daemon_config(&s, "always", "[Mitigation]\nSyncookies=no\n");
	stage_prove(&s, STAGE_PORT);
	stage_connect_all(&s, STAGE_PORT, 20, 500);
	expect_syncookies(&s, "0", "where it may not");
	ck_assert_int_ge(watch_verdict(&s, "xdp", "syncookies_off"), 10);
	ck_assert_int_eq(watch_service(&s).challenged, 0);
	told_says_in_words(&s, "status", NULL, "syncookies_off: ");
	stage_strike(&s);
}
END_TEST

/* ---- SYNPROXY ------------------------------------------------------------------------------ */

static void nft(struct stage *s, const char *rules)
{
	const char *const argv[] = { "nft", rules, NULL };
	_cleanup_free_ char *output = NULL;

	ck_assert_msg(lab_run(s->lab, LAB_SERVER, argv, 5000, &output) == 0, "%s", output);
}

static const char *const synproxy =
	"table ip t {"
	"  chain raw { type filter hook prerouting priority raw;"
	"    iifname lab0 tcp dport 8080 tcp flags & (fin|syn|rst|ack) == syn notrack; };"
	"  chain in { type filter hook input priority filter;"
	"    tcp dport 8080 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp "
	"sack-perm;"
	"    tcp dport 8080 ct state invalid drop; };"
	"};";

static const char *const modes[] = { "auto", "always" };

/* It has a name, it is let alone, and whoever connects without us connects. */
START_TEST(synproxy_has_its_name)
{
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 20, .duration_ms = 2000, .family = CLIENTS_V4
	};
	struct clients_result result;
	struct flood *flood;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 128 });
	nft(&s, synproxy);
	/* conntrack would take the ACK for that of a connection; so its manual says */
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.netfilter.nf_conntrack_tcp_loose", "0"), "loose");
	stage_daemon_config(&s, modes[_i], "[Detector]\nHoldSec=2s\n");
	ok(clients_run(s.lab, LAB_CLIENT, &o, &result), "clients");
	ck_assert_uint_eq(result.connected, result.attempted);
	clients_result_done(&result);
	told_says_in_words(&s, "status", NULL,
			   "synproxy: SYNPROXY in this host's firewall answers");
	flood = STAGE_FLOOD(&s, .rate_per_sec = 4000);
	told_await_word(&s, "state", "attack");
	told_says_in_words(&s, "status", NULL,
			   "SYNPROXY of this host's firewall answers for 1 of them.");
	ok(clients_run(s.lab, LAB_CLIENT, &o, &result), "clients");
	ck_assert_uint_eq(result.connected, result.attempted);
	clients_result_done(&result);
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(clients_that_pass_are_counted, 60),
	SUITE_LOOP(health_checks_are_no_attack, ARRAY_SIZE(checked), 60),
	SUITE_LOOP(answered_half_open_are_told, 2, 60),
	SUITE_TEST(full_queue_in_engine_kernel, 60),
	SUITE_TEST(readme_on_syncookies, 5),
	SUITE_TEST(syncookies_as_the_readme_says, 60),
	SUITE_LOOP(synproxy_has_its_name, ARRAY_SIZE(modes), 60),
	{}
};
/* clang-format on */
