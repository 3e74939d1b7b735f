/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcx egress, and the tracepoint: what proves that a service is this host's own.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCX_EGRESS 47

/* To where the frames of clients come from. */
#define CLIENT_MAC                                                                                 \
	{                                                                                          \
		2, 0, 0, 0, 0, 1                                                                   \
	}

static const struct frame_spec synack4 = {
	.destination_mac = CLIENT_MAC,
	.src = STACK_SERVER4,
	.dst = STACK_CLIENT4,
	.sport = STACK_PORT,
	.dport = 40000,
	.flags = FRAME_SYN | FRAME_ACK,
};

static const struct frame_spec synack6 = {
	.destination_mac = CLIENT_MAC,
	.version = 6,
	.src = STACK_SERVER6,
	.dst = STACK_CLIENT6,
	.sport = STACK_PORT,
	.dport = 40000,
	.flags = FRAME_SYN | FRAME_ACK,
};

START_TEST(test_not_synack)
{
	const __u32 flags[] = { FRAME_SYN, FRAME_ACK, FRAME_RST | FRAME_ACK, FRAME_FIN | FRAME_ACK,
				FRAME_IS(0) };
	struct prog *p = prog_new(stack_new());
	struct frame_spec spec = synack4;
	struct sg_service *s;
	unsigned int i;

	stack_listen();
	s = prog_enter(p, &client_linux4);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		spec.flags = flags[i];
		expect_verdict(p, SG_EGRESS, &spec, SG_V_NOT_SYNACK);
	}
	ck_assert_uint_eq(s->proven_at_ns, 0);
}
END_TEST

START_TEST(test_own_synack_proves)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *four, *six;
	__u64 proven;

	stack_listen();
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_UNPROVEN);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_UNPROVEN);
	four = prog_service(p, &client_linux4);
	six = prog_service(p, &client_linux6);

	expect_verdict(p, SG_EGRESS, &synack4, SG_V_OWN_SYNACK);
	proven = four->proven_at_ns;
	ck_assert_uint_gt(proven, 0);
	ck_assert_uint_eq(six->proven_at_ns, 0);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_UNPROVEN);
	usleep(20000);
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_OWN_SYNACK);
	ck_assert_uint_eq(four->proven_at_ns, proven);

	expect_verdict(p, SG_EGRESS, &synack6, SG_V_OWN_SYNACK);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_CHALLENGED);
}
END_TEST

START_TEST(test_synack_unknown_service)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = synack4;

	stack_listen();
	prog_enter(p, &client_linux4);
	other.sport = 81;
	expect_verdict(p, SG_EGRESS, &other, SG_V_SYNACK_UNKNOWN_SERVICE);
	other = synack4;
	other.src = "203.0.113.2";
	expect_verdict(p, SG_EGRESS, &other, SG_V_SYNACK_UNKNOWN_SERVICE);
}
END_TEST

/* What a backend sends comes in by the interface, before something gives it the service's address. */
static void backend_answers(struct prog *p)
{
	struct frame_spec from_it = synack4;

	from_it.src = "203.0.113.2";
	expect_verdict(p, SG_INGRESS, &from_it, SG_V_NOT_ACK);
}

/* Trap FW31: with our own address, from an interface that we did not see it come in by. */
START_TEST(fw31_synack_that_was_not_seen)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen();
	s = prog_defend(p, &client_linux4);
	p->skb_ingress_ifindex = if_nametoindex("client");
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_eq(s->forwarded_until_ns, 0);
	/* another one's has come in, but by the interface that we are attached to */
	backend_answers(p);
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_eq(s->forwarded_until_ns, 0);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
}
END_TEST

/* Traps H22: another host answers for the port. Proof of before does not help. */
START_TEST(test_forwarded_synack)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = synack4;
	struct sg_service *s;
	__u64 now;

	stack_listen();
	s = prog_defend(p, &client_linux4);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	p->skb_ingress_ifindex = p->ifindex;
	backend_answers(p);
	now = prog_now_ns();
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_gt(s->forwarded_until_ns, now + SG_FORWARDED_NS - 1000000000);
	ck_assert_uint_lt(s->forwarded_until_ns, now + SG_FORWARDED_NS + 1000000000);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_FORWARDED);
	other.sport = 81;
	expect_verdict(p, SG_EGRESS, &other, SG_V_FORWARDED_SYNACK);

	/* it proves nothing either */
	s->proven_at_ns = 0;
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_eq(s->proven_at_ns, 0);
}
END_TEST

/* bpf/path/frame.bpf.h: CHALLENGE_SENT */
#define ANSWER_SENT 0x53474352

/*
 * The answer of ingress on its way out, which is a SYN-ACK that came in from outside as far as the
 * skb can tell: no proof, and no other host's. Only out of the interface that it came in by.
 */
START_TEST(test_own_reply)
{
	struct frame_spec synack = { .src = STACK_SERVER4,
				     .dst = STACK_CLIENT4,
				     .sport = 80,
				     .dport = 40000,
				     .flags = FRAME_SYN | FRAME_ACK };
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen();
	s = prog_enter(p, &client_linux4);
	p->skb_mark = ANSWER_SENT;
	p->skb_ingress_ifindex = p->ifindex;
	expect_verdict(p, SG_EGRESS, &synack, SG_V_OWN_REPLY);
	ck_assert_uint_eq(s->forwarded_until_ns, 0);
	ck_assert_uint_eq(s->proven_at_ns, 0);
	p->skb_mark = 0;
	backend_answers(p);
	expect_verdict(p, SG_EGRESS, &synack, SG_V_FORWARDED_SYNACK);
	ck_assert_uint_gt(s->forwarded_until_ns, 0);
	p->skb_ingress_ifindex = 0;
	expect_verdict(p, SG_EGRESS, &synack, SG_V_OWN_SYNACK);
}
END_TEST

START_TEST(test_vlan_in_the_frame_is_learned)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec tagged = synack4, syn = client_linux4;
	struct sg_service *s;

	stack_listen();
	s = prog_defend(p, &client_linux4);
	tagged.tags[0] = (struct frame_tag){ .vid = 7, .priority = 5 };
	expect_verdict(p, SG_EGRESS, &tagged, SG_V_OWN_SYNACK);
	ck_assert_uint_eq(s->vlan, SG_VLAN_PRESENT | 7);
	syn.tags[0].vid = 7;
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
	expect_verdict(p, SG_EGRESS, &synack4, SG_V_OWN_SYNACK);
	ck_assert_uint_eq(s->vlan, 0);
}
END_TEST

/* A program before ours that tags what leaves, as a VLAN interface does: not in the frame. */
static void tag_what_leaves(const struct prog *p, int tci)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_2,
		  .imm = htons(ETH_P_8021Q) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = tci },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_vlan_push },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = TCX_EGRESS);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tag", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), &options);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(bpf_link_create(fd, p->ifindex, TCX_EGRESS, NULL), 0);
}

START_TEST(test_vlan_beside_the_frame_is_learned)
{
	struct prog *p = prog_new(stack_new());
	struct prog_frame syn = prog_frame(&client_linux4);
	struct sg_service *s;

	tag_what_leaves(p, 5 << 13 | 77);
	prog_attach(p);
	stack_listen();
	s = prog_enter(p, &client_linux4);
	prog_mark(p);
	prog_deliver(p, &syn);
	ck_assert_uint_eq(prog_counted(p, SG_EGRESS, SG_V_OWN_SYNACK), 1);
	ck_assert_uint_eq(s->vlan, SG_VLAN_PRESENT | 77);
}
END_TEST

/* The kernel's own SYN-ACKs, also those that carry its cookies. */
START_TEST(test_the_stack_proves)
{
	struct prog *p = prog_new(stack_new());
	struct prog_frame four = prog_frame(&client_linux4), six = prog_frame(&client_linux6);
	struct sg_service *s4, *s6;

	prog_attach(p);
	stack_listen();
	s4 = prog_enter(p, &client_linux4);
	s6 = prog_enter(p, &client_linux6);
	prog_mark(p);
	prog_deliver(p, &four);
	ck_assert_uint_eq(prog_counted(p, SG_EGRESS, SG_V_OWN_SYNACK), 1);
	ck_assert_uint_gt(s4->proven_at_ns, 0);
	ck_assert_uint_eq(s6->proven_at_ns, 0);

	stack_sysctl("ipv4/tcp_syncookies", "2");
	prog_deliver(p, &six);
	ck_assert_uint_eq(prog_counted(p, SG_EGRESS, SG_V_OWN_SYNACK), 2);
	ck_assert_uint_gt(s6->proven_at_ns, 0);
}
END_TEST

/* A completed handshake proves as well; it is not counted as established, since no acceptance was promised. */
START_TEST(test_a_handshake_proves)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6 };
	struct prog *p = prog_new(stack_new());
	int i, listener = stack_listen();

	prog_attach(p);
	for (i = 0; i < 2; i++) {
		struct prog_frame syn = prog_frame(syns[i]), ack;
		struct sg_service *s = prog_enter(p, syns[i]);
		struct frame_view synack;
		struct frame_spec answer;

		prog_deliver(p, &syn);
		synack = stack_view_sent();
		s->proven_at_ns = 0; /* by the SYN-ACK */
		answer = frame_answer(&synack, CLIENT_TSVAL);
		ack = prog_frame(&answer);
		prog_deliver(p, &ack);
		ck_assert_int_ge(stack_accept(listener), 0);
		ck_assert_uint_gt(s->proven_at_ns, 0);
		ck_assert_uint_eq(prog_tally(p, s).handshakes, 1);
		ck_assert_uint_eq(prog_tally(p, s).established, 0);
	}
}
END_TEST

/* A client on the host itself: its packets do not meet the rules that others' meet. */
START_TEST(test_a_local_client_proves_nothing)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen();
	struct sg_service *s4, *s6;

	prog_attach(p);
	s4 = prog_enter(p, &client_linux4);
	s6 = prog_enter(p, &client_linux6);
	stack_connect(listener, AF_INET);
	stack_connect(listener, AF_INET6);
	ck_assert_uint_eq(prog_tally(p, s4).handshakes, 1);
	ck_assert_uint_eq(prog_tally(p, s6).handshakes, 1);
	ck_assert_uint_eq(s4->proven_at_ns, 0);
	ck_assert_uint_eq(s6->proven_at_ns, 0);
}
END_TEST

/* Traps C13: the tracepoint fires for every namespace of the machine. */
START_TEST(test_handshakes_of_other_namespaces)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen();
	struct sg_service *s;

	prog_attach(p);
	s = prog_enter(p, &client_linux4);
	p->control->netns_inum++;
	stack_connect(listener, AF_INET);
	ck_assert_uint_eq(prog_tally(p, s).handshakes, 0);
	p->control->netns_inum--;
	stack_connect(listener, AF_INET);
	ck_assert_uint_eq(prog_tally(p, s).handshakes, 1);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_not_synack, 10),
	SUITE_TEST(test_own_synack_proves, 10),
	SUITE_TEST(test_synack_unknown_service, 10),
	SUITE_TEST(test_forwarded_synack, 10),
	SUITE_TEST(fw31_synack_that_was_not_seen, 10),
	SUITE_TEST(test_own_reply, 10),
	SUITE_TEST(test_vlan_in_the_frame_is_learned, 10),
	SUITE_TEST(test_vlan_beside_the_frame_is_learned, 10),
	SUITE_TEST(test_the_stack_proves, 10),
	SUITE_TEST(test_a_handshake_proves, 10),
	SUITE_TEST(test_a_local_client_proves_nothing, 10),
	SUITE_TEST(test_handshakes_of_other_namespaces, 10),
	{}
};
/* clang-format on */
