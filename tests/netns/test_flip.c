/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The defence going on and off in the middle of handshakes: whoever answered the SYN first, no
 * client loses its connection (trap H11).
 */
#include "play.h"
#include "suite.h"

#include <netinet/in.h>
#include <unistd.h>

#define FLIPS_SHORT 200
#define FLIPS_FULL  1000

#define STATE_SYN_RECV 3 /* netinet/tcp.h, which linux/tcp.h excludes */

static const char *const resets[] = {
	"Tcp.OutRsts", "Tcp.EstabResets", "Tcp.AttemptFails", "TcpExt.ListenDrops", NULL,
};

/* Flips for as long as clients come; returns how often. */
static int flip_meanwhile(struct stage *s, struct clients *clients)
{
	int flips = 0;

	do {
		stage_mode(s, "off");
		stage_mode(s, "always");
		flips += 2;
	} while (clients_running(clients));
	return flips;
}

START_TEST(h11_flips)
{
	int wanted = suite_full() ? FLIPS_FULL : FLIPS_SHORT, flips = 0;
	struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = 250,
		.duration_ms = 2000,
		.deadline_ms = 20000,
	};
	struct watch_service service;
	struct clients_result r;
	struct clients *clients;
	struct watch w;
	struct stage s;
	json_t *status;

	stage_raise(&s, &(struct server_options){ 0 });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	watch_begin(&w, &s, resets);
	while (flips < wanted) {
		ck_assert_int_eq(clients_start(&clients, s.lab, LAB_CLIENT, &o), 0);
		flips += flip_meanwhile(&s, clients);
		ck_assert_int_eq(clients_wait(clients, &r), 0);
		clients_free(clients);
		ck_assert_uint_eq(r.connected, r.attempted);
		clients_result_done(&r);
	}
	watch_assert_still(&w);

	status = stage_status(&s);
	stage_assert_accounted(status);
	ck_assert_int_gt(stage_verdict(status, "xdp", "challenged"), 0);
	ck_assert_int_gt(stage_verdict(status, "xdp", "mode_off"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "deferred"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "refused"), 0);
	json_decref(status);
	service = watch_service(&s);
	ck_assert_int_eq(service.accepted, service.established);
	ck_assert_int_ge(service.challenged, service.accepted);
	stage_strike(&s);
}
END_TEST

/* The kernel's SYN-ACK is lost, and the SYN that is sent again is challenged. */
static void syn_recv_left(struct stage *s, struct wire *w, int listener)
{
	uint32_t first;
	int fd;

	stage_mode(s, "off");
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	first = w->seen.seq;
	ck_assert_int_eq(lab_count_sockets(s->lab, LAB_SERVER, STATE_SYN_RECV, STAGE_PORT), 1);

	stage_mode(s, "always");
	wire_send_syn(w, NULL);
	do /* the kernel may repeat its own */
		wire_take_synack(w);
	while (w->seen.seq == first);
	wire_send(w, FRAME_ACK, NULL);
	fd = play_accept(listener);
	ck_assert_int_eq(lab_count_sockets(s->lab, LAB_SERVER, STATE_SYN_RECV, STAGE_PORT), 0);
	play_finish(w, fd);
}

START_TEST(h11_syn_recv_left)
{
	play(syn_recv_left, .cleared = 1);
}
END_TEST

/* The same, and the ACK is lost as well: the first that arrives is data. */
static void syn_recv_left_and_data(struct stage *s, struct wire *w, int listener)
{
	uint32_t first;
	int fd;

	stage_mode(s, "off");
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	first = w->seen.seq;
	stage_mode(s, "always");
	wire_send_syn(w, NULL);
	do
		wire_take_synack(w);
	while (w->seen.seq == first);
	wire_send(w, FRAME_ACK | FRAME_PSH, "data comes first");
	fd = play_accept(listener);
	play_expect_all(fd, "data comes first");
	play_finish(w, fd);
}

START_TEST(h11_syn_recv_left_and_data)
{
	play(syn_recv_left_and_data, .cleared = 1);
}
END_TEST

/* Both have answered, and the client takes the kernel's. */
static void kernel_answered_first(struct stage *s, struct wire *w, int listener)
{
	uint32_t ack, tsecr;
	int fd;

	stage_mode(s, "off");
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	ack = w->ack;
	tsecr = w->tsecr;
	stage_mode(s, "always");
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	w->ack = ack;
	w->tsecr = tsecr;
	wire_send(w, FRAME_ACK, NULL);
	fd = play_accept(listener);
	play_finish(w, fd);
}

START_TEST(h11_kernel_answered_first)
{
	play(kernel_answered_first, .accepted = FRAME_IS(0));
}
END_TEST

/* Challenged, and the defence is off when the ACK comes: what was promised is kept. */
static void cookie_left(struct stage *s, struct wire *w, int listener)
{
	int fd;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	stage_mode(s, "off");
	wire_send(w, FRAME_ACK, NULL);
	fd = play_accept(listener);
	play_finish(w, fd);
	stage_mode(s, "always");
}

START_TEST(h11_cookie_left)
{
	play(cookie_left);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h11_flips, 60, .full_seconds = 240),
	SUITE_TEST(h11_syn_recv_left, 60),
	SUITE_TEST(h11_syn_recv_left_and_data, 60),
	SUITE_TEST(h11_kernel_answered_first, 60),
	SUITE_TEST(h11_cookie_left, 60),
	{}
};
/* clang-format on */
