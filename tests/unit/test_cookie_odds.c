/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cookie as a lock: how many of the 2^32 keys fit, and that everything in it matters.
 *
 * The claim is that for one connection and one client ISN exactly 8 of 2^32 acknowledgment numbers
 * are accepted, one for each of 2 epochs and 4 codes. The short form counts them among the numbers
 * near those 8, and in a sample of the others; the long form asks all 2^32.
 */
#include "bpf/cookie/cookie.h"
#include "noise.h"
#include "suite.h"

#include <stdlib.h>

#define EPOCH 0x12345u

static const __u64 key[2] = { 0x8899aabbccddeeff, 0x0123456789abcdef };

static struct packet ack_of(int version)
{
	struct packet p = {
		.version = version,
		.sport = bpf_htons(50123),
		.dport = bpf_htons(80),
		.seq = 0x1a2b3c4d,
		.flags = PACKET_ACK,
	};

	packet_map_v4(&p.saddr, bpf_htonl(0xc6336407));
	packet_map_v4(&p.daddr, bpf_htonl(0xcb007109));
	if (version == 6) {
		p.saddr.words[0] = bpf_htonl(0x20010db8);
		p.daddr.words[0] = bpf_htonl(0x20010db9);
	}
	return p;
}

/* What the ingress program asks of an ACK that acknowledges isn + 1. */
static bool opens(struct packet *ack, const struct tcp_options *o, __u32 isn)
{
	struct cookie_terms t;

	ack->ack_seq = isn + 1;
	cookie_recall(&t, ack, o);
	return cookie_holds(key, ack, cookie_epoch_of(isn, EPOCH), &t);
}

/* ---- how many ------------------------------------------------------------------------------- */

/* One for each epoch and code, made as a challenge makes them. */
static void make_keys(const struct packet *ack, const struct tcp_options *o, __u32 isns[8])
{
	int i;

	for (i = 0; i < 8; i++) {
		struct cookie_terms t = {
			.code = i & 3,
			.ts = o->seen & OPTIONS_SEEN_TS,
			.ts_bits = o->tsecr & 0xff,
		};

		isns[i] = cookie_isn(key, ack, ack->seq - 1, EPOCH - (i >> 2), &t);
	}
}

static bool is_made(const __u32 isns[8], __u32 isn)
{
	int i;

	for (i = 0; i < 8; i++)
		if (isns[i] == isn)
			return true;
	return false;
}

static void ask(struct packet *ack, const struct tcp_options *o, const __u32 isns[8], __u32 isn)
{
	if (opens(ack, o, isn) != is_made(isns, isn))
		ck_abort_msg("%x is %s", isn, is_made(isns, isn) ? "refused" : "accepted");
}

static void ask_near_and_far(struct packet *ack, const struct tcp_options *o, const __u32 isns[8])
{
	__u32 i, near, stride, bit, other;

	for (i = 0; i < 8; i++) {
		for (near = isns[i] - 4096; near != isns[i] + 4096; near++)
			ask(ack, o, isns, near);
		/* one and two bits off */
		for (bit = 0; bit < 32; bit++)
			for (other = bit; other < 32; other++)
				ask(ack, o, isns, isns[i] ^ (1u << bit | 1u << other));
		/* every low half, every high half */
		for (near = 0; near < 0x10000; near++) {
			ask(ack, o, isns, (isns[i] & 0xffff0000) | near);
			ask(ack, o, isns, (isns[i] & 0xffff) | near << 16);
		}
	}
	/* odd, so that every low bit comes up */
	stride = 4093;
	for (i = 0; i < 0xffffffff / stride; i++)
		ask(ack, o, isns, i * stride);
}

static const struct {
	int version;
	struct tcp_options o;
} clients[] = {
	{ 4, { .seen = OPTIONS_SEEN_TS, .tsecr = 0xabcdef57 } },
	{ 4, {} },
	{ 6, { .seen = OPTIONS_SEEN_TS, .tsecr = 0xabcdefff } },
	{ 6, {} },
};

START_TEST(cookie_has_eight_keys_of_all)
{
	struct packet ack = ack_of(clients[_i].version);
	const struct tcp_options *o = &clients[_i].o;
	__u32 isns[8], isn = 0, count = 0;
	int i, k;

	make_keys(&ack, o, isns);
	for (i = 0; i < 8; i++) {
		ck_assert_msg(opens(&ack, o, isns[i]), "key %d", i);
		for (k = 0; k < i; k++)
			ck_assert_uint_ne(isns[i], isns[k]);
	}
	ask_near_and_far(&ack, o, isns);
	/* both families share all but the hash's length */
	if (!suite_full() || clients[_i].version == 6)
		return;
	do {
		if (opens(&ack, o, isn))
			count++;
	} while (++isn);
	ck_assert_uint_eq(count, 8);
}
END_TEST

/* ---- what goes in --------------------------------------------------------------------------- */

/* The 29 bits of MAC must change; parity and code do that by themselves. */
static void assert_other(__u32 isn, __u32 other, const char *what, int bit)
{
	if (!((isn ^ other) & ~7u))
		ck_abort_msg("%s, bit %d, is not in the MAC", what, bit);
}

static void flip(void *bytes, int bit)
{
	((__u8 *)bytes)[bit / 8] ^= 1 << bit % 8;
}

START_TEST(cookie_covers_every_bit)
{
	const struct packet ack = ack_of(_i);
	const struct cookie_terms terms = { .ts = true, .ts_bits = 0x57, .code = 1 };
	const __u32 isn = cookie_isn(key, &ack, 7, EPOCH, &terms);
	struct cookie_terms t;
	struct packet p;
	__u64 k[2];
	int bit;

	for (bit = _i == 4 ? 96 : 0; bit < 128; bit++) {
		p = ack;
		flip(&p.saddr, bit);
		assert_other(isn, cookie_isn(key, &p, 7, EPOCH, &terms), "client", bit);
		p = ack;
		flip(&p.daddr, bit);
		assert_other(isn, cookie_isn(key, &p, 7, EPOCH, &terms), "server", bit);
	}
	for (bit = 0; bit < 16; bit++) {
		p = ack;
		flip(&p.sport, bit);
		assert_other(isn, cookie_isn(key, &p, 7, EPOCH, &terms), "client port", bit);
		p = ack;
		flip(&p.dport, bit);
		assert_other(isn, cookie_isn(key, &p, 7, EPOCH, &terms), "server port", bit);
	}
	for (bit = 0; bit < 32; bit++) {
		assert_other(isn, cookie_isn(key, &ack, 7 ^ 1u << bit, EPOCH, &terms), "client ISN",
			     bit);
		assert_other(isn, cookie_isn(key, &ack, 7, EPOCH ^ 1u << bit, &terms), "epoch",
			     bit);
	}
	for (bit = 0; bit < 8; bit++) {
		t = terms;
		t.ts_bits ^= 1 << bit;
		assert_other(isn, cookie_isn(key, &ack, 7, EPOCH, &t), "option bits", bit);
	}
	for (bit = 0; bit < 2; bit++) {
		t = terms;
		t.code ^= 1 << bit;
		assert_other(isn, cookie_isn(key, &ack, 7, EPOCH, &t), "code", bit);
	}
	t = terms;
	t.ts = false;
	assert_other(isn, cookie_isn(key, &ack, 7, EPOCH, &t), "timestamps", 0);
	for (bit = 0; bit < 128; bit++) {
		k[0] = key[0];
		k[1] = key[1];
		k[bit / 64] ^= 1ULL << bit % 64;
		assert_other(isn, cookie_isn(k, &ack, 7, EPOCH, &terms), "key", bit);
	}
}
END_TEST

/* All 29 bits are the hash's, and half of them change with the connection. */
START_TEST(cookie_uses_all_bits)
{
	const struct cookie_terms terms = { .ts = true };
	int i, bit, ones[32] = {}, rounds = 100000;
	struct packet ack = ack_of(4);
	__u64 state = 7;

	for (i = 0; i < rounds; i++) {
		__u32 isn = cookie_isn(key, &ack, noise(&state), EPOCH, &terms);

		for (bit = 0; bit < 32; bit++)
			ones[bit] += isn >> bit & 1;
	}
	/* within 8 standard deviations of half */
	for (bit = 3; bit < 32; bit++)
		ck_assert_msg(abs(ones[bit] - rounds / 2) < 8 * 158, "bit %d: %d of %d", bit,
			      ones[bit], rounds);
	ck_assert_int_eq(ones[2], EPOCH & 1 ? rounds : 0);
	ck_assert_int_eq(ones[1] + ones[0], 0);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(cookie_has_eight_keys_of_all, sizeof(clients) / sizeof(clients[0]), 60,
		   .full_seconds = 1500),
	SUITE_RANGE(cookie_covers_every_bit, 4, 7, 10),
	SUITE_TEST(cookie_uses_all_bits, 10),
	{}
};
/* clang-format on */
