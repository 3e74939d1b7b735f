/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/mitigation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dataplane/dataplane_adjust.h"
#include "daemon/mitigation/internal.h"
#include "daemon/mitigation/record.h"
#include "daemon/net/sockdiag.h"
#include "daemon/net/socket_owner.h"
#include "daemon/net/sysctl.h"

/* ---- the tick ------------------------------------------------------------------------------ */

static void ladder_look(struct ladder *l, const struct ladder_situation *now,
			const struct settings *settings)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		struct ladder_step *s = &l->steps[step];

		s->known = true;
		if (ladder_rows[step].kind == SG_LADDER_DEED)
			s->value = s->taken;
		if (ladder_rows[step].kind != SG_LADDER_VALUE)
			continue;
		s->known = sysctl_read(ladder_rows[step].target, &s->value) >= 0;
		if (s->known && s->taken && s->value != s->ours)
			ladder_lose(l, step);
	}
	ladder_look_at_listeners(l, now, settings);
}

static void ladder_count_listener(void *userdata, const struct sockdiag_socket *s)
{
	uint64_t *listeners = userdata;

	++*listeners;
}

static void ladder_make_plan(struct ladder *l, const struct ladder_situation *now,
			     const struct settings *settings, struct ladder_plan *ret)
{
	struct ladder_state state = {
		.mode = now->mode,
		.state = now->state,
		.engine = now->engine,
		.repeats = l->repeats,
		.reaper = now->reaper,
	};
	enum sg_ladder_step step;
	bool partial;

	/* only for what is shared among them: the walk is not for nothing */
	if (now->state != DETECT_CALM &&
	    (settings->ladder_somaxconn || settings->ladder_syn_backlog))
		sockdiag_walk_states(1 << SOCKDIAG_LISTEN, ladder_count_listener, &state.listeners,
				     &partial);

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];

		state.steps[step] =
			(struct ladder_now){ s->known, s->value, s->taken, s->given_up };
	}
	ladder_plan(&state, settings, ret);
	memcpy(l->wishes, ret->wishes, sizeof(l->wishes));
}

static void ladder_observe(struct ladder *l, const struct ladder_situation *now,
			   const struct settings *settings)
{
	enum sg_ladder_step step;

	ladder_targets_clear(&l->would);

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		struct ladder_step *s = &l->steps[step];
		bool would = now->mode == SG_MODE_OBSERVE && l->wishes[step].wanted && !s->taken;

		if (would && !s->would)
			ladder_tell(l, LADDER_WOULD, step, s->value, l->wishes[step].value,
				    l->wishes[step].why);
		s->would = would;
		if (would && ladder_rows[step].kind == SG_LADDER_SOCKETS)
			ladder_observe_listeners(l, step, settings);
	}
}

void ladder_tick(struct ladder *l, const struct ladder_situation *now,
		 const struct settings *settings)
{
	struct ladder_plan plan;
	struct complaint unused;
	size_t i;
	int r = 0;

	ladder_look(l, now, settings);
	if (l->stale)
		l->stale = ladder_record(l, &unused) < 0;
	ladder_make_plan(l, now, settings, &plan);
	for (i = 0; i < plan.count && r >= 0; i++)
		r = plan.moves[i].undo ? ladder_give_back(l, plan.moves[i].step) :
					 ladder_take(l, plan.moves[i].step, settings, now->now_ns);
	ladder_observe(l, now, settings);
}

void ladder_try_again(struct ladder *l)
{
	enum sg_ladder_step step;
	size_t i;

	for (i = l->targets.count; i-- > 0;)
		if (l->targets.items[i].lost)
			ladder_targets_remove(&l->targets, &l->targets.items[i]);
	for (step = 0; step < SG_LADDER_COUNT; step++) {
		l->steps[step].given_up = false;
		l->steps[step].conflict = false;
		l->steps[step].retry_ns = 0;
		l->steps[step].failure[0] = '\0';
	}
}

/* ---- by hand ------------------------------------------------------------------------------- */

int ladder_undo(struct ladder *l, const char *word)
{
	enum sg_ladder_step step = *word ? ladder_find(word) : SG_LADDER_COUNT, at;
	int r = 0;

	if (*word && step == SG_LADDER_COUNT)
		return -EINVAL;
	/* longer queues go before the few retries that they need */
	for (at = SG_LADDER_COUNT; at-- > 0 && r >= 0;) {
		bool wanted = !*word || at == step ||
			      (step == SG_LADDER_RETRIES && ladder_rows[at].queue) ||
			      (step == SG_LADDER_LISTENER_RETRIES && at == SG_LADDER_LIVE_BACKLOG);

		if (!wanted)
			continue;
		l->steps[at].given_up = true;
		if (l->steps[at].taken)
			r = ladder_give_back(l, at);
	}
	return r;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What is on record becomes what is taken, as if we had. -ENOENT: nothing is. */
static int ladder_recall(struct ladder *l)
{
	struct ladder_records records;
	struct complaint c = {};
	size_t i;
	int r = ladder_journal_read(l->dir, &records, &c);

	if (r < 0) {
		if (r != -ENOENT)
			l->handler.warn(l->handler.userdata, c.text);
		return r;
	}
	for (i = 0; i < records.count; i++) {
		const struct ladder_record *record = &records.items[i];
		struct ladder_step *s = &l->steps[record->step];

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

static void ladder_init(struct ladder *l, const char *dir, const struct ladder_handler *h)
{
	*l = (struct ladder){ .dir = dir, .handler = *h };
}

static void ladder_done(struct ladder *l)
{
	l->adjust = dataplane_adjust_free(l->adjust);
	l->reach = reach_free(l->reach);
	free(l->owners);
	ladder_targets_clear(&l->targets);
	ladder_targets_clear(&l->would);
	free(l->seen);
}

int ladder_undo_recorded(const char *dir, const struct ladder_handler *h)
{
	struct ladder l;
	int r;

	ladder_init(&l, dir, h);
	r = ladder_recall(&l);
	if (r == -ENOENT)
		return 0;
	if (r == -ESTALE) /* the values went with the boot */
		return ladder_journal_discard(dir);
	l.leaving = true;
	r = r < 0 ? r : ladder_undo_all(&l);
	ladder_done(&l);
	return r;
}

int ladder_new(struct ladder **ret, const char *dir, const struct ladder_handler *h)
{
	struct ladder *l = calloc(1, sizeof(*l));
	struct complaint told_when_needed;
	int r;

	if (!l)
		return -ENOMEM;
	ladder_init(l, dir, h);
	/* now, because the rights to are given up later */
	ladder_adjuster(l, &told_when_needed);
	r = ladder_recall(l);
	if (r >= 0)
		ladder_undo_all(l);
	else if (r != -ENOENT) /* nobody can use it here, and ours has to take its place */
		ladder_journal_discard(dir);
	*ret = l;
	return 0;
}

struct ladder *ladder_free(struct ladder *l)
{
	if (!l)
		return NULL;
	l->leaving = true;
	ladder_undo_all(l);
	ladder_done(l);
	free(l);
	return NULL;
}
