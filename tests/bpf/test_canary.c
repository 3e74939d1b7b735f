/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary: whose acceptances become connections, whose do not, and what is no evidence.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct frame_spec answer(struct prog *p, const struct frame_spec *client, int sport)
{
	struct frame_spec syn = *client;

	syn.sport = sport;
	return prog_answer(p, &syn);
}

static void complete(struct prog *p, const struct frame_spec *client, int sport)
{
	struct frame_spec ack = answer(p, client, sport);

	expect_delivery(p, &ack, SG_V_ACCEPTED);
}

static void assert_canary(struct prog *p, const struct frame_spec *client, unsigned int accepted,
			  unsigned int doubts, unsigned int cleared, unsigned int successes)
{
	struct sg_tally t = prog_tally(p, prog_service(p, client));

	ck_assert_uint_eq(t.accepted, accepted);
	ck_assert_uint_eq(t.canary_doubts, doubts);
	ck_assert_uint_eq(t.canary_cleared, cleared);
	ck_assert_uint_eq(t.canary_successes, successes);
}

static unsigned int filtered(struct prog *p, const struct frame_spec *client)
{
	return prog_tally(p, prog_service(p, client)).canary_filtered;
}

/* So many sources are in doubt, whatever the number of their acceptances; one that connects is not. */
START_TEST(canary_counts_sources)
{
	struct frame_spec other = client_linux4, elsewhere = client_linux6, neighbour;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < 40; i++)
		complete(p, &client_linux4, 20000 + i);
	/* once in a window, of which there may have been two */
	ck_assert_uint_ge(prog_tally(p, prog_service(p, &client_linux4)).canary_successes, 1);
	ck_assert_uint_le(prog_tally(p, prog_service(p, &client_linux4)).canary_successes, 3);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).canary_doubts, 40);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).canary_cleared, 40);
	ck_assert_uint_eq(filtered(p, &client_linux4), 0);
	other.src = "198.51.100.7";
	complete(p, &other, 20000);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).canary_cleared, 41);

	/* to where there is no route, so it is not established; of IPv6 the network counts */
	elsewhere.src = "2001:db8:1::77";
	neighbour = elsewhere;
	neighbour.src = "2001:db8:1::78";
	complete(p, &elsewhere, 20000);
	complete(p, &neighbour, 20000);
	assert_canary(p, &client_linux6, 2, 1, 0, 0);
	elsewhere.src = "2001:db8:2::77";
	complete(p, &elsewhere, 20000);
	assert_canary(p, &client_linux6, 3, 2, 0, 0);
	prog_free(p);
	close(listener);
}
END_TEST

/* As long as a batch may last, which nothing else waits for. */
static void pass_a_batch(void)
{
	usleep(45000);
}

/* In which SYNs that pass are counted. */
static __u64 window(void)
{
	return prog_now_ns() >> SG_BUDGET_WINDOW_SHIFT;
}

/* So many SYNs of two addresses of a /64 that is filtered: as many pass as may in each window. */
static void pass_some(struct prog *p, const struct frame_spec *client, int syns)
{
	struct frame_spec syn = *client, neighbour = *client;
	__u64 first = window(), passed, windows;
	int i;

	neighbour.src = "2001:db8:1::1234";
	prog_mark(p);
	for (i = 0; i < syns; i++) {
		struct prog_frame frame;

		syn.sport = neighbour.sport = 22000 + i;
		frame = prog_frame(i % 2 ? &syn : &neighbour);
		prog_run(p, SG_XDP, &frame);
	}
	windows = window() - first + 1;
	passed = prog_counted(p, SG_XDP, SG_V_FILTERED_SOURCE);
	ck_assert_uint_ge(passed, SG_FILTERED_SYNS);
	ck_assert_uint_le(passed, SG_FILTERED_SYNS * windows);
	ck_assert_uint_eq(prog_counted(p, SG_XDP, SG_V_CHALLENGED), syns - passed);
}

/*
 * A source of which one acceptance after the other becomes nothing is filtered: as many SYNs as it may
 * have under way pass. Nobody else is, and not at another service.
 */
START_TEST(canary_filters_a_source)
{
	struct frame_spec lost = client_linux6, elsewhere;
	int listener, other_listener, i;
	struct prog *p;

	p = connection_attached(&listener, 1024);
	lost.src = "2001:db8:1::77";
	/* all of one batch are one */
	for (i = 0; i < 8; i++)
		complete(p, &lost, 20000 + i);
	ck_assert_uint_eq(filtered(p, &lost), 0);
	for (i = 0; i < SG_FILTERED_LOST; i++) {
		ck_assert_uint_eq(filtered(p, &lost), 0);
		pass_a_batch();
		complete(p, &lost, 21000 + i);
	}
	ck_assert_uint_eq(filtered(p, &lost), 1);
	assert_canary(p, &lost, 8 + SG_FILTERED_LOST, 1, 0, 0);

	/* it is not so at another service, nor is anybody else */
	other_listener = stack_listen(.port = 81);
	elsewhere = lost;
	elsewhere.dport = 81;
	prog_defend(p, &elsewhere);
	expect_verdict(p, SG_XDP, &elsewhere, SG_V_CHALLENGED);
	elsewhere = lost;
	elsewhere.src = "2001:db8:2::77";
	expect_verdict(p, SG_XDP, &elsewhere, SG_V_CHALLENGED);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED);
	pass_some(p, &lost, 4 * SG_FILTERED_SYNS);
	prog_free(p);
	close(other_listener);
	close(listener);
}
END_TEST

/* Who had connections and loses one has relapsed, and the next connection is forgiveness. */
START_TEST(canary_forgives)
{
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < 2 * SG_FILTERED_LOST; i++) {
		complete(p, &client_linux6, 20000 + 10 * i);
		stack_command("ip route add blackhole " STACK_CLIENT6);
		complete(p, &client_linux6, 20001 + 10 * i);
		stack_command("ip route del blackhole " STACK_CLIENT6);
		pass_a_batch();
		complete(p, &client_linux6, 20002 + 10 * i);
		assert_canary(p, &client_linux6, 3 * (i + 1), 2 * (i + 1), 2 * (i + 1),
			      prog_tally(p, prog_service(p, &client_linux6)).canary_successes);
		ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux6)).canary_relapses,
				  i + 1);
	}
	ck_assert_uint_eq(filtered(p, &client_linux6), 0);
	prog_free(p);
	close(listener);
}
END_TEST

static const __u8 loose_source_route[] = { 131, 7, 4, 203, 0, 113, 1, 1 };
static const struct frame_option signature[] = { FRAME_NOP, FRAME_NOP, FRAME_MD5 };

#define SPOILS	9
#define MIN_TTL 60

/* What carries a true cookie, and something for which the stack throws it away or may do so. */
static void spoil(struct frame_spec *ack, int how)
{
	int options = 0;

	switch (how) {
	case 0:
		ack->bad_tcp_checksum = true;
		break;
	case 1:
		ack->bad_ip_checksum = true;
		break;
	case 2:
		ack->ip_options = loose_source_route;
		ack->ip_option_bytes = sizeof(loose_source_route);
		break;
	case 3:
		ack->payload_bytes = 100;
		ack->bad_tcp_checksum = true;
		break;
	case 4: /* that was not promised */
		while (ack->options[options].bytes)
			options++;
		memcpy(&ack->options[options], signature, sizeof(signature));
		break;
	case 5: /* below IP_MINTTL of the listener */
		ack->ttl = MIN_TTL - 1;
		break;
	case 6:
		ack->flags |= FRAME_URG;
		break;
	case 7:
		ack->flags |= FRAME_FIN;
		break;
	case 8: /* a group's MAC address */
		memcpy(ack->destination_mac, "\x33\x33\0\0\0\1", 6);
		break;
	}
}

/*
 * Who has a few addresses and damages his ACKs on purpose is not heard at all: else he would have
 * any service blocked.
 */
START_TEST(canary_hears_no_damaged)
{
	const struct frame_spec *clients[] = { &client_linux4, &client_windows4, &client_linux6,
					       &client_windows6 };
	const int min_ttl = MIN_TTL;
	struct prog *p;
	int listener, how, i;

	p = connection_attached(&listener, 1024);
	ck_assert_int_eq(setsockopt(listener, SOL_IP, IP_MINTTL, &min_ttl, sizeof(min_ttl)), 0);
	ck_assert_int_eq(
		setsockopt(listener, SOL_IPV6, IPV6_MINHOPCOUNT, &min_ttl, sizeof(min_ttl)), 0);
	for (how = 0; how < SPOILS; how++) {
		for (i = 0; i < 4; i++) {
			struct frame_spec ack = answer(p, clients[i], 20000 + how * 4 + i);

			spoil(&ack, how);
			if (ack.version == 6 && (how == 1 || how == 2))
				continue;
			expect_delivery(p, &ack, SG_V_ACCEPTED);
			ck_assert_msg(!prog_tally(p, prog_service(p, clients[i])).canary_doubts,
				      "damage %d of client %d is heard", how, i);
		}
	}
	assert_canary(p, &client_linux4, 2 * SPOILS, 0, 0,
		      prog_tally(p, prog_service(p, &client_linux4)).canary_successes);
	for (i = 0; i < 4; i++)
		complete(p, clients[i], 21000 + i);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).canary_doubts, 2);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux6)).canary_doubts, 2);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).canary_cleared, 2);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux6)).canary_cleared, 2);
	prog_free(p);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(canary_counts_sources, 30),
	SUITE_TEST(canary_filters_a_source, 30),
	SUITE_TEST(canary_forgives, 30),
	SUITE_TEST(canary_hears_no_damaged, 30),
	{}
};
/* clang-format on */
