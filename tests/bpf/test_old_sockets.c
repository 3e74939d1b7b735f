/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a challenge that meets an older socket of its own four numbers, and handshakes of
 * the kernel's own on a service that is defended. None may hang, and nobody is reset.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Traps H12: the server closed first, and the client comes back from the same port. */
START_TEST(test_time_wait_gives_way)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4 };
	struct frame_spec again, ack;
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, syns[_i], listener);
	struct sg_tally before, after;

	connection_end(p, &c);
	before = prog_tally(p, prog_service(p, syns[_i]));
	again = connection_again(syns[_i], c.next.seq + 100000, CLIENT_TSVAL + 1000);
	ack = prog_answer(p, &again);
	connection_deliver_past(p, &ack);
	c.fd = stack_accept(listener);
	ck_assert_int_ge(c.fd, 0);
	after = prog_tally(p, prog_service(p, syns[_i]));
	ck_assert_uint_eq(after.accepted - before.accepted, 1);
	ck_assert_uint_eq(after.established - before.established, 1);
	stack_assert_silent();
}
END_TEST

/* The sequence number may be lower when the timestamp is newer, as the kernel has it. */
START_TEST(test_time_wait_by_timestamp)
{
	struct frame_spec again, ack;
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);

	connection_end(p, &c);
	again = connection_again(&client_linux4, CLIENT_ISN - 500, CLIENT_TSVAL + 1000);
	ack = prog_answer(p, &again);
	connection_deliver_past(p, &ack);
	ck_assert_int_ge(stack_accept(listener), 0);
}
END_TEST

/* Traps H21: no stale socket of a connection that has ended. */
START_TEST(test_replay_after_the_end)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4 };
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, syns[_i], listener);
	struct frame_spec ack = c.next;

	connection_end(p, &c);
	expect_delivery(p, &ack, SG_V_REPLAYED);
	ck_assert_int_eq(stack_accept(listener), -1);
	ack.payload_bytes = 100;
	expect_delivery(p, &ack, SG_V_REPLAYED);
	ck_assert_int_eq(stack_accept(listener), -1);
}
END_TEST

/* A SYN that the kernel itself would not let reopen the connection. */
START_TEST(test_older_syn_does_not_reopen)
{
	struct frame_spec again, ack;
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct connection c = connection_challenged(p, &client_linux4, listener);

	connection_end(p, &c);
	again = connection_again(&client_linux4, c.next.seq + 100000, CLIENT_TSVAL - 1000);
	ack = prog_answer(p, &again);
	expect_delivery(p, &ack, SG_V_REPLAYED);
	ck_assert_int_eq(stack_accept(listener), -1);
}
END_TEST

/* Traps H12 with H11: 64 times from one port, by challenge and by the kernel in turns. */
START_TEST(test_reconnects_from_one_port)
{
	int i, listener;
	struct prog *p = connection_attached(&listener, 0);

	for (i = 0; i < 64; i++) {
		__u32 seq = CLIENT_ISN + i * 100000, tsval = CLIENT_TSVAL + i * 100;
		struct frame_spec syn = connection_again(&client_linux4, seq, tsval), ack;
		struct connection c;

		if (i % 3 == 2) {
			c = connection_plain(p, &syn, listener);
		} else {
			ack = prog_answer(p, &syn);
			if (i == 0)
				expect_delivery(p, &ack, SG_V_ACCEPTED);
			else
				connection_deliver_past(p, &ack);
			c = (struct connection){ .fd = stack_accept(listener), .next = ack };
			ck_assert_int_ge(c.fd, 0);
		}
		connection_end(p, &c);
	}
}
END_TEST

/* Traps H11: the kernel's SYN-ACK was lost, and the SYN is challenged when it comes again. */
START_TEST(test_half_open_gives_way)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4 };
	struct prog_frame syn = prog_frame(syns[_i]);
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct frame_spec ack;

	prog_deliver(p, &syn);
	ck_assert_int_eq(stack_view_sent().flags, FRAME_SYN | FRAME_ACK);
	ack = prog_answer(p, syns[_i]);
	connection_deliver_past(p, &ack);
	ck_assert_int_ge(stack_accept(listener), 0);
	stack_assert_silent();
}
END_TEST

/* Traps H11, H17: a handshake that the kernel began goes on when the service is defended. */
START_TEST(test_handshake_of_the_kernel_goes_on)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_windows4 };
	struct prog_frame syn = prog_frame(syns[_i]), f;
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct sg_service *s = prog_service(p, &client_linux4);
	__u64 epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	struct frame_view synack;
	struct frame_spec ack;
	char buffer[8];
	int fd;

	prog_deliver(p, &syn);
	synack = stack_view_sent();
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	s->promised[(epoch - 1) & 1] = (epoch - 1) << 8 | 7; /* whichever the number's parity */

	ack = frame_answer(&synack, CLIENT_TSVAL + 10);
	ack.payload = "hello";
	ack.payload_bytes = 5;
	f = prog_frame(&ack);
	prog_deliver_expect(p, &f, SG_V_OTHER_ACK, __FILE__, __LINE__);
	fd = stack_accept(listener);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), 5);
}
END_TEST

/* The kernel answers with cookies of its own when a queue overflows before we are armed. */
START_TEST(test_cookie_of_the_kernel_goes_on)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4 };
	struct prog_frame syn = prog_frame(syns[_i]);
	int listener;
	struct prog *p = connection_attached(&listener, 0);
	struct sg_service *s = prog_service(p, syns[_i]);
	__u64 epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	struct frame_view synack;
	struct frame_spec ack;
	char buffer[8];
	int fd;

	stack_sysctl("ipv4/tcp_syncookies", "2");
	prog_deliver(p, &syn);
	synack = stack_view_sent();
	expect_verdict(p, SG_XDP, syns[_i], SG_V_CHALLENGED);
	s->promised[(epoch - 1) & 1] = (epoch - 1) << 8 | 7;

	ack = frame_answer(&synack, CLIENT_TSVAL + 10);
	/* as a client whose clock is that of a challenge's: the timestamp must not tell them apart */
	p->control->tsval_offset = synack.tsval - (__u32)(prog_now_ns() / 1000000);
	ack.payload = "hello";
	ack.payload_bytes = 5;
	expect_delivery(p, &ack, SG_V_OTHER_ACK);
	fd = stack_accept(listener);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), 5);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(test_time_wait_gives_way, 3, 10),
	SUITE_TEST(test_time_wait_by_timestamp, 10),
	SUITE_LOOP(test_replay_after_the_end, 3, 10),
	SUITE_TEST(test_older_syn_does_not_reopen, 10),
	SUITE_TEST(test_reconnects_from_one_port, 20),
	SUITE_LOOP(test_half_open_gives_way, 3, 10),
	SUITE_LOOP(test_handshake_of_the_kernel_goes_on, 2, 10),
	SUITE_LOOP(test_cookie_of_the_kernel_goes_on, 3, 10),
	{}
};
/* clang-format on */
