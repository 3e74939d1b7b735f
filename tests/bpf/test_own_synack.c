/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is learned of the host's own SYN-ACKs when they leave: what the firewall makes of them, when it is
 * forgotten, and who cannot write it (trap FW5). That the challenge then looks so is test_synack's.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLAMP(mss)                                                                                 \
	"nft 'flush ruleset; table inet t { chain c { type filter hook postrouting priority 0; "   \
	"tcp flags syn tcp option maxseg size set " #mss "; }; }'"
#define NO_RULE "nft flush ruleset"

static __u16 unit_now(void)
{
	return prog_now_ns() >> SG_HEARD_SHIFT;
}

/* The service's own answer to another client, which is seen to leave. */
static struct frame_view answer(struct prog *p, const struct frame_spec *client)
{
	static __u16 port = 42000;
	struct frame_spec syn = *client;
	struct prog_frame f;

	syn.sport = port++;
	f = prog_frame(&syn);
	prog_mark(p);
	prog_deliver(p, &f);
	prog_await(p, SG_EGRESS, 1);
	ck_assert_uint_eq(prog_counted(p, SG_EGRESS, SG_V_OWN_SYNACK), 1);
	return stack_view_sent();
}

static struct prog *raise(void)
{
	struct prog *p = prog_new(stack_new());

	stack_listen(.backlog = 4096);
	prog_attach(p);
	return p;
}

START_TEST(test_clamp_is_forgotten_in_minutes)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	struct prog *p = raise();
	struct sg_service *s = prog_defend(p, client);

	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 0);
	ck_assert_uint_eq(s->heard, unit_now());

	stack_command(CLAMP(1300));
	ck_assert_uint_eq(answer(p, client).mss, 1300);
	ck_assert_uint_eq(s->mss_clamp, 1300);
	stack_command(CLAMP(1250));
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 1250);

	/* one client that it is not for, or is for less, and the rule gone, do not show the others */
	stack_command(CLAMP(1300));
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 1250);
	stack_command(NO_RULE);
	s->clamped = unit_now() - SG_CLAMP_UNITS + 2;
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 1250);

	/* later they do */
	stack_command(CLAMP(1300));
	s->clamped = unit_now() - SG_CLAMP_UNITS;
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 1300);
	stack_command(NO_RULE);
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 1300);
	s->clamped = unit_now() - SG_CLAMP_UNITS;
	answer(p, client);
	ck_assert_uint_eq(s->mss_clamp, 0);
}
END_TEST

/* The narrow route of a client, its PMTU, and the listener's TCP_MAXSEG are no rule for all. */
START_TEST(test_narrow_client_changes_nothing_for_others)
{
	static const char *const routes[] = { "mtu 1300", "mtu lock 1300", "advmss 1234",
					      "hoplimit 9" };
	struct prog *p = raise();
	struct sg_service *four = prog_defend(p, &client_linux4);
	struct sg_service *six = prog_defend(p, &client_linux6);
	unsigned int i;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		char line[256];

		snprintf(line, sizeof(line),
			 "ip route replace " STACK_CLIENT4 " dev server %s && "
			 "ip -6 route replace " STACK_CLIENT6 " dev server %s",
			 routes[i], routes[i]);
		stack_command(line);
		ck_assert(i == 3 || answer(p, &client_linux4).mss < 1300);
		ck_assert(i == 3 || answer(p, &client_linux6).mss < 1300);
		ck_assert(i != 3 || answer(p, &client_linux4).ttl == 9);
		ck_assert(i != 3 || answer(p, &client_linux6).ttl == 9);
		ck_assert_uint_eq(four->mss_clamp, 0);
		ck_assert_uint_eq(six->mss_clamp, 0);
		ck_assert_uint_eq(four->ttl_set, 0);
		ck_assert_uint_eq(six->ttl_set, 0);
	}
}
END_TEST

/* TTL and TOS are those of the last one. */
START_TEST(test_ttl_and_tos_of_the_last)
{
	struct prog *p = raise();
	struct sg_service *s = prog_defend(p, &client_linux4);

	answer(p, &client_linux4);
	ck_assert_uint_eq(s->ttl_set, 0);
	ck_assert_uint_eq(s->tos_set, 0);
	stack_command("nft 'table ip t { chain c { type filter hook postrouting priority 0; "
		      "ip ttl set 99; ip dscp set cs3; }; }'");
	answer(p, &client_linux4);
	ck_assert_uint_eq(s->ttl_set, 99);
	ck_assert_uint_eq(s->tos_set, 0x60 | SG_TOS_SET);
	stack_command(NO_RULE);
	answer(p, &client_linux4);
	ck_assert_uint_eq(s->ttl_set, 0);
	ck_assert_uint_eq(s->tos_set, 0);
}
END_TEST

/* Whoever may send raw frames on this host, and whoever has none of its sockets. */
START_TEST(test_forged_synack_is_no_lesson)
{
	const struct frame_spec forged = {
		.src = STACK_SERVER4,
		.dst = STACK_CLIENT4,
		.sport = STACK_PORT,
		.dport = 40000,
		.flags = FRAME_SYN | FRAME_ACK,
		.ttl = 7,
		.tos = 0x88,
		.options = { FRAME_MSS(100) },
	};
	struct prog *p = raise();
	struct sg_service *s = prog_defend(p, &client_linux4), before;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = p->ifindex };
	struct prog_frame f = prog_frame(&forged);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

	answer(p, &client_linux4);
	before = *s;
	prog_must(fd >= 0, "a packet socket");
	prog_mark(p);
	prog_must(sendto(fd, f.bytes, f.length, 0, (struct sockaddr *)&to, sizeof(to)) > 0,
		  "a forged SYN-ACK");
	prog_await(p, SG_EGRESS, 1);
	ck_assert_mem_eq(s, &before, sizeof(before));
	expect_verdict(p, SG_EGRESS, &forged, SG_V_OWN_SYNACK);
	ck_assert_mem_eq(s, &before, sizeof(before));
	close(fd);
}
END_TEST

/* Without a SYN-ACK for a minute one SYN of a defended service goes to the kernel; then none. */
START_TEST(test_a_syn_a_minute)
{
	struct prog *p = raise();
	struct sg_service *s = prog_defend(p, &client_linux4);

	/* never any: it begins to wait */
	s->heard = 0;
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert_uint_eq(s->heard, unit_now());
	s->heard -= SG_HEARD_UNITS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED); /* just looked at */
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_SYN_SAMPLED);
	s->checked_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(test_clamp_is_forgotten_in_minutes, 2, 20),
	SUITE_TEST(test_narrow_client_changes_nothing_for_others, 20),
	SUITE_TEST(test_ttl_and_tos_of_the_last, 20),
	SUITE_TEST(test_forged_synack_is_no_lesson, 10),
	SUITE_TEST(test_a_syn_a_minute, 10),
	{}
};
/* clang-format on */
