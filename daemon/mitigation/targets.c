/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/addr.h"
#include "daemon/mitigation/plan.h"

void ladder_targets_clear(struct ladder_targets *t)
{
	free(t->items);
	*t = (struct ladder_targets){};
}

struct ladder_target *ladder_targets_add(struct ladder_targets *t, enum sg_ladder_step step,
					 const struct sg_listener *listener)
{
	struct ladder_target *items, *target;

	if (t->count == LADDER_TARGETS_MAX)
		return NULL;
	items = reallocarray(t->items, t->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	t->items = items;
	target = &items[t->count++];
	*target = (struct ladder_target){
		.step = step,
		.cookie = listener->cookie,
		.old = ladder_target_value(step, listener),
		.value = ladder_target_value(step, listener),
		.there = true,
		.inode = listener->inode,
	};
	snprintf(target->name, sizeof(target->name), "%.55s",
		 addrtext_listener(&listener->addr, listener->family == AF_INET6, listener->port)
			 .text);
	return target;
}

struct ladder_target *ladder_targets_find(const struct ladder_targets *t, enum sg_ladder_step step,
					  uint64_t cookie)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->items[i].step == step && t->items[i].cookie == cookie)
			return &t->items[i];
	return NULL;
}

void ladder_targets_remove(struct ladder_targets *t, struct ladder_target *target)
{
	size_t at = target - t->items;

	t->count--;
	memmove(target, target + 1, (t->count - at) * sizeof(*target));
}

size_t ladder_targets_count(const struct ladder_targets *t, enum sg_ladder_step step)
{
	size_t i, n = 0;

	for (i = 0; i < t->count; i++)
		n += t->items[i].step == step && !t->items[i].lost;
	return n;
}

uint32_t ladder_target_value(enum sg_ladder_step step, const struct sg_listener *listener)
{
	return step == SG_LADDER_LISTENER_RETRIES ? listener->syn_retries : listener->queue_max;
}

static uint32_t ladder_aim_retries(const struct settings *s, const struct ladder_host *host,
				   const struct sg_listener *listener)
{
	uint32_t aim = s->ladder_listener_retries;
	uint32_t is = listener->syn_retries;

	/* one that has none is lowered only where lowering the host's number does not do it */
	if (!is && s->ladder_per_listener)
		is = host->retries;
	return aim && is > aim ? aim : 0;
}

bool ladder_target_is_quiet(const struct settings *s, const struct ladder_host *host,
			    const struct sg_listener *listener)
{
	uint32_t few = listener->syn_retries ? s->ladder_listener_retries : s->ladder_retries;
	uint32_t is = listener->synack_retries;

	if (host->supposed && listener->syn_retries)
		is = ladder_aim_retries(s, host, listener) ?: is;
	else if (host->supposed)
		is = host->retries;
	return is <= (few ?: LADDER_FEW_RETRIES);
}

static uint32_t ladder_aim_backlog(const struct settings *s, const struct ladder_host *host,
				   const struct sg_listener *listener)
{
	uint32_t is = listener->queue_max, aim = s->ladder_live_backlog;

	if (aim > host->somaxconn)
		aim = host->somaxconn;
	if (is >= aim || !host->room || !listener->inode || listener->mptcp)
		return 0;
	if (!listener->syn_queue || listener->syn_queue < is / 2)
		return 0;
	if (!ladder_target_is_quiet(s, host, listener))
		return 0;
	return aim - is < host->room ? aim : is + host->room;
}

uint32_t ladder_target_aim(enum sg_ladder_step step, const struct settings *settings,
			   const struct ladder_host *host, const struct sg_listener *listener)
{
	if (step == SG_LADDER_LISTENER_RETRIES)
		return ladder_aim_retries(settings, host, listener);
	return step == SG_LADDER_LIVE_BACKLOG ? ladder_aim_backlog(settings, host, listener) : 0;
}

uint32_t ladder_targets_room(const struct ladder_targets *t)
{
	uint32_t room = 0;
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->items[i].step == SG_LADDER_LIVE_BACKLOG && !t->items[i].lost)
			room += t->items[i].ours - t->items[i].old;
	return room;
}

static uint32_t ladder_syncnt(uint32_t host_retries)
{
	if (host_retries < LADDER_SYNCNT_MIN)
		return LADDER_SYNCNT_MIN;
	return host_retries > LADDER_SYNCNT_MAX ? LADDER_SYNCNT_MAX : host_retries;
}

uint32_t ladder_target_restore(struct ladder_target *t, uint32_t host_retries, uint32_t somaxconn)
{
	t->back = 0;
	if (t->step == SG_LADDER_LISTENER_RETRIES && !t->old)
		t->back = ladder_syncnt(host_retries);
	else if (t->step == SG_LADDER_LIVE_BACKLOG && t->old > somaxconn)
		t->back = somaxconn;
	return t->back ?: t->old;
}
