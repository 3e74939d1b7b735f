/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sees, for the steps of the ladder whose targets are listeners, what there is to do, what is gone,
 * and what somebody else has written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/dataplane_adjust.h"
#include "daemon/dataplane/listeners.h"
#include "daemon/mitigation/internal.h"
#include "daemon/net/sysctl.h"

static void ladder_keep_seen(void *userdata, const struct sg_listener *listener)
{
	struct ladder *l = userdata;
	struct ladder_target *target;
	struct sg_listener *seen;
	size_t i;

	for (i = 0; i < l->targets.count; i++) {
		target = &l->targets.items[i];
		if (target->cookie != listener->cookie)
			continue;
		target->there = true;
		target->value = ladder_target_value(target->step, listener);
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

int ladder_see(struct ladder *l, struct complaint *c)
{
	_cleanup_close_ int fd = -EBADF;
	size_t i;
	int r;

	l->seen_count = 0;
	r = ladder_adjuster(l, c);
	if (r < 0)
		return r;
	for (i = 0; i < l->targets.count; i++)
		l->targets.items[i].there = false;
	fd = dataplane_adjust_listeners(l->adjust);
	r = fd < 0 ? fd : listeners_read(fd, 0, ladder_keep_seen, l);
	if (r < 0)
		complain(c, "the listeners cannot be read: %s", strerror(-r));
	return r;
}

int ladder_adjuster(struct ladder *l, struct complaint *c)
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

uint32_t ladder_host_retries(const struct ladder *l)
{
	const struct ladder_step *s = &l->steps[SG_LADDER_RETRIES];
	uint64_t value = s->value;

	if (sysctl_read(ladder_rows[SG_LADDER_RETRIES].target, &value) < 0)
		value = s->value;
	return s->taken && value == s->ours ? s->old : value;
}

uint32_t ladder_somaxconn(const struct ladder *l)
{
	uint64_t value = l->steps[SG_LADDER_SOMAXCONN].value;

	sysctl_read(ladder_rows[SG_LADDER_SOMAXCONN].target, &value);
	return value;
}

/* As it is with us, or will be in a moment. */
static struct ladder_host ladder_host(const struct ladder *l, const struct settings *settings)
{
	const struct ladder_step *s = &l->steps[SG_LADDER_RETRIES];
	uint64_t room = (settings->ladder_queue_mib << 20) / LADDER_SLOT_BYTES;
	uint32_t given = ladder_targets_room(&l->targets);
	struct ladder_host host = {
		.retries = s->value,
		.somaxconn = l->steps[SG_LADDER_SOMAXCONN].value,
		.room = room > given ? room - given : 0,
		.supposed = l->observes,
	};

	if (settings->ladder_retries && !s->given_up && settings->ladder_retries < s->value)
		host.retries = settings->ladder_retries;
	return host;
}

uint32_t ladder_aim_at(struct ladder *l, enum sg_ladder_step step, const struct settings *settings,
		       const struct sg_listener *listener)
{
	const struct ladder_host host = ladder_host(l, settings);

	if (ladder_targets_find(&l->targets, step, listener->cookie))
		return 0;
	return ladder_target_aim(step, settings, &host, listener);
}

/* What is gone, and what is no longer ours. */
static void ladder_check_targets(struct ladder *l, enum sg_ladder_step step)
{
	bool changed = false;
	size_t i;

	for (i = l->targets.count; i-- > 0;) {
		struct ladder_target *t = &l->targets.items[i];

		if (t->step != step || (t->lost && t->there))
			continue;
		if (!t->there) {
			if (!t->lost)
				ladder_tell_gone(l, t);
			ladder_targets_remove(&l->targets, t);
		} else if (t->value != t->ours) {
			t->lost = true;
			ladder_tell_of(l, LADDER_CONFLICT, step, t->name, t->ours, t->value,
				       LADDER_OF_ANOTHER);
		} else {
			continue;
		}
		changed = true;
	}
	if (!changed)
		return;
	ladder_settle(l, step);
	l->stale = true;
}

/* C8: somebody has raised the retries of one whose backlog we made longer. */
static bool ladder_repeats(const struct ladder *l, const struct settings *settings)
{
	const struct ladder_host host = ladder_host(l, settings);
	const struct ladder_target *t;
	size_t i;

	for (i = 0; i < l->seen_count; i++) {
		t = ladder_targets_find(&l->targets, SG_LADDER_LIVE_BACKLOG, l->seen[i].cookie);
		if (t && !t->lost && !ladder_target_is_quiet(settings, &host, &l->seen[i]))
			return true;
	}
	return false;
}

static bool ladder_looks_at_listeners(const struct ladder *l, const struct ladder_situation *now,
				      const struct settings *settings)
{
	return l->targets.count ||
	       (now->state == DETECT_ATTACK &&
		(settings->ladder_listener_retries || settings->ladder_live_backlog));
}

void ladder_look_at_listeners(struct ladder *l, const struct ladder_situation *now,
			      const struct settings *settings)
{
	enum sg_ladder_step step;
	struct complaint c = {};
	bool looks = ladder_looks_at_listeners(l, now, settings);
	int r = looks ? ladder_see(l, &c) : 0;
	size_t i;

	l->observes = now->mode == SG_MODE_OBSERVE;
	l->repeats = looks && r >= 0 && ladder_repeats(l, settings);
	for (step = 0; step < SG_LADDER_COUNT; step++) {
		struct ladder_step *s = &l->steps[step];

		if (ladder_rows[step].kind != SG_LADDER_SOCKETS)
			continue;
		s->known = r >= 0;
		s->value = 0;
		if (!s->known)
			snprintf(s->failure, sizeof(s->failure), "%.159s", c.text);
		if (!s->known || !looks)
			continue;
		ladder_check_targets(l, step);
		for (i = 0; i < l->seen_count; i++)
			s->value += !!ladder_aim_at(l, step, settings, &l->seen[i]);
	}
}
