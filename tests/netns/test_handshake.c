/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Challenged connections are as good as others: they go on being accepted however long the defence
 * lasts, keep their options, and can be had again and again from the same port (traps H1, H2, H3,
 * H12).
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

static const int families[] = { AF_INET, AF_INET6 };

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
	const struct options_case *c = &options_cases[_i / 2];
	struct stage s;

	stage_raise(&s, NULL);
	stage_daemon(&s, "always");
	options_compare(&s, c, families[_i % 2]);
	stage_strike(&s);
}
END_TEST

/* ---- H3 ------------------------------------------------------------------------------------ */

#define RECONNECTS     64
#define RECONNECT_PORT 3000

static const char *const paws[] = {
	"TcpExt.PAWSActive",   "TcpExt.PAWSEstab",     "TcpExt.PAWSOldAck",
	"TcpExt.PAWSTimewait", "TcpExt.TSEcrRejected", "TcpExt.TCPSynRetrans",
	"TcpExt.TCPTimeouts",  "Tcp.RetransSegs",      NULL,
};

/* From one port, as quick as it goes; with flips, every other one is not challenged. */
static void reconnect(struct stage *s, int listener, int family, bool flips)
{
	struct watch_service before = watch_service(s);
	struct watch w;
	struct pair p;
	int i;

	watch_begin(&w, s, paws);
	for (i = 0; i < RECONNECTS; i++) {
		if (flips)
			stage_mode(s, i % 2 ? "off" : "always");
		p = pair_open(s, listener, family, RECONNECT_PORT);
		pair_talk(&p);
		pair_reset(&p);
	}
	stage_mode(s, "always");
	watch_assert_still(&w);
	watch_assert_defended(s, &before, flips ? RECONNECTS / 2 : RECONNECTS);
}

/*
 * The client closes first and takes its port again from TIME_WAIT, with the server's last timestamp
 * (tcp_twsk_unique()), whoever had answered then.
 */
static void reconnect_remembered(struct stage *s, int listener, int family)
{
	static const char *const reused[] = { "TcpExt.TWRecycled", NULL };
	static const char *const modes[] = { "always", "always", "off", "always" };
	struct pair pairs[RECONNECTS];
	struct watch w, recycled;
	useconds_t delay_usec = 1100000; /* Linux 6.14 lets it be set */
	int round, i;

	ck_assert_int_eq(lab_sysctl_set(s->lab, LAB_CLIENT, "net.ipv4.tcp_tw_reuse", "1"), 0);
	if (!lab_sysctl_set(s->lab, LAB_CLIENT, "net.ipv4.tcp_tw_reuse_delay", "300"))
		delay_usec = 400000;
	watch_begin(&w, s, paws);
	watch_begin(&recycled, s, reused);
	for (round = 0; round < 4; round++) {
		stage_mode(s, modes[round]);
		for (i = 0; i < RECONNECTS; i++) {
			pairs[i] = pair_open(s, listener, family, RECONNECT_PORT + 1 + i);
			pair_talk(&pairs[i]);
		}
		for (i = 0; i < RECONNECTS; i++)
			pair_close(&pairs[i]);
		if (round < 3)
			usleep(delay_usec);
	}
	ck_assert_uint_eq(watch_growth(&recycled, LAB_CLIENT, reused[0]), 3 * RECONNECTS);
	watch_assert_still(&w);
}

/* A clock that other clocks agree with: to within the rounding of challenges, and some patience. */
#define ROUNDING_MS 256
#define PATIENCE_MS 2000

static uint32_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void assert_ticks(const char *whose, uint32_t tsval, uint32_t before, uint32_t elapsed_ms)
{
	int32_t ticks = tsval - before;

	ck_assert_msg(ticks >= 0, "the timestamp of %s runs back by %d", whose, -ticks);
	ck_assert_msg(ticks <= (int32_t)elapsed_ms + ROUNDING_MS + PATIENCE_MS,
		      "the timestamp of %s is %d ahead", whose, ticks);
}

/* From challenge to challenge, and from the last one to the connection. */
START_TEST(h3_timestamps)
{
	uint32_t started = now_ms(), first = 0, last = 0;
	int version = _i ? 6 : 4, listener, fd, i;
	struct stage s;
	struct wire w;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	while ((fd = pair_accept(listener, 50)) >= 0)
		close(fd);
	wire_open(&w, &s, version, 2000);
	for (i = 0; i < 50; i++) {
		wire_send_syn(&w, NULL);
		wire_take_synack(&w);
		if (!i)
			first = last = w.seen.tsval;
		assert_ticks("a challenge", w.seen.tsval, last, now_ms() - started);
		last = w.seen.tsval;
		usleep(10000);
	}
	assert_ticks("all challenges", last, first, now_ms() - started);
	ck_assert_uint_gt(last - first, 500 - ROUNDING_MS - 1);

	started = now_ms();
	wire_send(&w, FRAME_ACK, NULL);
	fd = pair_accept(listener, 5000);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(send(fd, "hello", 5, MSG_NOSIGNAL), 5);
	wire_take_payload(&w, "hello");
	assert_ticks("the connection", w.seen.tsval, last, now_ms() - started);
	wire_send(&w, FRAME_RST, NULL);
	wire_close(&w);
	close(fd);
	close(listener);
	watch_assert_defended(&s, NULL, 1);
	stage_strike(&s);
}
END_TEST

START_TEST(h3_reconnects)
{
	int family = families[_i], listener;
	struct watch_service before;
	struct stage s;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	reconnect(&s, listener, family, false);
	reconnect(&s, listener, family, true);
	before = watch_service(&s);
	reconnect_remembered(&s, listener, family);
	watch_assert_defended(&s, &before, 3 * RECONNECTS);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- H12 ----------------------------------------------------------------------------------- */

/* The server speaks first and closes first: its socket of each connection is in TIME_WAIT. */
static void greet_and_leave(struct stage *s, int listener, int family)
{
	struct pair p = pair_open(s, listener, family, RECONNECT_PORT);
	char greeting[8] = "";

	ck_assert_int_eq(send(p.server, "welcome", 7, MSG_NOSIGNAL), 7);
	shutdown(p.server, SHUT_WR);
	ck_assert_int_eq(recv(p.client, greeting, 7, MSG_WAITALL), 7);
	ck_assert_str_eq(greeting, "welcome");
	pair_close_server_first(&p);
}

START_TEST(h12_time_wait)
{
	int family = families[_i % 2], listener, i;
	bool flips = _i / 2 == 1, timestamps = _i / 2 != 2;
	struct watch_service before, after;
	int challenged = flips ? RECONNECTS / 2 : RECONNECTS;
	struct watch w;
	struct stage s;

	stage_raise(&s, NULL);
	listener = pair_listen(&s, NULL);
	ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_CLIENT, "net.ipv4.tcp_timestamps",
					timestamps ? "1" : "0"),
			 0);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	watch_begin(&w, &s, paws);
	for (i = 0; i < RECONNECTS; i++) {
		if (flips)
			stage_mode(&s, i % 2 ? "always" : "off");
		greet_and_leave(&s, listener, family);
	}
	watch_assert_still(&w);
	watch_assert_defended(&s, &before, challenged);
	after = watch_service(&s);
	/* one SYN each, and the first connection found nobody in its way */
	ck_assert_int_eq(after.challenged - before.challenged, challenged);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "cleared"),
			 flips ? challenged : challenged - 1);
	close(listener);
	stage_strike(&s);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("handshake");

	SUITE_TEST(suite, h1_soak, suite_full() ? 420 : 60);
	SUITE_LOOP(suite, h2_options_kept, 2 * sizeof(options_cases) / sizeof(options_cases[0]),
		   30);
	SUITE_LOOP(suite, h3_reconnects, 2, 60);
	SUITE_LOOP(suite, h3_timestamps, 2, 30);
	SUITE_LOOP(suite, h12_time_wait, 6, 60);
	return suite_main(suite, argc, argv);
}
