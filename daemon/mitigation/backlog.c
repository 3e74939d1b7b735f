/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backlogs of running listeners: finds who has them open, a slice at a time so that no tick
 * waits for it, and listens on a copy of the socket (socket_owner.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/caps.h"
#include "daemon/mitigation/steps.h"
#include "daemon/net/socket_owner.h"

/* Of a tick; and where there is no next one. */
#define MITIGATION_SEEK_NS	5000000ULL
#define MITIGATION_SEEK_LAST_NS 2000000000ULL

/* Listeners whose owners are looked for at a time. */
#define MITIGATION_OWNERS_MAX 64

static int mitigation_reach(struct mitigation *l, struct complaint *c)
{
	int r;

	if (caps_missing_for_processes(c))
		return -EPERM;
	r = l->socket_owner ? 0 : socket_owner_new(&l->socket_owner);
	if (r < 0)
		complain(c, "no memory");
	return r;
}

static size_t mitigation_owners_unknown(const struct socket_owner_wanted *owners, size_t count)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		n += !owners[i].pid;
	return n;
}

uint32_t mitigation_owner(const struct mitigation *l, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < l->owner_count; i++)
		if (l->owners[i].cookie == cookie)
			return l->owners[i].pid;
	return 0;
}

/* Those that are wanted now; what is known of one stays known. */
static int mitigation_list_owners(struct mitigation *l, const struct settings *settings)
{
	struct socket_owner_wanted *owners = calloc(MITIGATION_OWNERS_MAX, sizeof(*owners));
	size_t i, count = 0, known = 0;

	if (!owners)
		return -ENOMEM;
	for (i = 0; i < l->seen_count && count < MITIGATION_OWNERS_MAX; i++) {
		const struct sg_listener *s = &l->seen[i];
		uint32_t pid = mitigation_owner(l, s->cookie);
		size_t j;

		if (!mitigation_aim_at(l, SG_MITIGATION_LIVE_BACKLOG, settings, s))
			continue;
		for (j = 0; j < l->owner_count; j++)
			known += l->owners[j].cookie == s->cookie;
		owners[count++] = (struct socket_owner_wanted){ s->inode, s->cookie, pid };
	}
	l->owners_more |= known < count;
	free(l->owners);
	l->owners = owners;
	l->owner_count = count;
	return 0;
}

int mitigation_find_owners(struct mitigation *l, const struct settings *settings,
			   struct complaint *c)
{
	int r = mitigation_reach(l, c);

	if (r < 0)
		return r;
	r = mitigation_list_owners(l, settings);
	if (r >= 0 && mitigation_owners_unknown(l->owners, l->owner_count))
		r = socket_owner_seek(l->socket_owner, MITIGATION_SEEK_NS, l->owners,
				      l->owner_count);
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
	return mitigation_owners_unknown(l->owners, l->owner_count);
}

/* ---- listen -------------------------------------------------------------------------------- */

static int mitigation_listen_one(struct mitigation_target *t, enum fault between)
{
	const struct socket_owner_wanted wanted = { t->inode, t->cookie, t->pid };
	int r = t->pid ? socket_owner_listen(&wanted, t->wanted) : -ESRCH;

	if (r == -ESRCH)
		t->pid = 0;
	if (r >= 0)
		fault_pass_by(between);
	return r;
}

/* The socket has been handed to another process since. */
static int mitigation_listen_elsewhere(struct mitigation *l, struct mitigation_target *t,
				       enum fault between)
{
	struct socket_owner_wanted wanted = { t->inode, t->cookie, 0 };
	int r;

	if (l->leaving) /* there is no other round in which what was passed comes by again */
		socket_owner_rewind(l->socket_owner);
	r = socket_owner_seek(l->socket_owner,
			      l->leaving ? MITIGATION_SEEK_LAST_NS : MITIGATION_SEEK_NS, &wanted,
			      1);
	t->pid = wanted.pid;
	if (r < 0)
		return r;
	return t->pid ? mitigation_listen_one(t, between) : -ESRCH;
}

int mitigation_listen(struct mitigation *l, enum fault between)
{
	struct complaint unused;
	int r = mitigation_reach(l, &unused), first = r;
	size_t i;

	for (i = 0; i < l->targets.count && first != -EPERM; i++) {
		struct mitigation_target *t = &l->targets.items[i];

		if (t->step != SG_MITIGATION_LIVE_BACKLOG || !t->turn)
			continue;
		r = mitigation_listen_one(t, between);
		if (r == -ESRCH)
			r = mitigation_listen_elsewhere(l, t, between);
		if (r < 0 && first >= 0)
			first = r;
	}
	r = mitigation_see(l, &unused);
	return first < 0 ? first : r;
}
