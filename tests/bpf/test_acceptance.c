/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole way of a connection, with neither client nor network: a SYN through XDP, the ACK that
 * answers its challenge as a live frame through tcx ingress, and accept() on a real listener.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"
#include "synguard.skel.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

#define HAS_TS	   TCPI_OPT_TIMESTAMPS
#define HAS_SACK   TCPI_OPT_SACK
#define HAS_WSCALE TCPI_OPT_WSCALE
#define HAS_ECN	   TCPI_OPT_ECN

static void assert_nobody_comes(int listener)
{
	ck_assert_int_eq(stack_accept(listener), -1);
}

static void assert_reads(const struct connection *c, const char *text)
{
	char buffer[256];
	ssize_t bytes = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	ck_assert_int_eq(bytes, (ssize_t)strlen(text));
	ck_assert_mem_eq(buffer, text, bytes);
}

/* clang-format off */
static const struct {
	const char *name;
	const char *listener;
	struct frame_spec syn;
	int options;
	int snd_wscale;
	int snd_mss; /* timestamps take 12 bytes of each segment */
} profiles[] = {
	{ "linux", STACK_SERVER4, { .seq = CLIENT_ISN,
		.options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 7, 1448 },
	{ "linux over ipv6", STACK_SERVER6, { .version = 6, .seq = CLIENT_ISN,
		.options = { FRAME_LINUX_SYN(1440, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 7, 1428 },
	{ "linux, dual-stack listener", "::", { .seq = CLIENT_ISN,
		.options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 7, 1448 },
	{ "windows", STACK_SERVER4, { .seq = CLIENT_ISN, .options = { FRAME_WINDOWS_SYN(1460) } },
		HAS_SACK | HAS_WSCALE, 8, 1440 },
	{ "windows over ipv6", STACK_SERVER6, { .version = 6, .seq = CLIENT_ISN,
		.options = { FRAME_WINDOWS_SYN(1440) } },
		HAS_SACK | HAS_WSCALE, 8, 1440 },
	{ "pppoe", "::", { .options = { FRAME_LINUX_SYN(1452, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 7, 1440 },
	{ "window scale 0", "::", { .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 0) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 0, 1448 },
	{ "window scale above 14", "::", { .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 15) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 14, 1448 },
	{ "no window scale", "::", { .options = { FRAME_MSS(1460), FRAME_SACK,
		FRAME_TS(CLIENT_TSVAL, 0) } }, HAS_TS | HAS_SACK, 0, 1448 },
	{ "timestamps alone", "::", { .options = { FRAME_TS(CLIENT_TSVAL, 0) } }, HAS_TS, 0, 524 },
	{ "ecn", "::", { .flags = FRAME_SYN | FRAME_ECE | FRAME_CWR,
		.options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE | HAS_ECN, 7, 1448 },
	{ "sequence number at the end", "::", { .seq = 0xffffffff,
		.options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
		HAS_TS | HAS_SACK | HAS_WSCALE, 7, 1448 },
	{ "nothing", "::", { .seq = CLIENT_ISN }, 0, 0, 536 },
};
/* clang-format on */

START_TEST(test_acceptance)
{
	const struct frame_spec *syn = &profiles[_i].syn;
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(.addr = profiles[_i].listener);
	struct sg_service *s = prog_defend(p, syn);
	struct frame_view challenge;
	struct connection c;
	struct tcp_info info;

	prog_attach(p);
	challenge = prog_view(expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED));
	c = connection_challenged(p, syn, listener);
	info = connection_info(&c);
	ck_assert_msg(info.tcpi_options == profiles[_i].options, "%s: options %x, expected %x",
		      profiles[_i].name, info.tcpi_options, profiles[_i].options);
	ck_assert_msg(info.tcpi_snd_wscale == profiles[_i].snd_wscale, "%s: their scale is %d",
		      profiles[_i].name, info.tcpi_snd_wscale);
	ck_assert_msg(info.tcpi_rcv_wscale == challenge.wscale, "%s: our scale is %d, promised %d",
		      profiles[_i].name, info.tcpi_rcv_wscale, challenge.wscale);
	ck_assert_msg(info.tcpi_snd_mss == profiles[_i].snd_mss, "%s: mss %d", profiles[_i].name,
		      info.tcpi_snd_mss);
	/* what was promised, or the client's first data might be thrown away */
	ck_assert_msg(connection_rcv_wnd(&c) >= challenge.window, "%s: window %u, promised %u",
		      profiles[_i].name, connection_rcv_wnd(&c), challenge.window);
	ck_assert_uint_eq(prog_tally(p, s).accepted, 1);
	ck_assert_uint_eq(prog_tally(p, s).established, 1);
	ck_assert_uint_eq(prog_tally(p, s).handshakes, 1);
	assert_nobody_comes(listener);
}
END_TEST

/* Traps H2: nothing that the socket tells of itself differs from a connection that we let be. */
START_TEST(test_as_without_a_challenge)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6 };
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct connection ours = connection_challenged(p, syns[i], listener), theirs;
		struct frame_spec syn = *syns[i];
		struct tcp_info a, b;

		syn.sport = 40001;
		theirs = connection_plain(p, &syn, listener);
		a = connection_info(&ours);
		b = connection_info(&theirs);
		ck_assert_int_eq(a.tcpi_options, b.tcpi_options);
		ck_assert_int_eq(a.tcpi_snd_wscale, b.tcpi_snd_wscale);
		ck_assert_int_eq(a.tcpi_rcv_wscale, b.tcpi_rcv_wscale);
		ck_assert_int_eq(a.tcpi_snd_mss, b.tcpi_snd_mss);
		ck_assert_int_eq(a.tcpi_advmss, b.tcpi_advmss);
		ck_assert_int_eq(a.tcpi_pmtu, b.tcpi_pmtu);
	}
}
END_TEST

/* Traps H6: no segment is longer than the listener's TCP_MAXSEG, whatever the client takes. */
START_TEST(test_maxseg)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(.maxseg = 1300);
	struct frame_spec syn = client_linux4;
	struct connection ours, theirs;

	prog_defend(p, &client_linux4);
	prog_attach(p);
	ours = connection_challenged(p, &client_linux4, listener);
	syn.sport = 40001;
	theirs = connection_plain(p, &syn, listener);
	ck_assert_int_eq(connection_info(&ours).tcpi_snd_mss, 1300 - 12);
	ck_assert_int_eq(connection_info(&theirs).tcpi_snd_mss, 1300 - 12);
}
END_TEST

/* The addresses that the application sees, of a client over IPv4 at a listener for both. */
START_TEST(test_mapped_peer)
{
	struct sockaddr_in6 peer;
	socklen_t bytes = sizeof(peer);
	struct sg_addr expected = frame_addr(STACK_CLIENT4);
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);

	ck_assert_int_eq(getpeername(c.fd, (struct sockaddr *)&peer, &bytes), 0);
	ck_assert_int_eq(peer.sin6_family, AF_INET6);
	ck_assert_int_eq(ntohs(peer.sin6_port), 40000);
	ck_assert_mem_eq(&peer.sin6_addr, &expected, 16);
}
END_TEST

/* The ACK was lost; the client's request brings the cookie. Traps H15. */
START_TEST(test_data_in_the_first_packet)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec ack = prog_answer(p, &client_linux4);
	struct connection c;

	ack.flags = FRAME_ACK | FRAME_PSH;
	ack.payload = "GET / HTTP/1.0";
	ack.payload_bytes = 14;
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	c.fd = stack_accept(listener);
	assert_reads(&c, "GET / HTTP/1.0");
}
END_TEST

/* Traps H3: what the server then sends goes on from the challenge, in sequence and in time. */
START_TEST(test_server_speaks)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);
	struct frame_view challenge = prog_view(&p->out), data;

	ck_assert_int_eq(send(c.fd, "220 ready", 9, 0), 9);
	data = stack_view_sent();
	ck_assert_uint_eq(data.seq, challenge.seq + 1);
	ck_assert_uint_eq(data.ack, CLIENT_ISN + 1);
	ck_assert_int_eq(data.payload_bytes, 9);
	ck_assert_int_ge((__s32)(data.tsval - challenge.tsval), 0);
	ck_assert_int_lt((__s32)(data.tsval - challenge.tsval), 2000);
	ck_assert_uint_eq(data.tsecr, CLIENT_TSVAL + 10);

	/* and it takes the client's answer, of data and of time */
	c.next.ack += 9;
	c.next.flags |= FRAME_PSH;
	c.next.payload = "HELO";
	c.next.payload_bytes = 4;
	c.next.options[2] = (struct frame_option)FRAME_TS(CLIENT_TSVAL + 20, data.tsval);
	expect_delivery(p, &c.next, SG_V_OTHER_ACK);
	assert_reads(&c, "HELO");
	ck_assert_int_eq(connection_info(&c).tcpi_unacked, 0);
}
END_TEST

/* Traps H15: one connection, however often its ACK comes. */
START_TEST(test_duplicate_ack)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);
	struct sg_service *s = prog_service(p, &client_linux4);

	expect_delivery(p, &c.next, SG_V_ALREADY_CONNECTED);
	expect_delivery(p, &c.next, SG_V_ALREADY_CONNECTED);
	c.next.payload = "hello";
	c.next.payload_bytes = 5;
	expect_delivery(p, &c.next, SG_V_ALREADY_CONNECTED);
	assert_reads(&c, "hello");
	assert_nobody_comes(listener);
	ck_assert_uint_eq(prog_tally(p, s).accepted, 1);
}
END_TEST

/* Traps H15: the second segment first. The listener's reset would end what has not begun. */
START_TEST(test_data_overtakes_the_ack)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec ack = prog_answer(p, &client_linux4), second = ack;
	struct connection c;

	ack.payload = "first ";
	ack.payload_bytes = 6;
	second.seq += 6;
	second.payload = "second";
	second.payload_bytes = 6;
	expect_delivery(p, &second, SG_V_EARLY_DATA);
	stack_assert_silent();
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	c.fd = stack_accept(listener);
	/* from now on it is the socket's, in whatever order */
	expect_delivery(p, &second, SG_V_OTHER_ACK);
	assert_reads(&c, "first second");
}
END_TEST

/* Traps H16: the answer to one service's challenge, sent to another. */
START_TEST(test_replay_to_another_port)
{
	struct frame_spec other = client_linux4, ack;
	int listener, other_listener;
	struct prog *p = connection_attached(&listener, 0);

	other.dport = 81;
	other_listener = stack_listen(.port = 81);
	prog_defend(p, &other);
	prog_answer(p, &other);
	ack = connection_challenged(p, &client_linux4, listener).next;
	ack.dport = 81;
	expect_delivery(p, &ack, SG_V_OTHER_ACK);
	assert_nobody_comes(other_listener);
}
END_TEST

/* Traps H4: what was promised while there was room is kept when there is room again. */
START_TEST(test_accepted_later)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(.backlog = 1);
	struct sg_service *s = prog_defend(p, &client_linux4);
	struct frame_spec ack = prog_answer(p, &client_linux4);

	prog_attach(p);
	stack_connect(listener, AF_INET);
	stack_connect(listener, AF_INET);
	expect_delivery(p, &ack, SG_V_ACCEPTED_LATER);
	stack_assert_silent();
	ck_assert_uint_eq(prog_tally(p, s).accepted, 0);
	stack_accept(listener);
	stack_accept(listener);
	assert_nobody_comes(listener);
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	ck_assert_int_ge(stack_accept(listener), 0);
	ck_assert_uint_eq(prog_tally(p, s).accepted, 1);
	ck_assert_uint_eq(prog_tally(p, s).established, 1);
}
END_TEST

/* Traps H20: options that were switched off between challenge and acceptance; nobody is reset. */
START_TEST(test_options_switched_off_meanwhile)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec ack = prog_answer(p, &client_linux4);
	struct frame_spec ack6 = prog_answer(p, &client_linux6);
	struct connection c;

	stack_sysctl("ipv4/tcp_sack", "0");
	stack_sysctl("ipv4/tcp_timestamps", "0");
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	c.fd = stack_accept(listener);
	ck_assert_int_ge(c.fd, 0);
	ck_assert_int_eq(connection_info(&c).tcpi_options, HAS_WSCALE);

	stack_sysctl("ipv4/tcp_window_scaling", "0");
	expect_delivery(p, &ack6, SG_V_ACCEPTED);
	c.fd = stack_accept(listener);
	ck_assert_int_ge(c.fd, 0);
	ck_assert_int_eq(connection_info(&c).tcpi_options, 0);
	stack_assert_no_reset();
}
END_TEST

/* Traps H20: with cookies off the kernel would reset, so the client is left to try again. */
START_TEST(test_cookies_switched_off_meanwhile)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec ack = prog_answer(p, &client_linux4);

	stack_sysctl("ipv4/tcp_syncookies", "0");
	expect_delivery(p, &ack, SG_V_DEFERRED);
	stack_assert_silent();
	stack_sysctl("ipv4/tcp_syncookies", "1");
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	ck_assert_int_ge(stack_accept(listener), 0);
}
END_TEST

/*
 * The first round trip is as long as it was, to two ticks of the coarse clock. Where another challenge has
 * taken the place in which the time was kept, it is 63 ms too long at most.
 */
START_TEST(test_first_round_trip)
{
	const struct frame_spec *syn = _i % 2 ? &client_linux6 : &client_linux4;
	const unsigned int tick_us = 10000, busy_us = 60000;
	unsigned int round_trip_us;
	__u64 sent_ns;
	const __u32 other = 0x55555555;
	struct connection c = {};
	struct prog *p;
	struct frame_spec ack;
	struct prog_frame f;
	struct tcp_info info;
	int listener;
	__u32 at;

	p = connection_attached(&listener, 0);
	ack = prog_answer(p, syn);
	sent_ns = prog_now_ns();
	for (at = 0; _i / 2 && at < 1 << 16; at++)
		ck_assert(!bpf_map_update_elem(bpf_map__fd(p->skel->maps.challenges_sent), &at,
					       &other, BPF_ANY));
	usleep(100000);
	round_trip_us = (prog_now_ns() - sent_ns) / 1000;
	f = prog_frame(&ack);
	prog_deliver(p, &f);
	c.fd = stack_accept(listener);
	ck_assert_int_ge(c.fd, 0);
	info = connection_info(&c);
	ck_assert_uint_le(info.tcpi_rtt, round_trip_us + tick_us + busy_us + _i / 2 * 64000);
	if (_i / 2 == 0)
		ck_assert_uint_ge(info.tcpi_rtt, round_trip_us - tick_us);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(test_acceptance, ROWS(profiles), 10),
	SUITE_LOOP(test_first_round_trip, 4, 10),
	SUITE_TEST(test_as_without_a_challenge, 10),
	SUITE_TEST(test_maxseg, 10),
	SUITE_TEST(test_mapped_peer, 10),
	SUITE_TEST(test_data_in_the_first_packet, 10),
	SUITE_TEST(test_server_speaks, 10),
	SUITE_TEST(test_duplicate_ack, 10),
	SUITE_TEST(test_data_overtakes_the_ack, 10),
	SUITE_TEST(test_replay_to_another_port, 10),
	SUITE_TEST(test_accepted_later, 10),
	SUITE_TEST(test_options_switched_off_meanwhile, 10),
	SUITE_TEST(test_cookies_switched_off_meanwhile, 10),
	{}
};
/* clang-format on */
