/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a challenged connection carries: segment sizes, options without timestamps, and data that
 * came with the SYN (traps H6, H7, H8).
 */
#include "play.h"
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KIB 1024UL
#define MIB (1024 * KIB)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const int families[] = { AF_INET, AF_INET6 };

static void client_sysctl(struct stage *s, const char *name, const char *value)
{
	ck_assert_int_eq(lab_sysctl_set(s->lab, LAB_CLIENT, name, value), 0);
}

/* ---- H6 ------------------------------------------------------------------------------------ */

/* What the server may send to the client, by family; 0: the SYN is not to be challenged. */
static const struct {
	unsigned int client_mtu, server_mtu;
	int maxseg;
	unsigned int mss[2];
} segments[] = {
	{ 1500, 1500, 0, { 1460, 1440 } },    { 1492, 1500, 0, { 1452, 1432 } }, /* PPPoE */
	{ 1400, 1500, 0, { 1360, 1340 } },					 /* tunnels */
	{ 1450, 1500, 0, { 1400, 1380 } },    { 9000, 1500, 0, { 1460, 1440 } },
	{ 9000, 9000, 0, { 8960, 8940 } },    { 1500, 9000, 0, { 1460, 1440 } },
	{ 1500, 1500, 1300, { 1300, 1300 } }, { 1500, 1500, 1250, { 1220, 1240 } },
	{ 1500, 1500, 1000, { 536, 0 } },     { 1500, 1500, 500, { 0, 0 } },
};

#define TIMESTAMP_BYTES 12

static void segments_compare(struct stage *s, int listener, int family, unsigned int expected)
{
	struct pair p = play_open(s, listener, family, "off");
	struct tcp_info client = pair_info(p.client), server = pair_info(p.server);
	struct watch_service before = watch_service(s);
	json_int_t low = watch_verdict(s, "xdp", "mss_low");
	unsigned int mss;

	pair_close(&p);
	p = play_open(s, listener, family, "always");
	mss = pair_info(p.server).tcpi_snd_mss + TIMESTAMP_BYTES;
	ck_assert_uint_le(mss, pair_info(p.client).tcpi_advmss + TIMESTAMP_BYTES);
	ck_assert_uint_le(mss, server.tcpi_snd_mss + TIMESTAMP_BYTES);
	if (expected)
		ck_assert_uint_eq(mss, expected);
	else
		ck_assert_uint_eq(mss, server.tcpi_snd_mss + TIMESTAMP_BYTES);
	/* what the client may send does not depend on a table */
	ck_assert_uint_eq(pair_info(p.client).tcpi_snd_mss, client.tcpi_snd_mss);
	pair_stream(p.server, p.client, 256 * KIB, 16 * KIB);
	pair_stream(p.client, p.server, 256 * KIB, 16 * KIB);
	pair_close(&p);
	watch_assert_defended(s, &before, expected ? 1 : 0);
	ck_assert_int_eq(watch_verdict(s, "xdp", "mss_low") - low, expected ? 0 : 1);
}

START_TEST(h6_mss)
{
	typeof(segments[0]) *row = &segments[_i];
	struct stage s;
	int listener, i;

	stage_raise(&s, NULL);
	ck_assert_int_eq(lab_link_set_mtu(s.lab, LAB_CLIENT, LAB_IFNAME, row->client_mtu), 0);
	ck_assert_int_eq(lab_link_set_mtu(s.lab, LAB_SERVER, LAB_IFNAME, row->server_mtu), 0);
	listener = pair_listen(&s, &(struct pair_listener){ .maxseg = row->maxseg });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	for (i = 0; i < 2; i++)
		segments_compare(&s, listener, families[i], row->mss[i]);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* A client that takes less than the kernel's acceptance can express is left to the kernel. */
START_TEST(h6_mss_low)
{
	int family = families[_i], listener, low = 500;
	struct stage s;
	struct pair p;

	listener = play_raise(&s, NULL);
	p.client = pair_socket(&s, family, 0);
	ck_assert_int_eq(setsockopt(p.client, IPPROTO_TCP, TCP_MAXSEG, &low, sizeof(low)), 0);
	ck_assert_int_eq(pair_connect(p.client, family), 0);
	p.server = pair_accept(listener, 5000);
	ck_assert_int_ge(p.server, 0);
	ck_assert_uint_le(pair_info(p.server).tcpi_snd_mss, 500);
	pair_talk(&p);
	pair_close(&p);
	watch_assert_defended(&s, NULL, 0);
	ck_assert_int_eq(watch_verdict(&s, "xdp", "mss_low"), 1);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- H7 ------------------------------------------------------------------------------------ */

/* tcp_rmem[2] decides what scale a client offers (tcp_select_initial_window()). */
static const struct {
	const char *rmem;
	bool kept;
} scales[] = {
	{ "4096 131072 8388608", true },   /* 8, as Windows */
	{ "4096 131072 6291456", false },  /* 7 */
	{ "4096 131072 16777216", false }, /* 9 */
};

static void without_timestamps(struct stage *s, int listener, int family, bool kept)
{
	struct pair plain = play_open(s, listener, family, "off");
	struct watch_service before = watch_service(s);
	struct pair p = play_open(s, listener, family, "always");
	struct tcp_info info[2], plain_info[2];
	unsigned int i;

	plain_info[0] = pair_info(plain.client);
	plain_info[1] = pair_info(plain.server);
	info[0] = pair_info(p.client);
	info[1] = pair_info(p.server);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(info[i].tcpi_options & TCPI_OPT_TIMESTAMPS, 0);
		ck_assert_uint_eq(!!(info[i].tcpi_options & TCPI_OPT_SACK), kept);
		ck_assert_uint_eq(!!(info[i].tcpi_options & TCPI_OPT_WSCALE), kept);
		if (!kept)
			continue;
		ck_assert_uint_eq(info[i].tcpi_snd_wscale, plain_info[i].tcpi_snd_wscale);
		ck_assert_uint_eq(info[i].tcpi_rcv_wscale, plain_info[i].tcpi_rcv_wscale);
	}
	ck_assert_uint_eq(kept ? info[0].tcpi_rcv_wscale : 8, 8);
	ck_assert_uint_eq(info[1].tcpi_snd_mss, 1440);
	pair_bulk(&p, 4 * MIB);
	pair_close(&p);
	pair_close(&plain);
	watch_assert_defended(s, &before, 1);
}

START_TEST(h7_no_timestamps)
{
	bool kept = scales[_i].kept;
	int listener, i;
	struct stage s;

	listener = play_raise(&s, NULL);
	client_sysctl(&s, "net.ipv4.tcp_timestamps", "0");
	client_sysctl(&s, "net.ipv4.tcp_rmem", scales[_i].rmem);
	for (i = 0; i < 2; i++)
		without_timestamps(&s, listener, families[i], kept);
	ck_assert_int_eq(watch_verdict(&s, "xdp", kept ? "challenged" : "challenged_plain"), 2);
	ck_assert_int_eq(watch_verdict(&s, "xdp", kept ? "challenged_plain" : "challenged"), 0);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* ---- H8 ------------------------------------------------------------------------------------ */

static void expect_word(int fd, const char *word)
{
	char buf[64] = "";

	ck_assert_int_eq(recv(fd, buf, strlen(word), MSG_WAITALL), strlen(word));
	ck_assert_str_eq(buf, word);
	usleep(50000); /* whatever might still come, had it been counted twice */
	ck_assert_int_lt(recv(fd, buf, 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(h8_data_on_syn)
{
	int listener, server;
	struct stage s;
	struct wire w;

	listener = play_raise(&s, NULL);
	wire_open(&w, &s, _i ? 6 : 4, 2000);
	wire_send_syn(&w, "early bird");
	wire_take_synack(&w); /* acknowledges the SYN and nothing of its data */
	ck_assert_uint_eq(w.seen.payload_bytes, 0);
	wire_send(&w, FRAME_ACK, NULL);
	server = pair_accept(listener, 5000);
	ck_assert_int_ge(server, 0);
	wire_send(&w, FRAME_ACK | FRAME_PSH, "early bird");
	expect_word(server, "early bird");
	close(server);
	wire_close(&w);
	watch_assert_defended(&s, NULL, 1);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* A cookie request, and data with a Fast Open cookie that the kernel gave before the defence. */
START_TEST(h8_fast_open)
{
	int family = families[_i], listener, server;
	static const char *const fast[] = { "TcpExt.TCPFastOpenPassive", NULL };
	struct watch_service before;
	struct watch w;
	struct stage s;
	struct pair p;

	stage_raise(&s, NULL);
	client_sysctl(&s, "net.ipv4.tcp_fastopen", "3");
	ck_assert_int_eq(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_fastopen", "3"), 0);
	listener = pair_listen(&s, &(struct pair_listener){ .fastopen = 16 });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	while ((server = pair_accept(listener, 100)) >= 0)
		close(server);

	before = watch_service(&s);
	p = pair_open_fast(&s, listener, family); /* asks for a cookie, gets a connection */
	pair_close(&p);
	watch_assert_defended(&s, &before, 1);

	stage_mode(&s, "off");
	watch_begin(&w, &s, fast);
	p = pair_open_fast(&s, listener, family); /* gets the cookie */
	pair_close(&p);
	p = pair_open_fast(&s, listener, family);
	pair_close(&p);
	ck_assert_uint_eq(watch_growth(&w, LAB_SERVER, fast[0]), 1);

	stage_mode(&s, "always");
	before = watch_service(&s);
	p = pair_open_fast(&s, listener, family);
	ck_assert_int_eq(pair_info(p.client).tcpi_options & TCPI_OPT_SYN_DATA, 0);
	pair_close(&p);
	watch_assert_defended(&s, &before, 1);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(h6_mss, ARRAY_SIZE(segments), 30),
	SUITE_LOOP(h6_mss_low, 2, 30),
	SUITE_LOOP(h7_no_timestamps, ARRAY_SIZE(scales), 30),
	SUITE_LOOP(h8_data_on_syn, 2, 30),
	SUITE_LOOP(h8_fast_open, 2, 30),
	{}
};
/* clang-format on */
