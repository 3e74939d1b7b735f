/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP options: tables for what a person can check by eye, and the decoder of frame.h, which does
 * not know options.h, for everything else.
 */
#include "bpf/net/options.h"
#include "frame.h"
#include "noise.h"
#include "parsed.h"
#include "suite.h"

#include <err.h>
#include <stdlib.h>

#define ALL (OPTIONS_SEEN_MSS | OPTIONS_SEEN_SACK | OPTIONS_SEEN_TS | OPTIONS_SEEN_WSCALE)

/* Parses bytes that end where their memory ends, whatever count says. */
static struct tcp_options parse_cut(const void *bytes, size_t there, __u32 count)
{
	struct tcp_options o;
	void *copy = malloc(there ? there : 1);

	if (!copy)
		err(1, "malloc");
	memcpy(copy, bytes, there);
	/* what is not written shows */
	memset(&o, 0xa5, sizeof(o));
	options_parse(&o, copy, copy + there, count);
	free(copy);
	return o;
}

static struct tcp_options parse(const void *bytes, size_t count)
{
	return parse_cut(bytes, count, count);
}

/* What frame.h's decoder makes of the same bytes, whose count is a multiple of 4. */
static struct tcp_options oracle(const void *bytes, size_t count)
{
	struct frame_spec spec = { .raw_options = bytes, .raw_option_bytes = count };
	__u8 frame[FRAME_ROOM];
	struct frame_view v;

	/* it complains about an overrun, having noted what stands before it */
	frame_parse(&v, frame, frame_build(frame, sizeof(frame), &spec));
	ck_assert(v.payload_offset);
	return parsed_options(&v);
}

static void assert_same(const struct tcp_options *got, const struct tcp_options *wanted,
			const char *what, int number)
{
	if (!parsed_options_same(got, wanted))
		ck_abort_msg("%s %d: seen %x mss %u wscale %u ts %u %u, not %x %u %u %u %u", what,
			     number, got->seen, got->mss, got->wscale, got->tsval, got->tsecr,
			     wanted->seen, wanted->mss, wanted->wscale, wanted->tsval,
			     wanted->tsecr);
}

/* ---- every subset in every order ------------------------------------------------------------ */

static const struct frame_option four[4] = {
	FRAME_MSS(1452),
	FRAME_SACK,
	FRAME_TS(0x01020304, 0xfffefdfc),
	FRAME_WSCALE(9),
};
static const struct tcp_options one_each[4] = {
	{ .seen = OPTIONS_SEEN_MSS, .mss = 1452 },
	{ .seen = OPTIONS_SEEN_SACK },
	{ .seen = OPTIONS_SEEN_TS, .tsval = 0x01020304, .tsecr = 0xfffefdfc },
	{ .seen = OPTIONS_SEEN_WSCALE, .wscale = 9 },
};

enum nops {
	NOPS_NONE,
	NOPS_BEFORE, /* so that each option ends on a multiple of 4, as stacks do it */
	NOPS_BEHIND,
	NOPS_BETWEEN, /* one, wherever that leaves the next option */
	NOPS_COUNT,
};

static size_t lay_out(__u8 *out, const int *order, int subset, enum nops nops)
{
	size_t at = 0;
	int i;

	for (i = 0; i < 4; i++) {
		const struct frame_option *o = &four[order[i]];

		if (!(subset & 1 << order[i]))
			continue;
		if (nops == NOPS_BEFORE)
			while ((at + o->bytes) % 4)
				out[at++] = 1;
		memcpy(out + at, o->b, o->bytes);
		at += o->bytes;
		if (nops == NOPS_BEHIND)
			while (at % 4)
				out[at++] = 1;
		if (nops == NOPS_BETWEEN)
			out[at++] = 1;
	}
	while (at % 4)
		out[at++] = nops == NOPS_NONE ? 0 : 1;
	return at;
}

static int check_order(const int *order, int subset)
{
	struct tcp_options wanted = {}, got;
	__u8 bytes[64];
	int i, nops;

	for (i = 0; i < 4; i++) {
		if (!(subset & 1 << i))
			continue;
		wanted.seen |= one_each[i].seen;
		wanted.mss |= one_each[i].mss;
		wanted.wscale |= one_each[i].wscale;
		wanted.tsval |= one_each[i].tsval;
		wanted.tsecr |= one_each[i].tsecr;
	}
	for (nops = 0; nops < NOPS_COUNT; nops++) {
		size_t count = lay_out(bytes, order, subset, nops);

		got = parse(bytes, count);
		assert_same(&got, &wanted, "order",
			    order[0] * 1000 + order[1] * 100 + order[2] * 10 + order[3]);
	}
	return nops;
}

START_TEST(options_in_every_subset_and_order)
{
	int order[4], subset, checked = 0;

	for (subset = 0; subset < 16; subset++)
		for (int a = 0; a < 256; a++) {
			int i, used = 0;

			for (i = 0; i < 4; i++) {
				order[i] = a >> 2 * i & 3;
				used |= 1 << order[i];
			}
			if (used == 15)
				checked += check_order(order, subset);
		}
	ck_assert_int_eq(checked, 16 * 24 * NOPS_COUNT);
}
END_TEST

/* ---- tables --------------------------------------------------------------------------------- */

#define BYTES(...) .bytes = { __VA_ARGS__ }, .count = sizeof((__u8[]){ __VA_ARGS__ })

struct options_case {
	const char *name;
	__u8 bytes[40];
	__u8 count;
	struct tcp_options wanted;
};

/* clang-format off */
static const struct options_case cases[] = {
	{ "nothing at all" },
	{ "end of list", BYTES(0, 0, 0, 0) },
	{ "MSS", BYTES(2, 4, 5, 180), { .seen = OPTIONS_SEEN_MSS, .mss = 1460 } },
	{ "MSS of 0 is still an MSS", BYTES(2, 4, 0, 0), { .seen = OPTIONS_SEEN_MSS } },
	{ "MSS of 65535", BYTES(2, 4, 255, 255), { .seen = OPTIONS_SEEN_MSS, .mss = 65535 } },

	{ "wscale 0 is not absent", BYTES(3, 3, 0, 0), { .seen = OPTIONS_SEEN_WSCALE } },
	{ "wscale 14", BYTES(3, 3, 14, 0), { .seen = OPTIONS_SEEN_WSCALE, .wscale = 14 } },
	{ "wscale 15 is clamped", BYTES(3, 3, 15, 0), { .seen = OPTIONS_SEEN_WSCALE, .wscale = 14 } },
	{ "wscale 255 is clamped", BYTES(3, 3, 255, 0), { .seen = OPTIONS_SEEN_WSCALE, .wscale = 14 } },

	{ "MSS of length 3 is skipped", BYTES(2, 3, 9, 4, 2, 0, 0, 0), { .seen = OPTIONS_SEEN_SACK } },
	{ "MSS of length 5 is skipped", BYTES(2, 5, 9, 9, 9, 4, 2, 0), { .seen = OPTIONS_SEEN_SACK } },
	{ "MSS of length 2 is skipped", BYTES(2, 2, 4, 2), { .seen = OPTIONS_SEEN_SACK } },
	{ "wscale of length 2 is skipped", BYTES(3, 2, 4, 2), { .seen = OPTIONS_SEEN_SACK } },
	{ "wscale of length 4 is skipped", BYTES(3, 4, 7, 7, 4, 2, 0, 0), { .seen = OPTIONS_SEEN_SACK } },
	{ "SACK permitted of length 3 is skipped", BYTES(4, 3, 9, 0) },
	{ "SACK permitted of length 4 is skipped", BYTES(4, 4, 9, 9) },
	{ "timestamps of length 8 are skipped", BYTES(8, 8, 1, 2, 3, 4, 5, 6), {} },
	{ "timestamps of length 12 are skipped", BYTES(8, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9), {} },

	{ "length 0 ends the list", BYTES(2, 0, 5, 180, 4, 2, 0, 0) },
	{ "length 1 ends the list", BYTES(2, 1, 5, 180, 4, 2, 0, 0) },
	{ "length 0 of an unknown kind ends it, too", BYTES(77, 0, 4, 2) },
	{ "length 1 of an unknown kind ends it, too", BYTES(77, 1, 4, 2) },
	{ "a kind without a length", BYTES(4, 2, 1, 2), { .seen = OPTIONS_SEEN_SACK } },
	{ "one byte more than there is", BYTES(1, 2, 4, 5), {} },
	{ "MSS overruns", BYTES(4, 2, 2, 4), { .seen = OPTIONS_SEEN_SACK } },
	{ "wscale overruns", BYTES(4, 2, 3, 3), { .seen = OPTIONS_SEEN_SACK } },
	{ "timestamps overrun", BYTES(8, 10, 0, 0, 0, 1, 0, 0), {} },
	{ "an unknown option overruns", BYTES(4, 2, 77, 200), { .seen = OPTIONS_SEEN_SACK } },
	{ "an unknown option is skipped", BYTES(77, 6, 2, 4, 5, 180, 4, 2), { .seen = OPTIONS_SEEN_SACK } },
	{ "an unknown option of 40 bytes", BYTES(77, 40, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2,
		4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2) },

	{ "end of list hides what follows", BYTES(4, 2, 0, 2, 2, 4, 5, 180), { .seen = OPTIONS_SEEN_SACK } },
	{ "end of list after NOPs", BYTES(1, 1, 0, 4, 4, 2, 4, 2) },

	{ "of two MSS the last counts", BYTES(2, 4, 5, 180, 2, 4, 2, 24), { .seen = OPTIONS_SEEN_MSS, .mss = 536 } },
	{ "a wrong one does not undo a right one", BYTES(2, 4, 5, 180, 2, 3, 2, 0), { .seen = OPTIONS_SEEN_MSS, .mss = 1460 } },
	{ "of two wscales the last counts", BYTES(3, 3, 7, 3, 3, 2, 0, 0), { .seen = OPTIONS_SEEN_WSCALE, .wscale = 2 } },
	{ "of two timestamps the last counts",
		BYTES(8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4),
		{ .seen = OPTIONS_SEEN_TS, .tsval = 3, .tsecr = 4 } },
	{ "SACK permitted twice", BYTES(4, 2, 4, 2), { .seen = OPTIONS_SEEN_SACK } },

	{ "TCP-MD5", BYTES(1, 1, 19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), { .seen = OPTIONS_SEEN_SIGNED } },
	{ "TCP-AO", BYTES(29, 16, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), { .seen = OPTIONS_SEEN_SIGNED } },
	{ "a signature of any length", BYTES(29, 4, 1, 1, 19, 2, 0, 0), { .seen = OPTIONS_SEEN_SIGNED } },
	{ "MSS and a signature", BYTES(2, 4, 5, 180, 29, 4, 1, 1),
		{ .seen = OPTIONS_SEEN_SIGNED | OPTIONS_SEEN_MSS, .mss = 1460 } },
	{ "a signature that overruns", BYTES(19, 18, 0, 0), {} },
	{ "no signature within another option", BYTES(77, 4, 19, 2), {} },
};
/* clang-format on */

START_TEST(options_of_the_table)
{
	const struct options_case *c = &cases[_i];
	struct tcp_options got = parse(c->bytes, c->count);

	assert_same(&got, &c->wanted, c->name, c->count);
}
END_TEST

START_TEST(options_of_forty_nops)
{
	struct tcp_options none = {}, mss = { .seen = OPTIONS_SEEN_MSS, .mss = 1300 }, got;
	const __u8 option[4] = { 2, 4, 1300 >> 8, 1300 & 0xff };
	__u8 bytes[40];

	memset(bytes, 1, sizeof(bytes));
	got = parse(bytes, sizeof(bytes));
	assert_same(&got, &none, "40 NOPs", 40);
	/* 36 steps to get there */
	memcpy(bytes + 36, option, 4);
	got = parse(bytes, sizeof(bytes));
	assert_same(&got, &mss, "36 NOPs and an MSS", 40);
}
END_TEST

/* ---- the fast layouts ----------------------------------------------------------------------- */

START_TEST(options_fast_layouts_equal_the_slow_path)
{
	__u64 state = 4;
	int i;

	for (i = 0; i < 2000; i++) {
		__u32 mss = noise(&state) & 0xffff, tsval = noise(&state), tsecr = noise(&state);
		__u8 wscale = i & 0xff;
		/* clang-format off */
		const __u8 syn[20] = { 2, 4, FRAME_BE16(mss), 4, 2, 8, 10, FRAME_BE32(tsval),
				       FRAME_BE32(tsecr), 1, 3, 3, wscale };
		/* the same options, as no stack orders them */
		const __u8 mixed[20] = { 3, 3, wscale, 1, 8, 10, FRAME_BE32(tsval),
					 FRAME_BE32(tsecr), 4, 2, 2, 4, FRAME_BE16(mss) };
		const __u8 ack[12] = { 1, 1, 8, 10, FRAME_BE32(tsval), FRAME_BE32(tsecr) };
		const __u8 ack_mixed[12] = { 8, 10, FRAME_BE32(tsval), FRAME_BE32(tsecr), 1, 1 };
		const __u8 windows[12] = { 2, 4, FRAME_BE16(mss), 1, 3, 3, wscale, 1, 1, 4, 2 };
		const __u8 windows_mixed[12] = { 4, 2, 3, 3, wscale, 1, 1, 1, 2, 4,
						 FRAME_BE16(mss) };
		/* clang-format on */
		struct tcp_options fast = parse(syn, 20), slow = parse(mixed, 20);

		assert_same(&fast, &slow, "SYN", i);
		ck_assert_uint_eq(fast.seen, ALL);
		fast = parse(ack, 12);
		slow = parse(ack_mixed, 12);
		assert_same(&fast, &slow, "ACK", i);
		ck_assert_uint_eq(fast.seen, OPTIONS_SEEN_TS);
		fast = parse(windows, 12);
		slow = parse(windows_mixed, 12);
		assert_same(&fast, &slow, "Windows", i);
		ck_assert_uint_eq(fast.seen, ALL & ~OPTIONS_SEEN_TS);
	}
}
END_TEST

/* One bit off the fast layouts, and they are others. */
START_TEST(options_close_to_the_fast_layouts)
{
	const __u8 syn[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7 };
	const __u8 ack[12] = { 1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9 };
	const __u8 windows[12] = { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 };
	struct tcp_options got, wanted;
	__u8 bytes[40];
	int bit;

	for (bit = 0; bit < 20 * 8; bit++) {
		memcpy(bytes, syn, 20);
		bytes[bit / 8] ^= 1 << bit % 8;
		got = parse(bytes, 20);
		wanted = oracle(bytes, 20);
		assert_same(&got, &wanted, "SYN, bit", bit);
	}
	for (bit = 0; bit < 12 * 8; bit++) {
		memcpy(bytes, ack, 12);
		bytes[bit / 8] ^= 1 << bit % 8;
		got = parse(bytes, 12);
		wanted = oracle(bytes, 12);
		assert_same(&got, &wanted, "ACK, bit", bit);
	}
	for (bit = 0; bit < 12 * 8; bit++) {
		memcpy(bytes, windows, 12);
		bytes[bit / 8] ^= 1 << bit % 8;
		got = parse(bytes, 12);
		wanted = oracle(bytes, 12);
		assert_same(&got, &wanted, "Windows, bit", bit);
	}
	/* the same words and then more, or less */
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, syn, 20);
	memcpy(bytes + 20, (__u8[]){ 2, 4, 1, 1 }, 4);
	got = parse(bytes, 24);
	wanted = oracle(bytes, 24);
	assert_same(&got, &wanted, "SYN and more", 24);
	got = parse(bytes, 16);
	wanted = oracle(bytes, 16);
	assert_same(&got, &wanted, "SYN and less", 16);
	memcpy(bytes, ack, 12);
	memcpy(bytes + 12, (__u8[]){ 3, 3, 5, 0 }, 4);
	got = parse(bytes, 16);
	wanted = oracle(bytes, 16);
	assert_same(&got, &wanted, "ACK and more", 16);
}
END_TEST

/* ---- bounds --------------------------------------------------------------------------------- */

/* The header promises more than can be read: nothing beyond is touched, what is there counts. */
START_TEST(options_end_where_the_packet_ends)
{
	const __u8 syn[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7 };
	const __u8 ack[12] = { 1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9 };
	struct tcp_options o;
	int there;

	for (there = 0; there <= 20; there++) {
		o = parse_cut(syn, there, 20);
		ck_assert_uint_eq(o.seen, (there >= 4 ? OPTIONS_SEEN_MSS : 0) |
						  (there >= 6 ? OPTIONS_SEEN_SACK : 0) |
						  (there >= 16 ? OPTIONS_SEEN_TS : 0) |
						  (there >= 20 ? OPTIONS_SEEN_WSCALE : 0));
	}
	for (there = 0; there <= 12; there++) {
		o = parse_cut(ack, there, 12);
		ck_assert_uint_eq(o.seen, there >= 12 ? OPTIONS_SEEN_TS : 0);
	}
}
END_TEST

/* More can be read than the header has: what follows is payload. */
START_TEST(options_end_where_the_header_ends)
{
	const __u8 bytes[16] = { 4, 2, 1, 1, 3, 3, 7, 2, 4, 5, 180, 1, 4, 2, 19, 2 };
	struct tcp_options o;
	int count;

	for (count = 0; count <= 16; count++) {
		o = parse_cut(bytes, 16, count);
		ck_assert_uint_eq(o.seen, (count >= 2 ? OPTIONS_SEEN_SACK : 0) |
						  (count >= 7 ? OPTIONS_SEEN_WSCALE : 0) |
						  (count >= 11 ? OPTIONS_SEEN_MSS : 0) |
						  (count >= 16 ? OPTIONS_SEEN_SIGNED : 0));
	}
}
END_TEST

START_TEST(options_of_noise_equal_the_oracle)
{
	/* kinds and lengths that mean something, more often than chance has them */
	static const __u8 likely[] = { 0, 1, 1, 2, 3, 4, 5, 8, 10, 16, 18, 19, 29, 40, 15, 14 };
	int i, k, rounds = suite_full() ? 10000000 : 300000;
	struct tcp_options got, wanted;
	__u64 state = 5;
	__u8 bytes[40];

	for (i = 0; i < rounds; i++) {
		int count = 4 * noise_below(&state, 11);
		__u64 plain = noise(&state);

		for (k = 0; k < count; k++)
			bytes[k] = plain >> k & 1 ? noise(&state) : likely[noise(&state) & 15];
		got = parse(bytes, count);
		wanted = oracle(bytes, count);
		if (!parsed_options_same(&got, &wanted))
			assert_same(&got, &wanted, "round", i);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(options_in_every_subset_and_order, 30),
	SUITE_LOOP(options_of_the_table, sizeof(cases) / sizeof(cases[0]), 10),
	SUITE_TEST(options_of_forty_nops, 10),
	SUITE_TEST(options_fast_layouts_equal_the_slow_path, 10),
	SUITE_TEST(options_close_to_the_fast_layouts, 10),
	SUITE_TEST(options_end_where_the_packet_ends, 10),
	SUITE_TEST(options_end_where_the_header_ends, 10),
	SUITE_TEST(options_of_noise_equal_the_oracle, 60, .full_seconds = 600),
	{}
};
/* clang-format on */
