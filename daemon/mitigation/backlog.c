/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backlogs of running listeners: finds who has them open, a slice at a time so that no tick
 * waits for it, and listens on a copy of the socket (reach.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/caps.h"
#include "daemon/mitigation/internal.h"
#include "daemon/net/socket_owner.h"

/* Of a tick; and where there is no next one. */
#define LADDER_SEEK_NS	    5000000ULL
#define LADDER_SEEK_LAST_NS 2000000000ULL

/* Listeners whose owners are looked for at a time. */
#define LADDER_OWNERS_MAX 64

static int ladder_reach(struct ladder *l, struct complaint *c)
{
	int r;

	if (caps_missing_to_reach(c))
		return -EPERM;
	r = l->reach ? 0 : reach_new(&l->reach);
	if (r < 0)
		complain(c, "no memory");
	return r;
}

static size_t ladder_owners_unknown(const struct reach_wanted *owners, size_t count)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		n += !owners[i].pid;
	return n;
}

uint32_t ladder_owner(const struct ladder *l, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < l->owner_count; i++)
		if (l->owners[i].cookie == cookie)
			return l->owners[i].pid;
	return 0;
}

/* Those that are wanted now; what is known of one stays known. */
static int ladder_list_owners(struct ladder *l, const struct settings *settings)
{
	struct reach_wanted *owners = calloc(LADDER_OWNERS_MAX, sizeof(*owners));
	size_t i, count = 0, known = 0;

	if (!owners)
		return -ENOMEM;
	for (i = 0; i < l->seen_count && count < LADDER_OWNERS_MAX; i++) {
		const struct sg_listener *s = &l->seen[i];
		uint32_t pid = ladder_owner(l, s->cookie);
		size_t j;

		if (!ladder_aim_at(l, SG_LADDER_LIVE_BACKLOG, settings, s))
			continue;
		for (j = 0; j < l->owner_count; j++)
			known += l->owners[j].cookie == s->cookie;
		owners[count++] = (struct reach_wanted){ s->inode, s->cookie, pid };
	}
	l->owners_more |= known < count;
	free(l->owners);
	l->owners = owners;
	l->owner_count = count;
	return 0;
}

int ladder_find_owners(struct ladder *l, const struct settings *settings, struct complaint *c)
{
	int r = ladder_reach(l, c);

	if (r < 0)
		return r;
	r = ladder_list_owners(l, settings);
	if (r >= 0 && ladder_owners_unknown(l->owners, l->owner_count))
		r = reach_seek(l->reach, LADDER_SEEK_NS, l->owners, l->owner_count);
	if (r < 0) {
		complain(c, "the processes cannot be seen");
		return r;
	}
	if (!r)
		return 0;
	if (l->owners_more) { /* those that came meanwhile have not been looked for everywhere */
		l->owners_more = false;
		return 0;
	}
	return ladder_owners_unknown(l->owners, l->owner_count);
}

/* ---- listen -------------------------------------------------------------------------------- */

static int ladder_listen_one(struct ladder_target *t, enum fault between)
{
	const struct reach_wanted wanted = { t->inode, t->cookie, t->pid };
	int r = t->pid ? reach_listen(&wanted, t->wanted) : -ESRCH;

	if (r == -ESRCH)
		t->pid = 0;
	if (r >= 0)
		fault_pass_by(between);
	return r;
}

/* The socket has been handed to another process since. */
static int ladder_listen_elsewhere(struct ladder *l, struct ladder_target *t, enum fault between)
{
	struct reach_wanted wanted = { t->inode, t->cookie, 0 };
	int r;

	if (l->leaving) /* there is no other round in which what was passed comes by again */
		reach_rewind(l->reach);
	r = reach_seek(l->reach, l->leaving ? LADDER_SEEK_LAST_NS : LADDER_SEEK_NS, &wanted, 1);
	t->pid = wanted.pid;
	if (r < 0)
		return r;
	return t->pid ? ladder_listen_one(t, between) : -ESRCH;
}

int ladder_listen(struct ladder *l, enum fault between)
{
	struct complaint unused;
	int r = ladder_reach(l, &unused), first = r;
	size_t i;

	for (i = 0; i < l->targets.count && first != -EPERM; i++) {
		struct ladder_target *t = &l->targets.items[i];

		if (t->step != SG_LADDER_LIVE_BACKLOG || !t->turn)
			continue;
		r = ladder_listen_one(t, between);
		if (r == -ESRCH)
			r = ladder_listen_elsewhere(l, t, between);
		if (r < 0 && first >= 0)
			first = r;
	}
	r = ladder_see(l, &unused);
	return first < 0 ? first : r;
}
