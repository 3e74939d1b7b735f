/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The windows of a challenged connection: what the challenge told of them is what the socket has,
 * and its first round trip is as long as it was (trap H5).
 */
#include "play.h"
#include "suite.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define KIB 1024UL
#define MIB (1024 * KIB)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const int families[] = { AF_INET, AF_INET6 };

/* ---- H5 ------------------------------------------------------------------------------------ */

static const struct {
	int rcvbuf;
	size_t chunk; /* fits into any window that such a listener gives */
	size_t bytes; /* as fast as it goes, each way */
} windows[] = {
	{ 0, 32 * KIB, 64 * MIB },
	{ 16 * KIB, 4 * KIB, 16 * MIB },
	{ 4 * MIB, 32 * KIB, 64 * MIB },
};

/* No window closes and nothing is dropped for want of room. */
static const char *const no_window[] = {
	"TcpExt.TCPToZeroWindowAdv", "TcpExt.TCPFromZeroWindowAdv", "TcpExt.TCPWantZeroWindowAdv",
	"TcpExt.TCPZeroWindowDrop",  "TcpExt.TCPRcvQDrop",	    "TcpExt.TCPOFODrop",
	"TcpExt.RcvPruned",	     "TcpExt.PruneCalled",	    NULL,
};

/*
 * The kernel rounds the first window down to a multiple of the MSS: with timestamps deducted when it
 * answers a SYN, without when it takes a cookie. So the two may differ by one segment.
 */
static void assert_same_window(uint32_t challenged, uint32_t plain, uint32_t mss)
{
	ck_assert_uint_gt(challenged + mss, plain);
	ck_assert_uint_lt(challenged, plain + mss);
}

static void assert_same_windows(const struct pair *plain, const struct pair *challenged)
{
	struct tcp_info client[] = { pair_info(plain->client), pair_info(challenged->client) };
	struct tcp_info server[] = { pair_info(plain->server), pair_info(challenged->server) };

	ck_assert(client[1].tcpi_options & TCPI_OPT_WSCALE);
	ck_assert_uint_eq(client[1].tcpi_snd_wscale, client[0].tcpi_snd_wscale);
	ck_assert_uint_eq(client[1].tcpi_rcv_wscale, client[0].tcpi_rcv_wscale);
	ck_assert_uint_eq(server[1].tcpi_snd_wscale, server[0].tcpi_snd_wscale);
	ck_assert_uint_eq(server[1].tcpi_rcv_wscale, server[0].tcpi_rcv_wscale);
	/* what one end was told is what the other one has */
	ck_assert_uint_eq(client[1].tcpi_snd_wscale, server[1].tcpi_rcv_wscale);
	ck_assert_uint_eq(client[1].tcpi_rcv_wscale, server[1].tcpi_snd_wscale);
	assert_same_window(client[1].tcpi_snd_wnd, client[0].tcpi_snd_wnd, client[1].tcpi_advmss);
	ck_assert_uint_eq(server[1].tcpi_snd_wnd, server[0].tcpi_snd_wnd);
}

static void bulk(struct stage *s, int listener, int family, size_t chunk, size_t bytes)
{
	struct pair plain = play_open(s, listener, family, "off");
	struct watch_service before = watch_service(s);
	struct pair challenged = play_open(s, listener, family, "always");
	struct watch w;

	assert_same_windows(&plain, &challenged);
	watch_begin(&w, s, no_window);
	pair_stream(challenged.client, challenged.server, 16 * MIB, chunk);
	pair_stream(challenged.server, challenged.client, 16 * MIB, chunk);
	watch_assert_still(&w);
	pair_bulk(&challenged, bytes);
	pair_close(&challenged);
	pair_close(&plain);
	watch_assert_defended(s, &before, 1);
}

START_TEST(h5_bulk)
{
	struct stage s;
	int listener, i;

	listener = play_raise(&s, &(struct pair_listener){ .rcvbuf = windows[_i].rcvbuf });
	for (i = 0; i < 2; i++)
		bulk(&s, listener, families[i], windows[_i].chunk, windows[_i].bytes);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* The challenge is what the kernel would have answered, but for its two numbers. */
static const struct pair_listener looks[] = {
	{ 0 },
	{ .rcvbuf = 16 * KIB },
	{ .rcvbuf = 4 * MIB },
	{ .maxseg = 1300 },
};

static void look(struct stage *s, int version)
{
	static const char *const modes[] = { "off", "always" };
	struct watch_service before = watch_service(s);
	struct frame_view seen[2];
	struct wire w;
	int i;

	for (i = 0; i < 2; i++) {
		stage_mode(s, modes[i]);
		wire_open(&w, s, version, 2000 + i);
		wire_send_syn(&w, NULL);
		wire_take_synack(&w);
		seen[i] = w.seen;
		wire_send(&w, FRAME_RST, NULL);
		wire_close(&w);
	}
	ck_assert_int_eq(watch_service(s).challenged, before.challenged + 1);
	assert_same_window(seen[1].window, seen[0].window, 1460);
	ck_assert_uint_eq(seen[1].mss, seen[0].mss);
	ck_assert_uint_eq(seen[1].wscale, seen[0].wscale);
	ck_assert_uint_eq(seen[1].flags, seen[0].flags);
	ck_assert_uint_eq(seen[1].ttl, seen[0].ttl);
	ck_assert_uint_eq(seen[1].tos, seen[0].tos);
	ck_assert_uint_eq(seen[1].frag_off, seen[0].frag_off);
	ck_assert_uint_eq(seen[1].option_count, seen[0].option_count);
	ck_assert_mem_eq(seen[1].option_order, seen[0].option_order, seen[0].option_count);
	ck_assert_uint_eq(seen[1].tsecr, WIRE_TSVAL);
}

START_TEST(h5_look)
{
	struct stage s;
	int listener;

	listener = play_raise(&s, &looks[_i]);
	look(&s, 4);
	look(&s, 6);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* A client's challenge, and the end that the server has of it, once it has answered. */
static void challenge_take(struct wire *w, struct stage *s, int version, uint16_t port)
{
	wire_open(w, s, version, port);
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	ck_assert(w->seen.has_wscale);
}

static void challenge_answer(struct wire *w, int listener, unsigned int promised)
{
	int fd;

	wire_send(w, FRAME_ACK, NULL);
	fd = pair_accept(listener, 5000);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(pair_info(fd).tcpi_rcv_wscale, promised);
	close(fd);
	wire_close(w);
}

/* What makes the host choose another scale: tcp_rmem, or the listener's SO_RCVBUF, either way. */
static const struct {
	const char *tcp_rmem;
	int rcvbuf;
} scales[] = {
	{ .tcp_rmem = "4096 131072 67108864" },
	{ .tcp_rmem = "4096 16384 65536" },
	{ .rcvbuf = 4 * KIB },
	{ .rcvbuf = 64 * MIB },
};

/* It changes between challenge and ACK: the promise stands. */
START_TEST(h5_promised_scale)
{
	int version = _i % 2 ? 6 : 4, listener;
	unsigned int first_scale, second_scale;
	struct wire first, second;
	struct stage s;

	listener = play_raise(&s, NULL);
	challenge_take(&first, &s, version, 2000);
	first_scale = first.seen.wscale;
	if (scales[_i / 2].tcp_rmem)
		ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_rmem",
						scales[_i / 2].tcp_rmem),
				 0);
	else
		ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE,
					    &scales[_i / 2].rcvbuf, sizeof(int)),
				 0);
	usleep(60000); /* SG_RECHECK_NS: the next SYN has the listener looked at */
	challenge_take(&second, &s, version, 2001);
	second_scale = second.seen.wscale;
	challenge_answer(&first, listener, first_scale);
	challenge_answer(&second, listener, second_scale);
	watch_assert_defended(&s, NULL, 2);
	close(listener);
	stage_strike(&s);
}
END_TEST

static const struct {
	useconds_t wait_usec; /* of the client, with its ACK */
	unsigned int least_ms, most_ms;
} round_trips[] = {
	/* two ticks of the coarse clock, and the way there and back */
	{ 0, 0, 50 },
	{ 300000, 290, 350 },
	{ 1800000, 1000, 1004 },
};

/*
 * The first round trip is measured by the challenge's timestamp, as with the kernel's own cookies: a
 * connection that took it for nothing would send its first answer again before the other end can
 * acknowledge it. What took longer was no round trip, but an ACK that was lost.
 */
START_TEST(h5_round_trip)
{
	int version = _i % 2 ? 6 : 4, listener, fd;
	uint64_t began_ns, late_usec;
	struct tcp_info info;
	struct stage s;
	struct wire w;

	listener = play_raise(&s, NULL);
	began_ns = clock_now_ns();
	challenge_take(&w, &s, version, 2000);
	usleep(round_trips[_i / 2].wait_usec);
	wire_send(&w, FRAME_ACK, NULL);
	/* on a busy machine the wait was longer, and so was the round trip */
	late_usec = (clock_now_ns() - began_ns) / 1000 - round_trips[_i / 2].wait_usec;
	fd = pair_accept(listener, 5000);
	ck_assert_int_ge(fd, 0);
	info = pair_info(fd);
	ck_assert_uint_ge(info.tcpi_rtt, round_trips[_i / 2].least_ms * 1000);
	ck_assert_uint_le(info.tcpi_rtt, round_trips[_i / 2].most_ms * 1000 + late_usec);
	ck_assert_uint_ge(info.tcpi_rto, info.tcpi_rtt + 200000);
	/* no data of the server's goes out a second time before that much has passed */
	ck_assert_uint_gt(info.tcpi_rto, round_trips[_i / 2].wait_usec);
	close(fd);
	wire_close(&w);
	watch_assert_defended(&s, NULL, 1);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(h5_bulk, ARRAY_SIZE(windows), 60),
	SUITE_LOOP(h5_look, ARRAY_SIZE(looks), 30),
	SUITE_LOOP(h5_promised_scale, 2 * ARRAY_SIZE(scales), 30),
	SUITE_LOOP(h5_round_trip, 2 * ARRAY_SIZE(round_trips), 30),
	{}
};
/* clang-format on */
