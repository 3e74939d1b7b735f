/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the MAC address of another machine, which a flooding switch, a bridge or a promiscuous
 * NIC brings: that machine may have the same address and port. Each program leaves them alone, and
 * keeps nothing of what they say.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <string.h>
#include <unistd.h>

#include "synguard.skel.h"

/* Each differs from the server's, 02:00:00:00:00:02, in one byte. */
static const __u8 others[][6] = {
	{ 6, 0, 0, 0, 0, 2 },
	{ 2, 0, 0, 1, 0, 2 },
	{ 2, 0, 0, 0, 1, 2 },
	{ 2, 0, 0, 0, 0, 1 },
};
#define OTHERS (sizeof(others) / sizeof(others[0]))

static const struct frame_spec *const syns[] = { &client_linux4, &client_linux6, &client_windows4,
						 &client_bare4 };
#define SYNS (sizeof(syns) / sizeof(syns[0]))

static struct frame_spec sent_to(const struct frame_spec *spec, const __u8 mac[6])
{
	struct frame_spec to = *spec;

	memcpy(to.destination_mac, mac, sizeof(to.destination_mac));
	return to;
}

static struct prog *defended(void)
{
	struct prog *p = prog_new(stack_new());

	stack_listen();
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	p->control->mode = SG_MODE_ALWAYS;
	return p;
}

START_TEST(other_host_syn)
{
	struct prog *p = defended();
	const struct sg_service *s = prog_service(p, &client_linux4);
	__u64 syns_before = prog_tally(p, s).syns;
	unsigned int i, k;

	for (i = 0; i < SYNS; i++) {
		for (k = 0; k < OTHERS; k++) {
			struct frame_spec syn = sent_to(syns[i], others[k]);

			expect_verdict(p, SG_XDP, &syn, SG_V_OTHER_HOST);
			syn.tags[0].vid = 7;
			expect_verdict(p, SG_XDP, &syn, SG_V_OTHER_HOST);
		}
	}
	/* nor is it dropped for its source, as it may have to go on through a bridge */
	prog_list(p, &client_linux4, 128, false);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_DENIED);
	for (k = 0; k < OTHERS; k++) {
		struct frame_spec syn = sent_to(&client_linux4, others[k]);

		expect_verdict(p, SG_XDP, &syn, SG_V_OTHER_HOST);
	}
	ck_assert_uint_eq(prog_tally(p, s).syns, syns_before);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED);
}
END_TEST

/* By the programs that see them in place of XDP: one only counts, one answers. */
START_TEST(other_host_syn_at_ingress)
{
	struct prog *p = defended();
	unsigned int i, k;

	for (i = 0; i < SYNS; i++) {
		for (k = 0; k < OTHERS; k++) {
			struct frame_spec syn = sent_to(syns[i], others[k]);

			expect_verdict(p, SG_INGRESS, &syn, SG_V_OTHER_HOST);
			p->alone = true;
			expect_verdict(p, SG_INGRESS, &syn, SG_V_OTHER_HOST);
			p->alone = false;
			p->answers = true;
			expect_verdict(p, SG_INGRESS, &syn, SG_V_OTHER_HOST);
			p->answers = false;
		}
		expect_verdict(p, SG_INGRESS, syns[i], SG_V_SYN);
	}
	p->answers = true;
	expect_verdict(p, SG_INGRESS, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

/* With the very cookie that this host gave; and a reset that is not of our challenge. */
START_TEST(other_host_ack)
{
	struct prog *p = defended();
	unsigned int i, k;

	for (i = 0; i < SYNS; i++) {
		struct frame_spec ack = prog_answer(p, syns[i]);

		for (k = 0; k < OTHERS; k++) {
			struct frame_spec other = sent_to(&ack, others[k]);

			expect_verdict(p, SG_INGRESS, &other, SG_V_OTHER_HOST);
			other.payload_bytes = 100;
			expect_verdict(p, SG_INGRESS, &other, SG_V_OTHER_HOST);
			other.flags = FRAME_RST;
			expect_verdict(p, SG_INGRESS, &other, SG_V_OTHER_HOST);
		}
		/* valid: there is no tc around a run of this kind (test_ingress) */
		expect_verdict(p, SG_INGRESS, &ack, SG_V_REFUSED);
	}
}
END_TEST

/* XDP drops bogus ACKs in a flood of them, and none that is another machine's. */
START_TEST(other_host_ack_flood)
{
	const struct frame_spec bogus = { .flags = FRAME_ACK, .seq = 1, .ack = 77 };
	struct prog *p = defended();
	unsigned int k;

	p->skel->bss->ack_flood_until_ns = prog_now_ns() + 3600000000000ULL;
	expect_verdict(p, SG_XDP, &bogus, SG_V_BOGUS_ACK);
	for (k = 0; k < OTHERS; k++) {
		struct frame_spec other = sent_to(&bogus, others[k]);

		expect_verdict(p, SG_XDP, &other, SG_V_NOT_SYN);
	}
}
END_TEST

/* What a bridge sends on is no proof of another host, whosever MAC it was sent to. */
START_TEST(other_host_forged_synack)
{
	struct frame_spec forged = {
		.src = STACK_SERVER4,
		.dst = STACK_CLIENT4,
		.sport = STACK_PORT,
		.flags = FRAME_SYN | FRAME_ACK,
	};
	struct prog *p = defended();

	forged = sent_to(&forged, others[0]);
	expect_verdict(p, SG_INGRESS, &forged, SG_V_NOT_ACK);
	p->skb_ingress_ifindex = p->ifindex + 1;
	expect_verdict(p, SG_EGRESS, &forged, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_eq(prog_service(p, &client_linux4)->forwarded_until_ns, 0);
}
END_TEST

/* A bridge, a VLAN or a macvlan above the device has a MAC of its own, and is this host. */
START_TEST(other_host_or_a_device_above)
{
	static const __u8 above[6] = { 2, 0, 0, 0, 7, 7 };
	struct frame_spec syn = sent_to(&client_linux4, above), ack;
	struct prog *p = defended();

	expect_verdict(p, SG_XDP, &syn, SG_V_OTHER_HOST);
	prog_add_mac(p, above);
	ack = prog_answer(p, &syn);
	memcpy(ack.destination_mac, above, sizeof(above));
	expect_verdict(p, SG_INGRESS, &ack, SG_V_REFUSED);
	expect_verdict(p, SG_INGRESS, &syn, SG_V_SYN);
	p->answers = true;
	expect_verdict(p, SG_INGRESS, &syn, SG_V_CHALLENGED);
	/* and the device's own still is */
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(other_host_syn, 30),
	SUITE_TEST(other_host_syn_at_ingress, 30),
	SUITE_TEST(other_host_ack, 30),
	SUITE_TEST(other_host_ack_flood, 30),
	SUITE_TEST(other_host_forged_synack, 30),
	SUITE_TEST(other_host_or_a_device_above, 30),
	{}
};
/* clang-format on */
