/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/mitigation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/mitigation/record.h"
#include "daemon/mitigation/steps.h"
#include "daemon/net/sockdiag.h"
#include "daemon/report/report.h"

/* After a step could not be taken. */
#define MITIGATION_RETRY_NS 60000000000ULL

#define OF_SOMEBODY_ELSE "somebody else has set it, and that stays"
#define NO_NUMBER_BEFORE                                                                           \
	"it had none of its own, which cannot be written back: it has the host's number as its "   \
	"own"
#define SOMAXCONN_BELOW "it had more, and net.core.somaxconn is below that by now"

struct mitigation {
	struct steps steps;
	struct {
		bool would; /* mode observe */
		uint64_t retry_ns;
		char failure[160];
	} items[SG_MITIGATION_COUNT];
	struct mitigation_targets would; /* mode observe: the listeners that would be adjusted */
	struct mitigation_counts counts;
	struct mitigation_handler handler;
	const char *dir;
	bool stale; /* the record has something that is undone: it has to be written again */
};

static bool is_of_listeners(enum sg_mitigation_step step)
{
	return mitigation_rows[step].kind == SG_MITIGATION_SOCKETS;
}

static const struct step_ops *ops_of(enum sg_mitigation_step step)
{
	return is_of_listeners(step) ? &listener_step_ops : &value_step_ops;
}

/* An action ends with the process. */
static bool is_recorded(enum sg_mitigation_step step)
{
	return mitigation_rows[step].kind != SG_MITIGATION_ACTION;
}

static bool has_target(const struct mitigation *m, enum sg_mitigation_step step, bool in_conflict)
{
	size_t i;

	for (i = 0; i < m->steps.targets.count; i++)
		if (m->steps.targets.items[i].step == step &&
		    m->steps.targets.items[i].conflict == in_conflict)
			return true;
	return false;
}

bool mitigation_is_taken(const struct mitigation *m, enum sg_mitigation_step step)
{
	return has_target(m, step, false);
}

/* ---- events -------------------------------------------------------------------------------- */

static void emit(struct mitigation *m, enum mitigation_event event, enum sg_mitigation_step step,
		 const char *target, uint64_t from, uint64_t to, const char *reason)
{
	m->counts.takes += event == MITIGATION_TAKEN;
	m->counts.undos += event == MITIGATION_UNDONE;
	m->counts.conflicts += event == MITIGATION_CONFLICT;
	m->handler.event(m->handler.userdata, event, step, target, from, to, reason);
}

static void warn_gone(struct mitigation *m, const struct mitigation_target *t)
{
	char text[128];

	snprintf(text, sizeof(text), "the listener %s is gone: nothing of %s is to be undone there",
		 t->name, mitigation_rows[t->step].word);
	m->handler.warn(m->handler.userdata, text);
}

/* Each reason is reported once. now_ns is 0 where undoing failed: it is tried at each tick. */
static void fail(struct mitigation *m, enum sg_mitigation_step step, uint64_t now_ns,
		 const char *reason)
{
	const struct mitigation_target *t = mitigation_targets_find(&m->steps.targets, step, 0);
	char *failure = m->items[step].failure;
	bool known = !strcmp(failure, reason);

	m->items[step].retry_ns = now_ns + MITIGATION_RETRY_NS;
	snprintf(failure, sizeof(m->items[step].failure), "%s", reason);
	if (!known)
		emit(m, MITIGATION_FAILED, step, mitigation_rows[step].target,
		     m->steps.state.steps[step].value, t ? t->ours : m->steps.goals[step].value,
		     failure);
}

/* done: "adjusted", "put back" */
static void fail_for(struct mitigation *m, enum sg_mitigation_step step, uint64_t now_ns,
		     size_t count, const char *done, const char *reason)
{
	char text[192];

	snprintf(text, sizeof(text), "%zu listeners could not be %s: %.120s", count, done,
		 *reason ? reason : "they changed meanwhile");
	fail(m, step, now_ns, is_of_listeners(step) ? text : reason);
}

/* What cannot be written now is tried again at the next tick. */
static void record_again(struct mitigation *m)
{
	m->stale = record_write(m->dir, &m->steps.targets, NULL) < 0;
}

/* ---- take ---------------------------------------------------------------------------------- */

/* Reports those that became ours, and drops the others, of which there are so many. */
static size_t keep_taken(struct mitigation *m, enum sg_mitigation_step step)
{
	size_t i, failed = 0;

	for (i = m->steps.targets.count; i-- > 0;) {
		struct mitigation_target *t = &m->steps.targets.items[i];

		if (t->step != step || !t->chosen)
			continue;
		t->chosen = false;
		if (t->value == t->ours) {
			emit(m, MITIGATION_TAKEN, step, t->name, t->old, t->ours,
			     m->steps.goals[step].why);
			continue;
		}
		mitigation_targets_remove(&m->steps.targets, t);
		failed++;
	}
	return failed;
}

/*
 * As its goal says, unless that failed a moment ago. -errno: nothing has changed, and the steps
 * after it have to wait; a listener that cannot be adjusted keeps no other step waiting.
 */
static int take(struct mitigation *m, enum sg_mitigation_step step, uint64_t now_ns)
{
	size_t before = m->steps.targets.count, failed;
	struct complaint c = {}, why = {};
	bool written;
	int r;

	if (now_ns < m->items[step].retry_ns)
		return is_of_listeners(step) ? 0 : -EAGAIN;
	r = ops_of(step)->choose(&m->steps, step, &m->steps.targets, &c);
	if (c.text[0])
		fail(m, step, now_ns, c.text);
	if (r < 0)
		return is_of_listeners(step) ? 0 : r;
	if (m->steps.targets.count == before)
		return 0;
	r = is_recorded(step) ? record_write(m->dir, &m->steps.targets, &why) : 0;
	written = r >= 0;
	if (written) {
		fault_pass_by(is_recorded(step) ? FAULT_BEFORE_TAKE : FAULT_NONE);
		r = ops_of(step)->write(&m->steps, step, FAULT_LISTENER_TAKEN, &why);
		fault_pass_by(is_recorded(step) ? FAULT_TAKEN : FAULT_NONE);
	}
	failed = keep_taken(m, step);
	if (!failed) {
		m->items[step].failure[0] = '\0';
		return 0;
	}
	if (written)
		fail_for(m, step, now_ns, failed, "adjusted", why.text);
	else
		fail(m, step, now_ns, why.text);
	record_again(m);
	return written && is_of_listeners(step) ? 0 : r;
}

/* ---- undo ---------------------------------------------------------------------------------- */

/* Whether a later step has written over it: the value is that one's. */
static bool is_covered(const struct mitigation *m, const struct mitigation_target *t)
{
	size_t i;

	for (i = 0; i < m->steps.targets.count; i++) {
		const struct mitigation_target *over = &m->steps.targets.items[i];

		if (over->step > t->step && !over->conflict && !strcmp(over->name, t->name) &&
		    over->old == t->ours)
			return true;
	}
	return false;
}

/*
 * Drops the step's targets that are gone, and marks those that somebody else has written. When it
 * is undone, chooses those to be restored; a value that is restored already is fine then. True: a
 * target has changed that is on record.
 */
static bool check(struct mitigation *m, enum sg_mitigation_step step, bool undo)
{
	uint64_t retries = steps_host_retries(&m->steps), somaxconn = steps_somaxconn(&m->steps);
	bool changed = false;
	size_t i;

	for (i = m->steps.targets.count; i-- > 0;) {
		struct mitigation_target *t = &m->steps.targets.items[i];
		bool restored = t->value == t->old || (t->back && t->value == t->back);

		if (t->step != step || (t->conflict && t->present) || is_covered(m, t))
			continue;
		if (!t->present) {
			if (!t->conflict)
				warn_gone(m, t);
			mitigation_targets_remove(&m->steps.targets, t);
		} else if (t->value != t->ours && !(undo && restored)) {
			t->conflict = true;
			/* of listeners each is given up by itself */
			m->steps.state.steps[step].given_up |= !is_of_listeners(step);
			emit(m, MITIGATION_CONFLICT, step, t->name, t->ours, t->value,
			     OF_SOMEBODY_ELSE);
		} else if (undo && !restored) {
			t->chosen = true;
			t->wanted = mitigation_target_restored(t, retries, somaxconn);
			if (!t->back)
				continue;
		} else {
			continue;
		}
		changed = true;
	}
	return changed;
}

/* Reports and drops what is restored. How many are left. */
static size_t drop_restored(struct mitigation *m, enum sg_mitigation_step step)
{
	size_t i, left = 0;

	for (i = m->steps.targets.count; i-- > 0;) {
		struct mitigation_target *t = &m->steps.targets.items[i];
		bool done = !t->chosen || !t->present || t->value == t->wanted;

		if (t->step != step || t->conflict)
			continue;
		t->chosen = false;
		if (!done) {
			left++;
			continue;
		}
		emit(m, MITIGATION_UNDONE, step, t->name, t->ours, t->value,
		     t->value == t->old			    ? "" :
		     step == SG_MITIGATION_LISTENER_RETRIES ? NO_NUMBER_BEFORE :
							      SOMAXCONN_BELOW);
		mitigation_targets_remove(&m->steps.targets, t);
	}
	return left;
}

/* -errno: it is still taken, or some of its listeners are. */
static int undo(struct mitigation *m, enum sg_mitigation_step step)
{
	const struct step_ops *ops = ops_of(step);
	struct complaint c = {};
	size_t left;
	int r;

	m->steps.listeners.fresh = false;
	r = ops->observe(&m->steps, step, &c);
	if (r < 0) {
		fail(m, step, 0, c.text);
		return r;
	}
	fault_pass_by(FAULT_BEFORE_UNDO);
	/* a value that is written instead of the old one is on record first, to be known as ours */
	if (check(m, step, true))
		record_again(m);
	r = ops->write(&m->steps, step, FAULT_LISTENER_UNDONE, &c);
	fault_pass_by(FAULT_UNDONE);
	left = drop_restored(m, step);
	if (left)
		fail_for(m, step, 0, left, "put back", c.text);
	else
		m->items[step].failure[0] = '\0';
	if (is_recorded(step))
		record_again(m);
	fault_pass_by(FAULT_DROPPED);
	if (!left)
		return 0;
	return r < 0 ? r : -EIO;
}

/*
 * In reverse; a step that cannot be undone keeps those before it, so that no queue stays long. Where
 * ticks follow, they put the timestamps back when they may; without any this waits for it.
 */
static int undo_all(struct mitigation *m)
{
	enum sg_mitigation_step step;
	int r = 0;

	for (step = SG_MITIGATION_COUNT; step-- > 0 && r >= 0;) {
		if (!mitigation_is_taken(m, step))
			continue;
		if (step == SG_MITIGATION_TIMESTAMPS) {
			if (!m->steps.leaving)
				continue;
			usleep(MITIGATION_SETTLE_NS / 1000);
		}
		r = undo(m, step);
	}
	return r;
}

int mitigation_undo(struct mitigation *m, const char *word)
{
	enum sg_mitigation_step step = *word ? mitigation_find(word) : SG_MITIGATION_COUNT, at;
	int r = 0;

	if (*word && step == SG_MITIGATION_COUNT)
		return -EINVAL;
	/*
	 * Longer queues go before the few retries that they need, and 2 before 1 is put back to 0.
	 * The timestamps wait for the ticks.
	 */
	for (at = SG_MITIGATION_COUNT; at-- > 0 && r >= 0;) {
		bool meant =
			!*word || at == step ||
			(step == SG_MITIGATION_RETRIES && mitigation_rows[at].queue) ||
			(step == SG_MITIGATION_LISTENER_RETRIES &&
			 at == SG_MITIGATION_LIVE_BACKLOG) ||
			(step == SG_MITIGATION_SYNCOOKIES && at == SG_MITIGATION_KERNEL_COOKIES);

		if (!meant)
			continue;
		m->steps.state.steps[at].given_up = true;
		if (mitigation_is_taken(m, at) && at != SG_MITIGATION_TIMESTAMPS)
			r = undo(m, at);
	}
	return r;
}

/* ---- the tick ------------------------------------------------------------------------------ */

static bool needs_listeners(const struct mitigation *m)
{
	const struct settings *settings = m->steps.settings;
	size_t i;

	for (i = 0; i < m->steps.targets.count; i++)
		if (m->steps.targets.items[i].cookie)
			return true;
	return m->steps.state.now.state == DETECT_ATTACK &&
	       (settings->mitigation_listener_retries || settings->mitigation_live_backlog);
}

static void observe(struct mitigation *m)
{
	bool listeners = needs_listeners(m);
	enum sg_mitigation_step step;

	m->steps.listeners.fresh = false;
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		struct mitigation_step *s = &m->steps.state.steps[step];
		struct complaint c = {};

		s->known = true;
		if (is_of_listeners(step) && !listeners)
			continue;
		s->known = ops_of(step)->observe(&m->steps, step, &c) >= 0;
		if (s->known)
			m->stale |= check(m, step, false);
		else if (is_of_listeners(step))
			snprintf(m->items[step].failure, sizeof(m->items[step].failure), "%.159s",
				 c.text);
	}
	listeners_assess(&m->steps);
	if (m->stale)
		record_again(m);
}

static void count_listener(void *userdata, const struct sockdiag_socket *s)
{
	uint64_t *listeners = userdata;

	++*listeners;
}

static void make_plan(struct mitigation *m, struct mitigation_plan *ret)
{
	const struct settings *settings = m->steps.settings;
	struct mitigation_state *state = &m->steps.state;
	enum sg_mitigation_step step;
	bool partial;

	/* they share the memory for longer queues; the walk costs something */
	state->listeners = 0;
	if (state->now.state != DETECT_CALM &&
	    (settings->mitigation_somaxconn || settings->mitigation_syn_backlog))
		sockdiag_walk_states(1 << SOCKDIAG_LISTEN, count_listener, &state->listeners,
				     &partial);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		state->steps[step].taken = mitigation_is_taken(m, step);
		state->steps[step].failed = state->now.now_ns < m->items[step].retry_ns;
	}
	mitigation_plan(state, settings, ret);
	if (!ret->settles)
		state->settling_ns = 0;
	else if (!state->settling_ns)
		state->settling_ns = state->now.now_ns;
	memcpy(m->steps.goals, ret->goals, sizeof(m->steps.goals));
}

bool mitigation_settles(const struct mitigation *m)
{
	return m->steps.state.settling_ns;
}

/* What would be taken in another mode than observe. */
static void observe_only(struct mitigation *m)
{
	enum sg_mitigation_step step;

	mitigation_targets_clear(&m->would);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		const struct mitigation_goal *goal = &m->steps.goals[step];
		bool would = m->steps.state.now.mode == SG_MODE_OBSERVE && goal->wanted &&
			     !mitigation_is_taken(m, step);
		struct complaint unused;

		if (would && !m->items[step].would)
			emit(m, MITIGATION_WOULD, step, mitigation_rows[step].target,
			     m->steps.state.steps[step].value, goal->value, goal->why);
		m->items[step].would = would;
		if (would && is_of_listeners(step))
			ops_of(step)->choose(&m->steps, step, &m->would, &unused);
	}
}

void mitigation_tick(struct mitigation *m, const struct mitigation_situation *now,
		     const struct settings *settings)
{
	struct mitigation_plan plan;
	size_t i;
	int r = 0;

	m->steps.settings = settings;
	m->steps.state.now = *now;
	observe(m);
	make_plan(m, &plan);
	for (i = 0; i < plan.count && r >= 0; i++)
		r = plan.moves[i].undo ? undo(m, plan.moves[i].step) :
					 take(m, plan.moves[i].step, now->now_ns);
	if (mitigation_is_taken(m, SG_MITIGATION_TIMESTAMPS) !=
	    m->steps.state.steps[SG_MITIGATION_TIMESTAMPS].taken)
		m->steps.state.settling_ns = 0;
	observe_only(m);
	m->steps.settings = NULL;
}

void mitigation_try_again(struct mitigation *m)
{
	enum sg_mitigation_step step;
	size_t i;

	for (i = m->steps.targets.count; i-- > 0;)
		if (m->steps.targets.items[i].conflict)
			mitigation_targets_remove(&m->steps.targets, &m->steps.targets.items[i]);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		m->steps.state.steps[step].given_up = false;
		m->items[step].retry_ns = 0;
		m->items[step].failure[0] = '\0';
	}
}

/* ---- report -------------------------------------------------------------------------------- */

struct mitigation_counts mitigation_counts(const struct mitigation *m)
{
	return m->counts;
}

/* Of a step with several targets: the first since, and the largest values. */
static void report_targets(const struct mitigation *m, enum sg_mitigation_step step,
			   struct report_step *row)
{
	uint64_t since_usec = UINT64_MAX;
	size_t i;

	for (i = 0; i < m->steps.targets.count; i++) {
		const struct mitigation_target *t = &m->steps.targets.items[i];

		if (t->step != step || t->conflict)
			continue;
		if (!row->taken) {
			row->taken = true;
			row->old = row->new = 0;
		}
		row->old = t->old > row->old ? t->old : row->old;
		row->new = t->ours > row->new ? t->ours : row->new;
		since_usec = t->since_usec < since_usec ? t->since_usec : since_usec;
	}
	if (row->taken)
		snprintf(row->since, sizeof(row->since), "%s", time_text(since_usec).text);
}

void mitigation_report(const struct mitigation *m, struct report_step *rows)
{
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		const struct mitigation_goal *goal = &m->steps.goals[step];
		const char *failure = m->items[step].failure, *why;
		struct report_step *row = &rows[step];

		*row = (struct report_step){
			.step = mitigation_rows[step].word,
			.target = mitigation_rows[step].target,
			.allowed = goal->allowed,
			.would = m->items[step].would,
			.conflict = has_target(m, step, true),
			/* of listeners the value is how many there are to adjust */
			.old = is_of_listeners(step) ? 0 : m->steps.state.steps[step].value,
			.new = goal->value,
		};
		report_targets(m, step, row);
		why = row->conflict ? OF_SOMEBODY_ELSE : failure[0] ? failure : goal->why;
		snprintf(row->why, sizeof(row->why), "%s", why ?: "");
	}
}

static size_t report_listeners(const struct mitigation *m, const struct mitigation_targets *list,
			       bool would, struct report_step *rows, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < list->count && n < max; i++) {
		const struct mitigation_target *t = &list->items[i];
		const struct mitigation_goal *goal = &m->steps.goals[t->step];
		struct report_step *row = &rows[n];
		const char *why;

		if (!t->cookie)
			continue;
		*row = (struct report_step){
			.step = mitigation_rows[t->step].word,
			.target = t->name,
			.allowed = goal->allowed,
			.taken = !t->conflict && !would,
			.would = would,
			.conflict = t->conflict,
			.old = t->conflict ? t->value : t->old,
			.new = t->ours,
		};
		if (row->taken)
			snprintf(row->since, sizeof(row->since), "%s",
				 time_text(t->since_usec).text);
		why = t->conflict ? OF_SOMEBODY_ELSE : goal->why;
		snprintf(row->why, sizeof(row->why), "%s", why ?: "");
		n++;
	}
	return n;
}

size_t mitigation_report_listeners(const struct mitigation *m, struct report_step *rows, size_t max)
{
	size_t n = report_listeners(m, &m->steps.targets, false, rows, max);

	return n + report_listeners(m, &m->would, true, rows + n, max - n);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void done(struct mitigation *m)
{
	listeners_done(&m->steps.listeners);
	mitigation_targets_clear(&m->steps.targets);
	mitigation_targets_clear(&m->would);
}

/* What is on record becomes what is taken, as if we had. -ENOENT: nothing is. */
static int recall(struct mitigation *m)
{
	struct complaint c = {};
	int r = record_read(m->dir, &m->steps.targets, &c);

	if (r < 0 && r != -ENOENT)
		m->handler.warn(m->handler.userdata, c.text);
	return r;
}

int mitigation_undo_recorded(const char *dir, const struct mitigation_handler *h)
{
	struct mitigation m = { .dir = dir, .handler = *h, .steps.leaving = true };
	int r = recall(&m);

	if (r == -ENOENT)
		return 0;
	if (r == -ESTALE) /* the values went with the boot */
		return record_discard(dir);
	r = r < 0 ? r : undo_all(&m);
	done(&m);
	return r;
}

int mitigation_new(struct mitigation **ret, const char *dir, const struct mitigation_handler *h)
{
	struct mitigation *m = calloc(1, sizeof(*m));
	struct complaint reported_when_needed;
	int r;

	if (!m)
		return -ENOMEM;
	m->dir = dir;
	m->handler = *h;
	/* now, because the rights to are given up later */
	listeners_prepare(&m->steps.listeners, &reported_when_needed);
	r = recall(m);
	if (r >= 0)
		undo_all(m);
	else if (r != -ENOENT) /* nobody can use it here, and ours has to take its place */
		record_discard(dir);
	*ret = m;
	return 0;
}

struct mitigation *mitigation_free(struct mitigation *m)
{
	if (!m)
		return NULL;
	m->steps.leaving = true;
	undo_all(m);
	done(m);
	free(m);
	return NULL;
}
