/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs cannot see for certain, and must therefore not act on for long.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#ifndef TCP_REPAIR
#define TCP_REPAIR 19
#endif

/*
 * Data of a connection that this host has forgotten is held back for a moment, because it looks
 * like data that overtook its ACK; then it passes, and its sender learns the truth.
 */
START_TEST(blind_forgotten_connection)
{
	struct frame_spec syns[2] = { client_linux4, client_windows4 };
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(), one = 1;
	struct connection c;
	struct prog_frame f;

	prog_defend(p, &client_linux4);
	prog_attach(p);
	syns[_i].sport = 41000;
	c = connection_challenged(p, &syns[_i], listener);
	/* gone without a word, as when a reset was lost */
	ck_assert(!setsockopt(c.fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)));
	close(c.fd);
	c.next.seq += 1000;
	c.next.payload_bytes = 100;
	f = prog_frame(&c.next);
	prog_deliver_expect(p, &f, SG_V_EARLY_DATA, __FILE__, __LINE__);
	usleep(SG_EARLY_NS / 1000 + 100000);
	prog_deliver_expect(p, &f, SG_V_OTHER_ACK, __FILE__, __LINE__);
	prog_deliver_expect(p, &f, SG_V_OTHER_ACK, __FILE__, __LINE__);
	prog_free(p);
	close(listener);
}
END_TEST

/* A SYN-ACK that comes in with our own address and goes out again is no other host's answer. */
START_TEST(blind_forged_synack)
{
	struct frame_spec forged = {
		.version = 6,
		.src = STACK_SERVER6,
		.dst = "2001:db8::9",
		.sport = STACK_PORT,
		.dport = 40000,
		.flags = FRAME_SYN | FRAME_ACK,
	};
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	int listener;

	stack_sysctl("ipv6/conf/all/forwarding", "1");
	stack_command("ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:01 nud permanent dev server");
	listener = stack_listen();
	s = prog_defend(p, &client_linux6);
	prog_attach(p);
	expect_delivery(p, &forged, SG_V_NOT_ACK);
	usleep(100000);
	ck_assert_uint_ge(prog_counted(p, SG_EGRESS, SG_V_FORWARDED_SYNACK), 1);
	ck_assert_uint_eq(s->forwarded_until_ns, 0);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED);
	prog_free(p);
	close(listener);
}
END_TEST

/* A member of a reuseport group whose accept queue is full speaks for itself alone. */
START_TEST(blind_full_group_member)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(STACK_PORT) };
	struct prog *p = prog_new(stack_new());
	struct frame_spec syn = client_linux4;
	struct sg_service *s;
	int listeners[4], i, k;
	struct tcp_info info;
	socklen_t length = sizeof(info);
	char src[32];

	for (i = 0; i < 4; i++)
		listeners[i] = stack_listen(.backlog = 2, .reuseport = true);
	s = prog_defend(p, &client_linux4);
	inet_pton(AF_INET, STACK_SERVER4, &to.sin_addr);
	for (k = 0; k < 60; k++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(fd, (struct sockaddr *)&to, sizeof(to));
		usleep(2000);
		for (i = 1; i < 4; i++) /* the first never accepts */
			while (accept(listeners[i], NULL, NULL) >= 0)
				;
	}
	/* of a listener the kernel says by these how long its accept queue is, and how long it may be */
	ck_assert(!getsockopt(listeners[0], IPPROTO_TCP, TCP_INFO, &info, &length));
	ck_assert_uint_gt(info.tcpi_unacked, info.tcpi_sacked);
	for (k = 0; k < 100; k++) {
		snprintf(src, sizeof(src), "198.51.100.%d", 2 + k);
		syn.src = src;
		s->checked_at_ns = 0; /* every SYN is one that looks */
		expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
	}
	prog_free(p);
	for (i = 0; i < 4; i++)
		close(listeners[i]);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(blind_forgotten_connection, 2, 30),
	SUITE_TEST(blind_forged_synack, 30),
	SUITE_TEST(blind_full_group_member, 30),
	{}
};
/* clang-format on */
