/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement of services and of the floods together, as the manager has them each second: played
 * as acts, and thrown at random.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/judge/detect_service.h"
#include "noise.h"
#include "suite.h"

#define SECOND_NS 1000000000ULL

/* What a service and its sources do in a second. */
struct second {
	uint64_t syns, done; /* per second */
	uint64_t drops, limit;
	bool syn_full, accept_full, called;
	uint64_t aged;
};

struct host {
	struct detect_config config;
	struct detector floods;
	struct detect_service service;
	uint64_t now_ns;
};

static struct host a_host(void)
{
	struct host h = { .config = detect_defaults, .now_ns = 1000 * SECOND_NS };
	struct detect_sample sample = { .now_ns = h.now_ns };

	detect_step(&h.floods, &h.config, &sample);
	return h;
}

static void pass(struct host *h, const struct second *is, const struct detect_sources *sources)
{
	const struct detect_service_sample at_service = {
		.now_ns = h->now_ns + SECOND_NS,
		.elapsed_ns = SECOND_NS,
		.syns = is->syns,
		.handshakes = is->done,
		.drops = is->drops,
		.limit = is->limit ?: 1024,
		.syn_full = is->syn_full,
		.accept_full = is->accept_full,
		.called = is->called,
		.aged = is->aged,
	};
	struct detect_sample sample = {
		.now_ns = h->now_ns + SECOND_NS,
		.syns = is->syns,
		.handshakes = is->done,
	};

	h->now_ns += SECOND_NS;
	detect_service_step(&h->service, &h->config, h->floods.floods[DETECT_SYN_FLOOD].state,
			    &at_service);
	sample.explained = h->service.explained;
	sample.defending = h->service.calls;
	sample.slow = h->service.slow;
	if (sources)
		sample.sources = *sources;
	detect_step(&h->floods, &h->config, &sample);
}

struct act {
	const char *name;
	int seconds;
	struct second is;
	enum detect_state state;
	enum sg_trouble trouble;
};

static void play_on(struct host *h, const struct act *act)
{
	int second;

	for (; act->name; act++)
		for (second = 1; second <= act->seconds; second++) {
			pass(h, &act->is, NULL);
			ck_assert_msg(h->floods.state == act->state &&
					      h->service.trouble == act->trouble,
				      "\"%s\", second %d: %s with %s, not %s with %s", act->name,
				      second, detect_state_name(h->floods.state),
				      trouble_word(h->service.trouble),
				      detect_state_name(act->state), trouble_word(act->trouble));
		}
}

static void play(const struct act *act)
{
	struct host h = a_host();

	play_on(&h, act);
}

#define CALM	DETECT_CALM
#define ATTACK	DETECT_ATTACK
#define COOLING DETECT_COOLING
#define NONE	SG_TROUBLE_NONE
#define CROWD	SG_TROUBLE_FLASH_CROWD
#define SMALL	SG_TROUBLE_SMALL_BACKLOG
#define SLOW	SG_TROUBLE_SLOW_ACCEPT

/* clang-format off */
/* C2: many SYNs that complete. */
START_TEST(c2_crowd)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "one odd second",              1, { 20000, 19500 }, CALM, NONE },
		{ "and quiet",                   3, {   150,   150 }, CALM, NONE },
		{ "the crowd begins",            2, { 20000, 19500 }, CALM, NONE },
		{ "it is one",                  20, { 20000, 19500 }, CALM, CROWD },
		{ "many do not complete",        1, { 18000, 10000, .called = true }, ATTACK, CROWD },
		{ "so it is none",              10, { 18000, 10000, .called = true }, ATTACK, NONE },
		{}
	});
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "the crowd begins",            2, { 20000, 19900 }, CALM, NONE },
		{ "it is one",                  20, { 20000, 19900 }, CALM, CROWD },
		{ "a pause shorter than hold",  30, {   150,   150 }, CALM, CROWD },
		{ "it comes back",               5, { 20000, 19900 }, CALM, CROWD },
		{ "it is gone for the hold",    30, {   150,   150 }, CALM, CROWD },
		{ "ordinary again",             10, {   150,   150 }, CALM, NONE },
		{}
	});
}
END_TEST

/* What is many is many beside the ordinary: up to twice that is a day like any other. */
START_TEST(c2_crowd_beside_the_ordinary)
{
	play((struct act[]) {
		{ "busy from the first second", 60, {  5000,  4990 }, CALM, NONE },
		{ "a busy hour",                20, {  9500,  9480 }, CALM, NONE },
		{ "a crowd",                     2, { 30000, 29950 }, CALM, NONE },
		{ "it is one",                   2, { 30000, 29950 }, CALM, CROWD },
		{}
	});
	/* fewer than AttackRate are not many, unless a queue calls */
	play((struct act[]) {
		{ "nothing",                    60, {     1,     1 }, CALM, NONE },
		{ "some",                       20, {   999,   999 }, CALM, NONE },
		{ "some, and a queue at its mark", 2, {   999,   999, .called = true }, CALM, NONE },
		{ "that is a crowd",            20, {   999,   999, .called = true }, CALM, CROWD },
		{}
	});
}
END_TEST

/* The first SYNs of a burst have not completed when the second ends: no attack for that. */
START_TEST(burst_that_completes_is_no_attack)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "a burst, a round trip short", 1, {  6000,  5200, .limit = 4096, .called = true }, CALM, NONE },
		{ "it goes on",                  1, {  6000,  6000, .limit = 4096, .called = true }, CALM, NONE },
		{ "a crowd",                    10, {  6000,  6000, .limit = 4096, .called = true }, CALM, CROWD },
		{}
	});
}
END_TEST

/* C3: the accept queue is full, or full most of the time. */
START_TEST(c3_slow_accept)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "full",                        2, {   300,    40, .accept_full = true, .called = true }, CALM, NONE },
		{ "and stays full",             60, {   600,     0, .accept_full = true, .called = true }, CALM, SLOW },
		{ "room again",                 30, {   150,   150 }, CALM, SLOW },
		{ "and for long",               10, {   150,   150 }, CALM, NONE },
		{}
	});
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "full now",                    1, {   150,   100, .accept_full = true }, CALM, NONE },
		{ "and not",                     1, {   150,   150 }, CALM, NONE },
		{ "full now",                    1, {   150,   100, .accept_full = true }, CALM, NONE },
		{ "full in three of four",       1, {   150,   100, .accept_full = true }, CALM, SLOW },
		{}
	});
}
END_TEST

/* Forged SYNs fill no accept queue, and are not hidden by one that is full. */
START_TEST(c3_slow_accept_hides_no_flood)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "full",                        2, {   300,    40, .accept_full = true }, CALM, NONE },
		{ "it stays full",              10, {   300,    40, .accept_full = true }, CALM, SLOW },
		{ "clients repeat their SYNs",  10, {  1190,     0, .accept_full = true }, CALM, SLOW },
		{ "a flood",                    10, { 20000,     0, .accept_full = true, .called = true }, ATTACK, SLOW },
		{}
	});
}
END_TEST

/* C3: more complete in a second than four times what its queue has room for, and it overflows. */
START_TEST(c3_small_backlog)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   100,    99, .limit = 8 }, CALM, NONE },
		{ "a client repeats its SYN",   60, {   101,   100, .limit = 8, .drops = 1 }, CALM, NONE },
		{ "turned away",                 2, {   400,   200, .limit = 8, .drops = 150 }, CALM, NONE },
		{ "more and more",              10, {   400,   200, .limit = 8, .drops = 150 }, CALM, SMALL },
		{ "they are fewer",             30, {    20,    20, .limit = 8 }, CALM, SMALL },
		{ "for long",                   10, {    20,    20, .limit = 8 }, CALM, NONE },
		{}
	});
	/* far more than on ordinary days, and no more than those who get through would repeat */
	play((struct act[]) {
		{ "an ordinary day",            60, {    20,    20, .limit = 8 }, CALM, NONE },
		{ "turned away",                 2, {  2000,   300, .limit = 8, .drops = 1500, .called = true }, CALM, NONE },
		{ "more and more",              10, {  2000,   300, .limit = 8, .drops = 1500, .called = true }, CALM, SMALL },
		{ "nobody repeats so often",     1, {  2500,   300, .limit = 8, .drops = 1500, .called = true }, ATTACK, SMALL },
		{ "nor is it clients",           5, {  2500,   300, .limit = 8, .drops = 1500, .called = true }, ATTACK, NONE },
		{}
	});
	/* the same where the SYN queue is the one that fills, and its SYNs are challenged */
	play((struct act[]) {
		{ "an ordinary day",            60, {   100,   100, .limit = 128 }, CALM, NONE },
		{ "a crowd from far away",       2, {   520,   512, .limit = 128, .called = true }, CALM, NONE },
		{ "is too much for the queue",  10, {   520,   512, .limit = 128, .called = true }, CALM, SMALL },
		{}
	});
	play((struct act[]) {
		{ "an ordinary day",            60, {   100,   100, .limit = 128 }, CALM, NONE },
		{ "one fewer is no sign",        2, {   520,   511, .limit = 128, .called = true }, CALM, NONE },
		{ "but it is a crowd",          10, {   520,   511, .limit = 128, .called = true }, CALM, CROWD },
		{}
	});
}
END_TEST

/* A flood is neither a crowd nor a small backlog, also where clients come through it. */
START_TEST(flood_is_no_crowd)
{
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150, .limit = 8 }, CALM, NONE },
		{ "a flood",                    60, { 50000,   150, .limit = 8, .called = true }, ATTACK, NONE },
		{ "silence",                    30, {   150,   150, .limit = 8 }, COOLING, NONE },
		{ "calm",                       10, {   150,   150, .limit = 8 }, CALM, NONE },
		{}
	});
	play((struct act[]) {
		{ "a small queue",              60, {    10,    10, .limit = 8 }, CALM, NONE },
		{ "a small flood fills it",     30, {   300,    10, .limit = 8, .called = true }, ATTACK, NONE },
		{}
	});
	play((struct act[]) {
		{ "an ordinary day",            60, {   150,   150 }, CALM, NONE },
		{ "a crowd",                     2, { 20000, 19900 }, CALM, NONE },
		{ "it is one",                  20, { 20000, 19900 }, CALM, CROWD },
		{ "and a flood behind it",       1, { 60000, 19900, .called = true }, ATTACK, CROWD },
		{ "is no crowd any more",       20, { 60000, 19900, .called = true }, ATTACK, NONE },
		{}
	});
}
END_TEST

/* What a busy service loses on any day is no attack; what comes beside it in number is one. */
START_TEST(baseline_of_a_busy_service)
{
	play((struct act[]) {
		{ "busy, and a third gets lost", 60, {  6000,  4000 }, CALM, NONE },
		{ "a busier hour",               30, { 11000,  7500 }, CALM, NONE },
		{ "a flood beside it",           30, { 16000,  4000 }, ATTACK, NONE },
		{ "half of it is enough then",   30, { 12000,  4000 }, ATTACK, NONE },
		{ "busy as ever",                30, {  6000,  4000 }, COOLING, NONE },
		{ "calm",                        10, {  6000,  4000 }, CALM, NONE },
		{}
	});
	/* less, where it fills a queue */
	play((struct act[]) {
		{ "busy, and a third gets lost", 60, {  6000,  4000 }, CALM, NONE },
		{ "a queue calls",               30, {  7000,  4000, .called = true }, ATTACK, NONE },
		{}
	});
}
END_TEST

/* No delay where there is no ordinary day yet, nor where it was quiet; 0: the rate alone. */
START_TEST(baseline_delays_nothing)
{
	struct host h = a_host();

	play((struct act[]) {
		{ "a flood when the daemon starts", 5, { 1000, 0 }, ATTACK, NONE },
		{}
	});
	play((struct act[]) {
		{ "a quiet server",              60, {   400,   400 }, CALM, NONE },
		{ "AttackRate beside it",         5, {  1400,   400 }, ATTACK, NONE },
		{}
	});
	h.config.baseline_factor = 0;
	play_on(&h, (struct act[]) {
		{ "busy, and a few get lost",    60, {  6000,  5100 }, CALM, NONE },
		{ "AttackRate beside them",       5, {  6100,  5100 }, ATTACK, NONE },
		{}
	});
}
END_TEST
/* FW: few SYNs, that nobody answers; what fills the queue tells, and not the rate. */
START_TEST(slow_flood)
{
	play((struct act[]) {
		{ "calm",                      20, {    5,    5, .limit = 511 }, CALM, NONE },
		{ "it begins",                  3, {   25,    5, .limit = 511, .aged = 50 }, CALM, NONE },
		{ "an eighth of the queue",    10, {   25,    5, .limit = 511, .aged = 64 }, ATTACK, NONE },
		/* few retries, or challenges, keep the queue short */
		{ "the mitigation acts",      100, {   25,    5, .limit = 511, .aged = 2 }, ATTACK, NONE },
		{ "a pause of the flood",       8, {    5,    5, .limit = 511 }, ATTACK, NONE },
		{}
	});
	play((struct act[]) {
		{ "clients of a busy service", 60, { 1000,  980, .limit = 1024 }, CALM, NONE },
		/* 2 % of them, for a minute each */
		{ "whose losses wait",        300, { 1000,  980, .limit = 1024, .aged = 900 }, CALM, NONE },
		{ "of a short queue",          60, {    1,    0, .limit = 8, .aged = 3 }, CALM, NONE },
		{ "that is half full",          5, {    1,    0, .limit = 8, .aged = 4 }, ATTACK, NONE },
		{}
	});
	/* clients whose ACK finds no room stay half-open as well */
	play((struct act[]) {
		{ "calm",                      20, {    5,    5, .limit = 64 }, CALM, NONE },
		{ "nothing is accepted",        2, {   25,    1, .limit = 64, .accept_full = true, .aged = 60 }, CALM, NONE },
		{ "and that is told",          20, {   25,    1, .limit = 64, .accept_full = true, .aged = 60 }, CALM, SLOW },
		{ "until it accepts",           5, {   25,   20, .limit = 64, .aged = 60 }, CALM, SLOW },
		{}
	});
}
END_TEST

/* However it swells and ebbs within its hold, it begins once and ends once. */
START_TEST(slow_flood_does_not_flap)
{
	enum detect_state before = DETECT_CALM;
	struct host h = a_host();
	int second, changes = 0;

	for (second = 0; second < 900; second++) {
		uint64_t syns = second < 600 ? 5 + second % 12 * 3 : 1;

		pass(&h, &(struct second){ .syns = syns, .limit = 256, .done = 1,
			 .aged = second < 600 && h.floods.state == DETECT_CALM ? 100 : 2 }, NULL);
		changes += h.floods.state != before;
		before = h.floods.state;
	}
	ck_assert_int_eq(changes, 3);
	ck_assert_int_eq(h.floods.state, DETECT_CALM);
}
END_TEST
/* clang-format on */

/* A flood that swells slowly does not make itself ordinary. */
START_TEST(baseline_is_not_taught_by_a_flood)
{
	struct host h = a_host();
	struct second is = { .syns = 100, .done = 100 };
	int second;

	for (second = 0; second < 600; second++)
		pass(&h, &is, NULL);
	ck_assert_uint_eq(h.service.baseline_milli, 100000);
	for (second = 0; second < 7200; second++) {
		is.syns = 100 + second / 8;
		pass(&h, &is, NULL);
	}
	/* it has come to 999: told as soon as it is 1000 beside the clients */
	ck_assert_int_eq(h.floods.state, DETECT_CALM);
	ck_assert_uint_le(h.service.baseline_milli, 200000);
	is.syns = 1100;
	pass(&h, &is, NULL);
	ck_assert_int_eq(h.floods.state, DETECT_ATTACK);
}
END_TEST

/* It follows the day, half-way within ten minutes, and an attack does not move it. */
START_TEST(baseline_follows_the_day)
{
	struct host h = a_host();
	struct second is = { .syns = 1000, .done = 1000 };
	uint64_t before;
	int second;

	pass(&h, &is, NULL);
	ck_assert_uint_eq(h.service.baseline_milli, 1000000);
	for (second = 0; second < 1200; second++)
		pass(&h, &is, NULL);
	is = (struct second){ .syns = 2000, .done = 2000 };
	for (second = 0; second < 600; second++)
		pass(&h, &is, NULL);
	/* 1 - 1/e of the way */
	ck_assert_uint_ge(h.service.baseline_milli, 1620000);
	ck_assert_uint_le(h.service.baseline_milli, 1640000);
	before = h.service.baseline_milli;
	is = (struct second){ .syns = 90000, .done = 2000, .called = true };
	pass(&h, &is, NULL);
	ck_assert_int_eq(h.floods.state, DETECT_ATTACK);
	before = h.service.baseline_milli;
	for (second = 0; second < 600; second++)
		pass(&h, &is, NULL);
	ck_assert_uint_eq(h.service.baseline_milli, before);
}
END_TEST

/* ---- the sources --------------------------------------------------------------------------- */

/* clang-format off */
START_TEST(looks_of_sources)
{
	static const struct {
		const char *name;
		struct detect_sources is; /* syns, completed, distinct; unanswered, of_few */
		enum detect_pattern pattern;
	} rows[] = {
		{ "nobody",                       {      0,     0,      0,     0,     0 }, DETECT_MIXED },
		{ "too few to tell",              {     63,     0,     63,    63,     0 }, DETECT_MIXED },
		{ "few, each of another",         {     64,     0,     64,    64,     0 }, DETECT_SPOOFED },
		{ "every other of another",       {    900,     0,    450,   900,     0 }, DETECT_SPOOFED },
		{ "a few hundred",                {   9000,     0,    999,  9000,     0 }, DETECT_MIXED },
		{ "a thousand",                   {   9000,     0,   1000,  9000,     0 }, DETECT_SPOOFED },
		{ "a range used up",              { 900000,     0, 131072, 900000, 14000 }, DETECT_SPOOFED },
		{ "one of them",                  {   9000,     0,      1,  9000,  9000 }, DETECT_CONCENTRATED },
		{ "half by a few",                {   9000,     0,   4000,  9000,  4500 }, DETECT_CONCENTRATED },
		{ "less than half",               {   9000,     0,   4000,  9000,  4499 }, DETECT_SPOOFED },
		{ "clients beside a few hundred", {  60000, 50000,  50300, 10000,     0 }, DETECT_MIXED },
		{ "clients beside one",           {  60000, 50000,  50001, 10000,  9000 }, DETECT_CONCENTRATED },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(detect_sources_pattern(&rows[i].is) == rows[i].pattern, "%s: %s", rows[i].name,
			      detect_pattern_name(detect_sources_pattern(&rows[i].is)));
}
END_TEST
/* clang-format on */

/* Traps FW20, FW21: only a source that neither completes nor resets is to be denied. */
/* clang-format off */
START_TEST(deny_only_the_silent)
{
	static const struct {
		uint64_t syns, completed, resets;
		const char *reason;
	} rows[] = {
		{      0,   0,    0, "few_syns" },
		{     63,   0,    0, "few_syns" },
		{     64,   0,    0, "silent" },
		{  90000,   0,    0, "silent" },
		{  90000,   1,    0, "completed" },
		{   4675,  60, 4663, "completed" },
		{     10,  10,    0, "completed" },
		{   4675,   0, 4663, "resets" },
		{     63,   0,    1, "resets" },
		/* one owner among the 256 addresses of a network */
		{  25600,   0,  100, "resets" },
		{  25600,   0,   99, "silent" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(detect_deny_name(detect_deny(rows[i].syns, rows[i].completed, rows[i].resets)),
				 rows[i].reason);
}
END_TEST
/* clang-format on */

static const struct detect_sources random_ones = { 60000, 100, 59000, 59000, 100 };
static const struct detect_sources one_source = { 60000, 100, 100, 59900, 59000 };
static const struct detect_sources some = { 60000, 100, 500, 59900, 1000 };

static void expect_for(struct host *h, int seconds, const struct detect_sources *sources,
		       uint64_t syns, const char *kind)
{
	const struct second is = { .syns = syns };
	int second;

	for (second = 1; second <= seconds; second++) {
		pass(h, &is, sources);
		ck_assert_msg(!strcmp(detect_kind_name(h->floods.kind, h->floods.pattern), kind),
			      "second %d: %s, not %s", second,
			      detect_kind_name(h->floods.kind, h->floods.pattern), kind);
	}
}

/* A name that is known stays until another one has held for as long as calm has to. */
START_TEST(look_holds)
{
	struct host h = a_host();

	expect_for(&h, 10, &random_ones, 10, "none");
	expect_for(&h, 5, &some, 20000, "syn_flood");
	expect_for(&h, 5, &random_ones, 20000, "spoofed");
	expect_for(&h, 30, &one_source, 20000, "spoofed");
	expect_for(&h, 1, &some, 20000, "spoofed");
	expect_for(&h, 30, &one_source, 20000, "spoofed");
	expect_for(&h, 5, &one_source, 20000, "concentrated");
	expect_for(&h, 30, &some, 0, "concentrated");
	expect_for(&h, 1, &some, 0, "none");
	expect_for(&h, 1, &one_source, 20000, "concentrated");
	/* beside a flood of ACKs it is told by itself */
	ck_assert_str_eq(detect_kind_name(DETECT_KIND_SYN_FLOOD | DETECT_KIND_ACK_FLOOD,
					  DETECT_SPOOFED),
			 "syn_and_ack_flood");
	ck_assert_str_eq(detect_kind_name(DETECT_KIND_ACK_FLOOD, DETECT_NO_PATTERN), "ack_flood");
}
END_TEST

/* ---- at random ----------------------------------------------------------------------------- */

static uint64_t some_rate(__u64 *seed)
{
	static const uint64_t most[] = { 2, 200, 1500, 3000, 100000 };

	return noise_below(seed, most[noise_below(seed, 5)]);
}

static struct second some_second(__u64 *seed)
{
	uint64_t syns = some_rate(seed), part = noise_below(seed, 9);

	return (struct second){
		.syns = syns,
		.done = syns * part / 8,
		.drops = noise_below(seed, 4) ? 0 : some_rate(seed),
		.limit = 1 + noise_below(seed, 2000),
		.syn_full = !noise_below(seed, 4),
		.accept_full = !noise_below(seed, 2),
		.called = !noise_below(seed, 2),
	};
}

/* When each of them came last, and how often they changed. */
struct since {
	uint64_t attack_ns, look_ns, began_ns[SG_TROUBLE_COUNT];
};

static void expect_true(const struct host *h, const struct host *was, struct since *since)
{
	const struct detector *d = &h->floods;
	uint64_t hold_ns = h->config.hold_ns, now_ns = h->now_ns;
	bool was_on, on;
	int i;

	ck_assert(!d->kind == (d->state == DETECT_CALM));
	ck_assert((d->pattern == DETECT_NO_PATTERN) == (d->floods[DETECT_SYN_FLOOD].state == CALM));
	if (d->state == DETECT_ATTACK && was->floods.state == DETECT_ATTACK)
		ck_assert_int_ne(h->service.trouble, SG_TROUBLE_FLASH_CROWD);
	if (d->state == DETECT_CALM && was->floods.state != DETECT_CALM)
		ck_assert_uint_gt(now_ns - since->attack_ns, hold_ns);
	if (d->state == DETECT_ATTACK)
		since->attack_ns = now_ns;
	/* a definite look changes after the hold only */
	if (was->floods.pattern > DETECT_MIXED && d->pattern > DETECT_MIXED &&
	    d->pattern != was->floods.pattern)
		ck_assert_uint_ge(now_ns - since->look_ns, hold_ns);
	if (d->pattern != was->floods.pattern)
		since->look_ns = now_ns;
	for (i = SG_TROUBLE_FLASH_CROWD; i < SG_TROUBLE_COUNT; i++) {
		was_on = was->service.troubles[i].on;
		on = h->service.troubles[i].on;
		if (on && !was_on)
			since->began_ns[i] = now_ns;
		/* an attack ends what only clients are blamed for, and lasts for the hold itself */
		if (was_on && !on && was->floods.floods[DETECT_SYN_FLOOD].state != DETECT_ATTACK)
			ck_assert_uint_ge(now_ns - since->began_ns[i], hold_ns);
	}
}

START_TEST(no_flapping_at_random)
{
	struct host h = a_host();
	struct since since = {};
	__u64 seed = _i + 1;
	int act, second;

	h.config.hold_ns = (1 + noise_below(&seed, 20)) * SECOND_NS;
	h.config.baseline_factor = noise_below(&seed, 4);
	for (act = 0; act < 2000; act++) {
		struct second is = some_second(&seed);
		int seconds = 1 + noise_below(&seed, noise_below(&seed, 2) ? 3 : 40);

		for (second = 0; second < seconds; second++) {
			const struct detect_sources *each[] = { &random_ones, &one_source, &some };
			struct host was = h;

			pass(&h, &is, each[noise_below(&seed, 3)]);
			expect_true(&h, &was, &since);
		}
	}
}
END_TEST

/* ---- words --------------------------------------------------------------------------------- */

START_TEST(words_of_troubles)
{
	const struct trouble_figures small = { .limit = 8, .rate = 300, .somaxconn = 4096 };
	const struct trouble_figures large = { .limit = 4096, .rate = 20000, .somaxconn = 4096 };
	char text[400], tiny[8];
	int i;

	ck_assert_str_eq(trouble_text(SG_TROUBLE_SMALL_BACKLOG, &small, text, sizeof(text)),
			 "Its queues have room for 8, and 300 clients a second complete their "
			 "handshakes: the backlog is too small, which is no SYN flood. Have the "
			 "application call listen() with 512.");
	trouble_text(SG_TROUBLE_SMALL_BACKLOG, &large, text, sizeof(text));
	ck_assert_msg(strstr(text, "call listen() with 32768, and before that set "
				   "net.core.somaxconn, now 4096, to the same."),
		      "%s", text);
	ck_assert_str_eq(trouble_text(SG_TROUBLE_NONE, &small, text, sizeof(text)), "");
	for (i = SG_TROUBLE_FLASH_CROWD; i < SG_TROUBLE_COUNT; i++) {
		trouble_text(i, &large, text, sizeof(text));
		/* they are whole, and go into JSON and events as they are */
		ck_assert_int_eq(text[strlen(text) - 1], '.');
		ck_assert_ptr_null(strpbrk(text, "\"\\{}\n"));
		ck_assert_ptr_nonnull(strstr(text, "which is no SYN flood"));
		trouble_text(i, &large, tiny, sizeof(tiny));
		ck_assert_uint_eq(strlen(tiny), sizeof(tiny) - 1);
	}
	ck_assert_uint_eq(detect_backlog_wanted(8, 300), 512);
	ck_assert_uint_eq(detect_backlog_wanted(8, 10), 128);
	ck_assert_uint_eq(detect_backlog_wanted(4096, 512), 8192);
	ck_assert_uint_eq(detect_backlog_wanted(65535, 1000000), 65536);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(c2_crowd, 10),
	SUITE_TEST(c2_crowd_beside_the_ordinary, 10),
	SUITE_TEST(burst_that_completes_is_no_attack, 10),
	SUITE_TEST(c3_slow_accept, 10),
	SUITE_TEST(c3_slow_accept_hides_no_flood, 10),
	SUITE_TEST(c3_small_backlog, 10),
	SUITE_TEST(flood_is_no_crowd, 10),
	SUITE_TEST(baseline_of_a_busy_service, 10),
	SUITE_TEST(baseline_delays_nothing, 10),
	SUITE_TEST(baseline_is_not_taught_by_a_flood, 10),
	SUITE_TEST(baseline_follows_the_day, 10),
	SUITE_TEST(slow_flood, 10),
	SUITE_TEST(slow_flood_does_not_flap, 10),
	SUITE_TEST(looks_of_sources, 10),
	SUITE_TEST(deny_only_the_silent, 10),
	SUITE_TEST(look_holds, 10),
	SUITE_LOOP(no_flapping_at_random, 20, 30),
	SUITE_TEST(words_of_troubles, 10),
	{}
};
/* clang-format on */
