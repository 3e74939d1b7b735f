/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands against a challenge: each reason by itself, on a service that would be challenged
 * without it and is challenged again after it, and which reason wins.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* A service that the next SYN is challenged for. */
static struct prog *defended(struct sg_service **ret)
{
	struct prog *p = prog_new(stack_new());

	stack_listen();
	prog_defend(p, &client_linux6);
	*ret = prog_defend(p, &client_linux4);
	return p;
}

static void challenged(struct prog *p, const struct frame_spec *syn)
{
	expect_verdict(p, SG_XDP, syn, SG_V_CHALLENGED);
}

/* The listener is looked at again at the next SYN. */
static void expire(struct sg_service *s)
{
	s->checked_at_ns = 0;
}

/* Completed connections that nobody takes; one more than the backlog are a full queue. */
static void wait_in_accept_queue(int listener, int count)
{
	while (count--)
		stack_connect(listener, AF_INET);
}

START_TEST(test_observed)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_OBSERVED);
	ck_assert_uint_eq(s->promised[0] | s->promised[1], 0);
	ck_assert_uint_eq(prog_tally(p, s).challenged, 0);
	ck_assert_uint_eq(prog_tally(p, s).syns, 2);
	p->control->mode = SG_MODE_AUTO;
	challenged(p, &client_linux4);
}
END_TEST

START_TEST(test_heartbeat_lost)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	p->control->heartbeat_ns = prog_now_ns() - 59000000000ULL;
	challenged(p, &client_linux4);
	p->control->heartbeat_ns = prog_now_ns() - 61000000000ULL;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_HEARTBEAT_LOST);
	p->control->heartbeat_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_HEARTBEAT_LOST);
	/* stamped by a finer clock than the programs read */
	p->control->heartbeat_ns = prog_now_ns() + 50000000;
	challenged(p, &client_linux4);
}
END_TEST

START_TEST(test_unproven)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	s->proven_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_UNPROVEN);
	/* the proof of one family is none for the other */
	challenged(p, &client_linux6);
	s->proven_at_ns = prog_now_ns();
	challenged(p, &client_linux4);
}
END_TEST

START_TEST(test_forwarded)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	s->forwarded_until_ns = (prog_now_ns() + 1000000000) & ~SG_FORWARDED_SYNPROXY;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_FORWARDED);
	s->forwarded_until_ns |= SG_FORWARDED_SYNPROXY;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_SYNPROXY);
	s->forwarded_until_ns &= ~SG_FORWARDED_SYNPROXY;
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_FORWARDED);
	s->forwarded_until_ns = prog_now_ns() - 1000000000;
	challenged(p, &client_linux4);
}
END_TEST

START_TEST(test_blocked)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	s->blocked_until_ns = prog_now_ns() + 1000000000;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_BLOCKED);
	s->blocked_until_ns = prog_now_ns() - 1000000000;
	challenged(p, &client_linux4);
}
END_TEST

/* The verdict of a SYN for which nobody looked at the listener again. */
static enum sg_verdict without_a_look(struct prog *p, struct sg_service *s)
{
	struct prog_frame frame = prog_frame(&client_linux4);
	__u32 hindrance = s->hindrance;
	enum sg_verdict verdict;
	__u64 checked_at_ns;
	int tries = 20;

	/* a machine that pauses for 40 ms makes another try necessary */
	do {
		s->hindrance = hindrance;
		s->checked_at_ns = checked_at_ns = prog_now_ns() - 10000000;
		verdict = prog_judge(p, SG_XDP, &frame, __FILE__, __LINE__);
	} while (s->checked_at_ns != checked_at_ns && --tries);
	ck_assert_int_gt(tries, 0);
	return verdict;
}

/*
 * The administrator's list: it holds from the next look at the listener on, at most SG_RECHECK_NS
 * later, and is not asked by SYNs in between.
 */
START_TEST(test_left_alone)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	challenged(p, &client_linux4);
	prog_leave_alone(p, &client_linux4, 128, STACK_PORT);
	ck_assert_int_eq(without_a_look(p, s), SG_V_CHALLENGED);
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_LEFT_ALONE);
	challenged(p, &client_linux6);
	prog_leave_no_more(p, &client_linux4, 128, STACK_PORT);
	ck_assert_int_eq(without_a_look(p, s), SG_V_LEFT_ALONE);
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/* What is on the list by its address, its port, or both, in full or by a prefix. */
START_TEST(test_left_alone_patterns)
{
	/* bits of the address (IPv4's are behind 96 others), port, whether that is the service */
	static const struct {
		int addr_bits;
		__u16 port;
		enum sg_verdict verdict;
	} rows[] = {
		{ 128, STACK_PORT, SG_V_LEFT_ALONE },
		{ 128, STACK_PORT + 1, SG_V_CHALLENGED },
		{ 128, 0, SG_V_LEFT_ALONE },
		{ 120, STACK_PORT, SG_V_LEFT_ALONE },
		{ 97, 0, SG_V_LEFT_ALONE },
		{ 120, STACK_PORT + 1, SG_V_CHALLENGED },
		{ 0, STACK_PORT, SG_V_LEFT_ALONE },
		{ 0, STACK_PORT + 1, SG_V_CHALLENGED },
		{ 96, STACK_PORT << 8, SG_V_CHALLENGED },
	};
	struct frame_spec elsewhere = client_linux4;
	struct sg_service *s;
	struct prog *p = defended(&s);
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		prog_leave_alone(p, &client_linux4, rows[i].addr_bits, rows[i].port);
		expire(s);
		expect_verdict(p, SG_XDP, &client_linux4, rows[i].verdict);
		prog_leave_no_more(p, &client_linux4, rows[i].addr_bits, rows[i].port);
	}
	/* another address, and what is next to a prefix */
	elsewhere.dport = STACK_PORT + 1;
	prog_leave_alone(p, &elsewhere, 128, STACK_PORT + 1);
	prog_leave_alone(p, &client_linux6, 0, STACK_PORT + 2);
	prog_leave_alone(p, &client_linux6, 128, 0);
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/*
 * A service that is left alone loses no SYN to its full accept queue by us, also after an answer to
 * an earlier challenge has met the full queue.
 */
START_TEST(test_left_alone_before_all)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(.backlog = 1);
	struct frame_spec ack;
	struct sg_service *s;

	s = prog_defend(p, &client_linux4);
	ack = prog_answer(p, &client_linux4);
	wait_in_accept_queue(listener, 2);
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_ACCEPT_FULL);
	prog_leave_alone(p, &client_linux4, 128, 0);
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_LEFT_ALONE);
	/* the kernel makes no connection of it outside of tc; what stands before that has been */
	expect_verdict(p, SG_INGRESS, &ack, SG_V_REFUSED);
	ck_assert_uint_eq(s->hindrance, SG_V_LEFT_ALONE);
	p->control->mode = SG_MODE_ALWAYS;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_LEFT_ALONE);
	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_LEFT_ALONE);
}
END_TEST

/* Traps H9. */
START_TEST(test_mptcp_listener)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	int fd;

	stack_sysctl("mptcp/enabled", "1");
	fd = stack_listen(.protocol = IPPROTO_MPTCP);
	s = prog_defend(p, &client_linux4);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_MPTCP_LISTENER);
	close(fd);
	stack_listen();
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/* Trap FW22. A value of 0 alone, where nothing asks for conntrack, is what a fresh kernel has. */
START_TEST(test_strict_conntrack)
{
	static const char *const loose = "netfilter/nf_conntrack_tcp_loose";
	struct sg_service *s;
	struct prog *p = defended(&s);

	stack_sysctl(loose, "0");
	expire(s);
	challenged(p, &client_linux4);
	stack_command("nft 'table ip t { chain c { type filter hook input priority 0; "
		      "ct state invalid drop; }; }'");
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_STRICT_CONNTRACK);
	stack_sysctl(loose, "1");
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/* Traps H20: set to 0 while an attack goes on. */
START_TEST(test_syncookies_off)
{
	struct sg_service *s;
	struct prog *p = defended(&s);

	challenged(p, &client_linux4);
	stack_sysctl("ipv4/tcp_syncookies", "0");
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_SYNCOOKIES_OFF);
	stack_sysctl("ipv4/tcp_syncookies", "2");
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/* Traps H4. */
START_TEST(test_accept_full)
{
	struct prog *p = prog_new(stack_new());
	int fd = stack_listen(.backlog = 1);
	struct sg_service *s;

	s = prog_defend(p, &client_linux4);
	wait_in_accept_queue(fd, 1);
	challenged(p, &client_linux4);
	wait_in_accept_queue(fd, 1);
	expire(s);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_ACCEPT_FULL);
	ck_assert_int_ge(stack_accept(fd), 0);
	expire(s);
	challenged(p, &client_linux4);
}
END_TEST

/* A dropped SYN is the harshest answer, so every reason to pass it comes first. */
START_TEST(test_accept_full_comes_last)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec signature = client_linux4, low = client_linux4, tag = client_linux4;
	struct sg_service *s;

	wait_in_accept_queue(stack_listen(.backlog = 1), 2);
	s = prog_defend(p, &client_linux4);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_ACCEPT_FULL);

	signature.options[5] = (struct frame_option)FRAME_MD5;
	signature.options[2] = (struct frame_option)FRAME_NOP;
	expect_verdict(p, SG_XDP, &signature, SG_V_SIGNED);
	low.options[0] = (struct frame_option)FRAME_MSS(535);
	expect_verdict(p, SG_XDP, &low, SG_V_MSS_LOW);
	tag.tags[0].vid = 7;
	expect_verdict(p, SG_XDP, &tag, SG_V_VLAN_DIFFERS);
	tag.tags[1].vid = 8;
	expect_verdict(p, SG_XDP, &tag, SG_V_QINQ);

	p->control->mode = SG_MODE_OBSERVE;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_OBSERVED);
	p->control->mode = SG_MODE_AUTO;
	p->control->heartbeat_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_HEARTBEAT_LOST);
	p->control->heartbeat_ns = prog_now_ns();
	s->blocked_until_ns = prog_now_ns() + 1000000000;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_BLOCKED);
	s->blocked_until_ns = 0;
	s->forwarded_until_ns = (prog_now_ns() + 1000000000) & ~SG_FORWARDED_SYNPROXY;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_FORWARDED);
	s->forwarded_until_ns = 0;
	s->proven_at_ns = 0;
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_UNPROVEN);
}
END_TEST

/* Traps H10. */
START_TEST(test_signed)
{
	struct frame_spec md5 = { .options = { FRAME_MSS(1460), FRAME_MD5 } };
	struct frame_spec ao = { .options = { FRAME_AO, FRAME_MSS(1460) } };
	struct sg_service *s;
	struct prog *p = defended(&s);

	expect_verdict(p, SG_XDP, &md5, SG_V_SIGNED);
	expect_verdict(p, SG_XDP, &ao, SG_V_SIGNED);
	md5.version = ao.version = 6;
	expect_verdict(p, SG_XDP, &md5, SG_V_SIGNED);
	expect_verdict(p, SG_XDP, &ao, SG_V_SIGNED);
}
END_TEST

/* Traps F3: a reply in place has the tags of the SYN, so they have to be those of the way out. */
START_TEST(test_vlan_differs)
{
	struct frame_spec tagged = client_linux4, other = client_linux4;
	struct sg_service *s;
	struct prog *p = defended(&s);

	tagged.tags[0].vid = 7;
	other.tags[0].vid = 8;
	expect_verdict(p, SG_XDP, &tagged, SG_V_VLAN_DIFFERS);
	s->vlan = SG_VLAN_PRESENT | 7;
	challenged(p, &tagged);
	expect_verdict(p, SG_XDP, &other, SG_V_VLAN_DIFFERS);
	/* the hardware has taken the tag off */
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_VLAN_DIFFERS);
	/* a tag with id 0 (a priority alone) is a tag */
	s->vlan = 0;
	other.tags[0] = (struct frame_tag){ .priority = 3 };
	expect_verdict(p, SG_XDP, &other, SG_V_VLAN_DIFFERS);
}
END_TEST

START_TEST(test_qinq)
{
	struct frame_spec syn = client_linux4;
	struct sg_service *s;
	struct prog *p = defended(&s);

	syn.tags[0] = (struct frame_tag){ .tpid = 0x88a8, .vid = 7 };
	syn.tags[1] = (struct frame_tag){ .vid = 8 };
	s->vlan = SG_VLAN_PRESENT | 7;
	expect_verdict(p, SG_XDP, &syn, SG_V_QINQ);
}
END_TEST

/* Traps H6: the kernel takes no acceptance with less. Without the option it assumes the minimum. */
START_TEST(test_mss_low)
{
	static const struct {
		int version, mss;
		enum sg_verdict verdict;
	} rows[] = {
		{ 4, 0, SG_V_MSS_LOW },	      { 4, 1, SG_V_MSS_LOW },	{ 4, 535, SG_V_MSS_LOW },
		{ 4, 536, SG_V_CHALLENGED },  { 6, 536, SG_V_MSS_LOW }, { 6, 1219, SG_V_MSS_LOW },
		{ 6, 1220, SG_V_CHALLENGED },
	};
	struct frame_spec without = { .version = 6 };
	struct sg_service *s;
	struct prog *p = defended(&s);
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_spec syn = {
			.version = rows[i].version,
			.options = { FRAME_LINUX_SYN(rows[i].mss, CLIENT_TSVAL, 7) },
		};

		expect_verdict(p, SG_XDP, &syn, rows[i].verdict);
	}
	challenged(p, &without);
	without.version = 4;
	challenged(p, &without);
}
END_TEST

/* The kernel takes the client's MSS for the listener's TCP_MAXSEG where that is less. */
START_TEST(test_maxseg_low)
{
	struct prog *p = prog_new(stack_new());

	stack_listen(.maxseg = 1219);
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	challenged(p, &client_linux4);
	expect_verdict(p, SG_XDP, &client_linux6, SG_V_MSS_LOW);
}
END_TEST

/* A driver whose buffers cannot grow: the SYN goes on as it came. */
/* Forged with an address of ours: the answer would come round to ourselves. In both programs. */
START_TEST(test_own_source)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6 };
	const char *const own[] = { "203.0.113.7", "2001:db8::7" };
	struct prog *p = prog_new(stack_new());
	int i;

	stack_listen();
	p->answers = true;
	for (i = 0; i < 2; i++) {
		struct frame_spec forged = *syns[i], there = *syns[i];
		enum sg_program program;

		forged.src = there.dst = own[i];
		prog_defend(p, syns[i]);
		for (program = SG_XDP; program <= SG_INGRESS; program++) {
			expect_verdict(p, program, &forged, SG_V_CHALLENGED);
			prog_add_local(p, &there);
			expect_verdict(p, program, &forged, SG_V_OWN_SOURCE);
			/* what is left of it in the bitmap does not matter */
			prog_remove_local(p, &there);
			expect_verdict(p, program, &forged, SG_V_CHALLENGED);
		}
	}
}
END_TEST

START_TEST(test_no_room)
{
	struct frame_spec syn = client_bare4;
	struct sg_service *s;
	struct prog *p = defended(&s);

	if (!prog_can_split(p))
		SKIP("this kernel's BPF_PROG_RUN makes no fragments of short frames");
	/* BPF_PROG_RUN has room after a frame, but none after its fragments */
	syn.payload_bytes = 2;
	p->xdp_linear_bytes = 54;
	expect_verdict(p, SG_XDP, &syn, SG_V_NO_ROOM);
	ck_assert_uint_eq(prog_tally(p, s).challenged, 0);
	p->xdp_linear_bytes = 0;
	challenged(p, &syn);
	ck_assert_uint_eq(prog_tally(p, s).challenged, 1);
}
END_TEST

START_TEST(test_challenged_plain)
{
	struct frame_spec syn = { .options = { FRAME_MSS(1460), FRAME_SACK, FRAME_NOP, FRAME_NOP,
					       FRAME_NOP, FRAME_WSCALE(7) } };
	struct sg_service *s;
	struct prog *p = defended(&s);
	struct frame_view view;

	view = prog_view(expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED_PLAIN));
	ck_assert(view.has_mss && !view.has_sack && !view.has_wscale);
	ck_assert_uint_eq(prog_tally(p, s).challenged, 1);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_observed, 10),
	SUITE_TEST(test_heartbeat_lost, 10),
	SUITE_TEST(test_unproven, 10),
	SUITE_TEST(test_forwarded, 10),
	SUITE_TEST(test_blocked, 10),
	SUITE_TEST(test_left_alone, 10),
	SUITE_TEST(test_left_alone_patterns, 10),
	SUITE_TEST(test_left_alone_before_all, 10),
	SUITE_TEST(test_mptcp_listener, 10),
	SUITE_TEST(test_syncookies_off, 10),
	SUITE_TEST(test_strict_conntrack, 10),
	SUITE_TEST(test_accept_full, 10),
	SUITE_TEST(test_accept_full_comes_last, 10),
	SUITE_TEST(test_signed, 10),
	SUITE_TEST(test_vlan_differs, 10),
	SUITE_TEST(test_qinq, 10),
	SUITE_TEST(test_mss_low, 10),
	SUITE_TEST(test_maxseg_low, 10),
	SUITE_TEST(test_own_source, 10),
	SUITE_TEST(test_no_room, 10),
	SUITE_TEST(test_challenged_plain, 10),
	{}
};
/* clang-format on */
