/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting sources: the crowd tells how many they are, the table who sends most, and what is sent
 * by random sources leaves both as true as they were.
 *
 * Windows are 13 days long here, so that none ends within a test; those of ending windows write
 * the time into the maps.
 */
#include "client.h"
#include "connection.h"
#include "daemon/judge/cardinality.h"
#include "stack.h"
#include "suite.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard.skel.h"

#define LONG_WINDOW 50
#define SALT	    0x243f6a8885a308d3ULL

static struct prog *counting(int *listener, bool defended)
{
	struct prog *p;

	prog_hitter_shift = LONG_WINDOW;
	p = prog_new(stack_new());
	p->control->source_salt = SALT;
	*listener = stack_listen(.backlog = 4096);
	prog_enter(p, &client_linux4)->quota = 1 << 30;
	prog_enter(p, &client_linux6)->quota = 1 << 30;
	if (!defended)
		return p;
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	return p;
}

static void done(struct prog *p, int listener)
{
	prog_free(p);
	close(listener);
}

/* ---- sources ------------------------------------------------------------------------------- */

/* A number made into a source: one after the other, all over, or one of IPv6 networks. */
enum spread {
	IN_TURN,
	ALL_OVER,
	NETWORKS6,
	SPREADS,
};

static struct sg_addr source(enum spread spread, __u32 n)
{
	struct sg_addr a = {};

	if (spread == NETWORKS6) {
		a.words[0] = htonl(0x20010db8);
		a.words[1] = htonl(n);
		a.words[3] = htonl(n * 7 + 1); /* which is nobody else */
		return a;
	}
	a.words[2] = htonl(0xffff);
	a.words[3] = htonl(spread == IN_TURN ? 0x0a000000 + n :
					       0x10000000 + (n * 2654435761U & 0x3fffffff));
	return a;
}

static struct sg_addr v4(const char *text)
{
	struct sg_addr a = { .words[2] = htonl(0xffff) };

	ck_assert_int_eq(inet_pton(AF_INET, text, &a.words[3]), 1);
	return a;
}

/* Puts a source into the frame, whose checksum nobody asks for. */
static void send_of(struct prog *p, const struct sg_addr *a, struct prog_frame *v4_frame,
		    struct prog_frame *v6_frame, __u32 times)
{
	bool six = a->words[2] != htonl(0xffff);
	struct prog_frame *f = six ? v6_frame : v4_frame;

	if (six)
		memcpy(f->bytes + 22, a->bytes, 16);
	else
		memcpy(f->bytes + 26, &a->words[3], 4);
	while (times--)
		prog_run(p, SG_XDP, f);
}

struct sender {
	struct prog *p;
	struct prog_frame v4, v6;
};

static struct sender sender(struct prog *p)
{
	return (struct sender){ p, prog_frame(&client_linux4), prog_frame(&client_linux6) };
}

static void send_syns(struct sender *s, struct sg_addr a, __u32 times)
{
	send_of(s->p, &a, &s->v4, &s->v6, times);
}

/* ---- what the tables say ------------------------------------------------------------------- */

static const struct sg_hitter *find(const struct sg_hitter_set *sets, const struct sg_addr *a)
{
	int i, way;

	for (i = 0; i < SG_HITTER_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++)
			if (sets[i].keys[way] && !memcmp(&sets[i].of[way].addr, a, sizeof(*a)))
				return &sets[i].of[way];
	return NULL;
}

static int entries(const struct sg_hitter_set *sets)
{
	int i, way, n = 0;

	for (i = 0; i < SG_HITTER_SETS; i++)
		for (way = 0; way < SG_HITTER_WAYS; way++)
			n += sets[i].keys[way] != 0;
	return n;
}

static int heavy_hitters(struct prog *p, enum sg_hitter_kind kind)
{
	struct sg_hitter_set *sets = prog_heavy_hitters(p, kind);
	int n = entries(sets);

	free(sets);
	return n;
}

/* All zero where it is no heavy hitter. */
static struct sg_hitter hitter(struct prog *p, enum sg_hitter_kind kind, struct sg_addr a)
{
	struct sg_hitter_set *sets = prog_heavy_hitters(p, kind);
	const struct sg_hitter *t = find(sets, &a);
	struct sg_hitter ret = t ? *t : (struct sg_hitter){};

	free(sets);
	return ret;
}

static void assert_near(double is, double expected, double part, const char *what)
{
	ck_assert_msg(fabs(is - expected) <= expected * part, "%s: %.0f, expected %.0f", what, is,
		      expected);
}

/* ---- the crowd ----------------------------------------------------------------------------- */

/* From 100 to a million sources, within 5 %; each SYN counts, and none twice as a source. */
START_TEST(cardinality_counts_sources)
{
	enum spread spread = _i / 5;
	__u32 i, count = pow(10, 2 + _i % 5);
	struct cardinality sum = {};
	struct sg_cardinality seen;
	struct sender s;
	struct prog *p;
	int listener;
	__u64 before;

	p = counting(&listener, true);
	s = sender(p);
	before = prog_cardinality(p).syns;
	for (i = 0; i < count; i++)
		send_syns(&s, source(spread, i), 1 + (i % 4 == 0));
	seen = prog_cardinality(p);
	ck_assert_uint_eq(seen.syns - before, count + (count + 3) / 4);
	cardinality_add(&sum, &seen, seen.window);
	assert_near(cardinality_distinct(&sum), count, 0.05, "sources");
	done(p, listener);
}
END_TEST

/* A window begins with nobody, whatever its place was used for before. */
START_TEST(cardinality_begins_anew)
{
	struct sg_cardinality *each = calloc(libbpf_num_possible_cpus(), sizeof(*each)), seen;
	__u32 i, at = (prog_now_ns() >> LONG_WINDOW) & 1;
	struct cardinality sum = {};
	struct sender s;
	struct prog *p;
	int listener;

	p = counting(&listener, false);
	s = sender(p);
	for (i = 0; i < 1000; i++)
		send_syns(&s, source(ALL_OVER, i), 1);
	seen = prog_cardinality(p);
	each[sched_getcpu()] = seen;
	each[sched_getcpu()].window -= 2;
	prog_must(!bpf_map__update_elem(p->skel->maps.cardinalities, &at, sizeof(at), each,
					sizeof(*each) * libbpf_num_possible_cpus(), BPF_ANY),
		  "the crowd");
	for (i = 0; i < 10; i++)
		send_syns(&s, source(ALL_OVER, i), 1);
	seen = prog_cardinality(p);
	ck_assert_uint_eq(seen.syns, 10);
	cardinality_add(&sum, &seen, seen.window);
	ck_assert_uint_eq(cardinality_distinct(&sum), 10);
	free(each);
	done(p, listener);
}
END_TEST

/* ---- the sketch ---------------------------------------------------------------------------- */

/* What bpf/state/sources.bpf.h makes of an IPv4 address, said a second time. */
static __u64 key_of(struct sg_addr a, bool prefix)
{
	__u64 h = SALT * 0x9e3779b97f4a7c15ULL;

	if (prefix)
		a.bytes[15] = 0;
	h ^= h >> 32;
	h = (h ^ (a.halves[1] << 32 | a.halves[1] >> 32)) * 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 32;
	return prefix ? h & ~1ULL : h | 1;
}

static __u32 sketched(const struct sg_sketch *sketch, __u64 key)
{
	const struct sg_sketch_line *line = &sketch->of[key >> 40 & (SG_SKETCH_LINES - 1)];
	__u32 least = UINT32_MAX;
	int shift;

	for (shift = 8; shift <= 24; shift += 8) {
		__u32 cell = line->cells[(key >> shift & 255) * SG_SKETCH_CELLS >> 8];

		least = cell < least ? cell : least;
	}
	return least;
}

/* Never less than was sent; and no more than by a few, as nobody's is the rest's sum. */
START_TEST(sketch_never_underestimates)
{
	__u32 i, sent[1000], total = 0, error = 0;
	struct sg_sketch *sketch;
	struct sender s;
	struct prog *p;
	int listener;

	p = counting(&listener, _i);
	s = sender(p);
	for (i = 0; i < 1000; i++) {
		sent[i] = 1 + i * i % 7;
		total += sent[i];
	}
	ck_assert_uint_lt(total + 500, SG_HITTER_EXACT - 10);
	/* so many that nobody below is one of few who send, and enters the table */
	for (i = 0; i < 500; i++)
		send_syns(&s, source(ALL_OVER, 1000 + i), 1);
	total += 500;
	for (i = 0; i < 1000; i++)
		send_syns(&s, source(ALL_OVER, i), sent[i]);
	sketch = prog_sketch(p);
	for (i = 0; i < 1000; i++) {
		__u32 is = sketched(sketch, key_of(source(ALL_OVER, i), false));

		ck_assert_msg(is >= sent[i], "source %u: %u, and sent %u", i, is, sent[i]);
		is = sketched(sketch, ~key_of(source(ALL_OVER, i), true));
		ck_assert_msg(is >= sent[i], "network of %u: %u, and sent %u", i, is, sent[i]);
		error += is - sent[i];
	}
	/* what was promised: a 1280th of all */
	ck_assert_uint_lt(error / 1000, total / 1280 + 2);
	free(sketch);
	done(p, listener);
}
END_TEST

/* ---- the table ----------------------------------------------------------------------------- */

/* One that sends every 50th SYN, among 10^5 that send one each. */
START_TEST(hitters_one_among_random)
{
	struct sg_addr loud = v4("192.0.2.77"), network = v4("192.0.2.0");
	struct sg_hitter t;
	int listener, i;
	struct sender s;
	struct prog *p;

	p = counting(&listener, _i);
	s = sender(p);
	for (i = 0; i < 100000; i++) {
		send_syns(&s, source(ALL_OVER, i), 1);
		if (i % 50 == 0)
			send_syns(&s, loud, 1);
	}
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_SOURCE), 1);
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_PREFIX), 1);
	t = hitter(p, SG_HITTER_SOURCE, loud);
	assert_near(t.syns, 2000, 0.2, "SYNs of the source");
	ck_assert_uint_eq(t.completed + t.resets, 0);
	ck_assert_uint_gt(t.first_ns, 0);
	ck_assert_uint_ge(t.last_ns, t.first_ns);
	/* those before it was entered are not known to have been challenged */
	if (_i)
		assert_near(t.challenged, t.syns, 0.15, "challenges");
	else
		ck_assert_uint_eq(t.challenged, 0);
	t = hitter(p, SG_HITTER_PREFIX, network);
	assert_near(t.syns, 2000, 0.2, "SYNs of the prefix");
	done(p, listener);
}
END_TEST

/* Trap C4: random sources enter nobody, and take nobody's place, however many they are. */
START_TEST(c4_random_sources_stay_out)
{
	static const char *const loud[] = { "192.0.2.1", "192.0.2.2", "198.51.100.3" };
	int listener, i, syns = suite_full() ? 10000000 : 1000000;
	struct sg_hitter_set *before[SG_HITTER_KINDS], *after;
	struct sender s;
	struct prog *p;
	int kind;

	p = counting(&listener, true);
	s = sender(p);
	for (i = 0; i < 3; i++)
		send_syns(&s, v4(loud[i]), 500);
	for (kind = 0; kind < SG_HITTER_KINDS; kind++)
		before[kind] = prog_heavy_hitters(p, kind);
	ck_assert_int_eq(entries(before[SG_HITTER_SOURCE]), 3);
	ck_assert_int_eq(entries(before[SG_HITTER_PREFIX]), 2);
	for (i = 0; i < syns; i++)
		send_syns(&s, source(i & 1 ? ALL_OVER : NETWORKS6, i), 1);
	for (kind = 0; kind < SG_HITTER_KINDS; kind++) {
		after = prog_heavy_hitters(p, kind);
		ck_assert(!memcmp(before[kind], after, SG_HITTER_SETS * sizeof(*after)));
		free(before[kind]);
		free(after);
	}
	done(p, listener);
}
END_TEST

/* Each address of a network sends too little to be seen, and the network does not. */
START_TEST(hitters_prefixes_add_up)
{
	struct sg_addr a = v4("198.51.100.0");
	struct sender s;
	struct prog *p;
	int listener, i;

	p = counting(&listener, false);
	s = sender(p);
	for (i = 0; i < 3000; i++) {
		a.bytes[15] = 1 + i % 250;
		send_syns(&s, a, 1);
	}
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_SOURCE), 0);
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_PREFIX), 1);
	assert_near(hitter(p, SG_HITTER_PREFIX, v4("198.51.100.0")).syns, 3000, 0.02, "SYNs");
	done(p, listener);
}
END_TEST

/* Of IPv6 the /64 is one source, all of whose addresses anybody in it has. */
START_TEST(hitters_of_ipv6_are_networks)
{
	struct sg_addr a = source(NETWORKS6, 5), network;
	struct sender s;
	struct prog *p;
	int listener, i;

	p = counting(&listener, _i);
	s = sender(p);
	for (i = 0; i < 500; i++) {
		a.halves[1] = i * 0x9e3779b97f4a7c15ULL;
		send_syns(&s, a, 1);
		send_syns(&s, source(NETWORKS6, 1000 + i), 1);
	}
	network = a;
	network.halves[1] = 0;
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_SOURCE), 0);
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_PREFIX), 1);
	assert_near(hitter(p, SG_HITTER_PREFIX, network).syns, 500, 0.02, "SYNs");
	done(p, listener);
}
END_TEST

/* Eight that take turns, of which every eighth SYN would be always the same one's. */
START_TEST(hitters_taking_turns_are_all_seen)
{
	struct sg_addr a = v4("192.0.2.0");
	int listener, i, each = 5000;
	struct sender s;
	struct prog *p;

	p = counting(&listener, true);
	s = sender(p);
	for (i = 0; i < 8 * each; i++) {
		a.bytes[15] = 1 + i % 8;
		send_syns(&s, a, 1);
	}
	for (i = 0; i < 8; i++) {
		a.bytes[15] = 1 + i;
		assert_near(hitter(p, SG_HITTER_SOURCE, a).syns, each, 0.1, "SYNs");
	}
	done(p, listener);
}
END_TEST

/* Whoever is over the reply budget is not answered, and counts all the same. */
START_TEST(hitters_over_budget_are_counted)
{
	struct sg_addr loud = v4("192.0.2.1");
	struct sg_hitter t;
	struct sender s;
	struct prog *p;
	int listener;

	p = counting(&listener, true);
	p->control->reply_budget = 64;
	s = sender(p);
	send_syns(&s, loud, 3000);
	t = hitter(p, SG_HITTER_SOURCE, loud);
	ck_assert_uint_eq(t.syns, 3000);
	ck_assert_uint_lt(t.challenged, 1000);
	done(p, listener);
}
END_TEST

/* Handshakes and resets are counted for who is a heavy hitter. */
START_TEST(hitters_complete_and_reset)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	enum sg_hitter_kind kind = _i ? SG_HITTER_PREFIX : SG_HITTER_SOURCE;
	struct frame_spec syn = *client, reset = *client;
	struct prog_frame f = prog_frame(client);
	struct sg_addr who = prog_view(&f).src;
	struct sg_hitter t;
	struct prog *p;
	int listener, i;

	p = counting(&listener, true);
	for (i = 0; i < 200; i++)
		prog_run(p, SG_XDP, &f);
	if (_i)
		who.halves[1] = 0;
	prog_attach(p);
	for (i = 0; i < 5; i++) {
		syn.sport = 3000 + i;
		close(connection_challenged(p, &syn, listener).fd);
	}
	prog_detach(p);
	reset.flags = FRAME_RST;
	for (i = 0; i < 7; i++)
		expect_verdict(p, SG_INGRESS, &reset, SG_V_NOT_ACK);
	reset.flags = FRAME_RST | FRAME_ACK;
	expect_verdict(p, SG_INGRESS, &reset, SG_V_NOT_ACK);
	reset.dport = 81; /* of which there is no service */
	expect_verdict(p, SG_INGRESS, &reset, SG_V_NOT_ACK);
	t = hitter(p, kind, who);
	ck_assert_uint_eq(t.completed, 5);
	ck_assert_uint_eq(t.resets, 8);
	ck_assert_uint_ge(t.challenged, 100);
	done(p, listener);
}
END_TEST

/* Where XDP cannot be had, tcx counts. */
START_TEST(hitters_without_xdp)
{
	struct prog_frame f = prog_frame(&client_linux4);
	struct prog *p;
	int listener, i;
	__u64 before;

	p = counting(&listener, true);
	before = prog_cardinality(p).syns;
	p->alone = !_i;
	p->answers = _i;
	for (i = 0; i < 300; i++)
		prog_run(p, SG_INGRESS, &f);
	ck_assert_uint_eq(prog_cardinality(p).syns - before, 300);
	/* those of counting() were his as well */
	ck_assert_uint_ge(hitter(p, SG_HITTER_SOURCE, prog_view(&f).src).syns, 300);
	done(p, listener);
}
END_TEST

/* Sources that have to share a set of the table, which is returned. */
static int of_one_set(struct sg_addr *ret, int count)
{
	struct sg_addr a;
	__u32 n, set = 0;
	int found = 0;

	for (n = 0; found < count; n++) {
		a = source(ALL_OVER, n);
		if (!n)
			set = key_of(a, false) >> 32 & (SG_HITTER_SETS - 1);
		if ((key_of(a, false) >> 32 & (SG_HITTER_SETS - 1)) == set)
			ret[found++] = a;
	}
	return set;
}

/* In a full set nobody gives way to a weaker one, until he has been silent for some windows. */
START_TEST(hitters_fade)
{
	struct sg_addr a[SG_HITTER_WAYS + 1];
	struct sg_hitter_set *set;
	struct sender s;
	struct prog *p;
	int listener, i;
	__u32 at;

	at = of_one_set(a, SG_HITTER_WAYS + 1);
	p = counting(&listener, false);
	s = sender(p);
	for (i = 0; i < SG_HITTER_WAYS; i++)
		send_syns(&s, a[i], 400 + 100 * i);
	send_syns(&s, a[SG_HITTER_WAYS], 100);
	ck_assert_uint_eq(hitter(p, SG_HITTER_SOURCE, a[SG_HITTER_WAYS]).syns, 0);
	ck_assert_int_eq(heavy_hitters(p, SG_HITTER_SOURCE), SG_HITTER_WAYS);
	/* the first is the first of its network, too, with which it shares its hash */
	ck_assert_uint_eq(a[0].bytes[15], 0);
	ck_assert_uint_eq(hitter(p, SG_HITTER_SOURCE, a[0]).syns, 400);

	/* two windows later 400 are 100, which is less than his next */
	set = prog_heavy_hitters(p, SG_HITTER_SOURCE) + at;
	for (i = 0; i < SG_HITTER_WAYS; i++)
		set->of[i].window -= 2;
	prog_must(!bpf_map__update_elem(p->skel->maps.heavy_hitters, &at, sizeof(at), set,
					sizeof(*set), BPF_ANY),
		  "the heavy_hitters");
	free(set - at);
	send_syns(&s, a[SG_HITTER_WAYS], 5);
	ck_assert_uint_ge(hitter(p, SG_HITTER_SOURCE, a[SG_HITTER_WAYS]).syns, 101);
	ck_assert_uint_eq(hitter(p, SG_HITTER_SOURCE, a[0]).syns, 0);
	for (i = 1; i < SG_HITTER_WAYS; i++)
		ck_assert_uint_gt(hitter(p, SG_HITTER_SOURCE, a[i]).syns, 0);
	done(p, listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(cardinality_counts_sources, SPREADS * 5, 120),
	SUITE_TEST(cardinality_begins_anew, 30),
	SUITE_LOOP(sketch_never_underestimates, 2, 30),
	SUITE_LOOP(hitters_one_among_random, 2, 60),
	SUITE_TEST(c4_random_sources_stay_out, 300),
	SUITE_TEST(hitters_prefixes_add_up, 30),
	SUITE_LOOP(hitters_of_ipv6_are_networks, 2, 30),
	SUITE_TEST(hitters_taking_turns_are_all_seen, 30),
	SUITE_TEST(hitters_over_budget_are_counted, 30),
	SUITE_LOOP(hitters_complete_and_reset, 2, 30),
	SUITE_LOOP(hitters_without_xdp, 2, 30),
	SUITE_TEST(hitters_fade, 30),
	{}
};
/* clang-format on */
