/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner of the mitigation, played: what it has taken and undone, and in which order.
 */
#include <string.h>

#include "daemon/mitigation/plan.h"
#include "suite.h"

/* What the kernel has at the start: cookies off, so that there is something for each step. */
static const uint64_t before[SG_MITIGATION_COUNT] = {
	[SG_MITIGATION_SYNCOOKIES] = 0,	    [SG_MITIGATION_TIMESTAMPS] = 1,
	[SG_MITIGATION_KERNEL_COOKIES] = 0, [SG_MITIGATION_RETRIES] = 5,
	[SG_MITIGATION_LEASE] = 0,	    [SG_MITIGATION_REAP] = 0,
	[SG_MITIGATION_SOMAXCONN] = 4096,   [SG_MITIGATION_SYN_BACKLOG] = 256,
};

struct play {
	struct mitigation_state state;
	struct settings settings;
	char moves[256]; /* of the last plan: "+retries -lease" */
	struct mitigation_plan plan;
};

static struct play fresh(void)
{
	struct play p = { .state = {
				  .now = { .mode = SG_MODE_AUTO, .engine = true, .reaper = true },
				  .listeners = 4 } };
	int step;

	settings_reset(&p.settings);
	p.settings.mitigation_somaxconn = 8192;
	p.settings.mitigation_syn_backlog = 4096;
	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		p.state.steps[step] =
			(struct mitigation_step){ .known = true, .value = before[step] };
	return p;
}

/* Two steps write the same value. */
static void share_syncookies(struct play *p, int written)
{
	int other = written == SG_MITIGATION_SYNCOOKIES	    ? SG_MITIGATION_KERNEL_COOKIES :
		    written == SG_MITIGATION_KERNEL_COOKIES ? SG_MITIGATION_SYNCOOKIES :
							      written;

	p->state.steps[other].value = p->state.steps[written].value;
}

/* Plans and carries out, and holds on the way that no queue is long while retries are many. */
static const char *plan(struct play *p)
{
	static uint64_t old[SG_MITIGATION_COUNT];
	size_t i, n = 0;
	int step;

	mitigation_plan(&p->state, &p->settings, &p->plan);
	p->moves[0] = '\0';
	for (i = 0; i < p->plan.count; i++) {
		const struct mitigation_move *m = &p->plan.moves[i];
		struct mitigation_step *s = &p->state.steps[m->step];

		if (!m->undo)
			old[m->step] = s->value;
		s->value = m->undo ? old[m->step] : p->plan.goals[m->step].value;
		s->taken = !m->undo;
		share_syncookies(p, m->step);
		n += snprintf(p->moves + n, sizeof(p->moves) - n, "%s%c%s", n ? " " : "",
			      m->undo ? '-' : '+', mitigation_rows[m->step].word);
		for (step = 0; step < SG_MITIGATION_COUNT; step++)
			ck_assert_msg(!mitigation_rows[step].queue || !p->state.steps[step].taken ||
					      p->state.steps[SG_MITIGATION_RETRIES].value <= 1,
				      "a long queue with %d retries after %s",
				      (int)p->state.steps[SG_MITIGATION_RETRIES].value, p->moves);
	}
	return p->moves;
}

static const char *in_state(struct play *p, enum detect_state state)
{
	p->state.now.state = state;
	return plan(p);
}

#define ALL	"+synack_retries +lease +reap +somaxconn +syn_backlog"
#define NOTHING "-syn_backlog -somaxconn -reap -lease -synack_retries"

START_TEST(plan_of_an_attack)
{
	struct play p = fresh();
	int step;

	ck_assert_str_eq(in_state(&p, DETECT_CALM), "+syncookies");
	ck_assert_str_eq(in_state(&p, DETECT_CALM), "");
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), ALL);
	ck_assert_uint_eq(p.state.steps[SG_MITIGATION_RETRIES].value, 1);
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "");
	/* trap FW82: a flood that comes in pulses takes and undoes nothing each time */
	ck_assert_str_eq(in_state(&p, DETECT_COOLING), "");
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "");
	ck_assert_str_eq(in_state(&p, DETECT_COOLING), "");
	ck_assert_str_eq(in_state(&p, DETECT_CALM), NOTHING);
	p.state.now.mode = SG_MODE_OFF;
	ck_assert_str_eq(plan(&p), "-syncookies");
	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		ck_assert_uint_eq(p.state.steps[step].value, before[step]);
}
END_TEST

/* A cooling that nothing was taken for is no reason to begin. */
START_TEST(plan_begins_with_an_attack_only)
{
	struct play p = fresh();

	p.settings.mitigation_syncookies = false;
	ck_assert_str_eq(in_state(&p, DETECT_COOLING), "");
	ck_assert_str_eq(in_state(&p, DETECT_CALM), "");
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), ALL);
}
END_TEST

START_TEST(plan_of_modes)
{
	struct play p = fresh();

	p.state.now.mode = SG_MODE_OBSERVE;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "");
	ck_assert(p.plan.goals[SG_MITIGATION_RETRIES].wanted);
	p.state.now.mode = SG_MODE_OFF;
	ck_assert_str_eq(plan(&p), "");
	p.state.now.mode = SG_MODE_ALWAYS;
	ck_assert_str_eq(plan(&p), "+syncookies " ALL);
	p.state.now.mode = SG_MODE_OBSERVE;
	ck_assert_str_eq(plan(&p),
			 "-syn_backlog -somaxconn -reap -lease -synack_retries -syncookies");
}
END_TEST

/* Without programs the kernel's cookies are a step like the others, and there is no lease. */
START_TEST(plan_of_engine_kernel)
{
	struct play p = fresh();

	p.state.now.engine = false;
	ck_assert_str_eq(in_state(&p, DETECT_CALM), "");
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK),
			 "+syncookies +synack_retries +reap +somaxconn +syn_backlog");
	ck_assert_str_eq(in_state(&p, DETECT_COOLING), "");
	ck_assert_str_eq(in_state(&p, DETECT_CALM),
			 "-syn_backlog -somaxconn -reap -synack_retries -syncookies");
}
END_TEST

START_TEST(plan_takes_what_is_allowed)
{
	struct play p = fresh();

	settings_reset(&p.settings);
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+syncookies +synack_retries +lease +reap");
	p = fresh();
	p.settings.mitigation_syncookies = false;
	p.settings.mitigation_lease = false;
	p.settings.mitigation_reap = false;
	p.settings.mitigation_somaxconn = 0;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+synack_retries +syn_backlog");
	ck_assert(!p.plan.goals[SG_MITIGATION_LEASE].allowed);
	ck_assert(!p.plan.goals[SG_MITIGATION_REAP].allowed);
	/* what is no longer allowed is undone */
	p.settings.mitigation_syn_backlog = 0;
	ck_assert_str_eq(plan(&p), "-syn_backlog");
}
END_TEST

START_TEST(plan_never_makes_worse)
{
	struct play p = fresh();

	p.state.steps[SG_MITIGATION_SYNCOOKIES].value = 2;
	p.state.steps[SG_MITIGATION_RETRIES].value = 1;
	p.state.steps[SG_MITIGATION_SOMAXCONN].value = 65535;
	p.state.steps[SG_MITIGATION_SYN_BACKLOG].value = 4096;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+lease +reap");
}
END_TEST

/* Where the program for it cannot be loaded there is no such step, and it says why. */
START_TEST(plan_without_a_reaper)
{
	struct play p = fresh();

	p.state.now.reaper = false;
	in_state(&p, DETECT_ATTACK);
	ck_assert_ptr_null(strstr(p.moves, "reap"));
	ck_assert_ptr_nonnull(strstr(p.plan.goals[SG_MITIGATION_REAP].why, "cannot be loaded"));
}
END_TEST

/* 1 + 2 + 4 ... s, as the kernel has it, and never so much that it overflows. */
START_TEST(half_open_life)
{
	ck_assert_uint_eq(mitigation_half_open_usec(0), 1000000);
	ck_assert_uint_eq(mitigation_half_open_usec(1), 3000000);
	ck_assert_uint_eq(mitigation_half_open_usec(2), 7000000);
	ck_assert_uint_eq(mitigation_half_open_usec(5), 63000000);
	ck_assert_uint_eq(mitigation_half_open_usec(255), 127000000);
}
END_TEST

/* C8 */
START_TEST(c8_no_queue_with_many_retries)
{
	struct play p = fresh();

	p.settings.mitigation_retries = 0;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+syncookies +lease +reap");
	p.state.steps[SG_MITIGATION_RETRIES].value = 1; /* by somebody else */
	ck_assert_str_eq(plan(&p), "+somaxconn +syn_backlog");

	/* retries that somebody raises meanwhile take the queues down */
	p = fresh();
	in_state(&p, DETECT_ATTACK);
	p.state.steps[SG_MITIGATION_RETRIES] =
		(struct mitigation_step){ .known = true, .value = 1, .given_up = true };
	ck_assert_str_eq(plan(&p), "");
	p.state.steps[SG_MITIGATION_RETRIES].value = 3;
	mitigation_plan(&p.state, &p.settings, &p.plan);
	ck_assert_uint_eq(p.plan.count, 2);
	ck_assert(p.plan.moves[0].undo && p.plan.moves[1].undo);

	/* and so does a floor that is no longer allowed, before the retries go up */
	p = fresh();
	in_state(&p, DETECT_ATTACK);
	p.settings.mitigation_retries = 0;
	ck_assert_str_eq(plan(&p), "-syn_backlog -somaxconn -synack_retries");
}
END_TEST

/* C6 */
START_TEST(c6_given_up_is_left_alone)
{
	struct play p = fresh();
	int step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		p.state.steps[step].given_up = true;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "");
	ck_assert_str_eq(in_state(&p, DETECT_CALM), "");
}
END_TEST

/* All queues together stay within the bound. */
START_TEST(plan_bounds_memory)
{
	struct play p = fresh();

	p.settings.mitigation_somaxconn = 65535;
	p.state.listeners = 16;
	in_state(&p, DETECT_ATTACK);
	ck_assert_uint_eq(p.state.steps[SG_MITIGATION_SOMAXCONN].value * 16 *
				  MITIGATION_REQUEST_BYTES,
			  p.settings.mitigation_queue_mib << 20);
	p = fresh();
	p.state.listeners = 100000;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+syncookies +synack_retries +lease +reap");
}
END_TEST

START_TEST(plan_leaves_what_cannot_be_read)
{
	struct play p = fresh();

	p.state.steps[SG_MITIGATION_RETRIES].known = false;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK), "+syncookies +lease +reap");
}
END_TEST

/* Listeners are a step of their own: taken where one has something to lower, and again for more. */
START_TEST(plan_of_listeners)
{
	struct play p = fresh();

	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 2;
	ck_assert_str_eq(in_state(&p, DETECT_CALM), "+syncookies");
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 2;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK),
			 "+synack_retries +listener_retries +lease +reap +somaxconn +syn_backlog");
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 0;
	ck_assert_str_eq(plan(&p), "");
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 1;
	ck_assert_str_eq(plan(&p), "+listener_retries");
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 0;
	ck_assert_str_eq(in_state(&p, DETECT_CALM),
			 "-syn_backlog -somaxconn -reap -lease -listener_retries -synack_retries");
}
END_TEST

/* What a listener's retries become, by what it has, what the host has, and what is allowed. */
START_TEST(value_of_listeners)
{
	static const struct {
		uint32_t floor;
		bool all;
		uint32_t host;
		uint8_t own;
		uint32_t wanted;
	} cases[] = {
		{ 1, false, 5, 6, 1 }, { 1, false, 5, 2, 1 }, { 1, false, 5, 1, 0 },
		{ 1, false, 5, 0, 0 }, { 1, true, 5, 0, 1 },  { 1, true, 1, 0, 0 },
		{ 1, true, 0, 0, 0 },  { 3, true, 5, 2, 0 },  { 3, false, 5, 4, 3 },
		{ 0, true, 5, 6, 0 },  { 0, true, 5, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = { .mitigation_listener_retries = cases[i].floor,
				      .mitigation_per_listener = cases[i].all };
		const struct mitigation_host host = { .retries = cases[i].host };
		const struct sg_listener l = { .syn_retries = cases[i].own };

		ck_assert_msg(mitigation_listener_wanted(SG_MITIGATION_LISTENER_RETRIES, &s, &host,
							 &l) == cases[i].wanted,
			      "case %zu", i);
	}
}
END_TEST

/* What a backlog becomes: only under pressure, with few retries, within somaxconn and memory. */
START_TEST(value_of_backlogs)
{
	static const struct {
		const char *what;
		uint32_t live, somaxconn, room, max, queue;
		uint8_t own, in_force;
		bool observing, mptcp, nobody;
		uint32_t wanted;
	} cases[] = {
		{ "as set", 1024, 4096, 9999, 128, 64, 0, 1, .wanted = 1024 },
		{ "up to somaxconn", 9999, 4096, 9999, 128, 64, 0, 1, .wanted = 4096 },
		{ "as far as memory goes", 1024, 4096, 100, 128, 64, 0, 1, .wanted = 228 },
		{ "no memory", 1024, 4096, 0, 128, 64, 0, 1, .wanted = 0 },
		{ "no pressure", 1024, 4096, 9999, 128, 63, 0, 1, .wanted = 0 },
		{ "an empty queue", 1024, 4096, 9999, 0, 0, 0, 1, .wanted = 0 },
		{ "long already", 1024, 4096, 9999, 1024, 1024, 0, 1, .wanted = 0 },
		{ "C8: the host's retries", 1024, 4096, 9999, 128, 64, 0, 5, .wanted = 0 },
		{ "C8: its own retries", 1024, 4096, 9999, 128, 64, 6, 6, .wanted = 0 },
		{ "its own few", 1024, 4096, 9999, 128, 64, 1, 1, .wanted = 1024 },
		{ "observed", 1024, 4096, 9999, 128, 64, 6, 6, .observing = true, .wanted = 1024 },
		{ "MPTCP", 1024, 4096, 9999, 128, 64, 0, 1, .mptcp = true, .wanted = 0 },
		{ "the kernel's own", 1024, 4096, 9999, 128, 64, 0, 1, .nobody = true,
		  .wanted = 0 },
		{ "not allowed", 0, 4096, 9999, 128, 64, 0, 1, .wanted = 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct settings s = { .mitigation_live_backlog = cases[i].live,
					    .mitigation_retries = 1,
					    .mitigation_listener_retries = 1 };
		const struct mitigation_host host = { .retries = 1,
						      .somaxconn = cases[i].somaxconn,
						      .room = cases[i].room,
						      .observing = cases[i].observing };
		const struct sg_listener l = { .inode = !cases[i].nobody,
					       .queue_max = cases[i].max,
					       .syn_queue = cases[i].queue,
					       .syn_retries = cases[i].own,
					       .synack_retries = cases[i].in_force,
					       .mptcp = cases[i].mptcp };

		ck_assert_msg(mitigation_listener_wanted(SG_MITIGATION_LIVE_BACKLOG, &s, &host,
							 &l) == cases[i].wanted,
			      "%s", cases[i].what);
	}
}
END_TEST

/* What is written back, where the old value is none that can be written. */
START_TEST(restored_as_far_as_can_be)
{
	static const struct {
		enum sg_mitigation_step step;
		uint32_t old, retries, somaxconn, to, back;
	} cases[] = {
		{ SG_MITIGATION_LISTENER_RETRIES, 6, 5, 4096, 6, 0 },
		{ SG_MITIGATION_LISTENER_RETRIES, 0, 5, 4096, 5, 5 },
		{ SG_MITIGATION_LISTENER_RETRIES, 0, 0, 4096, 1, 1 },
		{ SG_MITIGATION_LISTENER_RETRIES, 0, 255, 4096, 127, 127 },
		{ SG_MITIGATION_LIVE_BACKLOG, 128, 5, 4096, 128, 0 },
		{ SG_MITIGATION_LIVE_BACKLOG, 0, 5, 4096, 0, 0 },
		{ SG_MITIGATION_LIVE_BACKLOG, 128, 5, 100, 100, 100 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mitigation_target t = { .step = cases[i].step, .old = cases[i].old };

		ck_assert_uint_eq(mitigation_target_restored(&t, cases[i].retries,
							     cases[i].somaxconn),
				  cases[i].to);
		ck_assert_uint_eq(t.back, cases[i].back);
	}
}
END_TEST

/* C8: the queues of listeners go before their retries, and when somebody raises those. */
START_TEST(c8_backlogs_of_listeners)
{
	struct play p = fresh();

	p.settings.mitigation_live_backlog = 1024;
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 1;
	p.state.steps[SG_MITIGATION_LIVE_BACKLOG].value = 1;
	ck_assert_str_eq(in_state(&p, DETECT_ATTACK),
			 "+syncookies +synack_retries +listener_retries +lease +reap +somaxconn "
			 "+syn_backlog +live_backlog");
	p.state.steps[SG_MITIGATION_LISTENER_RETRIES].value = 0;
	p.state.steps[SG_MITIGATION_LIVE_BACKLOG].value = 0;
	ck_assert_str_eq(plan(&p), "");
	p.state.repeats = true;
	ck_assert_str_eq(plan(&p), "-live_backlog");
	p.state.repeats = false;
	p.state.steps[SG_MITIGATION_LIVE_BACKLOG].value = 1;
	ck_assert_str_eq(plan(&p), "+live_backlog");
	p.state.steps[SG_MITIGATION_LIVE_BACKLOG].value = 0;
	p.settings.mitigation_listener_retries = 0;
	ck_assert_str_eq(plan(&p), "-live_backlog -listener_retries");
}
END_TEST

/* ---- the kernel's cookies ---------------------------------------------------------------------- */

/* A second passes, in which the mitigation keeps since when it settles. */
static const char *second(struct play *p, bool called)
{
	const char *moves;

	p->state.now.now_ns += 1000000000;
	p->state.now.kernel_cookies = called;
	moves = plan(p);
	if (!p->plan.settles || strstr(moves, "timestamps"))
		p->state.settling_ns = 0;
	else if (!p->state.settling_ns)
		p->state.settling_ns = p->state.now.now_ns;
	return moves;
}

/* With the step taken by which cookies are switched on, and nothing else allowed but these. */
static struct play fresh_listener(void)
{
	struct play p = fresh();

	p.settings = (struct settings){ .mitigation_syncookies = true,
					.mitigation_kernel_cookies = true,
					.mitigation_timestamps = true };
	ck_assert_str_eq(second(&p, false), "+syncookies");
	return p;
}

/* The way there and back, a second a step. */
static void raise_listener(struct play *p)
{
	ck_assert_str_eq(second(p, true), "+kernel_cookies");
	ck_assert_str_eq(second(p, true), "");
	ck_assert(p->plan.settles);
	ck_assert_str_eq(second(p, true), "");
	ck_assert_str_eq(second(p, true), "+timestamps");
	ck_assert_str_eq(second(p, true), "");
	ck_assert(!p->plan.settles);
}

/* Timestamps change two seconds after the cookies, whichever way, and no cookie has any meanwhile. */
START_TEST(plan_of_kernel_cookies)
{
	struct play p = fresh_listener();

	raise_listener(&p);
	p.state.now.state = DETECT_COOLING;
	ck_assert_str_eq(second(&p, false), "");
	p.state.now.state = DETECT_CALM;
	ck_assert_str_eq(second(&p, false), "-kernel_cookies");
	ck_assert(p.plan.settles);
	ck_assert_str_eq(second(&p, false), "");
	ck_assert_str_eq(second(&p, false), "-timestamps");
	ck_assert_str_eq(second(&p, false), "");
	ck_assert(!p.plan.settles);
	raise_listener(&p);
	/* what calls again finds the timestamps still taken */
	ck_assert_str_eq(second(&p, false), "-kernel_cookies");
	ck_assert_str_eq(second(&p, true), "+kernel_cookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
}
END_TEST

/* In no mode that takes nothing, but what is taken waits there, too. */
START_TEST(plan_of_kernel_cookies_in_modes)
{
	struct play p = fresh_listener();

	raise_listener(&p);
	p.state.now.mode = SG_MODE_OBSERVE;
	ck_assert_str_eq(second(&p, true), "-kernel_cookies -syncookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "-timestamps");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
	p.state.now.mode = SG_MODE_ALWAYS;
	ck_assert_str_eq(second(&p, true), "+syncookies");
	raise_listener(&p);
	p.state.now.engine = false;
	p.state.now.kernel_cookies = false;
	p.state.now.mode = SG_MODE_OFF;
	ck_assert_str_eq(second(&p, false), "-kernel_cookies -syncookies");
}
END_TEST

/* Each may be forbidden, and what the administrator has switched off, or on, stays. */
START_TEST(plan_of_kernel_cookies_by_word)
{
	struct play p = fresh_listener();

	p.settings.mitigation_timestamps = false;
	ck_assert_str_eq(second(&p, true), "+kernel_cookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
	p = fresh_listener();
	p.settings.mitigation_kernel_cookies = false;
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
	/* cookies off by his word; timestamps off */
	p = fresh_listener();
	p.settings.mitigation_syncookies = false;
	ck_assert_str_eq(second(&p, true), "-syncookies");
	ck_assert_str_eq(second(&p, true), "");
	p = fresh_listener();
	p.state.steps[SG_MITIGATION_TIMESTAMPS].value = 0;
	ck_assert_str_eq(second(&p, true), "+kernel_cookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
	/* what he forbids while both are taken goes in order */
	p = fresh_listener();
	raise_listener(&p);
	p.settings.mitigation_syncookies = false;
	ck_assert_str_eq(second(&p, true), "-kernel_cookies -syncookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "-timestamps");
	/* he has set 2 himself: there is only the other step */
	p = fresh_listener();
	p.state.steps[SG_MITIGATION_KERNEL_COOKIES].value = 2;
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "+timestamps");
	ck_assert_str_eq(second(&p, false), "");
	ck_assert(p.plan.settles);
	/* a write that failed a moment ago is not waited for */
	p = fresh_listener();
	p.state.steps[SG_MITIGATION_TIMESTAMPS].failed = true;
	ck_assert_str_eq(second(&p, true), "+kernel_cookies");
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(!p.plan.settles);
	p.state.steps[SG_MITIGATION_TIMESTAMPS].failed = false;
	ck_assert_str_eq(second(&p, true), "");
	ck_assert(p.plan.settles);
	ck_assert_str_eq(second(&p, true), "");
	ck_assert_str_eq(second(&p, true), "+timestamps");
	ck_assert_str_eq(second(&p, false), "-kernel_cookies");
	/* he has written timestamps while they were to be put back */
	p.state.steps[SG_MITIGATION_TIMESTAMPS] =
		(struct mitigation_step){ .known = true, .value = 1, .given_up = true };
	ck_assert_str_eq(second(&p, false), "");
	ck_assert(!p.plan.settles);
}
END_TEST

START_TEST(steps_have_names)
{
	int step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		ck_assert_int_eq(mitigation_find(mitigation_rows[step].word), step);
	ck_assert_int_eq(mitigation_find("nothing"), SG_MITIGATION_COUNT);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(plan_of_an_attack, 10),
	SUITE_TEST(plan_begins_with_an_attack_only, 10),
	SUITE_TEST(plan_of_modes, 10),
	SUITE_TEST(plan_of_engine_kernel, 10),
	SUITE_TEST(plan_takes_what_is_allowed, 10),
	SUITE_TEST(plan_never_makes_worse, 10),
	SUITE_TEST(plan_without_a_reaper, 10),
	SUITE_TEST(half_open_life, 10),
	SUITE_TEST(c8_no_queue_with_many_retries, 10),
	SUITE_TEST(c6_given_up_is_left_alone, 10),
	SUITE_TEST(plan_bounds_memory, 10),
	SUITE_TEST(plan_leaves_what_cannot_be_read, 10),
	SUITE_TEST(plan_of_listeners, 10),
	SUITE_TEST(value_of_listeners, 10),
	SUITE_TEST(value_of_backlogs, 10),
	SUITE_TEST(restored_as_far_as_can_be, 10),
	SUITE_TEST(c8_backlogs_of_listeners, 10),
	SUITE_TEST(plan_of_kernel_cookies, 10),
	SUITE_TEST(plan_of_kernel_cookies_in_modes, 10),
	SUITE_TEST(plan_of_kernel_cookies_by_word, 10),
	SUITE_TEST(steps_have_names, 10),
	{}
};
/* clang-format on */
