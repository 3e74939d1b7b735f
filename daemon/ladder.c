/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synguard/cleanup.h"

#include "fault.h"
#include "ladder_journal.h"
#include "ladder_plan.h"
#include "report.h"
#include "sockdiag.h"
#include "sysctl.h"

/* After a step could not be taken. */
#define LADDER_RETRY_NS 60000000000ULL

struct ladder_step {
	bool known, taken, given_up, conflict, would;
	uint64_t value; /* as last read */
	uint64_t old, ours, since_usec;
	uint64_t retry_ns;
	char failure[160];
};

struct ladder {
	const char *dir;
	struct ladder_handler handler;
	struct ladder_step steps[SG_LADDER_COUNT];
	struct ladder_wish wishes[SG_LADDER_COUNT];
	struct ladder_counts counts;
	bool stale; /* the record has what is undone: to be written again */
};

static void ladder_tell(struct ladder *l, enum ladder_news news, enum sg_ladder_step step,
			uint64_t from, uint64_t to, const char *reason)
{
	l->counts.takes += news == LADDER_TAKEN;
	l->counts.undos += news == LADDER_UNDONE;
	l->counts.conflicts += news == LADDER_CONFLICT;
	l->handler.tell(l->handler.userdata, news, step, from, to, reason);
}

static uint64_t ladder_realtime_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/* ---- the record ---------------------------------------------------------------------------- */

static int ladder_record(struct ladder *l, struct complaint *c)
{
	struct ladder_records records = {};
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];

		if (s->taken && ladder_rows[step].sysctl)
			records.items[records.count++] = (struct ladder_record){
				step,
				s->old,
				s->ours,
				s->since_usec,
			};
	}
	if (!records.count)
		fault_pass_by(FAULT_BEFORE_REMOVE);
	return ladder_journal_write(l->dir, &records, c);
}

/* What cannot be written now is tried again at the next tick. */
static void ladder_drop(struct ladder *l, enum sg_ladder_step step)
{
	struct complaint unused;

	l->steps[step].taken = false;
	if (ladder_rows[step].sysctl)
		l->stale = ladder_record(l, &unused) < 0;
	fault_pass_by(FAULT_DROPPED);
}

/* ---- take ---------------------------------------------------------------------------------- */

static void ladder_fail(struct ladder *l, enum sg_ladder_step step, uint64_t now_ns,
			const char *reason)
{
	struct ladder_step *s = &l->steps[step];
	bool told = !strcmp(s->failure, reason);

	s->retry_ns = now_ns + LADDER_RETRY_NS;
	snprintf(s->failure, sizeof(s->failure), "%s", reason);
	if (!told)
		ladder_tell(l, LADDER_FAILED, step, s->value, s->ours, s->failure);
}

static int ladder_write(enum sg_ladder_step step, uint64_t value, struct complaint *c)
{
	int r = sysctl_write(ladder_rows[step].target, value);

	if (r == -EACCES || r == -EPERM || r == -EROFS)
		complain(c,
			 "%s cannot be written: %s; that takes CAP_NET_ADMIN in this network "
			 "namespace, and a /proc/sys that is not read-only",
			 ladder_rows[step].target, strerror(-r));
	else if (r < 0)
		complain(c, "%s cannot be written: %s", ladder_rows[step].target, strerror(-r));
	return r;
}

/* -errno, with nothing changed and *c filled. */
static int ladder_take_sysctl(struct ladder *l, enum sg_ladder_step step, struct complaint *c)
{
	int r = ladder_record(l, c);

	if (r < 0)
		return r;
	fault_pass_by(FAULT_BEFORE_TAKE);
	r = ladder_write(step, l->steps[step].ours, c);
	if (r == -EIO) /* something has been written: not what we want */
		sysctl_write(ladder_rows[step].target, l->steps[step].old);
	if (r >= 0)
		fault_pass_by(FAULT_TAKEN);
	return r;
}

static int ladder_take(struct ladder *l, enum sg_ladder_step step, uint64_t now_ns)
{
	struct ladder_step *s = &l->steps[step];
	struct complaint c = {};
	int r = 0;

	if (now_ns < s->retry_ns)
		return -EAGAIN;
	s->old = s->value;
	s->ours = l->wishes[step].value;
	s->since_usec = ladder_realtime_usec();
	s->taken = true;
	if (ladder_rows[step].sysctl)
		r = ladder_take_sysctl(l, step, &c);
	if (r < 0) {
		ladder_drop(l, step);
		ladder_fail(l, step, now_ns, c.text);
		return r;
	}
	s->failure[0] = '\0';
	s->value = s->ours;
	ladder_tell(l, LADDER_TAKEN, step, s->old, s->ours, l->wishes[step].why);
	return 0;
}

/* ---- undo ---------------------------------------------------------------------------------- */

static void ladder_lose(struct ladder *l, enum sg_ladder_step step)
{
	struct ladder_step *s = &l->steps[step];

	s->given_up = true;
	s->conflict = true;
	ladder_drop(l, step);
	ladder_tell(l, LADDER_CONFLICT, step, s->ours, s->value,
		    "somebody else has set it, and that stays");
}

/* -errno: it is still taken. */
static int ladder_give_back(struct ladder *l, enum sg_ladder_step step)
{
	struct ladder_step *s = &l->steps[step];
	struct complaint why = {}, *c = &why;
	int r = 0;

	fault_pass_by(FAULT_BEFORE_UNDO);
	if (ladder_rows[step].sysctl) {
		r = sysctl_read(ladder_rows[step].target, &s->value);
		if (r < 0)
			complain(c, "%s cannot be read: %s", ladder_rows[step].target,
				 strerror(-r));
		else if (s->value != s->ours && s->value != s->old)
			return ladder_lose(l, step), 0;
		else if (s->value == s->ours)
			r = ladder_write(step, s->old, c);
	}
	if (r < 0) {
		ladder_fail(l, step, 0, c->text);
		return r;
	}
	fault_pass_by(FAULT_UNDONE);
	s->failure[0] = '\0';
	s->value = s->old;
	ladder_drop(l, step);
	ladder_tell(l, LADDER_UNDONE, step, s->ours, s->old, "");
	return 0;
}

/* In reverse; a step that cannot be undone keeps those under it, so that no queue stays long. */
static int ladder_undo_all(struct ladder *l)
{
	enum sg_ladder_step step;
	int r = 0;

	for (step = SG_LADDER_COUNT; step-- > 0 && r >= 0;)
		if (l->steps[step].taken)
			r = ladder_give_back(l, step);
	return r;
}

int ladder_undo(struct ladder *l, const char *word)
{
	enum sg_ladder_step step = *word ? ladder_find(word) : SG_LADDER_COUNT, at;
	int r = 0;

	if (*word && step == SG_LADDER_COUNT)
		return -EINVAL;
	/* longer queues go before the few retries that they need */
	for (at = SG_LADDER_COUNT; at-- > 0 && r >= 0;) {
		bool wanted = !*word || at == step ||
			      (step == SG_LADDER_RETRIES && ladder_rows[at].queue);

		if (!wanted)
			continue;
		l->steps[at].given_up = true;
		if (l->steps[at].taken)
			r = ladder_give_back(l, at);
	}
	return r;
}

/* ---- the tick ------------------------------------------------------------------------------ */

static void ladder_look(struct ladder *l)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		struct ladder_step *s = &l->steps[step];

		s->known = true;
		if (!ladder_rows[step].sysctl)
			s->value = s->taken;
		else
			s->known = sysctl_read(ladder_rows[step].target, &s->value) >= 0;
		if (s->known && s->taken && ladder_rows[step].sysctl && s->value != s->ours)
			ladder_lose(l, step);
	}
}

static void ladder_count_listener(void *userdata, const struct sockdiag_socket *s)
{
	uint64_t *listeners = userdata;

	*listeners += s->listening;
}

static void ladder_make_plan(struct ladder *l, const struct ladder_situation *now,
			     const struct settings *settings, struct ladder_plan *ret)
{
	struct ladder_state state = {
		.mode = now->mode,
		.state = now->state,
		.engine = now->engine,
		.reaper = now->reaper,
	};
	enum sg_ladder_step step;

	/* only for what is shared among them: the walk is not for nothing */
	if (now->state != DETECT_CALM &&
	    (settings->ladder_somaxconn || settings->ladder_syn_backlog))
		sockdiag_walk(ladder_count_listener, &state.listeners);

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];

		state.steps[step] =
			(struct ladder_now){ s->known, s->value, s->taken, s->given_up };
	}
	ladder_plan(&state, settings, ret);
	memcpy(l->wishes, ret->wishes, sizeof(l->wishes));
}

static void ladder_observe(struct ladder *l, const struct ladder_situation *now)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		struct ladder_step *s = &l->steps[step];
		bool would = now->mode == SG_MODE_OBSERVE && l->wishes[step].wanted && !s->taken;

		if (would && !s->would)
			ladder_tell(l, LADDER_WOULD, step, s->value, l->wishes[step].value,
				    l->wishes[step].why);
		s->would = would;
	}
}

void ladder_tick(struct ladder *l, const struct ladder_situation *now,
		 const struct settings *settings)
{
	struct ladder_plan plan;
	struct complaint unused;
	size_t i;
	int r = 0;

	ladder_look(l);
	if (l->stale)
		l->stale = ladder_record(l, &unused) < 0;
	ladder_make_plan(l, now, settings, &plan);
	for (i = 0; i < plan.count && r >= 0; i++)
		r = plan.moves[i].undo ? ladder_give_back(l, plan.moves[i].step) :
					 ladder_take(l, plan.moves[i].step, now->now_ns);
	ladder_observe(l, now);
}

void ladder_try_again(struct ladder *l)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		l->steps[step].given_up = false;
		l->steps[step].conflict = false;
		l->steps[step].retry_ns = 0;
		l->steps[step].failure[0] = '\0';
	}
}

/* ---- telling ------------------------------------------------------------------------------- */

bool ladder_is_taken(const struct ladder *l, enum sg_ladder_step step)
{
	return l->steps[step].taken;
}

struct ladder_counts ladder_counts(const struct ladder *l)
{
	return l->counts;
}

static void ladder_since(uint64_t usec, char *text, size_t size)
{
	time_t seconds = usec / 1000000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void ladder_report(const struct ladder *l, struct report_step *rows)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];
		struct report_step *row = &rows[step];

		*row = (struct report_step){
			.step = ladder_rows[step].word,
			.target = ladder_rows[step].target,
			.allowed = l->wishes[step].allowed,
			.taken = s->taken,
			.would = s->would,
			.conflict = s->conflict,
			.old = s->taken ? s->old : s->value,
			.new = s->taken ? s->ours : l->wishes[step].value,
		};
		if (s->taken)
			ladder_since(s->since_usec, row->since, sizeof(row->since));
		snprintf(row->why, sizeof(row->why), "%s",
			 s->conflict	     ? "somebody else has set it, and that stays" :
			 s->failure[0]	     ? s->failure :
			 l->wishes[step].why ?:
					       "");
	}
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
	return 0;
}

static void ladder_init(struct ladder *l, const char *dir, const struct ladder_handler *h)
{
	*l = (struct ladder){ .dir = dir, .handler = *h };
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
	return r < 0 ? r : ladder_undo_all(&l);
}

int ladder_new(struct ladder **ret, const char *dir, const struct ladder_handler *h)
{
	struct ladder *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	ladder_init(l, dir, h);
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
	if (l)
		ladder_undo_all(l);
	free(l);
	return NULL;
}
