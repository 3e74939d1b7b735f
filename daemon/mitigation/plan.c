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
static uint64_t mitigation_aim(enum sg_mitigation_step step, const struct settings *s)
{
	switch (step) {
	case SG_MITIGATION_SYNCOOKIES:
		return s->mitigation_syncookies;
	case SG_MITIGATION_RETRIES:
		return s->mitigation_retries;
	case SG_MITIGATION_LISTENER_RETRIES:
		return s->mitigation_listener_retries;
	case SG_MITIGATION_LEASE:
		return s->mitigation_lease;
	case SG_MITIGATION_REAP:
		return s->mitigation_reap;
	case SG_MITIGATION_SOMAXCONN:
		return s->mitigation_somaxconn;
	case SG_MITIGATION_SYN_BACKLOG:
		return s->mitigation_syn_backlog;
	case SG_MITIGATION_LIVE_BACKLOG:
		return s->mitigation_live_backlog;
	case SG_MITIGATION_COUNT:
		break;
	}
	return 0;
}

/* So much that all the queues together stay within the bound. */
static uint64_t mitigation_bounded(const struct mitigation_state *now, const struct settings *s,
				   uint64_t aim)
{
	uint64_t listeners = now->listeners ? now->listeners : 1;
	uint64_t most = (s->mitigation_queue_mib << 20) / MITIGATION_REQUEST_BYTES / listeners;

	return aim < most ? aim : most;
}

static bool mitigation_improves(enum sg_mitigation_step step, uint64_t value, uint64_t aim)
{
	if (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
		return value;
	return step == SG_MITIGATION_RETRIES ? aim < value : aim > value;
}

/* Whether it is the hour of this step; what was taken outlasts the cooling. */
static bool mitigation_is_time(enum sg_mitigation_step step, const struct mitigation_state *now)
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

static void mitigation_wish(enum sg_mitigation_step step, const struct mitigation_state *now,
			    const struct settings *s, struct mitigation_wish *w)
{
	const struct mitigation_now *is = &now->steps[step];

	w->value = mitigation_aim(step, s);
	w->allowed = w->value;
	if (mitigation_rows[step].queue && mitigation_rows[step].kind == SG_MITIGATION_VALUE)
		w->value = mitigation_bounded(now, s, w->value);
	if (!w->allowed)
		w->why = "not allowed in [Mitigation]";
	else if (is->given_up)
		w->why = "given up until the configuration is loaded again";
	else if (!is->known)
		w->why = "the value cannot be read";
	else if (!mitigation_is_time(step, now))
		w->why = mitigation_idle_reason(step, now);
	else if (!is->taken && !mitigation_improves(step, is->value, w->value))
		w->why = mitigation_rows[step].kind == SG_MITIGATION_SOCKETS ?
				 "no listener has anything to adjust" :
				 "the value is as good already";
	else
		w->wanted = true;
	if (w->wanted)
		w->why = now->state == DETECT_CALM ? "the engine needs it" : "there is an attack";
}

/* Where SYN-ACKs are sent again often, a longer queue sends more of them to those who are forged. */
static bool mitigation_few_retries(const struct mitigation_state *now,
				   const struct mitigation_plan *p)
{
	const struct mitigation_now *is = &now->steps[SG_MITIGATION_RETRIES];
	const struct mitigation_wish *w = &p->wishes[SG_MITIGATION_RETRIES];

	if (!is->known || (is->taken && !w->wanted)) /* they are about to go up */
		return false;
	return w->wanted || is->value <= (w->allowed ? w->value : MITIGATION_FEW_RETRIES);
}

/* The backlog of a listener also needs those of its own to be few, and to stay so. */
static bool mitigation_few_retries_of_listeners(const struct mitigation_state *now,
						const struct mitigation_plan *p)
{
	bool going_up = now->steps[SG_MITIGATION_LISTENER_RETRIES].taken &&
			!p->wishes[SG_MITIGATION_LISTENER_RETRIES].wanted;

	return !going_up && !now->repeats;
}

static void mitigation_hold_queues(const struct mitigation_state *now, struct mitigation_plan *p)
{
	bool few = mitigation_few_retries(now, p);
	bool few_of_listeners = few && mitigation_few_retries_of_listeners(now, p);
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		if (!mitigation_rows[step].queue || !p->wishes[step].wanted ||
		    (step == SG_MITIGATION_LIVE_BACKLOG ? few_of_listeners : few))
			continue;
		p->wishes[step].wanted = false;
		p->wishes[step].why = "SYN-ACKs are sent again too often for a longer queue";
	}
}

static void mitigation_move(struct mitigation_plan *p, enum sg_mitigation_step step, bool undo)
{
	p->moves[p->count++] = (struct mitigation_move){ step, undo };
}

/* Listeners that come later are more of the same step. */
static bool mitigation_has_to_do(enum sg_mitigation_step step, const struct mitigation_now *is)
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
		mitigation_wish(step, now, settings, &ret->wishes[step]);
	mitigation_hold_queues(now, ret);
	for (step = SG_MITIGATION_COUNT; step-- > 0;)
		if (now->steps[step].taken && !(acts && ret->wishes[step].wanted))
			mitigation_move(ret, step, true);
	for (step = 0; acts && step < SG_MITIGATION_COUNT; step++)
		if (ret->wishes[step].wanted && mitigation_has_to_do(step, &now->steps[step]))
			mitigation_move(ret, step, false);
}
