/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum against RFC 1071's own example, its corner cases, and frame_checksum(),
 * which adds byte by byte.
 */
#include "bpf/net/packet.h"
#include "frame.h"
#include "noise.h"
#include "suite.h"

#define WORDS_MAX 16

/* As the code under test is used: over words, stored as it stands. Host order, to be compared. */
static __u16 checksum(const __be32 *words, int count)
{
	return bpf_ntohs(checksum_fold(checksum_words(0, words, count)));
}

START_TEST(checksum_of_rfc_1071)
{
	/* section 3: 00 01 f2 03 f4 f5 f6 f7 adds up to ddf2 */
	const __u8 bytes[8] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	__be32 words[2];

	memcpy(words, bytes, sizeof(words));
	ck_assert_uint_eq(checksum(words, 2), 0xffff & ~0xddf2);
}
END_TEST

START_TEST(checksum_folds_ones_and_zeros)
{
	__be32 words[WORDS_MAX] = {};
	int i;

	/* nothing adds up to 0, so that the field is all ones */
	ck_assert_uint_eq(checksum(words, WORDS_MAX), 0xffff);
	/* all ones stay all ones however many there are: the field is 0 */
	memset(words, 0xff, sizeof(words));
	for (i = 1; i <= WORDS_MAX; i++)
		ck_assert_uint_eq(checksum(words, i), 0);
}
END_TEST

START_TEST(checksum_folds_every_carry)
{
	const __u64 sums[] = {
		0xffff,
		0x10000,
		0x1ffff,
		0x1fffe,
		0xfffe0001,
		0xffff0001,
		0xffffffff,
		0x100000000,
		0x1ffffffff,
		0xffffffff00000001,
		0xfffffffeffffffff,
		0xffffffffffffffff,
		0x0001ffff0001ffff,
		0xffff0000ffff,
		0xfffffffffffffffe,
		0x8000800080008000,
	};
	int i;

	for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		/* 2^16 is 1 modulo 2^16 - 1: a sum folds to its remainder, of which 0 is ffff */
		__u16 folded = sums[i] % 0xffff ?: 0xffff;

		ck_assert_msg(checksum_fold(sums[i]) == (__u16)~folded, "sum %llx: %x", sums[i],
			      checksum_fold(sums[i]));
	}
}
END_TEST

START_TEST(checksum_folds_any_sum)
{
	__u64 state = 2;
	int i;

	for (i = 0; i < 1000000; i++) {
		/* few and many bits set: carries are rare in plain noise */
		__u64 sum = i & 1 ? noise(&state) | noise(&state) | noise(&state) : noise(&state);
		__u16 folded = sum % 0xffff ?: 0xffff;

		if (checksum_fold(sum) != (__u16)~folded)
			ck_abort_msg("sum %llx: %x", sum, checksum_fold(sum));
	}
}
END_TEST

START_TEST(checksum_equals_the_obvious_one)
{
	__be32 words[WORDS_MAX];
	__u64 state = 3;
	int i, count;

	for (i = 0; i < 100000; i++) {
		noise_fill(&state, words, sizeof(words));
		count = i % (WORDS_MAX + 1);
		if (checksum(words, count) != frame_checksum(words, count * 4, 0))
			ck_abort_msg("round %d, %d words", i, count);
	}
}
END_TEST

START_TEST(checksum_adds_the_pseudo_header)
{
	const __u32 lengths[] = { 0, 20, 24, 40, 60, 255, 256, 65535 };
	int i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		/* RFC 9293 3.1: zero, protocol, length of 16 bits */
		__u8 v4[4] = { 0, IPPROTO_TCP, lengths[i] >> 8, lengths[i] };
		/* RFC 8200 8.1: length of 32 bits, three zeros, next header */
		__u8 v6[8] = { 0, 0, lengths[i] >> 8, lengths[i], 0, 0, 0, IPPROTO_TCP };
		__u16 sum = checksum_fold(checksum_protocol(0, IPPROTO_TCP, lengths[i]));

		ck_assert_uint_eq(bpf_ntohs(sum), frame_checksum(v4, sizeof(v4), 0));
		ck_assert_uint_eq(bpf_ntohs(sum), frame_checksum(v6, sizeof(v6), 0));
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(checksum_of_rfc_1071, 10),
	SUITE_TEST(checksum_folds_ones_and_zeros, 10),
	SUITE_TEST(checksum_folds_every_carry, 10),
	SUITE_TEST(checksum_folds_any_sum, 30),
	SUITE_TEST(checksum_equals_the_obvious_one, 30),
	SUITE_TEST(checksum_adds_the_pseudo_header, 10),
	{}
};
/* clang-format on */
