/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Challenged again and again, from the same port: timestamps that a client can live with, and old
 * sockets that are not in the way (traps H3, H12).
 */
#include "now.h"
#include "play.h"
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_ESTABLISHED 1 /* netinet/tcp.h, which linux/tcp.h excludes */

static const int families[] = { AF_INET, AF_INET6 };

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

	listener = play_raise(&s, NULL);
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

	listener = play_raise(&s, NULL);
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

	listener = play_raise(&s, NULL);
	ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_CLIENT, "net.ipv4.tcp_timestamps",
					timestamps ? "1" : "0"),
			 0);
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

/*
 * tcp_rfc1337: what is in TIME_WAIT obeys no reset. Its SYN is left to the kernel, which opens the
 * connection anew; all others are challenged.
 */
START_TEST(h12_rfc1337)
{
	int family = families[_i], listener, i;
	struct watch_service before, after;
	struct watch w;
	struct stage s;

	listener = play_raise(&s, NULL);
	ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_rfc1337", "1"), 0);
	usleep(100000); /* a defended service is looked at again after half of that */
	before = watch_service(&s);
	watch_begin(&w, &s, paws);
	for (i = 0; i < RECONNECTS; i++)
		greet_and_leave(&s, listener, family);
	watch_assert_still(&w);
	after = watch_service(&s);
	ck_assert_int_eq(after.challenged - before.challenged, 1);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "time_wait"), RECONNECTS - 1);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "tuple_in_use"), 0);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- stale_connections -------------------------------------------------------------------------------- */

/* Gone without a word, as when the host of the client has crashed. */
static void forget(int fd)
{
	const int one = 1;

	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)), 0);
	close(fd);
}

static void assert_was_reset(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(fd);
}

/*
 * The client comes back, from the same port, to a connection that it has forgotten: it gets a new
 * one whoever answers its SYN, and the server learns of the end of the old one.
 */
START_TEST(h12_stale)
{
	static const char *const modes[] = { "off", "always" };
	int family = families[_i % 2], listener;
	struct pair stale, p;
	struct stage s;

	listener = play_raise(&s, NULL);
	stale = pair_open(&s, listener, family, RECONNECT_PORT);
	pair_talk(&stale);
	forget(stale.client);
	stage_mode(&s, modes[_i / 2]);
	p = pair_open(&s, listener, family, RECONNECT_PORT);
	pair_talk(&p);
	assert_was_reset(stale.server);
	pair_close(&p);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "cleared"), _i / 2);
	close(listener);
	stage_strike(&s);
}
END_TEST

/*
 * Without timestamps nothing tells a stale socket from a connection that is alive. The client is reset at
 * once instead of waiting in vain, the old connection stays, and from another port all is well.
 */
START_TEST(h12_stale_or_not)
{
	int family = families[_i], listener, fd;
	struct pair old, p;
	struct stage s;

	listener = play_raise(&s, NULL);
	ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_CLIENT, "net.ipv4.tcp_timestamps", "0"), 0);
	old = pair_open(&s, listener, family, RECONNECT_PORT);
	pair_talk(&old);
	forget(old.client);
	fd = pair_socket(&s, family, RECONNECT_PORT);
	if (pair_connect(fd, family) == -ECONNRESET) /* before connect() has returned */
		close(fd);
	else
		assert_was_reset(fd);
	ck_assert_int_eq(pair_accept(listener, QUIET_MS), -1);
	ck_assert_int_eq(pair_info(old.server).tcpi_state, STATE_ESTABLISHED);
	p = pair_open(&s, listener, family, RECONNECT_PORT + 1);
	pair_talk(&p);
	pair_close(&p);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "cleared"), 0);
	ck_assert_int_eq(watch_verdict(&s, "ingress", "tuple_in_use"), 1);
	close(old.server);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(h3_reconnects, 2, 60),
	SUITE_LOOP(h3_timestamps, 2, 30),
	SUITE_LOOP(h12_time_wait, 6, 60),
	SUITE_LOOP(h12_rfc1337, 2, 60),
	SUITE_LOOP(h12_stale, 4, 30),
	SUITE_LOOP(h12_stale_or_not, 2, 30),
	{}
};
/* clang-format on */
