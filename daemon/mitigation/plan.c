/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/plan.h"

#include <string.h>

#define MITIGATION_ROW_(name, word_, target_, kind_, queue_, ...)                                  \
	{ .word = word_, .target = target_, .kind = SG_MITIGATION_##kind_, .queue = queue_ },
const struct mitigation_row mitigation_rows[SG_MITIGATION_COUNT] = { SG_MITIGATION(
	MITIGATION_ROW_) };

enum sg_mitigation_step mitigation_find(const char *word)
{
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		if (!strcmp(mitigation_rows[step].word, word))
			break;
	return step;
}

static bool mitigation_acts(const struct mitigation_state *now)
{
	return now->mode == SG_MODE_AUTO || now->mode == SG_MODE_ALWAYS;
}

/* reqsk_timer_handler(): a second at first, then twice as long each time */
uint64_t mitigation_half_open_usec(uint64_t retries)
{
	return ((2ULL << (retries < MITIGATION_RETRIES_TIMED ? retries :
							       MITIGATION_RETRIES_TIMED)) -
		1) *
	       1000000;
}

/* 0: the step is not allowed. */
static uint64_t mitigation_setting(enum sg_mitigation_step step, const struct settings *s)
{
	const uint64_t values[SG_MITIGATION_COUNT] = {
		[SG_MITIGATION_SYNCOOKIES] = s->mitigation_syncookies,
		[SG_MITIGATION_RETRIES] = s->mitigation_retries,
		[SG_MITIGATION_LISTENER_RETRIES] = s->mitigation_listener_retries,
		[SG_MITIGATION_LEASE] = s->mitigation_lease,
		[SG_MITIGATION_REAP] = s->mitigation_reap,
		[SG_MITIGATION_SOMAXCONN] = s->mitigation_somaxconn,
		[SG_MITIGATION_SYN_BACKLOG] = s->mitigation_syn_backlog,
		[SG_MITIGATION_LIVE_BACKLOG] = s->mitigation_live_backlog,
	};

	return values[step];
}

/* As long as all the queues together stay within QueueMemory=. */
static uint64_t mitigation_bounded(const struct mitigation_state *now, const struct settings *s,
				   uint64_t wanted)
{
	uint64_t listeners = now->listeners ? now->listeners : 1;
	uint64_t most = (s->mitigation_queue_mib << 20) / MITIGATION_REQUEST_BYTES / listeners;

	return wanted < most ? wanted : most;
}

static bool mitigation_improves(enum sg_mitigation_step step, uint64_t value, uint64_t wanted)
{
	if (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
		return value;
	return step == SG_MITIGATION_RETRIES ? wanted < value : wanted > value;
}

/* Whether the step is due; what was taken stays while the attack cools down. */
static bool mitigation_is_due(enum sg_mitigation_step step, const struct mitigation_state *now)
{
	if (step == SG_MITIGATION_SYNCOOKIES && now->engine && mitigation_acts(now))
		return true;
	if (step == SG_MITIGATION_LEASE)
		return now->engine && now->state == DETECT_ATTACK;
	if (step == SG_MITIGATION_REAP)
		return now->reaper && now->state == DETECT_ATTACK;
	return now->state == DETECT_ATTACK ||
	       (now->state == DETECT_COOLING && now->steps[step].taken);
}

static const char *mitigation_idle_reason(enum sg_mitigation_step step,
					  const struct mitigation_state *now)
{
	if (step == SG_MITIGATION_LEASE && !now->engine)
		return "with the engine kernel there is no lease";
	if (step == SG_MITIGATION_REAP && !now->reaper)
		return "the program for it cannot be loaded";
	return "there is no attack";
}

static void mitigation_set_goal(enum sg_mitigation_step step, const struct mitigation_state *now,
				const struct settings *s, struct mitigation_goal *goal)
{
	const struct mitigation_step_state *is = &now->steps[step];

	goal->value = mitigation_setting(step, s);
	goal->allowed = goal->value;
	if (mitigation_rows[step].queue && mitigation_rows[step].kind == SG_MITIGATION_VALUE)
		goal->value = mitigation_bounded(now, s, goal->value);
	if (!goal->allowed)
		goal->why = "not allowed in [Mitigation]";
	else if (is->given_up)
		goal->why = "given up until the configuration is loaded again";
	else if (!is->known)
		goal->why = "the value cannot be read";
	else if (!mitigation_is_due(step, now))
		goal->why = mitigation_idle_reason(step, now);
	else if (!is->taken && !mitigation_improves(step, is->value, goal->value))
		goal->why = mitigation_rows[step].kind == SG_MITIGATION_SOCKETS ?
				    "no listener has anything to adjust" :
				    "the value is as good already";
	else
		goal->wanted = true;
	if (goal->wanted)
		goal->why = now->state == DETECT_CALM ? "the engine needs it" :
							"there is an attack";
}

/* Where SYN-ACKs are sent again often, a longer queue sends more of them to forged sources. */
static bool mitigation_few_retries(const struct mitigation_state *now,
				   const struct mitigation_plan *p)
{
	const struct mitigation_step_state *is = &now->steps[SG_MITIGATION_RETRIES];
	const struct mitigation_goal *goal = &p->goals[SG_MITIGATION_RETRIES];

	if (!is->known || (is->taken && !goal->wanted)) /* they are about to go up */
		return false;
	return goal->wanted || is->value <= (goal->allowed ? goal->value : MITIGATION_FEW_RETRIES);
}

/* The backlog of a listener also needs its own retries to be few, and to stay so. */
static bool mitigation_few_retries_of_listeners(const struct mitigation_state *now,
						const struct mitigation_plan *p)
{
	bool going_up = now->steps[SG_MITIGATION_LISTENER_RETRIES].taken &&
			!p->goals[SG_MITIGATION_LISTENER_RETRIES].wanted;

	return !going_up && !now->repeats;
}

static void mitigation_hold_queues(const struct mitigation_state *now, struct mitigation_plan *p)
{
	bool few = mitigation_few_retries(now, p);
	bool few_of_listeners = few && mitigation_few_retries_of_listeners(now, p);
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		if (!mitigation_rows[step].queue || !p->goals[step].wanted ||
		    (step == SG_MITIGATION_LIVE_BACKLOG ? few_of_listeners : few))
			continue;
		p->goals[step].wanted = false;
		p->goals[step].why = "SYN-ACKs are sent again too often for a longer queue";
	}
}

static void mitigation_move(struct mitigation_plan *p, enum sg_mitigation_step step, bool undo)
{
	p->moves[p->count++] = (struct mitigation_move){ step, undo };
}

/* Listeners that come later are adjusted by a step that is taken already. */
static bool mitigation_has_work(enum sg_mitigation_step step,
				const struct mitigation_step_state *is)
{
	return !is->taken || (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS && is->value);
}

void mitigation_plan(const struct mitigation_state *now, const struct settings *settings,
		     struct mitigation_plan *ret)
{
	bool acts = mitigation_acts(now);
	enum sg_mitigation_step step;

	*ret = (struct mitigation_plan){};
	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		mitigation_set_goal(step, now, settings, &ret->goals[step]);
	mitigation_hold_queues(now, ret);
	for (step = SG_MITIGATION_COUNT; step-- > 0;)
		if (now->steps[step].taken && !(acts && ret->goals[step].wanted))
			mitigation_move(ret, step, true);
	for (step = 0; acts && step < SG_MITIGATION_COUNT; step++)
		if (ret->goals[step].wanted && mitigation_has_work(step, &now->steps[step]))
			mitigation_move(ret, step, false);
}
