/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of the crowd, and the copy of the table of heavy hitters, from what programs would write. */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/judge/cardinality.h"
#include "suite.h"

#define WINDOW 1000

/* What the daemon would read of the programs. */
static struct cardinality seen;
static const struct sg_hitter_set *seen_sets;

int dataplane_cardinality(struct dataplane *dp, uint64_t now_ns, struct cardinality *ret)
{
	*ret = seen;
	return 0;
}

const struct sg_hitter_set *dataplane_heavy_hitters(struct dataplane *dp)
{
	return seen_sets;
}

/* Enters a source by a hash, as the programs do. */
static void enter(struct sg_cardinality *c, uint64_t n)
{
	uint64_t hash = n * 0x9e3779b97f4a7c15ULL;
	uint8_t *r, rank = 1;

	hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 29) * 0x94d049bb133111ebULL;
	r = &c->registers[hash >> 52];
	while (rank < SG_CARDINALITY_RANK_MAX && !(hash >> 8 & ((1ULL << rank) - 1)))
		rank++;
	if (rank > *r)
		*r = rank;
	c->syns++;
}

/* From one to ten million, within four standard errors; on two CPUs that saw half of them both. */
START_TEST(crowd_is_estimated)
{
	struct sg_cardinality *a = calloc(2, sizeof(*a));
	uint64_t count = pow(10, _i), i, is;
	struct cardinality sum = {};

	a[0].window = WINDOW;
	a[1].window = WINDOW - 1;
	for (i = 0; i < count; i++) {
		if (i < count * 3 / 4 || count < 4)
			enter(&a[0], i);
		if (i >= count / 4)
			enter(&a[1], i);
	}
	cardinality_add(&sum, &a[0], WINDOW);
	cardinality_add(&sum, &a[1], WINDOW);
	is = cardinality_distinct(&sum);
	ck_assert_msg(fabs((double)is - count) <= 0.0625 * count, "%llu of %llu",
		      (unsigned long long)is, (unsigned long long)count);
	ck_assert_uint_eq(sum.syns, a[0].syns + a[1].syns);
	free(a);
}
END_TEST

START_TEST(cardinality_of_nobody_and_of_old_windows)
{
	struct sg_cardinality *old = calloc(1, sizeof(*old));
	struct cardinality sum = {};

	ck_assert_uint_eq(cardinality_distinct(&sum), 0);
	ck_assert_double_eq(cardinality_randomness(0, 0), 0);
	ck_assert_double_eq(cardinality_randomness(3, 2), 1);
	ck_assert_double_eq(cardinality_randomness(1, 4), 0.25);
	old->window = WINDOW - 2;
	enter(old, 7);
	cardinality_add(&sum, old, WINDOW);
	/* nor what has been written since the clock was read */
	old->window = WINDOW + 1;
	cardinality_add(&sum, old, WINDOW);
	ck_assert_uint_eq(cardinality_distinct(&sum), 0);
	ck_assert_uint_eq(sum.syns, 0);
	free(old);
}
END_TEST

/* ---- the table ----------------------------------------------------------------------------- */

static struct sg_hitter_set *table(void)
{
	return calloc(SG_HITTER_KINDS * SG_HITTER_SETS, sizeof(struct sg_hitter_set));
}

static void put(struct sg_hitter_set *sets, enum sg_hitter_kind kind, int at, uint64_t key,
		const char *addr, uint64_t last_ns, uint32_t recent, uint64_t syns)
{
	struct sg_hitter_set *set = &sets[kind * SG_HITTER_SETS + at / SG_HITTER_WAYS];
	struct sg_hitter *t = &set->of[at % SG_HITTER_WAYS];

	set->keys[at % SG_HITTER_WAYS] = key;
	t->addr = (struct sg_addr){ .words[2] = htonl(0xffff) };
	if (inet_pton(AF_INET, addr, &t->addr.words[3]) != 1)
		inet_pton(AF_INET6, addr, &t->addr);
	t->first_ns = 1;
	t->last_ns = last_ns;
	t->window = last_ns >> SG_HITTER_SHIFT;
	t->recent = recent;
	t->syns = syns;
}

static struct sg_hitter *put_prefix(struct sg_hitter_set *sets, int at, const char *addr,
				    uint64_t now, uint32_t recent, uint64_t completed)
{
	struct sg_hitter *t = &sets[SG_HITTER_PREFIX * SG_HITTER_SETS + at].of[0];

	put(sets, SG_HITTER_PREFIX, at * SG_HITTER_WAYS, 2 * at + 10, addr, now, recent, recent);
	t->completed = completed;
	return t;
}

static bool is(const struct hitters_row *row, const char *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (row->is.addr.words[2] == htonl(0xffff) && !row->is.addr.halves[0])
		inet_ntop(AF_INET, &row->is.addr.words[3], text, sizeof(text));
	else
		inet_ntop(AF_INET6, &row->is.addr, text, sizeof(text));
	return !strcmp(text, addr);
}

START_TEST(hitters_in_order)
{
	struct hitters_row *rows = calloc(HITTERS_MAX, sizeof(*rows));
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();

	put(sets, SG_HITTER_SOURCE, 0, 11, "192.0.2.1", now, 100, 900);
	put(sets, SG_HITTER_SOURCE, 9, 13, "192.0.2.2", now, 300, 300);
	/* four times as much, and two windows ago */
	put(sets, SG_HITTER_SOURCE, 5, 15, "192.0.2.3", now - (2ULL << SG_HITTER_SHIFT), 800, 800);
	put(sets, SG_HITTER_SOURCE, 6, 17, "192.0.2.4", now - HITTERS_FORGET_NS - 1, 9999, 9999);
	put(sets, SG_HITTER_SOURCE, 7, SG_HITTER_BUSY, "192.0.2.5", now, 9999, 9999);
	put(sets, SG_HITTER_SOURCE, 8, 0, "192.0.2.6", now, 9999, 9999);
	put(sets, SG_HITTER_PREFIX, 0, 20, "192.0.2.0", now, 1300, 2000);
	put(sets, SG_HITTER_PREFIX, 4, 22, "2001:db8::", now, 250, 250);

	ck_assert_uint_eq(hitters_copy(sets, false, now, rows), 4);
	ck_assert(is(&rows[0], "192.0.2.2"));
	ck_assert(is(&rows[1], "2001:db8::"));
	ck_assert(is(&rows[2], "192.0.2.3"));
	ck_assert(is(&rows[3], "192.0.2.1"));
	ck_assert_uint_eq(hitters_copy(sets, true, now, rows), 2);
	ck_assert(is(&rows[0], "192.0.2.0"));
	ck_assert(is(&rows[1], "2001:db8::"));
	free(sets);
	free(rows);
}
END_TEST

/* Trap FW20: of a prefix that is to be denied, how many handshakes were completed in there. */
START_TEST(hitters_completed_inside)
{
	/* clang-format off */
	static const struct {
		const char *prefix;
		uint64_t of_sources, of_prefixes;
	} asked[] = {
		{ "192.0.2.0/24",     12, 40 },
		{ "192.0.2.0/28",      5,  0 },
		{ "192.0.2.1",         5,  0 },
		{ "192.0.2.2",         0,  0 },
		{ "192.0.0.0/16",     12, 47 },
		{ "198.51.100.0/24",   0,  0 },
		/* of IPv6 a /64 is a source as well as a prefix */
		{ "2001:db8::/64",     3,  3 },
		{ "2001:db8::/32",     3,  3 },
		{ "2001:db8::7",       3,  3 },
		{ "2001:db8:1::/64",   0,  0 },
	};
	/* clang-format on */
	struct hitters_row *rows = calloc(HITTERS_MAX, sizeof(*rows));
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();
	size_t i, n;

	put(sets, SG_HITTER_SOURCE, 0, 11, "192.0.2.1", now, 100, 900);
	sets[0].of[0].completed = 5;
	put(sets, SG_HITTER_SOURCE, 1, 13, "192.0.2.77", now, 100, 900);
	sets[0].of[1].completed = 7;
	put_prefix(sets, 0, "192.0.2.0", now, 9000, 40);
	put_prefix(sets, 1, "192.0.3.0", now, 9000, 7);
	put_prefix(sets, 2, "2001:db8::", now, 9000, 3);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct addr_prefix p;

		ck_assert_int_eq(addr_prefix_parse(&p, asked[i].prefix), 0);
		n = hitters_copy(sets, false, now, rows);
		ck_assert_msg(hitters_completed(rows, n, false, &p) == asked[i].of_sources,
			      "sources in %s", asked[i].prefix);
		n = hitters_copy(sets, true, now, rows);
		ck_assert_msg(hitters_completed(rows, n, true, &p) == asked[i].of_prefixes,
			      "prefixes in %s", asked[i].prefix);
	}
	free(sets);
	free(rows);
}
END_TEST

/* ---- who sends most of what nobody completes ----------------------------------------------- */

static struct hitters_figures look_at(struct hitters_flow *flow, uint64_t now)
{
	struct hitters_figures f;

	ck_assert_int_eq(hitters_sample(NULL, now, flow, &f), 0);
	return f;
}

/* Who completes his handshakes, as a proxy with many users does, is not to be denied. */
START_TEST(hitters_heaviest_of_a_flood)
{
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();
	struct hitters_figures f;

	seen = (struct cardinality){ .syns = 20000, .completed = 10000 };
	seen_sets = sets;
	f = look_at(NULL, now);
	ck_assert_uint_eq(f.of_heaviest, 0);
	ck_assert_double_eq(hitters_few_share(&f), 0);

	put_prefix(sets, 0, "198.18.1.0", now, 9000, 9000);
	put_prefix(sets, 1, "198.18.2.0", now, 8000, 2000);
	put_prefix(sets, 2, "198.18.3.0", now, 4000, 0);
	put_prefix(sets, 3, "2001:2::", now, 2000, 499);
	/* it was, and is no more */
	put_prefix(sets, 4, "198.18.4.0", now - HITTERS_FORGET_NS - 1, 9999, 0);
	f = look_at(NULL, now);
	ck_assert_uint_eq(f.heaviest_bits, ADDR_MAPPED_BITS + 24);
	ck_assert(is(&(struct hitters_row){ .is = f.heaviest }, "198.18.3.0"));
	ck_assert_uint_eq(f.of_heaviest, 4000);
	ck_assert_uint_eq(f.of_few, 4000 + 1501);
	ck_assert_double_eq(hitters_heaviest_share(&f), 0.4);
	/* nearly all of it is one source */
	put(sets, SG_HITTER_SOURCE, 0, 11, "198.18.3.7", now, 3700, 3700);
	f = look_at(NULL, now);
	ck_assert_uint_eq(f.heaviest_bits, ADDR_BITS);
	ck_assert(is(&(struct hitters_row){ .is = f.heaviest }, "198.18.3.7"));
	free(sets);
}
END_TEST

/* Prefixes of a flood that send 1000 SYNs each, and which network is told. */
static const struct {
	const char *prefixes[9], *heaviest;
	uint64_t of_heaviest;
} networks[] = {
	{ { "198.18.0.0" }, "198.18.0.0/24", 1000 },
	{ { "198.18.0.0", "198.18.1.0", "198.18.2.0", "198.18.3.0" }, "198.18.0.0/22", 4000 },
	/* two of four, and not two of eight */
	{ { "198.18.0.0", "198.18.3.0" }, "198.18.0.0/22", 2000 },
	{ { "198.18.0.0", "198.18.7.0" }, "198.18.0.0/24", 1000 },
	{ { "198.18.0.0", "198.18.2.0", "198.18.4.0", "198.18.6.0" }, "198.18.0.0/21", 4000 },
	/* the others are elsewhere */
	{ { "198.18.0.0", "198.18.1.0", "198.18.16.0", "198.18.32.0" }, "198.18.0.0/23", 2000 },
	/* no wider than a /20 */
	{ { "198.18.0.0", "198.18.2.0", "198.18.4.0", "198.18.6.0", "198.18.8.0", "198.18.10.0",
	    "198.18.12.0", "198.18.14.0" },
	  "198.18.0.0/20",
	  8000 },
	{ { "2001:2::", "2001:2:0:1::", "2001:2:0:2::" }, "2001:2::/62", 3000 },
};

START_TEST(hitters_network_of_a_flood)
{
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();
	struct addr_prefix heaviest;
	struct hitters_figures f;
	int i;

	seen = (struct cardinality){ .syns = 10000 };
	seen_sets = sets;
	for (i = 0; networks[_i].prefixes[i]; i++)
		put_prefix(sets, i, networks[_i].prefixes[i], now, 1000, 0);
	f = look_at(NULL, now);
	heaviest = (struct addr_prefix){ f.heaviest.addr, f.heaviest_bits };
	ck_assert_str_eq(addr_prefix_text(&heaviest).text, networks[_i].heaviest);
	ck_assert_uint_eq(f.of_heaviest, networks[_i].of_heaviest);
	ck_assert_int_eq(hitters_heaviest_deny(&f), DETECT_DENY_SILENT);
	free(sets);
}
END_TEST

/* Clients in a neighbour that sends little of the flood are clients of the network. */
START_TEST(hitters_clients_of_the_network)
{
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();
	struct hitters_figures f;

	seen = (struct cardinality){ .syns = 10000 };
	seen_sets = sets;
	put_prefix(sets, 0, "198.18.0.0", now, 4000, 0);
	put_prefix(sets, 1, "198.18.1.0", now, 4000, 0);
	put_prefix(sets, 2, "198.18.2.0", now, 4000, 0);
	put_prefix(sets, 3, "198.18.3.0", now, 300, 200);
	f = look_at(NULL, now);
	ck_assert_uint_eq(f.heaviest_bits, ADDR_MAPPED_BITS + 22);
	ck_assert_int_eq(hitters_heaviest_deny(&f), DETECT_DENY_COMPLETED);
	free(sets);
}
END_TEST

/* Of nine only the heaviest eight are a few, in whichever order they stand. */
START_TEST(hitters_a_few_are_eight)
{
	uint64_t now = 1000ULL << SG_HITTER_SHIFT;
	struct sg_hitter_set *sets = table();
	char addr[32];
	int i;

	seen = (struct cardinality){ .syns = 100000 };
	seen_sets = sets;
	for (i = 0; i < 9; i++) {
		snprintf(addr, sizeof(addr), "198.18.%d.0", i);
		put_prefix(sets, i, addr, now, 1000 + (i * 4 % 9) * 100, 0);
	}
	ck_assert_uint_eq(look_at(NULL, now).of_few, 9 * 1000 + 36 * 100 - 1000);
	free(sets);
}
END_TEST

/* A heavy hitter's SYNs and those of all fade in the same way: a source that sends half of all has half. */
START_TEST(hitters_flow_fades_as_hitters_do)
{
	struct sg_hitter_set *sets = table();
	struct hitters_flow flow = {};
	uint64_t window = 1000, each = 1000;
	struct hitters_figures f;
	struct sg_hitter *t;
	int tick, windows;

	seen_sets = sets;
	t = put_prefix(sets, 0, "198.18.1.0", window << SG_HITTER_SHIFT, 0, 0);
	for (windows = 0; windows < 5; windows++, window++) {
		t->recent = sg_hitter_recent(t, window);
		t->window = window;
		for (tick = 1; tick <= 8; tick++) {
			uint64_t now = (window << SG_HITTER_SHIFT) + tick * 1000000000ULL;

			seen.syns_now = tick * each;
			seen.syns = seen.syns_now + (windows ? 8 * each : 0);
			t->recent += each / 2;
			t->syns += each / 2;
			t->last_ns = now;
			f = look_at(&flow, now);
			ck_assert_msg(fabs(hitters_few_share(&f) - 0.5) < 0.01,
				      "window %d, second %d: %.3f", windows, tick,
				      hitters_few_share(&f));
		}
	}
	/* three windows without anything, then one SYN */
	seen = (struct cardinality){ .syns = 1, .syns_now = 1 };
	window += 3;
	f = look_at(&flow, window << SG_HITTER_SHIFT);
	ck_assert_uint_ge(f.unanswered, 900);
	ck_assert_uint_le(f.unanswered, 1100);
	free(sets);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(crowd_is_estimated, 8, 30),
	SUITE_TEST(cardinality_of_nobody_and_of_old_windows, 5),
	SUITE_TEST(hitters_in_order, 5),
	SUITE_TEST(hitters_completed_inside, 5),
	SUITE_TEST(hitters_heaviest_of_a_flood, 10),
	SUITE_LOOP(hitters_network_of_a_flood, sizeof(networks) / sizeof(networks[0]), 5),
	SUITE_TEST(hitters_clients_of_the_network, 5),
	SUITE_TEST(hitters_a_few_are_eight, 10),
	SUITE_TEST(hitters_flow_fades_as_hitters_do, 10),
	{}
};
/* clang-format on */
