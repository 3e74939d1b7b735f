/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The challenge, byte for byte. Each test spells out the SYN-ACK that has to come out of a SYN; of
 * that frame only the sequence number and the TSval are taken from the program, after they have
 * been held against the cookie's own rules.
 */
#include "bpf/cookie/cookie.h"

#include "client.h"
#include "stack.h"
#include "suite.h"

#include <unistd.h>

/*
 * Of a listener with 131072 bytes of buffer: 65536, rounded down to whole segments, as the host counts
 * them in its answer and as it counts them at the acceptance.
 */
#define WHOLE(space, mss) ((space) - (space) % (mss))
#define WINDOW_LINUX4	  WHOLE(WHOLE(65536, 1460 - 12), 1460)
#define WINDOW_LINUX6	  WHOLE(WHOLE(65536, 1440 - 12), 1440)
#define WINDOW_WINDOWS4	  WHOLE(WHOLE(65536, 1460), 1440)
#define WINDOW_WINDOWS6	  WHOLE(WHOLE(65536, 1440), 1440)
#define WINDOW_BARE	  WHOLE(WHOLE(65536, 1460), 536)

/* The scale for the 6 MiB that the buffer may grow to. */
#define WSCALE 7

/* A defended service on port 80 of both families; what the host brings in is fixed. */
static struct prog *defended(const struct frame_spec *syn)
{
	unsigned int ifindex = stack_new();
	struct prog *p;

	stack_sysctl("ipv4/tcp_rmem", "4096 131072 6291456");
	p = prog_new(ifindex);
	p->control->rmem_max = 212992;
	stack_listen();
	prog_defend(p, syn);
	return p;
}

/* The SYN-ACK to a SYN, less what is a challenge's own: its number and timestamp. */
static struct frame_spec answer_to(const struct frame_spec *syn, __u16 window,
				   const struct frame_option *options, size_t options_bytes)
{
	struct frame_spec a = {
		.source_mac = { 2, 0, 0, 0, 0, 2 },
		.destination_mac = { 2, 0, 0, 0, 0, 1 },
		.tag_count = syn->tag_count,
		.version = syn->version,
		.src = syn->version == 6 ? STACK_SERVER6 : STACK_SERVER4,
		.dst = syn->version == 6 ? STACK_CLIENT6 : STACK_CLIENT4,
		.sport = 80,
		.dport = 40000,
		.ack = syn->seq + 1,
		.flags = FRAME_SYN | FRAME_ACK,
		.window = window,
	};

	memcpy(a.tags, syn->tags, sizeof(a.tags));
	memcpy(a.options, options, options_bytes);
	return a;
}

/* The terms and the ISN that the key gives this SYN, by the host's compilation of cookie.h. */
static __u32 isn_of(const struct prog *p, const struct prog_frame *syn, struct cookie_terms *t)
{
	struct packet_cursor c = { .pos = syn->bytes, .end = syn->bytes + syn->length };
	struct tcp_options o = {};
	struct packet packet;

	ck_assert_int_eq(packet_parse(&packet, &c, syn->length), SG_UNDECIDED);
	options_parse(&o, c.pos + sizeof(struct tcphdr), c.end, packet.option_bytes);
	cookie_agree(t, &packet, &o, SG_OFFER_TS | SG_OFFER_SACK | SG_OFFER_WSCALE | SG_OFFER_ECN);
	return cookie_isn(p->control->key, &packet, packet.seq,
			  cookie_epoch(prog_now_ns(), SG_EPOCH_SHIFT), t);
}

static void put_tsval(struct frame_spec *spec, __u32 tsval)
{
	const struct frame_option ts = FRAME_TS(tsval, CLIENT_TSVAL);
	struct frame_option *o;

	for (o = spec->options; o->bytes; o++)
		if (o->b[0] == OPTIONS_TIMESTAMPS)
			*o = ts;
}

static __u32 frame_label(const struct prog_frame *f)
{
	const __u8 *ip = f->bytes + prog_view(f).l3_offset;

	return (ip[1] & 15) << 16 | ip[2] << 8 | ip[3];
}

static void assert_answer_by(struct prog *p, enum sg_program program, const struct frame_spec *syn,
			     struct frame_spec answer, size_t frame_bytes, enum sg_verdict verdict)
{
	struct prog_frame in = prog_frame(syn), expected = {};
	struct prog_frame out = *expect_frame(p, program, &in, verdict);
	struct frame_view view = prog_view(&out);
	struct cookie_terms terms;

	answer.seq = isn_of(p, &in, &terms);
	if (view.has_ts) {
		__u32 clock_ms = cookie_clock_ms(prog_now_ns()) + p->control->tsval_offset;

		ck_assert_int_eq(view.tsval & COOKIE_TS_MASK, terms.ts_bits);
		ck_assert_uint_lt(clock_ms - view.tsval, COOKIE_TS_MASK + 1000);
		put_tsval(&answer, view.tsval);
	}
	/* at random, as the kernel's */
	if (syn->version == 6) {
		answer.flow_label = frame_label(&out);
		ck_assert_uint_ne(answer.flow_label, 0);
	}
	expected.length = frame_build(expected.bytes, sizeof(expected.bytes), &answer);
	ck_assert_uint_le(expected.length, frame_bytes);
	expected.length = frame_bytes;
	ck_assert_uint_eq(out.length, expected.length);
	ck_assert_mem_eq(out.bytes, expected.bytes, expected.length);
}

/*
 * Runs the SYN and asserts that the answer is these bytes, zeroed up to frame_bytes; in XDP, and at
 * tcx ingress, whose answer is the same.
 */
static void assert_answer(struct prog *p, const struct frame_spec *syn, struct frame_spec answer,
			  size_t frame_bytes, enum sg_verdict verdict)
{
	assert_answer_by(p, SG_XDP, syn, answer, frame_bytes, verdict);
	if (p->xdp_linear_bytes)
		return;
	p->answers = true;
	assert_answer_by(p, SG_INGRESS, syn, answer, frame_bytes, verdict);
	p->answers = false;
}

/* clang-format off */
#define LINUX_ANSWER(mss) \
	FRAME_MSS(mss), FRAME_SACK, FRAME_TS(0, CLIENT_TSVAL), FRAME_NOP, FRAME_WSCALE(WSCALE)
#define WINDOWS_ANSWER(mss) \
	FRAME_MSS(mss), FRAME_NOP, FRAME_NOP, FRAME_SACK, FRAME_NOP, FRAME_WSCALE(WSCALE)
#define ANSWER(syn, window, ...) \
	answer_to(syn, window, (struct frame_option[]){ __VA_ARGS__ }, \
		  sizeof((struct frame_option[]){ __VA_ARGS__ }))
/* clang-format on */

START_TEST(test_linux_ipv4)
{
	struct prog *p = defended(&client_linux4);
	struct frame_spec answer = ANSWER(&client_linux4, WINDOW_LINUX4, LINUX_ANSWER(1460));

	assert_answer(p, &client_linux4, answer, 74, SG_V_CHALLENGED);
}
END_TEST

START_TEST(test_linux_ipv6)
{
	struct prog *p = defended(&client_linux6);
	struct frame_spec answer = ANSWER(&client_linux6, WINDOW_LINUX6, LINUX_ANSWER(1440));

	assert_answer(p, &client_linux6, answer, 94, SG_V_CHALLENGED);
}
END_TEST

START_TEST(test_windows)
{
	struct prog *p = defended(&client_windows4);
	struct frame_spec answer = ANSWER(&client_windows4, WINDOW_WINDOWS4, WINDOWS_ANSWER(1460));

	assert_answer(p, &client_windows4, answer, 66, SG_V_CHALLENGED);

	prog_defend(p, &client_windows6);
	answer = ANSWER(&client_windows6, WINDOW_WINDOWS6, WINDOWS_ANSWER(1440));
	assert_answer(p, &client_windows6, answer, 86, SG_V_CHALLENGED);
}
END_TEST

/* The answer needs an MSS option that the SYN had no room for. */
START_TEST(test_bare_syn_grows)
{
	struct prog *p = defended(&client_bare4);
	struct frame_spec answer = ANSWER(&client_bare4, WINDOW_BARE, FRAME_MSS(1460));

	assert_answer(p, &client_bare4, answer, 58, SG_V_CHALLENGED);
}
END_TEST

START_TEST(test_padding_is_kept_and_zeroed)
{
	struct frame_spec syn = client_bare4, answer = ANSWER(&syn, WINDOW_BARE, FRAME_MSS(1460));
	struct prog *p = defended(&syn);

	for (syn.pad_to = 55; syn.pad_to <= 60; syn.pad_to++)
		assert_answer(p, &syn, answer, syn.pad_to > 58 ? syn.pad_to : 58, SG_V_CHALLENGED);
	/* beyond the Ethernet minimum there is nothing to keep */
	syn.pad_to = 100;
	assert_answer(p, &syn, answer, 60, SG_V_CHALLENGED);
}
END_TEST

/* Each of 16 subsets, and whether something that was offered is lost. */
START_TEST(test_option_subsets)
{
	struct prog *p = defended(&client_bare4);
	int bits;

	for (bits = 0; bits < 16; bits++) {
		bool mss = bits & 1, sack = bits & 2, ts = bits & 4, wscale = bits & 8;
		bool lossy = !ts && (sack || wscale);
		struct frame_spec syn = { .seq = CLIENT_ISN };
		struct frame_option *o = syn.options;
		struct frame_view view;

		if (wscale)
			*o++ = (struct frame_option)FRAME_WSCALE(4);
		if (ts)
			*o++ = (struct frame_option)FRAME_TS(CLIENT_TSVAL, 0);
		if (sack)
			*o++ = (struct frame_option)FRAME_SACK;
		if (mss)
			*o++ = (struct frame_option)FRAME_MSS(1400);
		view = prog_view(expect_verdict(p, SG_XDP, &syn,
						lossy ? SG_V_CHALLENGED_PLAIN : SG_V_CHALLENGED));
		ck_assert(view.has_mss);
		ck_assert_int_eq(view.has_ts, ts);
		ck_assert_int_eq(view.has_sack, ts && sack);
		ck_assert_int_eq(view.has_wscale, ts && wscale);
	}
}
END_TEST

/* Traps F3: the answer carries the tag of the SYN, of either kind, with its priority. */
START_TEST(test_one_tag_is_kept)
{
	const __u16 kinds[] = { 0x8100, 0x88a8 };
	struct frame_spec syn = client_linux4, answer;
	struct prog *p = defended(&syn);
	struct sg_service *s = prog_service(p, &syn);
	int i;

	s->vlan = SG_VLAN_PRESENT | 7;
	for (i = 0; i < 2; i++) {
		syn.tags[0] = (struct frame_tag){ .tpid = kinds[i], .vid = 7, .priority = 5 };
		answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
		assert_answer(p, &syn, answer, 78, SG_V_CHALLENGED);
	}
}
END_TEST

/* Traps H8: nothing but the SYN is acknowledged, and nothing of its data comes back. */
START_TEST(test_data_in_the_syn_is_cut)
{
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	for (syn.payload_bytes = 1; syn.payload_bytes < 1400; syn.payload_bytes += 233)
		assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);

	syn = client_bare4;
	answer = ANSWER(&syn, WINDOW_BARE, FRAME_MSS(1460));
	for (syn.payload_bytes = 1; syn.payload_bytes < 12; syn.payload_bytes++)
		assert_answer(p, &syn, answer,
			      54 + syn.payload_bytes < 60 ?
				      (54 + syn.payload_bytes > 58 ? 54 + syn.payload_bytes : 58) :
				      60,
			      SG_V_CHALLENGED);
}
END_TEST

START_TEST(test_fast_open_is_not_answered)
{
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	syn.options[5] = (struct frame_option)FRAME_TFO_COOKIE;
	syn.payload_bytes = 100;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);
}
END_TEST

/* Traps F6: what stood between IP and TCP is not sent back. */
START_TEST(test_ip_options_are_left_out)
{
	static const __u8 router_alert[40] = { 148, 4, 0, 0, 1, 1, 1, 1 };
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	syn.ip_options = router_alert;
	for (syn.ip_option_bytes = 4; syn.ip_option_bytes <= 40; syn.ip_option_bytes += 4)
		assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);

	syn = client_linux6;
	syn.extension_count = 2;
	syn.extensions[0] = (struct frame_extension){ .kind = IPPROTO_HOPOPTS };
	syn.extensions[1] = (struct frame_extension){ .kind = IPPROTO_DSTOPTS };
	prog_defend(p, &client_linux6);
	answer = ANSWER(&syn, WINDOW_LINUX6, LINUX_ANSWER(1440));
	assert_answer(p, &syn, answer, 94, SG_V_CHALLENGED);
}
END_TEST

/* RFC 3168 6.1.1. A client without timestamps gets no ECN, and that is counted as a loss. */
START_TEST(test_ecn)
{
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	syn.flags = FRAME_SYN | FRAME_ECE | FRAME_CWR;
	answer.flags |= FRAME_ECE;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);

	syn.flags = FRAME_SYN | FRAME_ECE;
	answer.flags = FRAME_SYN | FRAME_ACK;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);

	syn.flags = FRAME_SYN | FRAME_ECE | FRAME_CWR;
	syn.tos = 2;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);

	syn = client_windows4;
	syn.flags = FRAME_SYN | FRAME_ECE | FRAME_CWR;
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED_PLAIN);
}
END_TEST

/* Traps F1: a sender on the same machine leaves the checksum to hardware that does not exist. */
START_TEST(test_checksum_of_the_syn_does_not_matter)
{
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	syn.partial_tcp_checksum = true;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);
	syn.partial_tcp_checksum = false;
	syn.bad_tcp_checksum = true;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);
}
END_TEST

/*
 * A driver that splits headers from data: the answer must fit into what can be written, and where
 * it does not the SYN is passed as it came. Traps F5.
 */
START_TEST(test_frame_in_fragments)
{
	struct frame_spec syn = client_linux4,
			  answer = ANSWER(&syn, WINDOW_LINUX4, LINUX_ANSWER(1460));
	struct prog *p = defended(&syn);

	if (!prog_can_split(p))
		SKIP("this kernel's BPF_PROG_RUN makes no fragments of short frames");
	syn.payload_bytes = 1000;
	p->xdp_linear_bytes = 74;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);
	p->xdp_linear_bytes = 100;
	assert_answer(p, &syn, answer, 74, SG_V_CHALLENGED);
	p->xdp_linear_bytes = 73;
	expect_verdict(p, SG_XDP, &syn, SG_V_TRUNCATED);

	/* 58 bytes of answer over a header of 54, the rest of the frame out of reach */
	syn = client_bare4;
	p->xdp_linear_bytes = 54;
	for (syn.payload_bytes = 1; syn.payload_bytes < 1000; syn.payload_bytes += 7)
		expect_verdict(p, SG_XDP, &syn, SG_V_NO_ROOM);
}
END_TEST

/* Traps H15: a SYN that is sent again gets the same number, and time does not run back. */
START_TEST(test_retransmission_gets_the_same_number)
{
	struct prog *p = defended(&client_linux4);
	struct frame_view first, second, other;
	struct frame_spec syn = client_linux4;

	first = prog_view(expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED));
	usleep(300000);
	second = prog_view(expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED));
	ck_assert_uint_eq(first.seq, second.seq);
	ck_assert_int_ge((__s32)(second.tsval - first.tsval), 0);
	ck_assert_int_le((__s32)(second.tsval - first.tsval), 5000);

	syn.sport = 40001;
	other = prog_view(expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED));
	ck_assert_uint_ne(first.seq >> 3, other.seq >> 3);
	syn = client_linux4;
	syn.seq++;
	other = prog_view(expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED));
	ck_assert_uint_ne(first.seq >> 3, other.seq >> 3);
	p->control->key[0]++;
	other = prog_view(expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED));
	ck_assert_uint_ne(first.seq >> 3, other.seq >> 3);
}
END_TEST

/* Traps F7: whatever the option list is, there is an answer, and it is a proper one. */
START_TEST(test_broken_option_lists)
{
	/* clang-format off */
	static const struct {
		__u8 count;
		__u8 b[40];
	} lists[] = {
		{ 40, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ 4, { 2, 0, 5, 180 } },            /* length 0 */
		{ 4, { 2, 1, 5, 180 } },            /* length 1 */
		{ 4, { 2, 5, 5, 180 } },            /* overruns */
		{ 4, { 1, 1, 1, 2 } },              /* a kind and nothing more */
		{ 4, { 8, 10, 0, 0 } },
		{ 8, { 2, 4, 5, 0, 2, 4, 5, 180 } }, /* twice */
		{ 8, { 0, 2, 4, 5, 180, 1, 1, 1 } }, /* after the end */
		{ 8, { 2, 3, 5, 1, 1, 1, 1, 1 } },   /* a wrong length */
		{ 40, { 254, 40 } },
		{ 40, { 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 8, 10, 0, 0, 0, 2, 0, 0, 0, 0,
			3, 3, 255, 4, 2, 2, 4, 255, 255 } },
	};
	/* clang-format on */
	struct prog *p = defended(&client_bare4);
	unsigned int i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct frame_spec syn = {
			.raw_options = lists[i].b,
			.raw_option_bytes = lists[i].count,
		};

		expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
	}
}
END_TEST

static void assert_isn(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame in = prog_frame(syn), out;
	struct cookie_terms terms;

	out = *expect_frame(p, SG_XDP, &in, SG_V_CHALLENGED);
	ck_assert_uint_eq(prog_view(&out).seq, isn_of(p, &in, &terms));
}

/*
 * What the cookies of a service have in common is hashed once and kept, for 64 services at a time:
 * here are more, so that some share a place, of either family, asked by turns, with terms that
 * differ and a key that changes. Each cookie is that of its own connection.
 */
START_TEST(test_midstates_are_of_one_service_and_key)
{
	static const struct frame_spec syns[] = {
		{ .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } },
		{ .options = { FRAME_LINUX_SYN(1400, CLIENT_TSVAL, 7) } },
		{ .options = { FRAME_WINDOWS_SYN(1460) } },
		{ .version = 6, .options = { FRAME_LINUX_SYN(1440, CLIENT_TSVAL, 7) } },
		{ .version = 6, .options = { FRAME_LINUX_SYN(1400, CLIENT_TSVAL, 7) } },
		{ .version = 6, .options = { FRAME_WINDOWS_SYN(1440) } },
	};
	struct prog *p = defended(&client_bare4);
	int i;

	for (i = 0; i < 3 * 600; i++) {
		struct frame_spec syn = syns[i % 6];

		syn.dst_addr.words[2] = syn.version == 6 ? 0 : htonl(0xffff);
		syn.dst_addr.words[3] = htonl(0xc6120001 + i / 6 % 100);
		if (syn.version == 6)
			syn.dst_addr.words[0] = htonl(0x20010db8);
		if (i < 600 && i % 3 == 0) {
			prog_add_local(p, &syn);
			prog_defend(p, &syn);
		}
		assert_isn(p, &syn);
		p->control->key[0] += i + 1;
		p->control->key[1] ^= p->control->key[0];
		assert_isn(p, &syn);
	}
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_linux_ipv4, 10),
	SUITE_TEST(test_linux_ipv6, 10),
	SUITE_TEST(test_windows, 10),
	SUITE_TEST(test_bare_syn_grows, 10),
	SUITE_TEST(test_padding_is_kept_and_zeroed, 10),
	SUITE_TEST(test_option_subsets, 10),
	SUITE_TEST(test_one_tag_is_kept, 10),
	SUITE_TEST(test_data_in_the_syn_is_cut, 10),
	SUITE_TEST(test_fast_open_is_not_answered, 10),
	SUITE_TEST(test_ip_options_are_left_out, 10),
	SUITE_TEST(test_ecn, 10),
	SUITE_TEST(test_checksum_of_the_syn_does_not_matter, 10),
	SUITE_TEST(test_frame_in_fragments, 10),
	SUITE_TEST(test_retransmission_gets_the_same_number, 10),
	SUITE_TEST(test_broken_option_lists, 10),
	SUITE_TEST(test_midstates_are_of_one_service_and_key, 20),
	{}
};
/* clang-format on */
