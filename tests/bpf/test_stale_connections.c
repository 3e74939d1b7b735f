/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client that comes back, from the same port, to a connection that it has forgotten and the
 * server has not: its host crashed, a NAT gave the port to somebody else, a reset was lost. Without
 * us the kernel finds out by the SYN (RFC 9293, 3.10.7.4; RFC 5961, 4). A SYN that is challenged
 * meets no socket, so its ACK has to. No newcomer may hang, and no living connection may be taken
 * for a stale one.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "synguard.skel.h"

#define FAR 0x20000000
/* Within the reach of the server's window and of the client's, which is scaled. */
#define NEAR	 100000
#define NEAR_ACK 5000000
#define MUCH	 400000 /* more than what either window of these connections spans */

/* The ACK of the newcomer, which has a valid cookie. */
static struct frame_spec newcomer_ack(struct prog *p, const struct frame_spec *syn, __u32 seq,
				      __u32 tsval)
{
	struct frame_spec again = connection_again(syn, seq, tsval);

	return prog_answer(p, &again);
}

static void assert_alive(const struct connection *c)
{
	char byte;

	ck_assert_int_eq(connection_info(c).tcpi_state, TCP_ESTABLISHED);
	ck_assert_int_eq(recv(c->fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void assert_reset(const struct connection *c)
{
	char byte;

	ck_assert_int_eq(recv(c->fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}

/* ---- the newcomer gets its connection ------------------------------------------------------ */

START_TEST(test_stale_gives_way)
{
	const struct frame_spec *syn = _i ? &client_linux6 : &client_linux4;
	int listener, fd;
	struct prog *p = connection_attached(&listener, 0);
	struct connection stale = connection_challenged(p, syn, listener);
	struct frame_spec ack = newcomer_ack(p, syn, CLIENT_ISN + FAR, CLIENT_TSVAL + 1000);

	ack.payload = "hello";
	ack.payload_bytes = 5;
	connection_deliver_past(p, &ack);
	fd = stack_accept(listener);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(recv(fd, (char[8]){ 0 }, 8, MSG_DONTWAIT), 5);
	assert_reset(&stale);
	stack_assert_no_reset();
}
END_TEST

/* Back at once, with a number near the old one's, or with a cookie near it. */
START_TEST(test_near_stale_gives_way)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection stale = connection_challenged(p, &client_linux4, listener);
	__u32 seq = stale.next.seq + (_i ? FAR : NEAR / 2);
	struct frame_spec ack;

	do
		ack = newcomer_ack(p, &client_linux4, seq++, CLIENT_TSVAL + 1000);
	while (_i && stale.next.ack - ack.ack > NEAR_ACK);
	connection_deliver_past(p, &ack);
	ck_assert_int_ge(stack_accept(listener), 0);
	assert_reset(&stale);
}
END_TEST

/* The client had closed its half, and the server's application has not noticed. */
START_TEST(test_half_closed_stale_gives_way)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection stale = connection_challenged(p, &client_linux4, listener);
	struct frame_spec fin = stale.next, ack;
	struct prog_frame f;

	fin.flags = FRAME_FIN | FRAME_ACK;
	f = prog_frame(&fin);
	prog_deliver(p, &f);
	usleep(100000); /* the kernel delays the ACK of a FIN */
	ck_assert_int_eq(connection_info(&stale).tcpi_state, TCP_CLOSE_WAIT);
	ack = newcomer_ack(p, &client_linux4, CLIENT_ISN + FAR, CLIENT_TSVAL + 1000);
	connection_deliver_past(p, &ack);
	ck_assert_int_ge(stack_accept(listener), 0);
	stack_assert_no_reset();
}
END_TEST

/* ---- the newcomer is turned away ----------------------------------------------------------- */

/* As the stack resets what is for no connection: RFC 9293, 3.10.7.1. */
static void assert_turned_away(struct prog *p, const struct frame_spec *ack, int listener,
			       const struct connection *living)
{
	struct frame_view reset;

	expect_delivery(p, ack, SG_V_TUPLE_IN_USE);
	reset = stack_view_sent();
	ck_assert_int_eq(reset.flags, FRAME_RST);
	ck_assert_uint_eq(reset.seq, ack->ack);
	ck_assert_int_eq(stack_accept(listener), -1);
	assert_alive(living);
}

/* Nothing tells which of the two is the older one. */
START_TEST(test_newcomer_without_timestamps)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_windows4, listener);
	struct frame_spec ack = newcomer_ack(p, &client_windows4, CLIENT_ISN + FAR, 0);

	assert_turned_away(p, &ack, listener, &c);
}
END_TEST

START_TEST(test_newcomer_of_another_kind)
{
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	const struct frame_spec *first = _i ? &client_windows4 : &client_linux4;
	const struct frame_spec *second = _i ? &client_linux4 : &client_windows4;
	struct connection c = connection_challenged(p, first, listener);
	struct frame_spec ack = newcomer_ack(p, second, CLIENT_ISN + FAR, CLIENT_TSVAL + 1000);

	assert_turned_away(p, &ack, listener, &c);
}
END_TEST

/* The ACK of an earlier connection, late: that one has ended, this one lives. */
START_TEST(test_late_ack_of_an_earlier_connection)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4 };
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec late = newcomer_ack(p, syns[_i], CLIENT_ISN - FAR, CLIENT_TSVAL - 1000);
	struct connection c = connection_challenged(p, syns[_i], listener);

	assert_turned_away(p, &late, listener, &c);
}
END_TEST

/* It cannot be answered to a challenge of ours: this timestamp was never sent. */
START_TEST(test_guessed_cookie)
{
	int listener, i;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);
	struct frame_spec ack =
		newcomer_ack(p, &client_linux4, CLIENT_ISN + FAR, CLIENT_TSVAL + 1000);

	for (i = 0; ack.options[i].bytes; i++)
		if (ack.options[i].b[0] == 8)
			ack.options[i].b[6] ^= 0x80; /* the highest bit of what it echoes */
	assert_turned_away(p, &ack, listener, &c);
}
END_TEST

/*
 * Nobody knows a cookie, but whoever sends 2^29 ACKs for a connection that is not his has one among
 * them. While ACKs that belong to nothing come in such number, no connection gives way.
 */
START_TEST(test_guesses_in_number)
{
	int listener, i;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);
	struct frame_spec ack =
		newcomer_ack(p, &client_linux4, CLIENT_ISN + FAR, CLIENT_TSVAL + 1000);
	struct frame_spec guess = ack, own = c.next;

	guess.ack ^= 0x100;
	own.seq += 10;
	p->control->ack_flood_rate = 2 * SG_ACK_SAMPLE;
	for (i = 0; i < 2 * SG_ACK_SAMPLE; i++)
		expect_verdict(p, SG_INGRESS, &own, SG_V_OTHER_ACK);
	ck_assert_uint_eq(p->skel->bss->ack_flood_until_ns, 0);
	for (i = 0; i < 2 * SG_ACK_SAMPLE; i++)
		expect_verdict(p, SG_INGRESS, &guess, SG_V_OTHER_ACK);
	ck_assert_uint_gt(p->skel->bss->ack_flood_until_ns, prog_now_ns());
	assert_turned_away(p, &ack, listener, &c);

	/* it is over */
	p->skel->bss->ack_flood_until_ns = 0;
	connection_deliver_past(p, &ack);
	assert_reset(&c);
}
END_TEST

/* ---- the connection's own packets ---------------------------------------------------------- */

/* Bytes both ways, each segment acknowledged. */
static void transfer(struct prog *p, struct connection *c, size_t bytes)
{
	char buffer[1400] = { 0 };
	struct prog_frame f;

	for (size_t done = 0; done < bytes; done += sizeof(buffer)) {
		c->next.flags = FRAME_ACK | FRAME_PSH;
		c->next.payload_bytes = sizeof(buffer);
		f = prog_frame(&c->next);
		prog_deliver(p, &f);
		c->next.seq += sizeof(buffer);
		ck_assert_int_eq(recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT), sizeof(buffer));
		ck_assert_int_eq(send(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT), sizeof(buffer));
		c->next.ack += sizeof(buffer);
	}
	c->next.payload_bytes = 0;
	f = prog_frame(&c->next);
	prog_deliver(p, &f);
	while (stack_sent(&f) && prog_view(&f).seq + sizeof(buffer) != c->next.ack)
		;
}

/* Traps H15: the ACK of the handshake once more, when the connection is far ahead. */
START_TEST(test_own_handshake_repeated)
{
	/* no window scales: what either end may have under way is soon behind */
	static const struct frame_spec stamped = {
		.seq = CLIENT_ISN,
		.options = { FRAME_MSS(1460), FRAME_NOP, FRAME_NOP, FRAME_TS(CLIENT_TSVAL, 0) },
	};
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, _i ? &stamped : &client_bare4, listener);
	struct frame_spec ack = c.next;

	expect_delivery(p, &ack, SG_V_ALREADY_CONNECTED);
	transfer(p, &c, MUCH);
	expect_delivery(p, &ack, SG_V_ALREADY_CONNECTED);
	stack_assert_no_reset();
	assert_alive(&c);
}
END_TEST

/* One packet in 2^29 looks like a cookie: what its connection may take is for the connection. */
START_TEST(test_numbers_in_the_windows)
{
	int listener, tries = 0;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);
	__u32 seq = c.next.seq - NEAR;
	struct frame_spec ack;

	do /* about a thousand times: a cookie is as good as random */
		ack = newcomer_ack(p, &client_linux4, seq++, CLIENT_TSVAL + 1000);
	while (c.next.ack - ack.ack > NEAR_ACK && tries++ < 2 * NEAR);
	ck_assert_uint_le(c.next.ack - ack.ack, NEAR_ACK);
	expect_delivery(p, &ack, SG_V_ALREADY_CONNECTED);
	stack_assert_no_reset();
	assert_alive(&c);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(test_stale_gives_way, 2, 10),
	SUITE_LOOP(test_near_stale_gives_way, 2, 20),
	SUITE_TEST(test_half_closed_stale_gives_way, 10),
	SUITE_TEST(test_newcomer_without_timestamps, 10),
	SUITE_LOOP(test_newcomer_of_another_kind, 2, 10),
	SUITE_LOOP(test_late_ack_of_an_earlier_connection, 3, 10),
	SUITE_TEST(test_guessed_cookie, 10),
	SUITE_TEST(test_guesses_in_number, 10),
	SUITE_LOOP(test_own_handshake_repeated, 2, 30),
	SUITE_TEST(test_numbers_in_the_windows, 20),
	{}
};
/* clang-format on */
