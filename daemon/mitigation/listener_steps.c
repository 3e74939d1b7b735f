/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes and undoes the steps of the mitigation whose targets are listeners, each with the record first.
 * A listener is known by the cookie of its socket: one that is gone has nothing to be put back, and
 * one whose value is no longer ours is left alone.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/caps.h"
#include "daemon/base/fault.h"
#include "daemon/dataplane/dataplane_adjust.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/mitigation/steps.h"

static_assert(SG_ORDERS_MAX >= MITIGATION_TARGETS_MAX, "every one can be ordered at once");

#define MITIGATION_NO_NUMBER_BEFORE                                                                \
	"it had none of its own, which cannot be written back: it has the host's number as its "   \
	"own"

#define MITIGATION_SOMAXCONN_BELOW "it had more, and net.core.somaxconn is below that by now"

void mitigation_settle(struct mitigation *l, enum sg_mitigation_step step)
{
	struct mitigation_step *s = &l->steps[step];
	size_t i;

	s->conflict = false;
	s->taken = mitigation_targets_count(&l->targets, step);
	s->since_usec = s->old = s->ours = 0;
	for (i = 0; i < l->targets.count; i++) {
		const struct mitigation_target *t = &l->targets.items[i];

		s->conflict |= t->step == step && t->lost;
		if (t->step != step || t->lost)
			continue;
		if (!s->since_usec || t->since_usec < s->since_usec)
			s->since_usec = t->since_usec;
		s->old = t->old > s->old ? t->old : s->old;
		s->ours = t->ours > s->ours ? t->ours : s->ours;
	}
}

/* ---- carrying out -------------------------------------------------------------------------- */

struct mitigation_round {
	struct mitigation *mitigation;
	enum sg_mitigation_step step;
	enum fault between;
};

static void mitigation_note_value(void *userdata, const struct sg_listener *listener)
{
	const struct mitigation_round *round = userdata;
	struct mitigation_target *t =
		mitigation_targets_find(&round->mitigation->targets, round->step, listener->cookie);

	if (!t || !t->turn)
		return;
	t->value = mitigation_target_value(round->step, listener);
	fault_pass_by(round->between);
}

/* Only where it is what it was: the program looks, with the socket's lock held. */
static int mitigation_order(struct mitigation *l, enum sg_mitigation_step step, enum fault between)
{
	struct mitigation_round round = { l, step, between };
	_cleanup_close_ int fd = -EBADF;
	int r = 0, result;
	size_t i;

	for (i = 0; i < l->targets.count && r >= 0; i++) {
		const struct mitigation_target *t = &l->targets.items[i];
		const struct sg_order order = { .from = t->value, .to = t->wanted };

		if (t->step == step && t->turn)
			r = dataplane_adjust_order(l->adjust, t->cookie, &order);
	}
	if (r >= 0) /* one by one, so that every one can be the last */
		r = fd = dataplane_adjust_listeners(l->adjust);
	if (r >= 0)
		r = listeners_read(fd, 1, mitigation_note_value, &round);
	for (i = 0; i < l->targets.count; i++) {
		if (l->targets.items[i].step != step || !l->targets.items[i].turn)
			continue;
		result = dataplane_adjust_result(l->adjust, l->targets.items[i].cookie);
		r = r < 0 ? r : result;
	}
	return r;
}

/* Each whose turn it is becomes what is wanted of it; its value says how it went. */
static int mitigation_carry_out(struct mitigation *l, enum sg_mitigation_step step,
				enum fault between)
{
	return step == SG_MITIGATION_LIVE_BACKLOG ? mitigation_listen(l, between) :
						    mitigation_order(l, step, between);
}

static void mitigation_fail_of(struct mitigation *l, enum sg_mitigation_step step, uint64_t now_ns,
			       size_t count, const char *what, int error)
{
	struct complaint c = {};
	char text[192];

	if (error == -EPERM && step == SG_MITIGATION_LIVE_BACKLOG)
		caps_missing_for_processes(&c);
	snprintf(text, sizeof(text), "%zu listeners could not be %s: %.120s", count, what,
		 c.text[0]	 ? c.text :
		 error == -ESRCH ? "nobody who has them open can be seen" :
		 error < 0	 ? strerror(-error) :
				   "they changed meanwhile");
	mitigation_fail(l, step, now_ns, text);
}

/* ---- take ---------------------------------------------------------------------------------- */

static void mitigation_choose(struct mitigation *l, struct mitigation_targets *to,
			      enum sg_mitigation_step step, const struct settings *settings)
{
	uint64_t now_usec = mitigation_realtime_usec();
	size_t i;

	for (i = 0; i < l->seen_count; i++) {
		uint32_t aim = mitigation_aim_at(l, step, settings, &l->seen[i]);
		uint32_t pid = mitigation_owner(l, l->seen[i].cookie);
		bool needs_pid = step == SG_MITIGATION_LIVE_BACKLOG && to == &l->targets;
		struct mitigation_target *t = NULL;

		if (aim && (pid || !needs_pid))
			t = mitigation_targets_add(to, step, &l->seen[i]);
		if (!t)
			continue;
		t->turn = true;
		t->ours = t->wanted = aim;
		t->pid = needs_pid ? pid : 0;
		t->since_usec = now_usec;
	}
}

void mitigation_observe_listeners(struct mitigation *l, enum sg_mitigation_step step,
				  const struct settings *settings)
{
	mitigation_choose(l, &l->would, step, settings);
}

/* Those that did not become ours go again; the others are told of. */
static size_t mitigation_tell_taken(struct mitigation *l, enum sg_mitigation_step step,
				    const char *why)
{
	size_t i, missed = 0;

	for (i = l->targets.count; i-- > 0;) {
		struct mitigation_target *t = &l->targets.items[i];

		if (t->step != step || !t->turn)
			continue;
		t->turn = false;
		if (t->value == t->ours) {
			mitigation_tell_of(l, MITIGATION_TAKEN, step, t->name, t->old, t->ours,
					   why);
			continue;
		}
		mitigation_targets_remove(&l->targets, t);
		missed++;
	}
	return missed;
}

int mitigation_take_listeners(struct mitigation *l, enum sg_mitigation_step step,
			      const struct settings *settings, uint64_t now_ns)
{
	size_t before = l->targets.count, missed;
	struct complaint c = {};
	int r;

	if (step == SG_MITIGATION_LIVE_BACKLOG) {
		r = mitigation_find_owners(l, settings, &c);
		if (r > 0)
			mitigation_fail_of(l, step, now_ns, r, "adjusted", -ESRCH);
		if (r < 0)
			return mitigation_fail(l, step, now_ns, c.text), 0;
	}
	mitigation_choose(l, &l->targets, step, settings);
	if (l->targets.count == before)
		return 0;
	r = mitigation_record(l, &c);
	if (r < 0) {
		l->targets.count = before;
		mitigation_fail(l, step, now_ns, c.text);
		return r;
	}
	fault_pass_by(FAULT_BEFORE_TAKE);
	r = mitigation_carry_out(l, step, FAULT_LISTENER_TAKEN);
	fault_pass_by(FAULT_TAKEN);
	missed = mitigation_tell_taken(l, step, l->wishes[step].why);
	if (!missed) {
		l->steps[step].failure[0] = '\0';
	} else {
		mitigation_fail_of(l, step, now_ns, missed, "adjusted", r);
		l->stale = mitigation_record(l, &c) < 0;
	}
	mitigation_settle(l, step);
	return 0;
}

/* ---- undo ---------------------------------------------------------------------------------- */

/* What each is to become: those that need nothing, or are nobody's to touch, are done with. */
static void mitigation_choose_back(struct mitigation *l, enum sg_mitigation_step step)
{
	uint32_t retries = mitigation_host_retries(l), somaxconn = mitigation_somaxconn(l);
	size_t i;

	for (i = l->targets.count; i-- > 0;) {
		struct mitigation_target *t = &l->targets.items[i];

		if (t->step != step || t->lost)
			continue;
		if (!t->there) {
			mitigation_tell_gone(l, t);
			mitigation_targets_remove(&l->targets, t);
		} else if (t->value == t->ours && t->value != t->old) {
			t->wanted = mitigation_target_restore(t, retries, somaxconn);
			t->turn = true;
		} else if (t->value != t->old && (!t->back || t->value != t->back)) {
			t->lost = true;
			mitigation_tell_of(l, MITIGATION_CONFLICT, step, t->name, t->ours, t->value,
					   MITIGATION_OF_ANOTHER);
		}
	}
}

static size_t mitigation_tell_undone(struct mitigation *l, enum sg_mitigation_step step)
{
	size_t i, left = 0;

	for (i = l->targets.count; i-- > 0;) {
		struct mitigation_target *t = &l->targets.items[i];
		bool done = !t->turn || !t->there || t->value == t->wanted;

		if (t->step != step || t->lost)
			continue;
		t->turn = false;
		if (!done) {
			left++;
			continue;
		}
		mitigation_tell_of(l, MITIGATION_UNDONE, step, t->name, t->ours, t->value,
				   t->value == t->old ? "" :
				   step == SG_MITIGATION_LISTENER_RETRIES ?
							MITIGATION_NO_NUMBER_BEFORE :
							MITIGATION_SOMAXCONN_BELOW);
		mitigation_targets_remove(&l->targets, t);
	}
	return left;
}

int mitigation_give_back_listeners(struct mitigation *l, enum sg_mitigation_step step)
{
	struct complaint c = {};
	int r = mitigation_see(l, &c);
	size_t left;

	if (r < 0) {
		mitigation_fail(l, step, 0, c.text);
		return r;
	}
	fault_pass_by(FAULT_BEFORE_UNDO);
	mitigation_choose_back(l, step);
	/* what is written instead of none is on record, so that it is known again for ours */
	l->stale = mitigation_record(l, &c) < 0;
	r = mitigation_carry_out(l, step, FAULT_LISTENER_UNDONE);
	fault_pass_by(FAULT_UNDONE);
	left = mitigation_tell_undone(l, step);
	if (left)
		mitigation_fail_of(l, step, 0, left, "put back", r);
	mitigation_settle(l, step);
	l->stale = mitigation_record(l, &c) < 0;
	fault_pass_by(FAULT_DROPPED);
	return left ? -EIO : 0;
}
