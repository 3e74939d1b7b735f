/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary: what it hears of acceptances and births, and that no single source can sing for it.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <unistd.h>

/* A client that answers its challenge with an ACK that the stack will throw away. */
static void answer_damaged(struct prog *p, const struct frame_spec *client, int sport)
{
	struct frame_spec syn = *client, ack;

	syn.sport = sport;
	ack = prog_answer(p, &syn);
	ack.bad_tcp_checksum = true;
	expect_delivery(p, &ack, SG_V_ACCEPTED);
}

static void assert_canary(struct prog *p, const struct frame_spec *client, unsigned int accepted,
			  unsigned int heard, unsigned int born)
{
	struct sg_tally t = prog_tally(p, prog_service(p, client));

	ck_assert_uint_eq(t.accepted, accepted);
	ck_assert_uint_eq(t.canary_accepted, heard);
	ck_assert_uint_eq(t.canary_born, born);
}

/* One real address with many ports and damaged ACKs is heard a few times, then no more. */
START_TEST(canary_hears_one_source_little)
{
	struct frame_spec other = client_linux4, neighbour = client_linux6, elsewhere;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < 40; i++)
		answer_damaged(p, &client_linux4, 20000 + i);
	assert_canary(p, &client_linux4, 40, SG_WITNESS_SHARE, 0);
	other.src = "198.51.100.7";
	answer_damaged(p, &other, 20000);
	assert_canary(p, &client_linux4, 41, SG_WITNESS_SHARE + 1, 0);

	/* of IPv6 the network counts, not the address */
	for (i = 0; i < 20; i++)
		answer_damaged(p, &client_linux6, 20000 + i);
	neighbour.src = "2001:db8::77";
	answer_damaged(p, &neighbour, 20000);
	assert_canary(p, &client_linux6, 21, SG_WITNESS_SHARE, 0);
	elsewhere = neighbour;
	elsewhere.src = "2001:db8:1::77";
	answer_damaged(p, &elsewhere, 20000);
	assert_canary(p, &client_linux6, 22, SG_WITNESS_SHARE + 1, 0);
	prog_free(p);
	close(listener);
}
END_TEST

/* What is heard as accepted is heard as born, and what is not is not. */
START_TEST(canary_hears_births)
{
	struct frame_spec syn = client_linux4;
	struct prog *p;
	int listener, i;

	p = connection_attached(&listener, 1024);
	for (i = 0; i < SG_WITNESS_SHARE + 4; i++) {
		syn.sport = 30000 + i;
		close(connection_challenged(p, &syn, listener).fd);
	}
	assert_canary(p, &client_linux4, SG_WITNESS_SHARE + 4, SG_WITNESS_SHARE, SG_WITNESS_SHARE);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, &client_linux4)).born,
			  SG_WITNESS_SHARE + 4);
	prog_free(p);
	close(listener);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("canary");

	if (!prog_may_run())
		return 77;
	SUITE_TEST(suite, canary_hears_one_source_little, 30);
	SUITE_TEST(suite, canary_hears_births, 30);
	return suite_main(suite, argc, argv);
}
