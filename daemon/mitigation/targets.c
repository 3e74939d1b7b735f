/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/targets.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/mitigation/plan.h"

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
