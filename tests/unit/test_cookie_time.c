/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cookie's clocks: epochs, milliseconds without a division, and the timestamps of challenges,
 * which must neither run ahead nor back (trap H3: else PAWS rejects what a client sends).
 */
#include "bpf/cookie/cookie.h"
#include "noise.h"
#include "suite.h"

#define MS_NS	 1000000ULL
#define DAY_NS	 (86400ULL * 1000000000ULL)
#define YEARS_NS (365 * DAY_NS)

/* ---- epochs --------------------------------------------------------------------------------- */

START_TEST(epoch_is_told_by_its_parity)
{
	static const __u32 nows[] = { 0,    1,		2,	    3,		1000,
				      1001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	int i, low;

	for (i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
		__u32 now = nows[i], before = now - 1;

		/* whatever the other bits of the ISN are */
		for (low = 0; low < 4; low++) {
			ck_assert_uint_eq(cookie_epoch_of((now & 1) << 2 | low, now), now);
			ck_assert_uint_eq(cookie_epoch_of((before & 1) << 2 | low, now), before);
			ck_assert_uint_eq(cookie_epoch_of(~7u | (now & 1) << 2 | low, now), now);
			ck_assert_uint_eq(cookie_epoch_of(~7u | (before & 1) << 2 | low, now),
					  before);
		}
	}
}
END_TEST

START_TEST(epoch_parity_is_in_every_cookie)
{
	const __u64 key[2] = { 1, 2 };
	struct cookie_terms t = { .ts = true, .ts_bits = 0xff };
	struct packet p = { .version = 4 };
	__u32 epoch;

	/* across the wrap of the 32-bit epoch */
	for (epoch = -100; epoch != 100; epoch++) {
		__u32 isn;

		t.code = epoch & 3;
		isn = cookie_isn(key, &p, epoch * 77, epoch, &t);
		ck_assert_uint_eq(isn >> 2 & 1, epoch & 1);
		ck_assert_uint_eq(isn & 3, t.code);
		ck_assert_uint_eq(cookie_epoch_of(isn, epoch), epoch);
		ck_assert_uint_eq(cookie_epoch_of(isn, epoch + 1), epoch);
		ck_assert_uint_ne(cookie_epoch_of(isn, epoch + 2), epoch);
		ck_assert_uint_ne(cookie_epoch_of(isn, epoch - 1), epoch);
	}
}
END_TEST

START_TEST(epoch_lasts_about_a_minute)
{
	__u64 start = 5ULL << 36;

	/* neither the first epoch of a host's life nor the one before it is 0, which means never */
	ck_assert_uint_eq(cookie_epoch(0, SG_EPOCH_SHIFT), 2);
	ck_assert_uint_eq(cookie_epoch(start - 1, SG_EPOCH_SHIFT), 6);
	ck_assert_uint_eq(cookie_epoch(start, SG_EPOCH_SHIFT), 7);
	ck_assert_uint_eq(cookie_epoch(start + 68 * 1000 * MS_NS, SG_EPOCH_SHIFT), 7);
	ck_assert_uint_eq(cookie_epoch(start + 69 * 1000 * MS_NS, SG_EPOCH_SHIFT), 8);
	/* design: 64 s, here the next power of two; at least that, and not much more */
	ck_assert_uint_ge(1ULL << SG_EPOCH_SHIFT, 64 * 1000 * MS_NS);
	ck_assert_uint_le(1ULL << SG_EPOCH_SHIFT, 70 * 1000 * MS_NS);
}
END_TEST

/* ---- milliseconds --------------------------------------------------------------------------- */

/* Never above; below by less than 3e-9 and what two roundings make. */
static void assert_close(__u64 now_ns)
{
	__u64 exact = now_ns / MS_NS;
	/* of which cookie_clock_ms() returns the low half */
	__s64 behind = (__s32)((__u32)exact - cookie_clock_ms(now_ns));

	if (behind < 0 || behind > 2 + (__s64)((exact * 3 + 999999999) / 1000000000))
		ck_abort_msg("at %llu ns: %lld ms behind", now_ns, behind);
}

START_TEST(clock_is_close_and_never_ahead)
{
	__u64 state = 8, now;
	int i;

	/* the first second in steps of 10 us, then the borders of its own granule */
	for (now = 0; now < 1000 * MS_NS; now += 10000)
		assert_close(now);
	for (now = 0; now < 10000; now++) {
		assert_close(now << 20);
		assert_close((now << 20) - !!now);
		assert_close(now * MS_NS);
		assert_close(now * MS_NS - !!now);
	}
	/* 34 years of uptime, after which the product would not fit */
	for (i = 0; i < 2000000; i++)
		assert_close(noise(&state) % (34 * YEARS_NS));
	for (i = 0; i < 34; i++) {
		assert_close(i * YEARS_NS);
		assert_close(i * YEARS_NS + DAY_NS);
	}
}
END_TEST

START_TEST(clock_never_runs_back)
{
	static const __u64 starts[] = { 0, 49 * DAY_NS, YEARS_NS, 10 * YEARS_NS, 33 * YEARS_NS };
	int i, k;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		__u64 now = starts[i];
		__u32 last = cookie_clock_ms(now);

		for (k = 0; k < 300000; k++, now += 99991) {
			__s32 step = cookie_clock_ms(now) - last;

			if (step < 0 || step > 2)
				ck_abort_msg("%d ms at %llu ns", step, now);
			last += step;
		}
	}
}
END_TEST

/* ---- timestamps ----------------------------------------------------------------------------- */

static __u32 tsval(__u32 clock_ms, __u8 bits)
{
	struct cookie_terms t = { .ts = true, .ts_bits = bits };

	return cookie_tsval(clock_ms, &t, COOKIE_TS_MASK);
}

static void assert_tsval(__u32 clock_ms, __u8 bits)
{
	__u32 value = tsval(clock_ms, bits);

	if ((value & 0xff) != bits)
		ck_abort_msg("clock %x, bits %x: %x does not carry them", clock_ms, bits, value);
	/* in the arithmetic of timestamps, RFC 7323 5.2 */
	if ((__s32)(clock_ms - value) < 0)
		ck_abort_msg("clock %x, bits %x: %x is ahead", clock_ms, bits, value);
	if (clock_ms - value > 255)
		ck_abort_msg("clock %x, bits %x: %x is %u ms behind", clock_ms, bits, value,
			     clock_ms - value);
}

START_TEST(tsval_is_rounded_down_and_never_ahead)
{
	static const __u32 clocks[] = { 0, 0x7fffff00, 0x80000000, 0x12345600, 0xffffff00 };
	__u64 state = 9;
	int i, low, bits;

	/* all low bytes with all options, also across 0 and the sign's wrap */
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		for (low = 0; low < 256; low++)
			for (bits = 0; bits < 256; bits++)
				assert_tsval(clocks[i] + low, bits);
	for (i = 0; i < 1000000; i++)
		assert_tsval(noise(&state), noise(&state));
}
END_TEST

START_TEST(tsval_of_a_retransmission_is_not_older)
{
	int bits, ms;

	/* the same client asks again at any later time: the same or a newer timestamp, over the wrap */
	for (bits = 0; bits < 256; bits++) {
		__u32 start = 0xfffffc00 + bits, last = tsval(start, bits);

		for (ms = 1; ms < 3000; ms++) {
			__u32 value = tsval(start + ms, bits);

			if ((__s32)(value - last) < 0)
				ck_abort_msg("%x after %x", value, last);
			last = value;
		}
	}
}
END_TEST

START_TEST(tsval_goes_on_from_the_clock)
{
	static const __u32 echoes[] = { 0, 0x7ffffff0, 0x80000000, 0xfffffff0 };
	int i;

	for (i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++) {
		__u32 echo = echoes[i];

		ck_assert_uint_eq(cookie_tsval_now(echo, echo), echo);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 192), echo);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 193), echo + 1);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 300), echo + 108);
		/* an ACK that was lost tells nothing of the way, a TSval from the future nothing */
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 1000), echo + 808);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 1001), echo + 808);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo + 140000), echo + 808);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo - 1), echo);
		ck_assert_uint_eq(cookie_tsval_now(echo, echo - 0x7fffffff), echo);
	}
}
END_TEST

START_TEST(tsval_of_other_options_is_close)
{
	int a, b, ms;

	/* a connection that changes its options between two SYNs goes back by less than 256 ms */
	for (ms = 0; ms < 256; ms++)
		for (a = 0; a < 256; a += 5)
			for (b = 0; b < 256; b += 3) {
				__s32 step = tsval(0xfffff000 + ms, b) - tsval(0xfffff000 + ms, a);

				if (step > 255 || step < -255)
					ck_abort_msg("%d ms from %x to %x", step, a, b);
			}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(epoch_is_told_by_its_parity, 10),
	SUITE_TEST(epoch_parity_is_in_every_cookie, 10),
	SUITE_TEST(epoch_lasts_about_a_minute, 10),
	SUITE_TEST(clock_is_close_and_never_ahead, 30),
	SUITE_TEST(clock_never_runs_back, 30),
	SUITE_TEST(tsval_is_rounded_down_and_never_ahead, 30),
	SUITE_TEST(tsval_of_a_retransmission_is_not_older, 10),
	SUITE_TEST(tsval_goes_on_from_the_clock, 10),
	SUITE_TEST(tsval_of_other_options_is_close, 10),
	{}
};
/* clang-format on */
