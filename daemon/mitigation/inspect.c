/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sees, for the steps of the mitigation whose targets are listeners, what there is to do, what is gone,
 * and what somebody else has written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/dataplane_adjust.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/mitigation/steps.h"
#include "daemon/net/sysctl.h"

static void mitigation_keep_seen(void *userdata, const struct sg_listener *listener)
{
	struct mitigation *l = userdata;
	struct mitigation_target *target;
	struct sg_listener *seen;
	size_t i;

	for (i = 0; i < l->targets.count; i++) {
		target = &l->targets.items[i];
		if (target->cookie != listener->cookie)
			continue;
		target->there = true;
		target->value = mitigation_target_value(target->step, listener);
		target->inode = listener->inode;
	}
	if (l->seen_count == l->seen_room) {
		seen = reallocarray(l->seen, l->seen_room * 2 + 64, sizeof(*seen));
		if (!seen)
			return; /* those that do not fit are adjusted at a later look */
		l->seen = seen;
		l->seen_room = l->seen_room * 2 + 64;
	}
	l->seen[l->seen_count++] = *listener;
}

int mitigation_see(struct mitigation *l, struct complaint *c)
{
	_cleanup_close_ int fd = -EBADF;
	size_t i;
	int r;

	l->seen_count = 0;
	r = mitigation_adjuster(l, c);
	if (r < 0)
		return r;
	for (i = 0; i < l->targets.count; i++)
		l->targets.items[i].there = false;
	fd = dataplane_adjust_listeners(l->adjust);
	r = fd < 0 ? fd : listeners_read(fd, 0, mitigation_keep_seen, l);
	if (r < 0)
		complain(c, "the listeners cannot be read: %s", strerror(-r));
	return r;
}

int mitigation_adjuster(struct mitigation *l, struct complaint *c)
{
	int r;

	if (l->adjust)
		return 0;
	/* what cannot be loaded now could not be later either, with fewer rights */
	r = l->adjust_fault.text[0] ? -EOPNOTSUPP :
				      dataplane_adjust_new(&l->adjust, &l->adjust_fault);
	if (r < 0)
		*c = l->adjust_fault;
	return r;
}

uint32_t mitigation_host_retries(const struct mitigation *l)
{
	const struct mitigation_step *s = &l->steps[SG_MITIGATION_RETRIES];
	uint64_t value = s->value;

	if (sysctl_read(mitigation_rows[SG_MITIGATION_RETRIES].target, &value) < 0)
		value = s->value;
	return s->taken && value == s->ours ? s->old : value;
}

uint32_t mitigation_somaxconn(const struct mitigation *l)
{
	uint64_t value = l->steps[SG_MITIGATION_SOMAXCONN].value;

	sysctl_read(mitigation_rows[SG_MITIGATION_SOMAXCONN].target, &value);
	return value;
}

/* As it is with us, or will be in a moment. */
static struct mitigation_host mitigation_host(const struct mitigation *l,
					      const struct settings *settings)
{
	const struct mitigation_step *s = &l->steps[SG_MITIGATION_RETRIES];
	uint64_t room = (settings->mitigation_queue_mib << 20) / MITIGATION_SLOT_BYTES;
	uint32_t given = mitigation_targets_room(&l->targets);
	struct mitigation_host host = {
		.retries = s->value,
		.somaxconn = l->steps[SG_MITIGATION_SOMAXCONN].value,
		.room = room > given ? room - given : 0,
		.supposed = l->observes,
	};

	if (settings->mitigation_retries && !s->given_up && settings->mitigation_retries < s->value)
		host.retries = settings->mitigation_retries;
	return host;
}

uint32_t mitigation_aim_at(struct mitigation *l, enum sg_mitigation_step step,
			   const struct settings *settings, const struct sg_listener *listener)
{
	const struct mitigation_host host = mitigation_host(l, settings);

	if (mitigation_targets_find(&l->targets, step, listener->cookie))
		return 0;
	return mitigation_target_aim(step, settings, &host, listener);
}

/* What is gone, and what is no longer ours. */
static void mitigation_check_targets(struct mitigation *l, enum sg_mitigation_step step)
{
	bool changed = false;
	size_t i;

	for (i = l->targets.count; i-- > 0;) {
		struct mitigation_target *t = &l->targets.items[i];

		if (t->step != step || (t->lost && t->there))
			continue;
		if (!t->there) {
			if (!t->lost)
				mitigation_tell_gone(l, t);
			mitigation_targets_remove(&l->targets, t);
		} else if (t->value != t->ours) {
			t->lost = true;
			mitigation_tell_of(l, MITIGATION_CONFLICT, step, t->name, t->ours, t->value,
					   MITIGATION_OF_ANOTHER);
		} else {
			continue;
		}
		changed = true;
	}
	if (!changed)
		return;
	mitigation_settle(l, step);
	l->stale = true;
}

/* C8: somebody has raised the retries of one whose backlog we made longer. */
static bool mitigation_repeats(const struct mitigation *l, const struct settings *settings)
{
	const struct mitigation_host host = mitigation_host(l, settings);
	const struct mitigation_target *t;
	size_t i;

	for (i = 0; i < l->seen_count; i++) {
		t = mitigation_targets_find(&l->targets, SG_MITIGATION_LIVE_BACKLOG,
					    l->seen[i].cookie);
		if (t && !t->lost && !mitigation_target_is_quiet(settings, &host, &l->seen[i]))
			return true;
	}
	return false;
}

static bool mitigation_looks_at_listeners(const struct mitigation *l,
					  const struct mitigation_situation *now,
					  const struct settings *settings)
{
	return l->targets.count ||
	       (now->state == DETECT_ATTACK &&
		(settings->mitigation_listener_retries || settings->mitigation_live_backlog));
}

void mitigation_look_at_listeners(struct mitigation *l, const struct mitigation_situation *now,
				  const struct settings *settings)
{
	enum sg_mitigation_step step;
	struct complaint c = {};
	bool looks = mitigation_looks_at_listeners(l, now, settings);
	int r = looks ? mitigation_see(l, &c) : 0;
	size_t i;

	l->observes = now->mode == SG_MODE_OBSERVE;
	l->repeats = looks && r >= 0 && mitigation_repeats(l, settings);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		struct mitigation_step *s = &l->steps[step];

		if (mitigation_rows[step].kind != SG_MITIGATION_SOCKETS)
			continue;
		s->known = r >= 0;
		s->value = 0;
		if (!s->known)
			snprintf(s->failure, sizeof(s->failure), "%.159s", c.text);
		if (!s->known || !looks)
			continue;
		mitigation_check_targets(l, step);
		for (i = 0; i < l->seen_count; i++)
			s->value += !!mitigation_aim_at(l, step, settings, &l->seen[i]);
	}
}
