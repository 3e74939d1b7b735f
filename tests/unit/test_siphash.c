/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4 over words against the paper's vectors, and against the paper's own way of saying
 * it, byte by byte.
 */
#include "bpf/net/siphash.h"
#include "noise.h"
#include "suite.h"

#define VECTOR_WORDS_MAX 7

/*
 * vectors_sip64 of the reference implementation: key 00 01 .. 0f, message 00 01 02 .., as
 * little-endian numbers; of its 64 lengths those that are whole words. Lengths between them are
 * held against the paper's own way of saying it, which these hold.
 */
static const __u64 vectors[VECTOR_WORDS_MAX + 1] = {
	0x726fdb47dd0e0e31, /* 0 bytes */
	0x93f5f5799a932462, /* 8 */
	0x3f2acc7f57c29bdb, /* 16 */
	0xb8ad50c6f649af94, /* 24 */
	0x7127512f72f27cce, /* 32 */
	0x0e3ea96b5304a7d0, /* 40 */
	0xe612a3cb9ecba951, /* 48 */
	0xb78dbfaf3a8d83bd, /* 56 */
};

static __u64 little_endian(const __u8 *at, int bytes)
{
	__u64 n = 0;

	while (bytes--)
		n = n << 8 | at[bytes];
	return n;
}

static __u64 left(__u64 x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(__u64 v[4], int count)
{
	while (count--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = left(v[1], 13) ^ v[0];
		v[3] = left(v[3], 16) ^ v[2];
		v[0] = left(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = left(v[1], 17) ^ v[2];
		v[3] = left(v[3], 21) ^ v[0];
		v[2] = left(v[2], 32);
	}
}

/* The paper's section 2, for messages of any length. */
static __u64 reference(const __u8 key[16], const __u8 *message, int bytes)
{
	__u64 k0 = little_endian(key, 8), k1 = little_endian(key + 8, 8);
	__u64 v[4] = {
		k0 ^ 0x736f6d6570736575,
		k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573,
	};
	__u64 m;
	int i;

	for (i = 0; i + 8 <= bytes; i += 8) {
		m = little_endian(message + i, 8);
		v[3] ^= m;
		rounds(v, 2);
		v[0] ^= m;
	}
	m = (__u64)bytes << 56 | little_endian(message + i, bytes - i);
	v[3] ^= m;
	rounds(v, 2);
	v[0] ^= m;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void count_up(__u8 *bytes, int count)
{
	int i;

	for (i = 0; i < count; i++)
		bytes[i] = i;
}

/* siphash() wants constants: those of the IPv4 cookie, of the IPv6 cookie, and the others. */
static __u64 hash(const __u64 key[2], const __u64 *words, int count, __u64 tail, int tail_bytes)
{
	if (count == 2 && tail_bytes == 7)
		return siphash(key, words, 2, tail, 7);
	if (count == 5 && tail_bytes == 7)
		return siphash(key, words, 5, tail, 7);
	return siphash(key, words, count, tail, tail_bytes);
}

START_TEST(siphash_reference_is_right)
{
	__u8 key[16], message[VECTOR_WORDS_MAX * 8];

	count_up(key, sizeof(key));
	count_up(message, sizeof(message));
	/* the worked example of the paper's appendix A */
	ck_assert_uint_eq(reference(key, message, 15), 0xa129ca6149be45e5);
	ck_assert_uint_eq(reference(key, message, 0), vectors[0]);
}
END_TEST

START_TEST(siphash_has_the_published_values)
{
	__u8 key[16], message[VECTOR_WORDS_MAX * 8];
	__u64 words[VECTOR_WORDS_MAX], key_words[2];
	int i;

	count_up(key, sizeof(key));
	count_up(message, sizeof(message));
	for (i = 0; i < 2; i++)
		key_words[i] = little_endian(key + 8 * i, 8);
	for (i = 0; i < VECTOR_WORDS_MAX; i++)
		words[i] = little_endian(message + 8 * i, 8);
	for (i = 0; i <= VECTOR_WORDS_MAX; i++)
		ck_assert_msg(hash(key_words, words, i, 0, 0) == vectors[i], "%d words", i);
}
END_TEST

START_TEST(siphash_equals_the_reference)
{
	__u8 key[16], message[VECTOR_WORDS_MAX * 8];
	__u64 words[VECTOR_WORDS_MAX], key_words[2], state = 1;
	int i, count, tail, round;

	for (round = 0; round < 20000; round++) {
		noise_fill(&state, key, sizeof(key));
		noise_fill(&state, message, sizeof(message));
		for (i = 0; i < 2; i++)
			key_words[i] = little_endian(key + 8 * i, 8);
		for (i = 0; i < VECTOR_WORDS_MAX; i++)
			words[i] = little_endian(message + 8 * i, 8);
		count = round % VECTOR_WORDS_MAX;
		tail = round / VECTOR_WORDS_MAX % 8;
		if (hash(key_words, words, count, little_endian(message + count * 8, tail), tail) !=
		    reference(key, message, count * 8 + tail))
			ck_abort_msg("round %d, %d words and %d bytes", round, count, tail);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(siphash_reference_is_right, 10),
	SUITE_TEST(siphash_has_the_published_values, 10),
	SUITE_TEST(siphash_equals_the_reference, 30),
	{}
};
/* clang-format on */
