/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From list to list in slices: what counts in the end, also where it breaks off anywhere. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/lists.h"
#include "suite.h"

#define ALL	256
#define AT_ONCE 16

/* In place of a map: which of the prefixes are in it, and how many it has room for. */
static struct map {
	bool has[ALL];
	size_t count, room;
	size_t calls, calls_in_step;
	int refuse_in; /* calls that put something in; 0: never */
} map;

static int set(void *userdata, const struct addr_prefix *p, bool here)
{
	struct map *m = userdata;
	unsigned int i = p->addr.bytes[15];

	m->calls++;
	m->calls_in_step++;
	if (!here && !m->has[i])
		return -ENOENT;
	if (here && m->refuse_in && !--m->refuse_in)
		return -ENOMEM;
	ck_assert_msg(!here || !m->has[i], "prefix %u is put in twice", i);
	m->count += here ? 1 : -1;
	ck_assert_uint_le(m->count, m->room);
	m->has[i] = here;
	return 0;
}

/* Those of `from` to `end` - 1, but for every `without`th; 0: all of them. */
static struct lists_list list(unsigned int from, unsigned int end, unsigned int without)
{
	struct lists_list l = {};
	size_t room = 0;
	unsigned int i;

	for (i = from; i < end; i++) {
		struct lists_entry e = { .prefix = { .bits = 128 } };

		if (without && i % without == 0)
			continue;
		e.prefix.addr.bytes[15] = i;
		ck_assert_int_eq(lists_append(&l, &room, &e, NULL), 0);
	}
	lists_tidy(&l);
	return l;
}

static void is(const struct lists_list *l)
{
	size_t i;

	ck_assert_uint_eq(map.count, l->count);
	for (i = 0; i < l->count; i++)
		ck_assert(map.has[l->entries[i].prefix.addr.bytes[15]]);
}

static int roll(const struct lists_list *from, const struct lists_list *to, size_t slice)
{
	struct lists_rollout r = { .from = from, .to = to, .set = set, .userdata = &map };
	int more;

	do {
		map.calls_in_step = 0;
		more = lists_rollout_step(&r, slice);
		ck_assert_uint_le(map.calls_in_step, slice);
	} while (more > 0);
	return more;
}

static void fill(const struct lists_list *l, size_t room)
{
	const struct lists_list none = {};

	map = (struct map){ .room = room };
	ck_assert_int_eq(roll(&none, l, ALL), 0);
	is(l);
	map.calls = 0;
}

/* However short the slices: the same in the end, nothing touched that stays, and never too many. */
START_TEST(rollout_in_slices)
{
	static const size_t slices[] = { 1, 7, AT_ONCE, ALL };
	struct lists_list a = list(0, 200, 0), b = list(0, 200, 5), c = list(50, 250, 0);
	const struct lists_list none = {};
	size_t i;

	for (i = 0; i < sizeof(slices) / sizeof(*slices); i++) {
		fill(&a, 200);
		ck_assert_int_eq(roll(&a, &b, slices[i]), 0);
		is(&b);
		ck_assert_uint_eq(map.calls, 40);
		ck_assert_int_eq(roll(&b, &c, slices[i]), 0);
		is(&c);
		map.calls = 0;
		ck_assert_int_eq(roll(&c, &c, slices[i]), 0);
		ck_assert_uint_eq(map.calls, 0);
		ck_assert_int_eq(roll(&c, &none, slices[i]), 0);
		is(&none);
	}
	lists_done(&a);
	lists_done(&b);
	lists_done(&c);
}
END_TEST

/* Refused at any point: the way back ends where it began. */
START_TEST(rollout_leads_back)
{
	struct lists_list a = list(0, 100, 0), b = list(50, 180, 0);
	int at;

	for (at = 1; at <= 80; at++) {
		fill(&a, ALL);
		map.refuse_in = at;
		ck_assert_int_eq(roll(&a, &b, AT_ONCE), -ENOMEM);
		ck_assert_int_eq(map.refuse_in, 0);
		ck_assert_int_eq(roll(&b, &a, AT_ONCE), 0);
		is(&a);
	}
	lists_done(&a);
	lists_done(&b);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(rollout_in_slices, 20),
	SUITE_TEST(rollout_leads_back, 20),
	{}
};
/* clang-format on */
