/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody would send who has read the sources: SYNs that the kernel queues and we do not
 * judge, and frames that keep us from seeing what we go by.
 */
#include <netinet/in.h>
#include <unistd.h>

#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#define BACKLOG	  16
#define THRESHOLD 8

static struct frame_spec from_port_zero(const struct frame_spec *like)
{
	struct frame_spec syn = *like;

	syn.sport = FRAME_IS(0);
	return syn;
}

/* To the stack, which answers. */
static void half_open(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);

	prog_deliver(p, &f);
	ck_assert_int_eq(stack_view_sent().flags, FRAME_SYN | FRAME_ACK);
}

/* The kernel answers port 0 like any other, so these fill its queue: it has to be looked at. */
START_TEST(evasion_from_port_zero)
{
	struct frame_spec syn = from_port_zero(&client_linux4), source = syn;
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	int i;

	/* to all of the network at once */
	stack_command("ip neigh add 203.0.113.9 lladdr 02:00:00:00:00:01 dev server");
	stack_command("ip route replace 198.51.100.0/24 via 203.0.113.9");
	stack_listen(.backlog = BACKLOG);
	s = prog_enter(p, &client_linux4);
	s->proven_at_ns = prog_now_ns();
	s->quota = 1;
	expect_verdict(p, SG_XDP, &syn, SG_V_SYN_ADMITTED);
	ck_assert_int_eq(s->quota, 0);
	source.src = NULL;
	for (i = 0; i <= THRESHOLD; i++) {
		source.src_addr = frame_addr("198.51.100.100");
		source.src_addr.bytes[15] += i;
		half_open(p, &source);
	}
	expect_verdict(p, SG_XDP, &syn, SG_V_PORT_ZERO);
	ck_assert_uint_eq(s->armed_count, 1);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, &syn, SG_V_OBSERVED);
}
END_TEST

static const struct frame_spec *const clients[] = { &client_linux4, &client_linux6 };

/*
 * Who has half a connection from port 0 would be met by all looks with his address, and what was
 * found out last would stay true: here, that the accept queue is full, for which SYNs are dropped.
 */
START_TEST(evasion_hides_no_listener)
{
	struct frame_spec syn = from_port_zero(clients[_i]), next_door = *clients[_i];
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen();
	s = prog_defend(p, clients[_i]);
	half_open(p, &syn);
	s->hindrance = SG_V_ACCEPT_FULL;
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, clients[_i], SG_V_CHALLENGED);
	ck_assert_uint_eq(s->hindrance, 0);

	/* nor from who asks for a service for the first time */
	stack_listen(.port = 81);
	next_door.dport = syn.dport = 81;
	half_open(p, &syn);
	expect_verdict(p, SG_XDP, &next_door, SG_V_SYN_ADMITTED);
}
END_TEST

/*
 * An MSS that no cookie can tell is the kernel's, but not a whole flood of it: where its queue has no
 * room left, it would send a cookie for the minimum, and so do we.
 */
START_TEST(evasion_by_a_low_mss)
{
	struct frame_spec syn = {
		.version = clients[_i]->version,
		.options = { FRAME_LINUX_SYN(500, CLIENT_TSVAL, 7) },
	};
	struct frame_view answer;
	struct prog_frame f;
	struct sg_service *s;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, BACKLOG);
	s = prog_service(p, clients[_i]);
	s->checked_at_ns = 0;
	/* the look grants a part of what is free */
	expect_verdict(p, SG_XDP, &syn, SG_V_MSS_LOW);
	ck_assert_int_gt(s->quota, 0);
	while (s->quota > 0)
		expect_verdict(p, SG_XDP, &syn, SG_V_MSS_LOW);
	f = *expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED_PLAIN);
	answer = prog_view(&f);
	ck_assert_int_eq(answer.flags, FRAME_SYN | FRAME_ACK);

	/* with the queue over its threshold a look grants nothing */
	for (i = 0; i <= THRESHOLD; i++) {
		syn.sport = 50000 + i;
		half_open(p, &syn);
	}
	s->checked_at_ns = 0;
	syn.sport = 0;
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED_PLAIN);

	/* and what is promised is kept */
	close(connection_challenged(p, &syn, listener).fd);
	prog_free(p);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(evasion_from_port_zero, 30),
	SUITE_LOOP(evasion_hides_no_listener, 2, 30),
	SUITE_LOOP(evasion_by_a_low_mss, 2, 30),
	{}
};
/* clang-format on */
