/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/addr.h"
#include "daemon/mitigation/plan.h"

void mitigation_targets_clear(struct mitigation_targets *t)
{
	free(t->items);
	*t = (struct mitigation_targets){};
}

struct mitigation_target *mitigation_targets_add(struct mitigation_targets *t,
						 enum sg_mitigation_step step,
						 const struct sg_listener *listener)
{
	struct mitigation_target *items, *target;

	if (t->count == MITIGATION_TARGETS_MAX)
		return NULL;
	items = reallocarray(t->items, t->count + 1, sizeof(*items));
	if (!items)
		return NULL;
	t->items = items;
	target = &items[t->count++];
	*target = (struct mitigation_target){
		.step = step,
		.cookie = listener->cookie,
		.old = mitigation_target_value(step, listener),
		.value = mitigation_target_value(step, listener),
		.there = true,
		.inode = listener->inode,
	};
	snprintf(target->name, sizeof(target->name), "%.55s",
		 addr_text_listener(&listener->addr, listener->family == AF_INET6, listener->port)
			 .text);
	return target;
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

size_t mitigation_targets_count(const struct mitigation_targets *t, enum sg_mitigation_step step)
{
	size_t i, n = 0;

	for (i = 0; i < t->count; i++)
		n += t->items[i].step == step && !t->items[i].lost;
	return n;
}

uint32_t mitigation_target_value(enum sg_mitigation_step step, const struct sg_listener *listener)
{
	return step == SG_MITIGATION_LISTENER_RETRIES ? listener->syn_retries : listener->queue_max;
}

static uint32_t mitigation_aim_retries(const struct settings *s, const struct mitigation_host *host,
				       const struct sg_listener *listener)
{
	uint32_t aim = s->mitigation_listener_retries;
	uint32_t is = listener->syn_retries;

	/* one that has none is lowered only where lowering the host's number does not do it */
	if (!is && s->mitigation_per_listener)
		is = host->retries;
	return aim && is > aim ? aim : 0;
}

bool mitigation_target_is_quiet(const struct settings *s, const struct mitigation_host *host,
				const struct sg_listener *listener)
{
	uint32_t few = listener->syn_retries ? s->mitigation_listener_retries :
					       s->mitigation_retries;
	uint32_t is = listener->synack_retries;

	if (host->supposed && listener->syn_retries)
		is = mitigation_aim_retries(s, host, listener) ?: is;
	else if (host->supposed)
		is = host->retries;
	return is <= (few ?: MITIGATION_FEW_RETRIES);
}

static uint32_t mitigation_aim_backlog(const struct settings *s, const struct mitigation_host *host,
				       const struct sg_listener *listener)
{
	uint32_t is = listener->queue_max, aim = s->mitigation_live_backlog;

	if (aim > host->somaxconn)
		aim = host->somaxconn;
	if (is >= aim || !host->room || !listener->inode || listener->mptcp)
		return 0;
	if (!listener->syn_queue || listener->syn_queue < is / 2)
		return 0;
	if (!mitigation_target_is_quiet(s, host, listener))
		return 0;
	return aim - is < host->room ? aim : is + host->room;
}

uint32_t mitigation_target_aim(enum sg_mitigation_step step, const struct settings *settings,
			       const struct mitigation_host *host,
			       const struct sg_listener *listener)
{
	if (step == SG_MITIGATION_LISTENER_RETRIES)
		return mitigation_aim_retries(settings, host, listener);
	return step == SG_MITIGATION_LIVE_BACKLOG ?
		       mitigation_aim_backlog(settings, host, listener) :
		       0;
}

uint32_t mitigation_targets_room(const struct mitigation_targets *t)
{
	uint32_t room = 0;
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->items[i].step == SG_MITIGATION_LIVE_BACKLOG && !t->items[i].lost)
			room += t->items[i].ours - t->items[i].old;
	return room;
}

static uint32_t mitigation_syncnt(uint32_t host_retries)
{
	if (host_retries < MITIGATION_SYNCNT_MIN)
		return MITIGATION_SYNCNT_MIN;
	return host_retries > MITIGATION_SYNCNT_MAX ? MITIGATION_SYNCNT_MAX : host_retries;
}

uint32_t mitigation_target_restore(struct mitigation_target *t, uint32_t host_retries,
				   uint32_t somaxconn)
{
	t->back = 0;
	if (t->step == SG_MITIGATION_LISTENER_RETRIES && !t->old)
		t->back = mitigation_syncnt(host_retries);
	else if (t->step == SG_MITIGATION_LIVE_BACKLOG && t->old > somaxconn)
		t->back = somaxconn;
	return t->back ?: t->old;
}
