/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two packets of one connection in one batch of the driver's: tcx ingress sees both before the
 * stack has made a socket of the first.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.skel.h"

/* Two frames at once; all that the ingress program counts is then since prog_mark(). */
static void deliver_both(struct prog *p, const struct frame_spec *first,
			 const struct frame_spec *second)
{
	struct prog_frame a = prog_frame(first), b = prog_frame(second);
	struct xdp_md xdp = { .data_end = a.length + b.length, .ingress_ifindex = p->ifindex };
	__u8 both[2 * FRAME_ROOM];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = both, .data_size_in = a.length + b.length,
		    .ctx_in = &xdp, .ctx_size_in = sizeof(xdp), .repeat = 2,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	struct pair_bpf *pair = pair_bpf__open();

	ck_assert_ptr_nonnull(pair);
	pair->rodata->first_bytes = a.length;
	pair->rodata->second_bytes = b.length;
	ck_assert_int_eq(pair_bpf__load(pair), 0);
	memcpy(both, a.bytes, a.length);
	memcpy(both + a.length, b.bytes, b.length);
	prog_mark(p);
	ck_assert_int_eq(bpf_prog_test_run_opts(bpf_program__fd(pair->progs.pair), &run), 0);
	ck_assert_uint_eq(pair->bss->runs, 2);
	pair_bpf__destroy(pair);
}

static struct prog *defended(int *listener)
{
	struct prog *p = prog_new(stack_new());

	*listener = stack_listen();
	prog_defend(p, &client_linux4);
	prog_attach(p);
	return p;
}

static void assert_counted(struct prog *p, enum sg_verdict a, enum sg_verdict b, enum sg_verdict c)
{
	const enum sg_verdict each[] = { a, b, c };
	int i;

	prog_await(p, SG_INGRESS, 3);
	for (i = 0; i < 3; i++)
		ck_assert_msg(prog_counted(p, SG_INGRESS, each[i]) ==
				      (__u64)(a == each[i]) + (b == each[i]) + (c == each[i]),
			      "%s: %llu", prog_label(each[i]),
			      prog_counted(p, SG_INGRESS, each[i]));
	ck_assert_uint_eq(prog_counters(p, SG_INGRESS).packets, p->marked[SG_INGRESS].packets + 3);
}

static void assert_reads(int listener, const char *text)
{
	char buffer[64];
	int fd = stack_accept(listener);
	ssize_t bytes;

	ck_assert_int_ge(fd, 0);
	bytes = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	ck_assert_int_eq(bytes, (ssize_t)strlen(text));
	ck_assert_mem_eq(buffer, text, bytes);
	ck_assert_int_eq(stack_accept(listener), -1);
}

/* The answer of a client that comes back to a socket in TIME_WAIT. */
static struct frame_spec past_old_socket(struct prog *p, int listener)
{
	struct connection c = connection_challenged(p, &client_linux4, listener);
	struct frame_spec again = client_linux4;

	connection_end(p, &c);
	again.seq = c.next.seq + 100000;
	again.options[2] = (struct frame_option)FRAME_TS(CLIENT_TSVAL + 1000, 0);
	return prog_answer(p, &again);
}

/* Traps H17: the request right behind the ACK is what most clients send. */
START_TEST(test_ack_and_request)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec ack = prog_answer(p, &client_linux4), data = ack;

	data.payload = "hello";
	data.payload_bytes = 5;
	deliver_both(p, &ack, &data);
	assert_counted(p, SG_V_ACCEPTED, SG_V_REQUEUED, SG_V_ALREADY_CONNECTED);
	assert_reads(listener, "hello");
}
END_TEST

START_TEST(test_two_segments)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec first = prog_answer(p, &client_linux4), second;

	first.payload = "first ";
	first.payload_bytes = 6;
	second = first;
	second.seq += 6;
	second.payload = "second";
	deliver_both(p, &first, &second);
	assert_counted(p, SG_V_ACCEPTED, SG_V_REQUEUED, SG_V_OTHER_ACK);
	assert_reads(listener, "first second");
	stack_assert_no_reset();
}
END_TEST

/* Traps H12: the first segment clears the way, and the second must not overtake it. */
START_TEST(test_two_segments_past_an_old_socket)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec first = past_old_socket(p, listener), second;

	first.payload = "first ";
	first.payload_bytes = 6;
	second = first;
	second.seq += 6;
	second.payload = "second";
	deliver_both(p, &first, &second);
	prog_await(p, SG_INGRESS, 4);
	assert_reads(listener, "first second");
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_CLEARED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_REQUEUED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_ACCEPTED), 1);
	stack_assert_no_reset();
}
END_TEST

/* A client that connects and resets at once: the server must not keep what is left of it. */
START_TEST(test_reset_past_an_old_socket)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec ack = past_old_socket(p, listener), reset = ack;
	char byte;
	int fd;

	reset.flags = FRAME_RST | FRAME_ACK;
	deliver_both(p, &ack, &reset);
	prog_await(p, SG_INGRESS, 4);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_CLEARED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_REQUEUED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_ACCEPTED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_NOT_ACK), 1);
	fd = stack_accept(listener);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

/* Traps H15: one connection, and the count of what was promised stays that of what was established. */
START_TEST(test_duplicates)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec ack = prog_answer(p, &client_linux4);
	struct sg_tally tally;

	ack.payload = "hello";
	ack.payload_bytes = 5;
	deliver_both(p, &ack, &ack);
	assert_counted(p, SG_V_ACCEPTED, SG_V_REQUEUED, SG_V_ALREADY_CONNECTED);
	assert_reads(listener, "hello");
	tally = prog_tally(p, prog_service(p, &client_linux4));
	ck_assert_uint_eq(tally.accepted, 1);
	ck_assert_uint_eq(tally.established, 1);
}
END_TEST

/* The first is damaged, and the stack throws it away: the second must not go round for ever. */
START_TEST(test_second_after_a_damaged_first)
{
	int listener;
	struct prog *p = defended(&listener);
	struct frame_spec bad = prog_answer(p, &client_linux4), good = bad;

	bad.bad_tcp_checksum = true;
	good.payload = "hello";
	good.payload_bytes = 5;
	deliver_both(p, &bad, &good);
	assert_counted(p, SG_V_ACCEPTED, SG_V_REQUEUED, SG_V_ACCEPTED);
	assert_reads(listener, "hello");
}
END_TEST

/* Two clients: what one has been promised does not delay the other. */
START_TEST(test_two_clients)
{
	struct frame_spec syn = client_linux4, one, other;
	int listener;
	struct prog *p = defended(&listener);

	one = prog_answer(p, &syn);
	syn.sport = 40001;
	other = prog_answer(p, &syn);
	deliver_both(p, &one, &other);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_ACCEPTED), 2);
	ck_assert_uint_eq(prog_counters(p, SG_INGRESS).packets, p->marked[SG_INGRESS].packets + 2);
	ck_assert_int_ge(stack_accept(listener), 0);
	ck_assert_int_ge(stack_accept(listener), 0);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_ack_and_request, 10),
	SUITE_TEST(test_two_segments, 10),
	SUITE_TEST(test_two_segments_past_an_old_socket, 10),
	SUITE_TEST(test_reset_past_an_old_socket, 10),
	SUITE_TEST(test_duplicates, 10),
	SUITE_TEST(test_second_after_a_damaged_first, 10),
	SUITE_TEST(test_two_clients, 10),
	{}
};
/* clang-format on */
