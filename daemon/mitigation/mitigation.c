/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/mitigation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dataplane/dataplane_adjust.h"
#include "daemon/mitigation/steps.h"
#include "daemon/mitigation/record.h"
#include "daemon/net/sockdiag.h"
#include "daemon/net/socket_owner.h"
#include "daemon/net/sysctl.h"

/* ---- the tick ------------------------------------------------------------------------------ */

static void mitigation_look(struct mitigation *l, const struct mitigation_situation *now,
			    const struct settings *settings)
{
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		struct mitigation_step *s = &l->steps[step];

		s->known = true;
		if (mitigation_rows[step].kind == SG_MITIGATION_ACTION)
			s->value = s->taken;
		if (mitigation_rows[step].kind != SG_MITIGATION_VALUE)
			continue;
		s->known = sysctl_read(mitigation_rows[step].target, &s->value) >= 0;
		if (s->known && s->taken && s->value != s->ours)
			mitigation_lose(l, step);
	}
	mitigation_look_at_listeners(l, now, settings);
}

static void mitigation_count_listener(void *userdata, const struct sockdiag_socket *s)
{
	uint64_t *listeners = userdata;

	++*listeners;
}

static void mitigation_make_plan(struct mitigation *l, const struct mitigation_situation *now,
				 const struct settings *settings, struct mitigation_plan *ret)
{
	struct mitigation_state state = {
		.mode = now->mode,
		.state = now->state,
		.engine = now->engine,
		.repeats = l->repeats,
		.reaper = now->reaper,
	};
	enum sg_mitigation_step step;
	bool partial;

	/* only for what is shared among them: the walk is not for nothing */
	if (now->state != DETECT_CALM &&
	    (settings->mitigation_somaxconn || settings->mitigation_syn_backlog))
		sockdiag_walk_states(1 << SOCKDIAG_LISTEN, mitigation_count_listener,
				     &state.listeners, &partial);

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		const struct mitigation_step *s = &l->steps[step];

		state.steps[step] =
			(struct mitigation_now){ s->known, s->value, s->taken, s->given_up };
	}
	mitigation_plan(&state, settings, ret);
	memcpy(l->wishes, ret->wishes, sizeof(l->wishes));
}

static void mitigation_observe(struct mitigation *l, const struct mitigation_situation *now,
			       const struct settings *settings)
{
	enum sg_mitigation_step step;

	mitigation_targets_clear(&l->would);

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		struct mitigation_step *s = &l->steps[step];
		bool would = now->mode == SG_MODE_OBSERVE && l->wishes[step].wanted && !s->taken;

		if (would && !s->would)
			mitigation_tell(l, MITIGATION_WOULD, step, s->value, l->wishes[step].value,
					l->wishes[step].why);
		s->would = would;
		if (would && mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
			mitigation_observe_listeners(l, step, settings);
	}
}

void mitigation_tick(struct mitigation *l, const struct mitigation_situation *now,
		     const struct settings *settings)
{
	struct mitigation_plan plan;
	struct complaint unused;
	size_t i;
	int r = 0;

	mitigation_look(l, now, settings);
	if (l->stale)
		l->stale = mitigation_record(l, &unused) < 0;
	mitigation_make_plan(l, now, settings, &plan);
	for (i = 0; i < plan.count && r >= 0; i++)
		r = plan.moves[i].undo ?
			    mitigation_give_back(l, plan.moves[i].step) :
			    mitigation_take(l, plan.moves[i].step, settings, now->now_ns);
	mitigation_observe(l, now, settings);
}

void mitigation_try_again(struct mitigation *l)
{
	enum sg_mitigation_step step;
	size_t i;

	for (i = l->targets.count; i-- > 0;)
		if (l->targets.items[i].lost)
			mitigation_targets_remove(&l->targets, &l->targets.items[i]);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		l->steps[step].given_up = false;
		l->steps[step].conflict = false;
		l->steps[step].retry_ns = 0;
		l->steps[step].failure[0] = '\0';
	}
}

/* ---- by hand ------------------------------------------------------------------------------- */

int mitigation_undo(struct mitigation *l, const char *word)
{
	enum sg_mitigation_step step = *word ? mitigation_find(word) : SG_MITIGATION_COUNT, at;
	int r = 0;

	if (*word && step == SG_MITIGATION_COUNT)
		return -EINVAL;
	/* longer queues go before the few retries that they need */
	for (at = SG_MITIGATION_COUNT; at-- > 0 && r >= 0;) {
		bool wanted = !*word || at == step ||
			      (step == SG_MITIGATION_RETRIES && mitigation_rows[at].queue) ||
			      (step == SG_MITIGATION_LISTENER_RETRIES &&
			       at == SG_MITIGATION_LIVE_BACKLOG);

		if (!wanted)
			continue;
		l->steps[at].given_up = true;
		if (l->steps[at].taken)
			r = mitigation_give_back(l, at);
	}
	return r;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What is on record becomes what is taken, as if we had. -ENOENT: nothing is. */
static int mitigation_recall(struct mitigation *l)
{
	struct mitigation_records records;
	struct complaint c = {};
	size_t i;
	int r = mitigation_journal_read(l->dir, &records, &c);

	if (r < 0) {
		if (r != -ENOENT)
			l->handler.warn(l->handler.userdata, c.text);
		return r;
	}
	for (i = 0; i < records.count; i++) {
		const struct mitigation_record *record = &records.items[i];
		struct mitigation_step *s = &l->steps[record->step];

		s->taken = true;
		s->old = record->old;
		s->ours = record->ours;
		s->since_usec = record->realtime_usec;
	}
	l->targets = records.targets;
	for (i = 0; i < l->targets.count; i++)
		l->steps[l->targets.items[i].step].taken = true;
	return 0;
}

static void mitigation_init(struct mitigation *l, const char *dir,
			    const struct mitigation_handler *h)
{
	*l = (struct mitigation){ .dir = dir, .handler = *h };
}

static void mitigation_done(struct mitigation *l)
{
	l->adjust = dataplane_adjust_free(l->adjust);
	l->socket_owner = socket_owner_free(l->socket_owner);
	free(l->owners);
	mitigation_targets_clear(&l->targets);
	mitigation_targets_clear(&l->would);
	free(l->seen);
}

int mitigation_undo_recorded(const char *dir, const struct mitigation_handler *h)
{
	struct mitigation l;
	int r;

	mitigation_init(&l, dir, h);
	r = mitigation_recall(&l);
	if (r == -ENOENT)
		return 0;
	if (r == -ESTALE) /* the values went with the boot */
		return mitigation_journal_discard(dir);
	l.leaving = true;
	r = r < 0 ? r : mitigation_undo_all(&l);
	mitigation_done(&l);
	return r;
}

int mitigation_new(struct mitigation **ret, const char *dir, const struct mitigation_handler *h)
{
	struct mitigation *l = calloc(1, sizeof(*l));
	struct complaint told_when_needed;
	int r;

	if (!l)
		return -ENOMEM;
	mitigation_init(l, dir, h);
	/* now, because the rights to are given up later */
	mitigation_adjuster(l, &told_when_needed);
	r = mitigation_recall(l);
	if (r >= 0)
		mitigation_undo_all(l);
	else if (r != -ENOENT) /* nobody can use it here, and ours has to take its place */
		mitigation_journal_discard(dir);
	*ret = l;
	return 0;
}

struct mitigation *mitigation_free(struct mitigation *l)
{
	if (!l)
		return NULL;
	l->leaving = true;
	mitigation_undo_all(l);
	mitigation_done(l);
	free(l);
	return NULL;
}
