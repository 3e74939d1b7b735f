/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/plan.h"

#include <string.h>

#define LADDER_ROW_(name, word_, target_, kind_, queue_, ...)                                      \
	{ .word = word_, .target = target_, .kind = SG_LADDER_##kind_, .queue = queue_ },
const struct ladder_row ladder_rows[SG_LADDER_COUNT] = { SG_LADDER(LADDER_ROW_) };

enum sg_ladder_step ladder_find(const char *word)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++)
		if (!strcmp(ladder_rows[step].word, word))
			break;
	return step;
}

static bool ladder_acts(const struct ladder_state *now)
{
	return now->mode == SG_MODE_AUTO || now->mode == SG_MODE_ALWAYS;
}

/* reqsk_timer_handler(): a second at first, then twice as long each time */
uint64_t ladder_half_open_usec(uint64_t retries)
{
	return ((2ULL << (retries < LADDER_RETRIES_TIMED ? retries : LADDER_RETRIES_TIMED)) - 1) *
	       1000000;
}

/* 0: the step is not allowed. */
static uint64_t ladder_aim(enum sg_ladder_step step, const struct settings *s)
{
	switch (step) {
	case SG_LADDER_SYNCOOKIES:
		return s->ladder_syncookies;
	case SG_LADDER_RETRIES:
		return s->ladder_retries;
	case SG_LADDER_LISTENER_RETRIES:
		return s->ladder_listener_retries;
	case SG_LADDER_LEASE:
		return s->ladder_lease;
	case SG_LADDER_REAP:
		return s->ladder_reap;
	case SG_LADDER_SOMAXCONN:
		return s->ladder_somaxconn;
	case SG_LADDER_SYN_BACKLOG:
		return s->ladder_syn_backlog;
	case SG_LADDER_LIVE_BACKLOG:
		return s->ladder_live_backlog;
	case SG_LADDER_COUNT:
		break;
	}
	return 0;
}

/* So much that all the queues together stay within the bound. */
static uint64_t ladder_bounded(const struct ladder_state *now, const struct settings *s,
			       uint64_t aim)
{
	uint64_t listeners = now->listeners ? now->listeners : 1;
	uint64_t most = (s->ladder_queue_mib << 20) / LADDER_REQUEST_BYTES / listeners;

	return aim < most ? aim : most;
}

static bool ladder_improves(enum sg_ladder_step step, uint64_t value, uint64_t aim)
{
	if (ladder_rows[step].kind == SG_LADDER_SOCKETS)
		return value;
	return step == SG_LADDER_RETRIES ? aim < value : aim > value;
}

/* Whether it is the hour of this step; what was taken outlasts the cooling. */
static bool ladder_is_time(enum sg_ladder_step step, const struct ladder_state *now)
{
	if (step == SG_LADDER_SYNCOOKIES && now->engine && ladder_acts(now))
		return true;
	if (step == SG_LADDER_LEASE)
		return now->engine && now->state == DETECT_ATTACK;
	if (step == SG_LADDER_REAP)
		return now->reaper && now->state == DETECT_ATTACK;
	return now->state == DETECT_ATTACK ||
	       (now->state == DETECT_COOLING && now->steps[step].taken);
}

static const char *ladder_idle_reason(enum sg_ladder_step step, const struct ladder_state *now)
{
	if (step == SG_LADDER_LEASE && !now->engine)
		return "with the engine kernel there is no lease";
	if (step == SG_LADDER_REAP && !now->reaper)
		return "the program for it cannot be loaded";
	return "there is no attack";
}

static void ladder_wish(enum sg_ladder_step step, const struct ladder_state *now,
			const struct settings *s, struct ladder_wish *w)
{
	const struct ladder_now *is = &now->steps[step];

	w->value = ladder_aim(step, s);
	w->allowed = w->value;
	if (ladder_rows[step].queue && ladder_rows[step].kind == SG_LADDER_VALUE)
		w->value = ladder_bounded(now, s, w->value);
	if (!w->allowed)
		w->why = "not allowed in [Ladder]";
	else if (is->given_up)
		w->why = "given up until the configuration is loaded again";
	else if (!is->known)
		w->why = "the value cannot be read";
	else if (!ladder_is_time(step, now))
		w->why = ladder_idle_reason(step, now);
	else if (!is->taken && !ladder_improves(step, is->value, w->value))
		w->why = ladder_rows[step].kind == SG_LADDER_SOCKETS ?
				 "no listener has anything to adjust" :
				 "the value is as good already";
	else
		w->wanted = true;
	if (w->wanted)
		w->why = now->state == DETECT_CALM ? "the engine needs it" : "there is an attack";
}

/* Where SYN-ACKs are sent again often, a longer queue sends more of them to those who are forged. */
static bool ladder_few_retries(const struct ladder_state *now, const struct ladder_plan *p)
{
	const struct ladder_now *is = &now->steps[SG_LADDER_RETRIES];
	const struct ladder_wish *w = &p->wishes[SG_LADDER_RETRIES];

	if (!is->known || (is->taken && !w->wanted)) /* they are about to go up */
		return false;
	return w->wanted || is->value <= (w->allowed ? w->value : LADDER_FEW_RETRIES);
}

/* The backlog of a listener also needs those of its own to be few, and to stay so. */
static bool ladder_few_retries_of_listeners(const struct ladder_state *now,
					    const struct ladder_plan *p)
{
	bool going_up = now->steps[SG_LADDER_LISTENER_RETRIES].taken &&
			!p->wishes[SG_LADDER_LISTENER_RETRIES].wanted;

	return !going_up && !now->repeats;
}

static void ladder_hold_queues(const struct ladder_state *now, struct ladder_plan *p)
{
	bool few = ladder_few_retries(now, p);
	bool few_of_listeners = few && ladder_few_retries_of_listeners(now, p);
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		if (!ladder_rows[step].queue || !p->wishes[step].wanted ||
		    (step == SG_LADDER_LIVE_BACKLOG ? few_of_listeners : few))
			continue;
		p->wishes[step].wanted = false;
		p->wishes[step].why = "SYN-ACKs are sent again too often for a longer queue";
	}
}

static void ladder_move(struct ladder_plan *p, enum sg_ladder_step step, bool undo)
{
	p->moves[p->count++] = (struct ladder_move){ step, undo };
}

/* Listeners that come later are more of the same step. */
static bool ladder_has_to_do(enum sg_ladder_step step, const struct ladder_now *is)
{
	return !is->taken || (ladder_rows[step].kind == SG_LADDER_SOCKETS && is->value);
}

void ladder_plan(const struct ladder_state *now, const struct settings *settings,
		 struct ladder_plan *ret)
{
	bool acts = ladder_acts(now);
	enum sg_ladder_step step;

	*ret = (struct ladder_plan){};
	for (step = 0; step < SG_LADDER_COUNT; step++)
		ladder_wish(step, now, settings, &ret->wishes[step]);
	ladder_hold_queues(now, ret);
	for (step = SG_LADDER_COUNT; step-- > 0;)
		if (now->steps[step].taken && !(acts && ret->wishes[step].wanted))
			ladder_move(ret, step, true);
	for (step = 0; acts && step < SG_LADDER_COUNT; step++)
		if (ret->wishes[step].wanted && ladder_has_to_do(step, &now->steps[step]))
			ladder_move(ret, step, false);
}
