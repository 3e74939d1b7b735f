/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back to a client: which answer is given for which entry of the table, what it promises,
 * and that a SYN whose client is reached by another interface is judged by ingress alone.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <string.h>

#define OTHER_IFINDEX 1 /* lo, which has an MTU and no tcx of ours */

static const struct sg_way_iface in_group_0 = { .group = 0 };
static const struct sg_way_iface in_group_1 = { .group = 1 };
static const struct sg_way_iface strict_in_group_0 = { .group = 0, .strict = 1 };

static const struct sg_way own = { .groups = 1 << 0 };
static const struct sg_way another = { .groups = 1 << 1, .ifindex = OTHER_IFINDEX };
static const struct sg_way another_closed = { .groups = 1 << 1 };
static const struct sg_way several = { .groups = 1 << 1 | 1 << 0, .ifindex = OTHER_IFINDEX };
static const struct sg_way none = {};

static const struct frame_spec *const clients[] = { &client_linux4, &client_linux6 };

static struct prog *defended(void)
{
	struct prog *p = prog_new(stack_new());

	stack_listen();
	prog_defend(p, &client_linux6);
	prog_defend(p, &client_linux4);
	prog_add_way_iface(p, p->ifindex, &in_group_0);
	return p;
}

/* Byte for byte, but for the number and the clock. */
static void same_reply(const struct prog_frame *a, const struct prog_frame *b)
{
	struct frame_view one = prog_view(a), two = prog_view(b);

	ck_assert_uint_eq(a->length, b->length);
	ck_assert_mem_eq(a->bytes, b->bytes, one.l4_offset);
	ck_assert_uint_eq(one.window, two.window);
	ck_assert_uint_eq(one.mss, two.mss);
	ck_assert_mem_eq(one.option_order, two.option_order, one.option_count);
}

START_TEST(test_ways_own_interface)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();
	struct prog_frame plain = *expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);

	prog_add_way(p, syn, 128, 0, &own);
	same_reply(&plain, expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED));
	/* one of several is as good */
	prog_add_way(p, syn, 128, 0, &several);
	same_reply(&plain, expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED));
	/* the table is not asked where nothing differs */
	prog_add_way(p, syn, 128, 0, &none);
	p->control->ways = 0;
	same_reply(&plain, expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED));
}
END_TEST

START_TEST(test_ways_another_interface)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();
	struct prog_frame plain = *expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
	struct sg_service *s = prog_service(p, syn);
	struct frame_view there;
	__u64 syns;

	prog_add_way(p, syn, 128, 0, &another);
	syns = prog_tally(p, s).syns;
	expect_verdict(p, SG_XDP, syn, SG_V_HANDED_OVER);
	ck_assert_uint_eq(prog_tally(p, s).syns, syns);
	there = prog_view(expect_verdict(p, SG_INGRESS, syn, SG_V_CHALLENGED));
	ck_assert_uint_eq(prog_tally(p, s).syns, syns + 1);
	ck_assert_uint_eq(there.mss, 65535 - (syn->version == 6 ? 60 : 40)); /* lo's */
	/* that of the interface is read again */
	p->control->ways = 0;
	same_reply(&plain, expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED));
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN);
}
END_TEST

START_TEST(test_ways_ingress_answers)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();

	p->answers = true;
	prog_add_way(p, syn, 128, 0, &another);
	ck_assert_uint_gt(prog_view(expect_verdict(p, SG_INGRESS, syn, SG_V_CHALLENGED)).mss, 1460);
	prog_add_way(p, syn, 128, 0, &own);
	ck_assert_uint_le(prog_view(expect_verdict(p, SG_INGRESS, syn, SG_V_CHALLENGED)).mss, 1460);
	prog_add_way(p, syn, 128, 0, &none);
	expect_verdict(p, SG_INGRESS, syn, SG_V_NO_WAY_BACK);
	prog_add_way(p, syn, 128, 0, &another_closed);
	expect_verdict(p, SG_INGRESS, syn, SG_V_ANOTHER_WAY_BACK);
}
END_TEST

/* An idle service's SYN is admitted, there as here; in mode observe nothing is handed over. */
START_TEST(test_ways_only_the_defended)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();
	struct sg_service *s = prog_service(p, syn);

	prog_add_way(p, syn, 128, 0, &none);
	s->lease_until_ns = 0;
	s->quota = 3;
	expect_verdict(p, SG_XDP, syn, SG_V_SYN_ADMITTED);
	prog_add_way(p, syn, 128, 0, &another);
	expect_verdict(p, SG_XDP, syn, SG_V_HANDED_OVER);
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN_ADMITTED);
	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, syn, SG_V_SYN_ADMITTED);
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN);
}
END_TEST

START_TEST(test_ways_none)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();

	prog_add_way(p, syn, 128, 0, &none);
	expect_verdict(p, SG_XDP, syn, SG_V_NO_WAY_BACK);
	ck_assert_uint_eq(prog_tally(p, prog_service(p, syn)).challenged, 0);
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN);
	prog_add_way(p, syn, 128, 0, &another_closed);
	expect_verdict(p, SG_XDP, syn, SG_V_ANOTHER_WAY_BACK);
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN);
}
END_TEST

/* rp_filter=1 is IPv4's, and of no concern to whoever comes in by the way back. */
START_TEST(test_ways_reverse_path)
{
	struct prog *p = defended();

	prog_add_way_iface(p, p->ifindex, &strict_in_group_0);
	prog_add_way(p, &client_linux4, 128, 0, &another);
	prog_add_way(p, &client_linux6, 128, 0, &another);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_WAY_BACK);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_HANDED_OVER);
	prog_add_way(p, &client_linux4, 128, 0, &own);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

/* What is tagged cannot be sent by another interface, where the tag would go with it. */
START_TEST(test_ways_tagged)
{
	struct prog *p = defended();
	struct frame_spec syn = client_linux4;

	syn.tags[0].vid = 7;
	prog_service(p, &syn)->vlan = SG_VLAN_PRESENT | 7;
	prog_add_way(p, &syn, 128, 0, &another);
	expect_verdict(p, SG_XDP, &syn, SG_V_ANOTHER_WAY_BACK);
	expect_verdict(p, SG_INGRESS, &syn, SG_V_SYN);
	prog_add_way(p, &syn, 128, 0, &own);
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
}
END_TEST

/* The longest prefix counts; a class of ways is asked for only where the service is of it. */
START_TEST(test_ways_longest_and_class)
{
	struct prog *p = defended();

	prog_add_way(p, &client_linux4, 96, 0, &own);
	prog_add_way(p, &client_linux4, 120, 0, &none);
	prog_add_way(p, &client_linux4, 96, 5, &another_closed);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_WAY_BACK);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED); /* no entry */
	prog_add_way_class(p, &client_linux4, 5);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_ANOTHER_WAY_BACK);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED);
}
END_TEST

/* clang-format off */
static const struct {
	struct sg_way way;
	__u16 mss4, mss6, window;
	__u8 ttl;
} metrics[] = {
	{ { .mss = 1240 },		  1240, 1240, 0, 64 },
	{ { .mss = 8960 },		  1460, 1440, 0, 64 },
	{ { .window = 5000 },		  1460, 1440, 5000, 64 },
	{ { .initrwnd = 2 },		  1460, 1440, 2920, 64 },
	{ { .hop_limit = 9 },		  1460, 1440, 0, 9 },
	{ { .mss = 536, .window = 20000, .initrwnd = 4, .hop_limit = 255 }, 536, 536, 2096, 255 },
};
/* clang-format on */

/* What a route promises less of; the window is of whole segments. */
START_TEST(test_ways_metrics)
{
	struct prog *p = defended();
	int v, segment;

	for (v = 0; v < 2; v++) {
		struct sg_way way = metrics[_i].way;
		__u16 mss = v ? metrics[_i].mss6 : metrics[_i].mss4, window = metrics[_i].window;
		struct frame_view reply;

		way.groups = 1;
		prog_add_way(p, clients[v], 128, 0, &way);
		reply = prog_view(expect_verdict(p, SG_XDP, clients[v], SG_V_CHALLENGED));
		segment = v ? 1440 : 1460;
		ck_assert_uint_eq(reply.mss, mss);
		ck_assert_uint_eq(reply.ttl, metrics[_i].ttl);
		if (!window)
			continue;
		ck_assert_uint_le(reply.window, window);
		ck_assert_uint_gt(reply.window + 2 * segment, window);
	}
}
END_TEST

/* A TTL of the listener's own comes before the route's. */
START_TEST(test_ways_own_ttl)
{
	const struct sg_way way = { .groups = 1, .hop_limit = 9 };
	struct prog *p = prog_new(stack_new());

	stack_listen(.ttl = 33);
	prog_defend(p, &client_linux4);
	prog_add_way_iface(p, p->ifindex, &in_group_0);
	prog_add_way(p, &client_linux4, 128, 0, &way);
	ck_assert_uint_eq(prog_view(expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED)).ttl,
			  33);
}
END_TEST

/* This host's SYN-ACK to such a client, by an interface of this group, to the SYN's MAC or another. */
static void synack_by(struct prog *p, const struct frame_spec *syn, __u8 group, bool another_hop)
{
	const struct frame_spec synack = {
		.destination_mac = { 2, 0, 0, 0, 0, another_hop ? 9 : 1 },
		.version = syn->version,
		.src = syn->version == 6 ? STACK_SERVER6 : STACK_SERVER4,
		.dst = syn->version == 6 ? STACK_CLIENT6 : STACK_CLIENT4,
		.sport = STACK_PORT,
		.dport = 40000, /* the SYN's, unless it has another one */
		.flags = FRAME_SYN | FRAME_ACK,
	};
	const struct sg_way_iface iface = { .group = group };

	prog_add_way_iface(p, p->ifindex, &iface);
	expect_verdict(p, SG_EGRESS, &synack, SG_V_OWN_SYNACK);
	prog_add_way_iface(p, p->ifindex, &in_group_0);
}

/* Trap FW32: by a mark the answer may go another way, which only the host's own SYN-ACKs show. */
START_TEST(fw32_shown_by_synacks)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();

	p->control->ways = SG_WAYS_BY_OTHERS(syn->version == 6 ? 6 : 4);
	expect_verdict(p, SG_XDP, syn, SG_V_UNPROVEN);
	synack_by(p, syn, 0, false);
	expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
	synack_by(p, syn, 1, false);
	expect_verdict(p, SG_XDP, syn, SG_V_ANOTHER_WAY_BACK);
}
END_TEST

/* The table says another interface, and is wrong or right; of one client by each, nobody knows. */
START_TEST(fw32_table_is_a_guess)
{
	const struct frame_spec *syn = clients[_i / 2];
	struct prog *p = defended();

	p->control->ways = SG_WAYS_BY_OTHERS(syn->version == 6 ? 6 : 4);
	prog_add_way(p, syn, 128, 0, &another);
	prog_add_way_iface(p, OTHER_IFINDEX, &in_group_1);
	expect_verdict(p, SG_XDP, syn, SG_V_UNPROVEN);
	synack_by(p, syn, _i % 2, false);
	if (_i % 2) {
		expect_verdict(p, SG_XDP, syn, SG_V_HANDED_OVER);
		expect_verdict(p, SG_INGRESS, syn, SG_V_CHALLENGED);
	} else {
		expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
	}
	synack_by(p, syn, !(_i % 2), false);
	expect_verdict(p, SG_XDP, syn, SG_V_ANOTHER_WAY_BACK);
}
END_TEST

/* Trap FW33: the kernel looks up the next hop where SYN-ACKs go to another one than SYNs come from. */
START_TEST(fw33_another_next_hop)
{
	const struct frame_spec *syn = clients[_i];
	struct prog *p = defended();
	struct sg_service *s = prog_service(p, syn);

	s->proven_at_ns = 0;
	expect_verdict(p, SG_XDP, syn, SG_V_UNPROVEN);
	synack_by(p, syn, 0, false);
	expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
	synack_by(p, syn, 0, true);
	/* no Ethernet above it */
	expect_verdict(p, SG_XDP, syn, SG_V_ANOTHER_WAY_BACK);
	prog_add_way_iface(p, p->ifindex, &(struct sg_way_iface){ .top = p->ifindex });
	expect_verdict(p, SG_XDP, syn, SG_V_HANDED_OVER);
	expect_verdict(p, SG_INGRESS, syn, SG_V_CHALLENGED);
	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, syn, SG_V_OBSERVED);
	p->control->mode = SG_MODE_AUTO;
	/* five minutes after the last one */
	p->control->heartbeat_ns += 301000000000ULL;
	expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
	expect_verdict(p, SG_INGRESS, syn, SG_V_SYN);
}
END_TEST

SUITE_NEEDS(prog_lacks)

const struct suite_test suite_tests[] = { SUITE_LOOP(test_ways_own_interface, 2, 30),
					  SUITE_LOOP(test_ways_another_interface, 2, 30),
					  SUITE_LOOP(test_ways_ingress_answers, 2, 30),
					  SUITE_LOOP(test_ways_only_the_defended, 2, 30),
					  SUITE_LOOP(test_ways_none, 2, 30),
					  SUITE_TEST(test_ways_reverse_path, 30),
					  SUITE_TEST(test_ways_tagged, 30),
					  SUITE_TEST(test_ways_longest_and_class, 30),
					  SUITE_LOOP(test_ways_metrics, 6, 60),
					  SUITE_TEST(test_ways_own_ttl, 30),
					  SUITE_LOOP(fw32_shown_by_synacks, 2, 30),
					  SUITE_LOOP(fw32_table_is_a_guess, 4, 30),
					  SUITE_LOOP(fw33_another_next_hop, 2, 30),
					  {} };
