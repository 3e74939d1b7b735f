/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of a handshake that are lost, repeated, reordered or late, by a client played by hand;
 * and a listener whose application does not accept (traps H4, H15, H21).
 */
#include "pair.h"
#include "play.h"
#include "suite.h"
#include "watch.h"
#include "wire.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const int families[] = { AF_INET, AF_INET6 };

#define STATE_TIME_WAIT 6 /* netinet/tcp.h, which linux/tcp.h excludes */

/* ---- H15 ----------------------------------------------------------------------------------- */

static void retransmitted_syn(struct stage *s, struct wire *w, int listener)
{
	int fd;
	uint32_t first;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	first = w->seen.seq;
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	/* but for the turn of an epoch it is the same number */
	if ((w->seen.seq & 4) == (first & 4))
		ck_assert_uint_eq(w->seen.seq, first);
	wire_send(w, FRAME_ACK, NULL);
	fd = play_accept(listener);
	play_finish(w, fd);
}

START_TEST(h15_retransmitted_syn)
{
	play(retransmitted_syn, .challenged = 2);
}
END_TEST

static void duplicate_ack(struct stage *s, struct wire *w, int listener)
{
	int fd, i;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	for (i = 0; i < 3; i++)
		wire_send(w, FRAME_ACK, NULL);
	fd = play_accept(listener);
	play_finish(w, fd);
}

START_TEST(h15_duplicate_ack)
{
	play(duplicate_ack);
}
END_TEST

/* The ACK is lost, and data is the first thing that arrives. */
static void data_first(struct stage *s, struct wire *w, int listener)
{
	int fd;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	wire_send(w, FRAME_ACK | FRAME_PSH, "data comes first");
	fd = play_accept(listener);
	play_expect_all(fd, "data comes first");
	play_finish(w, fd);
}

START_TEST(h15_data_first)
{
	play(data_first);
}
END_TEST

/* With a FIN, from a client that has said all. Its end closes, so TIME_WAIT is nobody's. */
static void data_and_fin_first(struct stage *s, struct wire *w, int listener)
{
	int fd;
	char byte;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	wire_send(w, FRAME_ACK | FRAME_PSH | FRAME_FIN, "all that I say");
	fd = play_accept(listener);
	play_expect(fd, "all that I say");
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	ck_assert_int_eq(send(fd, "well met", 8, MSG_NOSIGNAL), 8);
	close(fd);
	wire_take_payload(w, "well met");
	ck_assert(!wire_drain(w, QUIET_MS));
}

START_TEST(h15_data_and_fin_first)
{
	play(data_and_fin_first);
}
END_TEST

/* ACK and first segment are lost, the second one arrives: not for the listener to reset. */
static void second_segment_first(struct stage *s, struct wire *w, int listener)
{
	struct frame_spec first, second;
	int fd;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	first = wire_segment(w, FRAME_ACK | FRAME_PSH, "first and ");
	w->seq += first.payload_bytes;
	second = wire_segment(w, FRAME_ACK | FRAME_PSH, "second");
	w->seq += second.payload_bytes;

	wire_transmit(w, &second);
	ck_assert_msg(!wire_drain(w, QUIET_MS), "the client was reset");
	ck_assert_int_lt(pair_accept(listener, 0), 0);
	wire_transmit(w, &first);
	wire_transmit(w, &second);
	fd = play_accept(listener);
	usleep(50000);
	play_expect_all(fd, "first and second");
	wire_send(w, FRAME_ACK | FRAME_RST, NULL);
	close(fd);
}

START_TEST(h15_second_segment_first)
{
	play(second_segment_first, .early_data = 1);
}
END_TEST

/* ---- H21 ----------------------------------------------------------------------------------- */

static void replay(struct stage *s, struct wire *w, int listener)
{
	int before = lab_count_sockets(s->lab, LAB_SERVER, STATE_TIME_WAIT, STAGE_PORT), fd;
	struct frame_spec handshake;

	wire_send_syn(w, NULL);
	wire_take_synack(w);
	handshake = wire_segment(w, FRAME_ACK, NULL);
	wire_transmit(w, &handshake);
	fd = play_accept(listener);
	wire_send(w, FRAME_ACK | FRAME_PSH, "that is all");
	play_expect_all(fd, "that is all");
	close(fd);
	wire_take_fin(w);
	wire_send(w, FRAME_ACK | FRAME_FIN, NULL);
	while (lab_count_sockets(s->lab, LAB_SERVER, STATE_TIME_WAIT, STAGE_PORT) != before + 1)
		usleep(1000);
	ck_assert(!wire_drain(w, QUIET_MS));

	wire_transmit(w, &handshake);
	ck_assert_msg(!wire_drain(w, QUIET_MS), "a RST for an old ACK");
	ck_assert_msg(pair_accept(listener, QUIET_MS) < 0, "a connection out of an old ACK");
	ck_assert_int_eq(lab_count_sockets(s->lab, LAB_SERVER, STATE_TIME_WAIT, STAGE_PORT),
			 before + 1);
}

START_TEST(h21_replay)
{
	play(replay, .replayed = 1);
}
END_TEST

/* ---- H4 ------------------------------------------------------------------------------------ */

#define FULL_BACKLOG 3 /* sk_acceptq_is_full(): 4 connections */

static void fill(struct stage *s, int family, int clients[], int count)
{
	int i;

	for (i = 0; i < count; i++) {
		clients[i] = pair_socket(s, family, 0);
		ck_assert_int_eq(pair_connect(clients[i], family), 0);
	}
}

START_TEST(h4_accept_full)
{
	int family = families[_i], version = _i ? 6 : 4, clients[FULL_BACKLOG + 1], listener, fd, i;
	struct wire promised, refused;
	json_int_t challenged;
	struct stage s;

	listener = play_raise(&s, &(struct pair_listener){ .backlog = FULL_BACKLOG });

	/* what was promised before the queue was full is neither had nor reset */
	wire_open(&promised, &s, version, 2000);
	wire_send_syn(&promised, NULL);
	wire_take_synack(&promised);
	fill(&s, family, clients, FULL_BACKLOG + 1);
	watch_await_verdict(&s, "ingress", "accepted", FULL_BACKLOG + 1);
	challenged = watch_service(&s).challenged;
	wire_send(&promised, FRAME_ACK, NULL);
	watch_await_verdict(&s, "ingress", "accepted_later", 1);

	/* that told XDP, too: nobody else is promised anything from now on */
	wire_open(&refused, &s, version, 2001);
	wire_send_syn(&refused, NULL);
	ck_assert_msg(!wire_receive(&refused, QUIET_MS), "a full queue was promised a connection");
	ck_assert_int_eq(watch_verdict(&s, "xdp", "accept_full"), 1);
	ck_assert_int_eq(watch_service(&s).challenged, challenged);
	wire_send(&promised, FRAME_ACK | FRAME_PSH, "patience");
	watch_await_verdict(&s, "ingress", "accepted_later", 2);
	ck_assert_msg(!wire_drain(&promised, QUIET_MS), "what was promised was reset");

	/* when there is room, both come back by sending again */
	for (i = 0; i < FULL_BACKLOG + 1; i++) {
		close(pair_accept(listener, 1000));
		close(clients[i]);
	}
	usleep(60000); /* SG_RECHECK_NS */
	promised.seq = WIRE_ISN + 1;
	wire_send(&promised, FRAME_ACK | FRAME_PSH, "patience");
	fd = play_accept(listener);
	play_expect_all(fd, "patience");
	close(fd);
	wire_send_syn(&refused, NULL);
	wire_take_synack(&refused);
	wire_send(&refused, FRAME_ACK, NULL);
	close(play_accept(listener));
	ck_assert_int_eq(watch_verdict(&s, "ingress", "accepted"), FULL_BACKLOG + 3);
	ck_assert_int_eq(watch_service(&s).established, FULL_BACKLOG + 3);
	wire_close(&promised);
	wire_close(&refused);
	close(listener);
	stage_strike(&s);
}
END_TEST

/* Real clients at an application that wakes up late: all are served. */
START_TEST(h4_late_application)
{
	struct server_options o = { .backlog = FULL_BACKLOG, .not_accepting = true };
	struct clients_options many = {
		.port = STAGE_PORT,
		.rate_per_sec = 40,
		.duration_ms = 500,
		.deadline_ms = 20000,
	};
	struct clients_result r;
	struct clients *clients;
	struct stage s;
	json_t *status;

	stage_raise(&s, &o);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	ck_assert_int_eq(clients_start(&clients, s.lab, LAB_CLIENT, &many), 0);
	usleep(800000);
	server_set_accepting(s.server, true);
	ck_assert_int_eq(clients_wait(clients, &r), 0);
	clients_free(clients);
	ck_assert_uint_eq(r.attempted, 20);
	ck_assert_uint_eq(r.connected, r.attempted);

	status = stage_status(&s);
	stage_assert_accounted(status);
	ck_assert_int_ge(stage_verdict(status, "xdp", "accept_full"), 1);
	json_decref(status);
	ck_assert_int_eq(watch_service(&s).accepted, r.attempted);
	ck_assert_int_eq(watch_service(&s).established, r.attempted);
	clients_result_done(&r);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h15_retransmitted_syn, 60),
	SUITE_TEST(h15_duplicate_ack, 60),
	SUITE_TEST(h15_data_first, 60),
	SUITE_TEST(h15_data_and_fin_first, 60),
	SUITE_TEST(h15_second_segment_first, 60),
	SUITE_TEST(h21_replay, 60),
	SUITE_LOOP(h4_accept_full, 2, 30),
	SUITE_TEST(h4_late_application, 40),
	{}
};
/* clang-format on */
