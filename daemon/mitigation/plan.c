/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/plan.h"

#include <stdlib.h>
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

static bool may_act(const struct mitigation_state *state)
{
	return state->now.mode == SG_MODE_AUTO || state->now.mode == SG_MODE_ALWAYS;
}

/* reqsk_timer_handler(): a second at first, then twice as long each time */
uint64_t mitigation_half_open_usec(uint64_t retries)
{
	uint64_t timed = retries < MITIGATION_RETRIES_TIMED ? retries : MITIGATION_RETRIES_TIMED;

	return ((2ULL << timed) - 1) * 1000000;
}

/* 0: the step is not allowed. */
static uint64_t setting_of(enum sg_mitigation_step step, const struct settings *s)
{
	const uint64_t values[SG_MITIGATION_COUNT] = {
		[SG_MITIGATION_SYNCOOKIES] = s->mitigation_syncookies,
		[SG_MITIGATION_TIMESTAMPS] = s->mitigation_timestamps ? 2 : 0,
		[SG_MITIGATION_KERNEL_COOKIES] = s->mitigation_kernel_cookies ? 2 : 0,
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
static uint64_t bounded(const struct mitigation_state *state, const struct settings *s,
			uint64_t wanted)
{
	uint64_t listeners = state->listeners ? state->listeners : 1;
	uint64_t most = (s->mitigation_queue_mib << 20) / MITIGATION_REQUEST_BYTES / listeners;

	return wanted < most ? wanted : most;
}

static bool improves(enum sg_mitigation_step step, uint64_t value, uint64_t wanted)
{
	if (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
		return value;
	/* what the administrator has switched off stays off */
	if (step == SG_MITIGATION_TIMESTAMPS || step == SG_MITIGATION_KERNEL_COOKIES)
		return value == 1;
	return step == SG_MITIGATION_RETRIES ? wanted < value : wanted > value;
}

/* Whether the step is due; what was taken stays while the attack cools down. */
static bool is_due(enum sg_mitigation_step step, const struct mitigation_state *state)
{
	if (step == SG_MITIGATION_SYNCOOKIES && state->now.engine && may_act(state))
		return true;
	if (step == SG_MITIGATION_TIMESTAMPS &&
	    state->steps[SG_MITIGATION_KERNEL_COOKIES].value != 2)
		return false;
	if (step == SG_MITIGATION_TIMESTAMPS || step == SG_MITIGATION_KERNEL_COOKIES)
		return state->now.kernel_cookies ||
		       (state->steps[step].taken && state->now.state != DETECT_CALM);
	if ((step == SG_MITIGATION_LEASE && !state->now.engine) ||
	    (step == SG_MITIGATION_REAP && !state->now.reaper))
		return false;
	return state->now.state == DETECT_ATTACK ||
	       (state->now.state == DETECT_COOLING && state->steps[step].taken);
}

static const char *idle_reason(enum sg_mitigation_step step, const struct mitigation_state *state)
{
	if (step == SG_MITIGATION_LEASE && !state->now.engine)
		return "with the engine kernel there is no lease";
	if (step == SG_MITIGATION_REAP && !state->now.reaper)
		return "the program for it cannot be loaded";
	if (step == SG_MITIGATION_KERNEL_COOKIES)
		return "no service calls for defence with the kernel's cookies";
	if (step == SG_MITIGATION_TIMESTAMPS)
		return "no service is defended with the kernel's cookies";
	return "there is no attack";
}

static void set_goal(enum sg_mitigation_step step, const struct mitigation_state *state,
		     const struct settings *s, struct mitigation_goal *goal)
{
	const struct mitigation_step *is = &state->steps[step];

	goal->value = setting_of(step, s);
	goal->allowed = goal->value;
	if (mitigation_rows[step].queue && mitigation_rows[step].kind == SG_MITIGATION_VALUE)
		goal->value = bounded(state, s, goal->value);
	if (!goal->allowed)
		goal->why = "not allowed in [Mitigation]";
	else if (is->given_up)
		goal->why = "given up until the configuration is loaded again";
	else if (!is->known)
		goal->why = "the value cannot be read";
	else if (!is_due(step, state))
		goal->why = idle_reason(step, state);
	else if (!is->taken && !improves(step, is->value, goal->value))
		goal->why = mitigation_rows[step].kind == SG_MITIGATION_SOCKETS ?
				    "no listener has anything to adjust" :
				    "the value is as good already";
	else
		goal->wanted = true;
	if (goal->wanted)
		goal->why = state->now.state == DETECT_CALM ?
				    "the engine needs it" :
			    state->now.state == DETECT_ATTACK ?
				    "there is an attack" :
				    "the attack has ebbed, and may come back";
}

/* What it was taken on top of is about to go. */
static void hold_kernel_cookies(const struct mitigation_state *state, struct mitigation_plan *p)
{
	struct mitigation_goal *goal = &p->goals[SG_MITIGATION_KERNEL_COOKIES];

	if (!goal->wanted || !state->steps[SG_MITIGATION_SYNCOOKIES].taken ||
	    p->goals[SG_MITIGATION_SYNCOOKIES].wanted)
		return;
	goal->wanted = false;
	goal->why = "SYN cookies are about to be switched off again";
}

/*
 * tcp_timestamps changes, whichever way, when no cookie with timestamps is under way any more. While
 * it is about to, the step stays as it is, also in a mode that takes nothing.
 */
static void settle(const struct mitigation_state *state, struct mitigation_plan *p)
{
	const struct mitigation_step *is = &state->steps[SG_MITIGATION_TIMESTAMPS];
	struct mitigation_goal *goal = &p->goals[SG_MITIGATION_TIMESTAMPS];
	bool wanted = goal->wanted && may_act(state);

	/* what fails keeps no cookie waiting */
	if (!is->taken && is->failed)
		goal->wanted = wanted = false;
	p->settles = is->known && wanted != is->taken;
	if (!p->settles)
		return;
	goal->wanted = wanted;
	if (state->settling_ns && state->now.now_ns - state->settling_ns >= MITIGATION_SETTLE_NS)
		return;
	goal->wanted = is->taken;
	goal->why = "cookies with other timestamps may be under way, for two seconds";
}

/* Where SYN-ACKs are sent again often, a longer queue sends more of them to forged sources. */
static bool few_retries(const struct mitigation_state *state, const struct mitigation_plan *p)
{
	const struct mitigation_step *is = &state->steps[SG_MITIGATION_RETRIES];
	const struct mitigation_goal *goal = &p->goals[SG_MITIGATION_RETRIES];

	if (!is->known || (is->taken && !goal->wanted)) /* they are about to go up */
		return false;
	return goal->wanted || is->value <= (goal->allowed ? goal->value : MITIGATION_FEW_RETRIES);
}

/* The backlog of a listener also needs its own retries to be few, and to stay so. */
static bool few_retries_of_listeners(const struct mitigation_state *state,
				     const struct mitigation_plan *p)
{
	bool going_up = state->steps[SG_MITIGATION_LISTENER_RETRIES].taken &&
			!p->goals[SG_MITIGATION_LISTENER_RETRIES].wanted;

	return !going_up && !state->repeats;
}

static void hold_queues(const struct mitigation_state *state, struct mitigation_plan *p)
{
	bool few = few_retries(state, p);
	bool few_of_listeners = few && few_retries_of_listeners(state, p);
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		if (!mitigation_rows[step].queue || !p->goals[step].wanted ||
		    (step == SG_MITIGATION_LIVE_BACKLOG ? few_of_listeners : few))
			continue;
		p->goals[step].wanted = false;
		p->goals[step].why = "SYN-ACKs are sent again too often for a longer queue";
	}
}

static void add_move(struct mitigation_plan *p, enum sg_mitigation_step step, bool undo)
{
	p->moves[p->count++] = (struct mitigation_move){ step, undo };
}

/* Listeners that come later are adjusted by a step that is taken already. */
static bool has_work(enum sg_mitigation_step step, const struct mitigation_step *is)
{
	return !is->taken || (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS && is->value);
}

void mitigation_plan(const struct mitigation_state *state, const struct settings *settings,
		     struct mitigation_plan *ret)
{
	bool acts = may_act(state);
	enum sg_mitigation_step step;

	*ret = (struct mitigation_plan){};
	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		set_goal(step, state, settings, &ret->goals[step]);
	hold_queues(state, ret);
	hold_kernel_cookies(state, ret);
	settle(state, ret);
	for (step = SG_MITIGATION_COUNT; step-- > 0;) {
		bool may_stay = acts || step == SG_MITIGATION_TIMESTAMPS;

		if (state->steps[step].taken && !(may_stay && ret->goals[step].wanted))
			add_move(ret, step, true);
	}
	for (step = 0; acts && step < SG_MITIGATION_COUNT; step++)
		if (ret->goals[step].wanted && has_work(step, &state->steps[step]))
			add_move(ret, step, false);
}

/* ---- targets ------------------------------------------------------------------------------- */

void mitigation_targets_clear(struct mitigation_targets *t)
{
	free(t->items);
	*t = (struct mitigation_targets){};
}

struct mitigation_target *mitigation_targets_add(struct mitigation_targets *t,
						 const struct mitigation_target *target)
{
	/* so many listeners never take the place of a kernel setting */
	size_t max = target->cookie ? MITIGATION_LISTENERS_MAX : MITIGATION_TARGETS_MAX;
	struct mitigation_target *items;

	if (t->count >= max)
		return NULL;
	items = reallocarray(t->items, t->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	t->items = items;
	items[t->count] = *target;
	return &items[t->count++];
}

struct mitigation_target *mitigation_targets_find(const struct mitigation_targets *t,
						  enum sg_mitigation_step step, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->items[i].step == step && t->items[i].cookie == cookie)
			return &t->items[i];
	return NULL;
}

void mitigation_targets_remove(struct mitigation_targets *t, struct mitigation_target *target)
{
	size_t at = target - t->items;

	t->count--;
	memmove(target, target + 1, (t->count - at) * sizeof(*target));
}

uint32_t mitigation_targets_room(const struct mitigation_targets *t)
{
	uint32_t room = 0;
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->items[i].step == SG_MITIGATION_LIVE_BACKLOG && !t->items[i].conflict)
			room += t->items[i].ours - t->items[i].old;
	return room;
}

/* ---- listeners ----------------------------------------------------------------------------- */

uint32_t mitigation_listener_value(enum sg_mitigation_step step, const struct sg_listener *listener)
{
	return step == SG_MITIGATION_LISTENER_RETRIES ? listener->syn_retries : listener->queue_max;
}

static uint32_t listener_wanted_retries(const struct settings *s,
					const struct mitigation_host *host,
					const struct sg_listener *listener)
{
	uint32_t wanted = s->mitigation_listener_retries;
	uint32_t now = listener->syn_retries;

	/* one that has none is lowered only where lowering the host's number does not do it */
	if (!now && s->mitigation_per_listener)
		now = host->retries;
	return now > wanted ? wanted : 0;
}

bool mitigation_listener_may_grow(const struct settings *s, const struct mitigation_host *host,
				  const struct sg_listener *listener)
{
	uint32_t few = listener->syn_retries ? s->mitigation_listener_retries :
					       s->mitigation_retries;
	uint32_t now = listener->synack_retries;

	if (host->observing && listener->syn_retries)
		now = listener_wanted_retries(s, host, listener) ?: now;
	else if (host->observing)
		now = host->retries;
	return now <= (few ?: MITIGATION_FEW_RETRIES);
}

static uint32_t listener_wanted_backlog(const struct settings *s,
					const struct mitigation_host *host,
					const struct sg_listener *listener)
{
	uint32_t now = listener->queue_max, wanted = s->mitigation_live_backlog;

	if (wanted > host->somaxconn)
		wanted = host->somaxconn;
	if (now >= wanted || !host->room || !listener->inode || listener->mptcp)
		return 0;
	if (!listener->syn_queue || listener->syn_queue < now / 2)
		return 0;
	if (!mitigation_listener_may_grow(s, host, listener))
		return 0;
	return wanted - now < host->room ? wanted : now + host->room;
}

uint32_t mitigation_listener_wanted(enum sg_mitigation_step step, const struct settings *settings,
				    const struct mitigation_host *host,
				    const struct sg_listener *listener)
{
	return step == SG_MITIGATION_LISTENER_RETRIES ?
		       listener_wanted_retries(settings, host, listener) :
		       listener_wanted_backlog(settings, host, listener);
}

uint64_t mitigation_target_restored(struct mitigation_target *t, uint64_t host_retries,
				    uint64_t somaxconn)
{
	t->back = 0;
	if (t->step == SG_MITIGATION_LISTENER_RETRIES && !t->old) {
		t->back = host_retries;
		if (t->back < MITIGATION_SYNCNT_MIN)
			t->back = MITIGATION_SYNCNT_MIN;
		else if (t->back > MITIGATION_SYNCNT_MAX)
			t->back = MITIGATION_SYNCNT_MAX;
	} else if (t->step == SG_MITIGATION_LIVE_BACKLOG && t->old > somaxconn) {
		t->back = somaxconn;
	}
	return t->back ?: t->old;
}
