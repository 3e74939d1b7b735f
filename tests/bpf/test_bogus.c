/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods of ACKs: when they are taken for one, what XDP then drops, and what it never does: an ACK
 * of a socket, an ACK with a cookie, the data right behind it, and whatever it cannot be sure of.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <unistd.h>

#include "synguard.skel.h"

#define RATE 1000
#define MANY (64 * SG_ACK_SAMPLE) /* at least one window sees enough of them for a flood */

static const struct frame_spec bogus4 = { .flags = FRAME_ACK, .seq = 1, .ack = 77 };
static const struct frame_spec bogus6 = { .version = 6, .flags = FRAME_ACK, .seq = 1, .ack = 77 };

static struct prog *in_a_flood(int *listener)
{
	struct prog *p = prog_new(stack_new());

	*listener = stack_listen();
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	p->control->mode = SG_MODE_ALWAYS;
	p->skel->bss->ack_flood_until_ns = prog_now_ns() + 3600000000000ULL;
	return p;
}

static void expect_both(struct prog *p, enum sg_verdict verdict)
{
	expect_verdict(p, SG_XDP, &bogus4, verdict);
	expect_verdict(p, SG_XDP, &bogus6, verdict);
}

START_TEST(bogus_is_dropped)
{
	struct frame_spec ack = bogus4;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	expect_both(p, SG_V_BOGUS_ACK);
	ack.payload_bytes = 100;
	expect_verdict(p, SG_XDP, &ack, SG_V_BOGUS_ACK);
	ack.flags = FRAME_ACK | FRAME_FIN;
	expect_verdict(p, SG_XDP, &ack, SG_V_BOGUS_ACK);
	p->skel->bss->ack_flood_until_ns = prog_now_ns() - 100000000;
	expect_both(p, SG_V_NOT_SYN);
	p->skel->bss->ack_flood_until_ns = 0;
	expect_both(p, SG_V_NOT_SYN);
}
END_TEST

START_TEST(bogus_or_something_else)
{
	struct frame_spec ack;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	ack = bogus4;
	ack.flags = FRAME_RST | FRAME_ACK;
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	ack = bogus4;
	ack.dport = 81;
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	ack = bogus4;
	ack.dst = "203.0.113.99";
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	ack = bogus4;
	ack.tags[0].vid = 7;
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	p->control->mode = SG_MODE_OBSERVE;
	expect_both(p, SG_V_NOT_SYN);
	p->control->mode = SG_MODE_AUTO;
	p->control->heartbeat_ns = prog_now_ns() - 2 * SG_HEARTBEAT_LOST_NS;
	expect_both(p, SG_V_NOT_SYN);
	p->control->heartbeat_ns = prog_now_ns();
	expect_both(p, SG_V_BOGUS_ACK);
	/* nobody listens any more: the stack's answer is the right one */
	close(fd);
	usleep(60000);
	expect_both(p, SG_V_NOT_SYN);
}
END_TEST

/* Where another host, NAT or another device may have the connections. */
START_TEST(bogus_of_a_doubtful_service)
{
	struct prog *p;
	struct sg_service *s;
	int fd;

	p = in_a_flood(&fd);
	s = prog_service(p, &bogus4);
	expect_verdict(p, SG_XDP, &bogus4, SG_V_BOGUS_ACK);

	s->forwarded_until_ns = prog_now_ns() + 1000000000;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
	s->forwarded_until_ns = 0;
	s->blocked_until_ns = prog_now_ns() + 1000000000;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
	s->blocked_until_ns = 0;
	s->proven_at_ns = 0;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
	s->proven_at_ns = 1;
	s->bound_elsewhere = 1;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
	s->bound_elsewhere = 0;
	s->vlan = SG_VLAN_PRESENT | 7;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
	s->vlan = 0;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_BOGUS_ACK);

	/* what an old look said is not relied on */
	prog_remove_local(p, &bogus4);
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &bogus4, SG_V_NOT_SYN);
}
END_TEST

/* Data right behind the ACK of a challenge has no socket yet. */
START_TEST(bogus_or_a_cookie)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4,
					    &client_bare4 };
	struct prog *p;
	unsigned int i;
	int fd;

	p = in_a_flood(&fd);
	for (i = 0; i < 4; i++) {
		struct frame_spec syn = *syns[i], ack, data;

		syn.sport = 41000 + i;
		ack = prog_answer(p, &syn);
		data = ack;
		data.seq += 100;
		data.payload_bytes = 100;
		expect_verdict(p, SG_XDP, &data, SG_V_BOGUS_ACK);
		expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
		expect_verdict(p, SG_XDP, &data, SG_V_NOT_SYN);
		data.sport = 42000;
		expect_verdict(p, SG_XDP, &data, SG_V_BOGUS_ACK);
		ack.ack++;
		ack.sport = 42001;
		expect_verdict(p, SG_XDP, &ack, SG_V_BOGUS_ACK);
	}
}
END_TEST

START_TEST(bogus_or_a_cookie_of_the_kernel)
{
	struct frame_view synack;
	struct frame_spec ack, data;
	struct prog_frame f;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	stack_sysctl("ipv4/tcp_syncookies", "2");
	f = prog_frame(&client_linux4);
	prog_deliver(p, &f);
	synack = stack_view_sent();
	ack = frame_answer(&synack, CLIENT_TSVAL + 10);
	data = ack;
	data.seq += 100;
	data.payload_bytes = 100;
	expect_verdict(p, SG_XDP, &data, SG_V_BOGUS_ACK);
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	expect_verdict(p, SG_XDP, &data, SG_V_NOT_SYN);
}
END_TEST

/* Half-open, established, being closed, in TIME_WAIT: whatever number the packet has. */
START_TEST(bogus_or_of_a_socket)
{
	struct frame_spec syn = client_linux4, ack;
	struct connection c;
	struct frame_view synack;
	struct prog_frame f;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	f = prog_frame(&syn);
	prog_deliver(p, &f);
	synack = stack_view_sent();
	ack = frame_answer(&synack, CLIENT_TSVAL + 10);
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	ack.ack += 1000;
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	ack.ack -= 1000;
	f = prog_frame(&ack);
	prog_deliver(p, &f);
	c = (struct connection){ .fd = stack_accept(fd), .next = ack };
	ck_assert_int_ge(c.fd, 0);
	expect_verdict(p, SG_XDP, &c.next, SG_V_NOT_SYN);
	ack.seq += 1000000;
	ack.payload_bytes = 1000;
	expect_verdict(p, SG_XDP, &ack, SG_V_NOT_SYN);
	connection_end(p, &c);
	expect_verdict(p, SG_XDP, &c.next, SG_V_NOT_SYN);
}
END_TEST

static bool is_flood(struct prog *p, const struct frame_spec *ack)
{
	struct prog_frame f = prog_frame(ack);
	int i;

	p->skel->bss->ack_flood_until_ns = 0;
	p->skel->bss->ack_flood_count = 0;
	for (i = 0; i < MANY; i++)
		prog_run(p, SG_INGRESS, &f);
	return p->skel->bss->ack_flood_until_ns > prog_now_ns();
}

START_TEST(bogus_in_number_is_a_flood)
{
	struct frame_view synack;
	struct frame_spec ack;
	struct prog_frame f;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	ck_assert(!is_flood(p, &bogus4));
	p->control->ack_flood_rate = 1u << 20;
	ck_assert(!is_flood(p, &bogus4));
	p->control->ack_flood_rate = RATE;
	ck_assert(is_flood(p, &bogus4));
	ck_assert(is_flood(p, &bogus6));
	ack = bogus4;
	ack.dport = 81;
	ck_assert(!is_flood(p, &ack));
	/* real ones, in whatever number */
	ack = prog_answer(p, &client_linux4);
	ck_assert(!is_flood(p, &ack));
	f = prog_frame(&client_linux4);
	prog_deliver(p, &f);
	synack = stack_view_sent();
	ack = frame_answer(&synack, CLIENT_TSVAL + 10);
	ck_assert(!is_flood(p, &ack));
}
END_TEST

static __u64 counted(struct prog *p, enum sg_program program, const struct frame_spec *ack)
{
	struct prog_frame f = prog_frame(ack);
	__u64 before = p->skel->bss->bogus_acks;
	int i;

	for (i = 0; i < MANY; i++)
		prog_run(p, program, &f);
	return p->skel->bss->bogus_acks - before;
}

/* Whichever program sees them, and whether they are dropped or not; in mode off nobody looks. */
START_TEST(bogus_is_counted)
{
	struct frame_spec ack;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	p->control->ack_flood_rate = 0;
	ck_assert_uint_eq(counted(p, SG_INGRESS, &bogus4), MANY);
	p->answers = true;
	ck_assert_uint_eq(counted(p, SG_INGRESS, &bogus6), MANY);
	p->answers = false;
	p->alone = true;
	ck_assert_uint_eq(counted(p, SG_INGRESS, &bogus4), MANY);
	p->alone = false;
	/* of what XDP drops each is looked at, and one in sixteen by chance counts */
	ck_assert_uint_gt(counted(p, SG_XDP, &bogus4), MANY / 2);
	ck_assert_uint_lt(counted(p, SG_XDP, &bogus4), MANY * 2);
	ack = prog_answer(p, &client_linux4);
	ck_assert_uint_eq(counted(p, SG_INGRESS, &ack), 0);
	ck_assert_uint_eq(counted(p, SG_XDP, &ack), 0);
	p->control->mode = SG_MODE_OFF;
	ck_assert_uint_eq(counted(p, SG_INGRESS, &bogus4), 0);
	ck_assert_uint_eq(counted(p, SG_XDP, &bogus4), 0);
}
END_TEST

/* Whom the administrator allows is passed whatever he sends, and hears of a connection that went. */
START_TEST(bogus_of_an_allowed_source)
{
	struct frame_spec neighbour = bogus4;
	struct prog *p;
	int fd;

	p = in_a_flood(&fd);
	prog_list(p, &bogus4, 128, true);
	prog_list(p, &bogus6, 128, true);
	expect_both(p, SG_V_NOT_SYN);
	neighbour.src = "198.51.100.9";
	expect_verdict(p, SG_XDP, &neighbour, SG_V_BOGUS_ACK);
}
END_TEST

/* What is dropped keeps the flood alive, without anything reaching tcx. */
START_TEST(bogus_keeps_the_flood_alive)
{
	struct prog_frame f = prog_frame(&bogus4);
	__u64 until;
	struct prog *p;
	int fd, i;

	p = in_a_flood(&fd);
	p->control->ack_flood_rate = RATE;
	until = p->skel->bss->ack_flood_until_ns = prog_now_ns() + SG_ACK_FLOOD_NS / 2;
	for (i = 0; i < MANY; i++)
		prog_run(p, SG_XDP, &f);
	ck_assert_uint_gt(p->skel->bss->ack_flood_until_ns, until);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(bogus_is_dropped, 30),
	SUITE_TEST(bogus_or_something_else, 30),
	SUITE_TEST(bogus_of_a_doubtful_service, 30),
	SUITE_TEST(bogus_or_a_cookie, 30),
	SUITE_TEST(bogus_or_a_cookie_of_the_kernel, 30),
	SUITE_TEST(bogus_or_of_a_socket, 30),
	SUITE_TEST(bogus_in_number_is_a_flood, 30),
	SUITE_TEST(bogus_keeps_the_flood_alive, 30),
	SUITE_TEST(bogus_is_counted, 30),
	SUITE_TEST(bogus_of_an_allowed_source, 30),
	{}
};
/* clang-format on */
