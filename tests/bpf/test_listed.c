/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow and the deny list in the programs: the allowed pass, of the denied SYNs are dropped and
 * nothing else, and neither happens to a neighbour.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <stdio.h>
#include <unistd.h>

static const struct frame_spec *client(int i)
{
	return i ? &client_linux6 : &client_linux4;
}

/* In a prefix of the client, and just outside of it. */
static struct frame_spec inside(int i)
{
	struct frame_spec syn = *client(i);

	syn.src = i ? "2001:db8:0:0:1::9" : "198.51.100.9";
	return syn;
}

static struct frame_spec outside(int i)
{
	struct frame_spec syn = *client(i);

	syn.src = i ? "2001:db8:0:1::9" : "198.51.101.9";
	return syn;
}

static int bits(int i)
{
	return i ? 64 : 96 + 24;
}

START_TEST(listed_allowed_pass)
{
	struct frame_spec in = inside(_i), out = outside(_i);
	int listener;
	struct prog *p = connection_defended(&listener, 1024);

	expect_verdict(p, SG_XDP, &in, SG_V_CHALLENGED);
	prog_list(p, &in, bits(_i), true);
	expect_verdict(p, SG_XDP, &in, SG_V_ALLOWED);
	expect_verdict(p, SG_XDP, &out, SG_V_CHALLENGED);
	/* whoever is on both lists, whichever prefix is longer */
	prog_list(p, &in, 128, false);
	expect_verdict(p, SG_XDP, &in, SG_V_ALLOWED);
	prog_free(p);
	close(listener);
}
END_TEST

START_TEST(listed_denied_are_dropped)
{
	struct frame_spec in = inside(_i), out = outside(_i), elsewhere = in;
	int listener;
	struct prog *p = connection_defended(&listener, 1024);

	prog_list(p, &in, bits(_i), false);
	expect_verdict(p, SG_XDP, &in, SG_V_DENIED);
	expect_verdict(p, SG_XDP, &out, SG_V_CHALLENGED);
	/* for no port of this host */
	in.dport = 4444;
	expect_verdict(p, SG_XDP, &in, SG_V_DENIED);
	/* what only passes through is not ours to drop */
	elsewhere.dst = _i ? "2001:2::77" : "198.18.0.77";
	expect_verdict(p, SG_XDP, &elsewhere, SG_V_NOT_LOCAL);
	in = inside(_i);
	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, &in, SG_V_OBSERVED);
	p->control->mode = SG_MODE_OFF;
	expect_verdict(p, SG_XDP, &in, SG_V_MODE_OFF);
	prog_free(p);
	close(listener);
}
END_TEST

/* A list that is in the map, but not announced, costs nothing and does nothing. */
START_TEST(listed_unannounced)
{
	struct frame_spec in = inside(0);
	int listener;
	struct prog *p = connection_defended(&listener, 1024);

	prog_list(p, &in, bits(0), false);
	p->control->listed = 0;
	expect_verdict(p, SG_XDP, &in, SG_V_CHALLENGED);
	p->control->listed = SG_LISTED_ALLOW;
	expect_verdict(p, SG_XDP, &in, SG_V_CHALLENGED);
	prog_free(p);
	close(listener);
}
END_TEST

/* An established connection of a source that is denied from now on. */
START_TEST(listed_established_goes_on)
{
	const __u32 others[] = { FRAME_ACK, FRAME_ACK | FRAME_PSH, FRAME_ACK | FRAME_FIN, FRAME_RST,
				 FRAME_RST | FRAME_ACK };
	struct frame_spec syn = *client(_i), f;
	int listener, i;
	struct prog *p = connection_defended(&listener, 1024);
	struct connection c;

	prog_attach(p);
	c = connection_challenged(p, &syn, listener);
	prog_list(p, &syn, 128, false);
	expect_verdict(p, SG_XDP, &syn, SG_V_DENIED);
	for (i = 0; i < 5; i++) {
		f = c.next;
		f.flags = others[i];
		expect_verdict(p, SG_XDP, &f, SG_V_NOT_SYN);
	}
	prog_free(p);
	close(c.fd);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(listed_allowed_pass, 2, 30),
	SUITE_LOOP(listed_denied_are_dropped, 2, 30),
	SUITE_TEST(listed_unannounced, 30),
	SUITE_LOOP(listed_established_goes_on, 2, 30),
	{}
};
/* clang-format on */
