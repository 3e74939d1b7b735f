/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lengths of D-Bus messages in a stream, however it is cut into pieces. */
#include <stdint.h>
#include <string.h>

#include "daemon/bus/guard.h"
#include "suite.h"

#define STREAM_MAX (4 * BUS_GUARD_MESSAGE_MAX)

struct stream {
	unsigned char bytes[STREAM_MAX];
	size_t length;
};

static void put(unsigned char *at, char order, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		at[i] = value >> 8 * (order == 'B' ? 3 - i : i);
}

/* A message as its header describes it; its contents look like headers of huge messages. */
static void add(struct stream *s, char order, uint32_t fields, uint32_t body, size_t really)
{
	unsigned char *head = s->bytes + s->length;

	memset(head, 0, 16);
	head[0] = order;
	put(head + 4, order, body);
	put(head + 12, order, fields);
	memset(head + 16, 'l', really);
	s->length += 16 + really;
}

static bool scan(const struct stream *s, size_t piece)
{
	struct bus_guard_frames f = {};
	size_t at, n;

	for (at = 0; at < s->length; at += n) {
		n = s->length - at < piece ? s->length - at : piece;
		if (!bus_guard_scan(&f, s->bytes + at, n))
			return false;
	}
	return true;
}

static void expect(const struct stream *s, bool allowed)
{
	static const size_t pieces[] = { 1, 3, 7, 15, 16, 17, 24, 4096, STREAM_MAX };
	size_t i;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		ck_assert_msg(scan(s, pieces[i]) == allowed, "in pieces of %zu", pieces[i]);
}

START_TEST(guard_lets_through)
{
	static struct stream s;
	static const char orders[] = { 'l', 'B' };
	size_t i;

	s.length = 0;
	for (i = 0; i < 2; i++) {
		add(&s, orders[i], 0, 0, 0);
		add(&s, orders[i], 1, 0, 8);
		add(&s, orders[i], 8, 1, 9);
		add(&s, orders[i], 77, 1000, 1080);
		add(&s, orders[i], 16, BUS_GUARD_MESSAGE_MAX - 32, BUS_GUARD_MESSAGE_MAX - 16);
	}
	expect(&s, true);
}
END_TEST

/* What is promised counts, not what comes; and no sum wraps round. */
START_TEST(guard_refuses)
{
	static const struct {
		char order;
		uint32_t fields, body;
	} cases[] = {
		{ 'l', 16, BUS_GUARD_MESSAGE_MAX - 31 },
		{ 'l', BUS_GUARD_MESSAGE_MAX, 0 },
		{ 'B', 0, 120 << 20 },
		{ 'l', UINT32_MAX, UINT32_MAX },
		{ 'B', UINT32_MAX - 6, 16 },
		{ 'l', 16, UINT32_MAX - 15 },
		{ 0, 0, 0 },
		{ 'x', 8, 8 },
	};
	static struct stream s;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s.length = 0;
		add(&s, 'l', 8, 5, 13);
		add(&s, cases[i].order, cases[i].fields, cases[i].body, 0);
		expect(&s, false);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(guard_lets_through, 30),
	SUITE_TEST(guard_refuses, 10),
	{}
};
/* clang-format on */
