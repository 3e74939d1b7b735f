/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Challenged connections are as good as others: they go on being had however long the defence lasts,
 * and keep their options (traps H1, H2).
 */
#include "pair.h"
#include "suite.h"
#include "watch.h"
#include "wire.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- H1 ------------------------------------------------------------------------------------ */

#define SOAK_SHORT_MS 20000
#define SOAK_FULL_MS  330000 /* the kernel's own cookies would be refused after 120 s */
#define SOAK_RATE     40

static uint64_t epoch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec * 1000000000ULL + now.tv_nsec) >> SG_EPOCH_SHIFT;
}

/*
 * Clients that answer their challenges late: one in the epoch after, the other one two epochs
 * later. Waits for that, which takes up to 137 s.
 */
static void soak_late_answers(struct stage *s, int version)
{
	uint64_t epoch = epoch_now();
	struct wire soon, late;

	wire_open(&soon, s, version, 2001);
	wire_open(&late, s, version, 2002);
	wire_send_syn(&soon, NULL);
	wire_take_synack(&soon);
	wire_send_syn(&late, NULL);
	wire_take_synack(&late);

	while (epoch_now() == epoch)
		sleep(1);
	wire_drain(&soon, 0); /* the other clients' frames fill its socket */
	wire_send(&soon, FRAME_ACK, NULL);
	wire_send(&soon, FRAME_ACK | FRAME_PSH, "hello");
	wire_take_payload(&soon, "hello");
	wire_send(&soon, FRAME_RST, NULL);

	while (epoch_now() == epoch + 1)
		sleep(1);
	wire_drain(&late, 0);
	wire_send(&late, FRAME_ACK, NULL);
	ck_assert_msg(wire_drain(&late, 200), "a cookie two epochs old got no RST");
	wire_close(&soon);
	wire_close(&late);
}

START_TEST(h1_soak)
{
	struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = SOAK_RATE,
		.duration_ms = suite_full() ? SOAK_FULL_MS : SOAK_SHORT_MS,
		.deadline_ms = 10000,
	};
	uint64_t epoch = epoch_now();
	struct clients_result r;
	struct clients *clients;
	struct stage s;

	stage_raise(&s, &(struct server_options){ 0 });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	ck_assert_int_eq(clients_start(&clients, s.lab, LAB_CLIENT, &o), 0);
	if (suite_full()) {
		soak_late_answers(&s, 4);
		soak_late_answers(&s, 6);
	}
	ck_assert_int_eq(clients_wait(clients, &r), 0);
	clients_free(clients);
	ck_assert_uint_eq(r.attempted, SOAK_RATE * (o.duration_ms / 1000));
	ck_assert_uint_eq(r.connected, r.attempted);
	ck_assert_uint_eq(r.connected6, r.attempted / 2);
	ck_assert_msg(!suite_full() || epoch_now() - epoch >= 4, "a clock without epochs");
	watch_assert_defended(&s, NULL, r.attempted + (suite_full() ? 2 : 0));
	clients_result_done(&r);
	stage_strike(&s);
}
END_TEST

/* ---- H2 ------------------------------------------------------------------------------------ */

/* Sysctls that differ from the defaults; "tcp_sack" = "0". */
struct setting {
	int host;
	const char *name;
	const char *value;
};

static const struct options_case {
	const char *name;
	int listener; /* family, 0 = dual-stack */
	struct setting settings[3];
} options_cases[] = {
	{ "defaults" },
	{ "ECN offered", 0, { { LAB_CLIENT, "tcp_ecn", "1" } } },
	{ "ECN offered, not wanted",
	  0,
	  { { LAB_CLIENT, "tcp_ecn", "1" }, { LAB_SERVER, "tcp_ecn", "0" } } },
	{ "no SACK", 0, { { LAB_CLIENT, "tcp_sack", "0" } } },
	{ "SACK not wanted", 0, { { LAB_SERVER, "tcp_sack", "0" } } },
	{ "no scaling", 0, { { LAB_CLIENT, "tcp_window_scaling", "0" } } },
	{ "scaling not wanted", 0, { { LAB_SERVER, "tcp_window_scaling", "0" } } },
	{ "small client", 0, { { LAB_CLIENT, "tcp_rmem", "4096 16384 65535" } } },
	{ "large server", 0, { { LAB_SERVER, "tcp_rmem", "4096 131072 67108864" } } },
	{ "ECN, and a listener of one family", -1, { { LAB_CLIENT, "tcp_ecn", "1" } } },
};

static void settings_apply(struct stage *s, const struct setting *settings, size_t count)
{
	char name[64];
	size_t i;

	for (i = 0; i < count && settings[i].name; i++) {
		snprintf(name, sizeof(name), "net.ipv4.%s", settings[i].name);
		ck_assert_int_eq(lab_sysctl_set(s->lab, settings[i].host, name, settings[i].value),
				 0);
	}
}

static void assert_same(const char *name, const char *whose, const struct tcp_info *a,
			const struct tcp_info *b)
{
#define SAME(field)                                                                                \
	ck_assert_msg(a->field == b->field, "%s: %s of the %s is %u where challenged, else %u",    \
		      name, #field, whose, b->field, a->field)

	SAME(tcpi_options);
	SAME(tcpi_snd_wscale);
	SAME(tcpi_rcv_wscale);
	SAME(tcpi_snd_mss);
	SAME(tcpi_advmss);
	SAME(tcpi_pmtu);
#undef SAME
}

static void options_compare(struct stage *s, const struct options_case *c, int family)
{
	int listener =
		pair_listen(s, &(struct pair_listener){ .family = c->listener ? family : 0 });
	struct tcp_info client[2], server[2];
	static const char *const modes[] = { "off", "always" };
	struct watch_service before;
	struct pair p;
	int i;

	settings_apply(s, c->settings, 3);
	/* twice, so that what the daemon does once has been done */
	stage_mode(s, "always");
	stage_prove_family(s, family, STAGE_PORT);
	usleep(60000); /* SG_RECHECK_NS: the sysctls are looked at again */
	before = watch_service(s);
	for (i = 0; i < 2; i++) {
		stage_mode(s, modes[i]);
		p = pair_open(s, listener, family, 0);
		client[i] = pair_info(p.client);
		server[i] = pair_info(p.server);
		pair_talk(&p);
		pair_close(&p);
	}
	watch_assert_defended(s, &before, 1);
	assert_same(c->name, "client", &client[0], &client[1]);
	assert_same(c->name, "server", &server[0], &server[1]);
	close(listener);
}

START_TEST(h2_options_kept)
{
	const struct options_case *c = &options_cases[_i];
	struct stage s;

	stage_raise(&s, NULL);
	stage_daemon(&s, "always");
	options_compare(&s, c, AF_INET);
	options_compare(&s, c, AF_INET6);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h1_soak, 60, .full_seconds = 420),
	SUITE_LOOP(h2_options_kept, sizeof(options_cases) / sizeof(options_cases[0]), 30),
	{}
};
/* clang-format on */
