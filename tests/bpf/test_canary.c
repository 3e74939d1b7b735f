/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary: what it counts of acceptances and connections, and that no single source can sing for it.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

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
			  unsigned int heard, unsigned int established)
{
	struct sg_tally t = prog_tally(p, prog_service(p, client));

	ck_assert_uint_eq(t.accepted, accepted);
	ck_assert_uint_eq(t.canary_accepted, heard);
	ck_assert_uint_eq(t.canary_established, established);
}

/* One real address with many ports is heard a few times, then no more. */
START_TEST(canary_hears_one_source_little)
{
	struct frame_spec other = client_linux4, neighbour = client_linux6, elsewhere;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < 40; i++)
		complete(p, &client_linux4, 20000 + i);
	assert_canary(p, &client_linux4, 40, SG_CANARY_SHARE, SG_CANARY_SHARE);
	other.src = "198.51.100.7";
	complete(p, &other, 20000);
	assert_canary(p, &client_linux4, 41, SG_CANARY_SHARE + 1, SG_CANARY_SHARE + 1);

	/* of IPv6 the network counts, not the address */
	for (i = 0; i < 20; i++)
		complete(p, &client_linux6, 20000 + i);
	neighbour.src = "2001:db8::77";
	complete(p, &neighbour, 20000);
	assert_canary(p, &client_linux6, 21, SG_CANARY_SHARE, SG_CANARY_SHARE);
	elsewhere = neighbour;
	elsewhere.src = "2001:db8:1::77"; /* to where there is no route, so it is not established */
	complete(p, &elsewhere, 20000);
	assert_canary(p, &client_linux6, 22, SG_CANARY_SHARE + 1, SG_CANARY_SHARE);
	prog_free(p);
	close(listener);
}
END_TEST

static const __u8 loose_source_route[] = { 131, 7, 4, 203, 0, 113, 1, 1 };

/* What carries a true cookie, and something for which the stack throws it away or may do so. */
static void spoil(struct frame_spec *ack, int how)
{
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
	struct prog *p;
	int listener, how, i;

	p = connection_attached(&listener, 1024);
	for (how = 0; how < 4; how++) {
		for (i = 0; i < 4; i++) {
			struct frame_spec ack = answer(p, clients[i], 20000 + how * 4 + i);

			spoil(&ack, how);
			if (ack.version != 6 || how == 0 || how == 3)
				expect_delivery(p, &ack, SG_V_ACCEPTED);
		}
	}
	assert_canary(p, &client_linux4, 8, 0, 0);
	assert_canary(p, &client_linux6, 4, 0, 0);
	for (i = 0; i < 4; i++)
		complete(p, clients[i], 21000 + i);
	assert_canary(p, &client_linux4, 10, 2, 2);
	assert_canary(p, &client_linux6, 6, 2, 2);
	prog_free(p);
	close(listener);
}
END_TEST

/* What is heard as accepted is heard as established, and what is not is not. */
START_TEST(canary_counts_connections)
{
	struct frame_spec syn = client_linux4;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < SG_CANARY_SHARE + 4; i++) {
		syn.sport = 30000 + i;
		close(connection_challenged(p, &syn, listener).fd);
	}
	assert_canary(p, &client_linux4, SG_CANARY_SHARE + 4, SG_CANARY_SHARE, SG_CANARY_SHARE);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).established,
			  SG_CANARY_SHARE + 4);
	prog_free(p);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(canary_hears_one_source_little, 30),
	SUITE_TEST(canary_hears_no_damaged, 30),
	SUITE_TEST(canary_counts_connections, 30),
	{}
};
/* clang-format on */
