/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcx ingress by BPF_PROG_RUN: which ACK is taken for the answer to a challenge.
 *
 * There is no tc ingress around such a run, so the kernel refuses to make a connection of the
 * packet: `refused` is here the sign that everything before that was in order. The whole way is
 * test_acceptance's.
 */
#include "bpf/cookie/cookie.h"

#include "client.h"
#include "stack.h"
#include "suite.h"

#include <sys/socket.h>
#include <unistd.h>

/* bpf/path/ack.bpf.h: ACK_REQUEUED */
#define REQUEUED 0x53474341

#define VALID SG_V_REFUSED

static struct prog *defended(void)
{
	struct prog *p = prog_new(stack_new());

	stack_listen();
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	return p;
}

/* The option in which the ACK echoes the challenge's TSval. */
static void set_echo(struct frame_spec *ack, __u32 tsval, __u32 tsecr)
{
	ack->options[2] = (struct frame_option)FRAME_TS(tsval, tsecr);
}

static __u32 echo_of(const struct frame_spec *ack)
{
	struct prog_frame f = prog_frame(ack);

	return prog_view(&f).tsecr;
}

START_TEST(test_valid_cookies)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4,
					    &client_windows6, &client_bare4 };
	struct prog *p = defended();
	unsigned int i;

	for (i = 0; i < 5; i++) {
		struct frame_spec ack = prog_answer(p, syns[i]);

		expect_verdict(p, SG_INGRESS, &ack, VALID);
		/* the ACK was lost, and its data comes first */
		ack.flags |= FRAME_PSH;
		ack.payload_bytes = 100;
		expect_verdict(p, SG_INGRESS, &ack, VALID);
		/* and so does a close */
		ack.flags |= FRAME_FIN;
		expect_verdict(p, SG_INGRESS, &ack, VALID);
	}
}
END_TEST

/* What was promised is kept, whatever the mode has become and the daemon does. */
START_TEST(test_mode_does_not_matter)
{
	struct prog *p = defended();
	struct frame_spec ack = prog_answer(p, &client_linux4);
	int mode;

	for (mode = 0; mode < SG_MODE_COUNT; mode++) {
		p->control->mode = mode;
		expect_verdict(p, SG_INGRESS, &ack, VALID);
	}
	p->control->heartbeat_ns = 0;
	prog_service(p, &client_linux4)->lease_until_ns = 0;
	expect_verdict(p, SG_INGRESS, &ack, VALID);
}
END_TEST

START_TEST(test_not_an_ack)
{
	struct frame_spec syn = client_linux4;
	struct prog *p = defended();
	struct frame_spec ack = prog_answer(p, &client_linux4);

	expect_verdict(p, SG_INGRESS, &syn, SG_V_SYN);
	ack.flags = FRAME_SYN | FRAME_ACK;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_NOT_ACK);
	ack.flags = FRAME_RST | FRAME_ACK;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_NOT_ACK);
	ack.flags = FRAME_RST;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_NOT_ACK);
	ack.flags = FRAME_IS(0);
	expect_verdict(p, SG_INGRESS, &ack, SG_V_NOT_ACK);
	ack.flags = FRAME_FIN;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_NOT_ACK);
}
END_TEST

/* Where nothing was challenged lately, an ACK costs no hash. */
START_TEST(test_idle_ack)
{
	struct prog *p = defended();
	struct frame_spec ack = { .flags = FRAME_ACK, .seq = 1, .ack = 1 };
	struct sg_service *s = prog_service(p, &client_linux4);
	__u64 epoch;

	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);
	ack.dport = 81;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);

	ack = prog_answer(p, &client_linux4);
	expect_verdict(p, SG_INGRESS, &ack, VALID);
	epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	s->promised[epoch & 1] -= 2 << 8;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);
	s->promised[epoch & 1] = 0;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);
}
END_TEST

/* Each bit that the cookie covers, flipped. A number of the other parity asks the other epoch. */
START_TEST(test_other_ack)
{
	struct prog *p = defended();
	struct sg_service *s = prog_service(p, &client_linux4);
	struct frame_spec good = prog_answer(p, &client_linux4), ack;
	__u64 epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	int bit;

	s->promised[(epoch - 1) & 1] = (epoch - 1) << 8 | 7;
	for (bit = 0; bit < 32; bit++) {
		ack = good;
		ack.ack = ((good.ack - 1) ^ 1u << bit) + 1;
		expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
		ack = good;
		ack.seq ^= 1u << bit;
		expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	}
	/* the options that the echoed timestamp claims are covered, its clock is not */
	for (bit = 0; bit < 8; bit++) {
		ack = good;
		set_echo(&ack, 1, echo_of(&good) ^ 1u << bit);
		expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	}
	ack = good;
	set_echo(&ack, 1, echo_of(&good) + (1 << 8));
	expect_verdict(p, SG_INGRESS, &ack, VALID);
	ack = good;
	memset(ack.options, 0, sizeof(ack.options));
	expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
}
END_TEST

/* Traps H16: a cookie of somebody or something else. */
START_TEST(test_cookie_of_another_connection)
{
	struct prog *p = defended();
	struct frame_spec other = client_linux4, good, ack;

	other.dport = 81;
	stack_listen(.port = 81);
	prog_defend(p, &other);
	prog_answer(p, &other);
	good = prog_answer(p, &client_linux4);

	ack = good;
	ack.dport = 81;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	ack = good;
	ack.sport = 40001;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	ack = good;
	ack.src = "198.51.100.2";
	expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	/* the same addresses, mapped, in an IPv6 packet */
	ack = good;
	ack.version = 6;
	ack.src = "::ffff:" STACK_CLIENT4;
	ack.dst = "::ffff:" STACK_SERVER4;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_OTHER_ACK);
	/* another key */
	p->control->key[1]++;
	expect_verdict(p, SG_INGRESS, &good, SG_V_OTHER_ACK);
}
END_TEST

/* An ACK whose cookie is of `epoch`, as if the challenge had been sent in it. */
static struct frame_spec answer_of_epoch(struct prog *p, __u32 epoch)
{
	struct prog_frame f = prog_frame(&client_windows4);
	struct packet_cursor c = { .pos = f.bytes, .end = f.bytes + f.length };
	struct cookie_terms terms = { .code = COOKIE_PROFILE_FULL };
	struct packet packet;

	ck_assert_int_eq(packet_parse(&packet, &c, f.length), SG_UNDECIDED);
	prog_promise(p, prog_service(p, &client_windows4), epoch, 7);
	return (struct frame_spec){
		.flags = FRAME_ACK,
		.seq = CLIENT_ISN + 1,
		.ack = cookie_isn(p->control->key, &packet, CLIENT_ISN, epoch, &terms) + 1,
	};
}

/* Traps H16: this epoch and the last are taken, none before and none to come. */
START_TEST(test_epochs)
{
	struct prog *p = defended();
	__u32 epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	struct frame_spec ack;
	int age;

	for (age = -2; age <= 4; age++) {
		bool taken = age == 0 || age == 1;
		struct sg_service *s = prog_service(p, &client_windows4);

		ack = answer_of_epoch(p, epoch - age);
		if (!taken) {
			/* let nothing but the cookie itself tell */
			prog_promise(p, s, epoch, 7);
			prog_promise(p, s, epoch - 1, 7);
		}
		expect_verdict(p, SG_INGRESS, &ack, taken ? VALID : SG_V_OTHER_ACK);
	}
}
END_TEST

/* The administrator's epochs: what is challenged in one is accepted by the same reckoning. */
START_TEST(test_epochs_of_other_lengths)
{
	static const __u8 shifts[] = { SG_EPOCH_SHIFT_MIN, SG_EPOCH_SHIFT_MAX };
	struct frame_spec ack;
	struct sg_service *s;
	struct prog *p;
	__u64 epoch;

	prog_epoch_shift = shifts[_i];
	p = defended();
	s = prog_service(p, &client_windows4);
	epoch = (prog_now_ns() >> prog_epoch_shift) + 2; /* cookie_epoch() */
	ack = prog_answer(p, &client_windows4);
	ck_assert_uint_eq(s->promised[epoch & 1] >> 8, epoch);
	expect_verdict(p, SG_INGRESS, &ack, VALID);
	/* as one that was challenged two epochs ago */
	s->promised[epoch & 1] -= 2 << 8;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);
}
END_TEST

START_TEST(test_listener_gone)
{
	struct prog *p = prog_new(stack_new());
	int fd = stack_listen();
	struct sg_service *s = prog_defend(p, &client_linux4);
	struct frame_spec ack = prog_answer(p, &client_linux4);

	close(fd);
	expect_verdict(p, SG_INGRESS, &ack, SG_V_LISTENER_GONE);
	/* and nobody else is challenged for it */
	ck_assert_int_eq(s->hindrance, SG_V_NO_LISTENER);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NO_LISTENER);
}
END_TEST

/* Traps H20: with cookies off the kernel would take the request and then reset the client. */
START_TEST(test_deferred)
{
	struct prog *p = defended();
	struct frame_spec ack = prog_answer(p, &client_linux4);

	stack_sysctl("ipv4/tcp_syncookies", "0");
	expect_verdict(p, SG_INGRESS, &ack, SG_V_DEFERRED);
	/* known to XDP before its next look */
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_SYNCOOKIES_OFF);
	stack_sysctl("ipv4/tcp_syncookies", "1");
	expect_verdict(p, SG_INGRESS, &ack, VALID);
}
END_TEST

/* XDP is told of a full accept queue by the first acceptance that meets it. */
START_TEST(test_full_accept_queue_is_told)
{
	struct prog *p = prog_new(stack_new());
	int listener = stack_listen(.backlog = 1);
	struct sg_service *s;
	struct frame_spec ack;

	s = prog_defend(p, &client_linux4);
	ack = prog_answer(p, &client_linux4);
	stack_connect(listener, AF_INET);
	stack_connect(listener, AF_INET);
	ck_assert_int_eq(s->hindrance, 0);
	expect_verdict(p, SG_INGRESS, &ack, VALID);
	ck_assert_int_eq(s->hindrance, SG_V_ACCEPT_FULL);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_ACCEPT_FULL);
}
END_TEST

/*
 * Traps H15: the second segment of a client whose first one, which carries the cookie, is missing.
 * The listener would answer with a reset.
 */
START_TEST(test_early_data)
{
	struct prog *p = defended();
	struct frame_spec good = prog_answer(p, &client_linux4), data = good, old;

	data.seq += 100;
	expect_verdict(p, SG_INGRESS, &data, SG_V_OTHER_ACK);
	data.payload_bytes = 100;
	expect_verdict(p, SG_INGRESS, &data, SG_V_EARLY_DATA);

	/* what echoes no timestamp of the last two epochs is no client of ours */
	old = data;
	set_echo(&old, 1, echo_of(&good) - 138000);
	expect_verdict(p, SG_INGRESS, &old, SG_V_OTHER_ACK);
	set_echo(&old, 1, echo_of(&good) + 2000);
	expect_verdict(p, SG_INGRESS, &old, SG_V_OTHER_ACK);
	set_echo(&old, 1, echo_of(&good) - 130000);
	expect_verdict(p, SG_INGRESS, &old, SG_V_EARLY_DATA);

	good = prog_answer(p, &client_windows4);
	data = good;
	data.seq += 100;
	data.payload_bytes = 100;
	expect_verdict(p, SG_INGRESS, &data, SG_V_EARLY_DATA);
}
END_TEST

/* An old socket that its sibling, sent round, did not remove: not again, or it would never end. */
START_TEST(test_tuple_in_use)
{
	struct prog_frame syn = prog_frame(&client_linux4);
	struct prog *p = defended();
	struct frame_spec ack;

	prog_deliver(p, &syn);
	ck_assert_int_eq(stack_view_sent().flags, FRAME_SYN | FRAME_ACK);
	ack = prog_answer(p, &client_linux4);
	p->skb_mark = REQUEUED;
	expect_verdict(p, SG_INGRESS, &ack, SG_V_TUPLE_IN_USE);
}
END_TEST

/* On an interface without XDP the SYNs are counted here, so that the daemon sees a flood there. */
START_TEST(test_without_xdp)
{
	struct prog *p = prog_new(stack_new());
	struct frame_spec other = client_linux4, ack = { .flags = FRAME_ACK };
	struct sg_service *s;

	p->alone = true;
	stack_listen();
	other.dst = "203.0.113.99";
	expect_verdict(p, SG_INGRESS, &other, SG_V_SYN);
	ck_assert_ptr_null(prog_service(p, &other));
	expect_verdict(p, SG_INGRESS, &client_linux4, SG_V_SYN);
	s = prog_service(p, &client_linux4);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(prog_tally(p, s).syns, 1);
	expect_verdict(p, SG_INGRESS, &ack, SG_V_IDLE_ACK);
	expect_verdict(p, SG_INGRESS, &client_linux4, SG_V_SYN);
	ck_assert_uint_eq(prog_tally(p, s).syns, 2);
	p->control->mode = SG_MODE_OFF;
	expect_verdict(p, SG_INGRESS, &client_linux4, SG_V_SYN);
	ck_assert_uint_eq(prog_tally(p, s).syns, 2);
	p->alone = false;
	p->control->mode = SG_MODE_AUTO;
	expect_verdict(p, SG_INGRESS, &client_linux4, SG_V_SYN);
	ck_assert_uint_eq(prog_tally(p, s).syns, 2);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_valid_cookies, 10),
	SUITE_TEST(test_mode_does_not_matter, 10),
	SUITE_TEST(test_not_an_ack, 10),
	SUITE_TEST(test_idle_ack, 10),
	SUITE_TEST(test_other_ack, 10),
	SUITE_TEST(test_cookie_of_another_connection, 10),
	SUITE_TEST(test_epochs, 10),
	SUITE_LOOP(test_epochs_of_other_lengths, 2, 30),
	SUITE_TEST(test_listener_gone, 10),
	SUITE_TEST(test_deferred, 10),
	SUITE_TEST(test_full_accept_queue_is_told, 10),
	SUITE_TEST(test_early_data, 10),
	SUITE_TEST(test_tuple_in_use, 10),
	SUITE_TEST(test_without_xdp, 10),
	{}
};
/* clang-format on */
