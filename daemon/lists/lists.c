/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/text.h"

/* Wider prefixes are more likely a slip than meant. */
#define LISTS_WIDE_V4 8
#define LISTS_WIDE_V6 32

static const char *const lists_names[] = {
	[LISTS_ALLOW] = "allow",
	[LISTS_DENY] = "deny",
};
_Static_assert(ARRAY_SIZE(lists_names) == LISTS_COUNT, "every list has a name");

const char *lists_name(enum lists_id id)
{
	return lists_names[id];
}

int lists_find(const char *name)
{
	return text_find(lists_names, LISTS_COUNT, name);
}

void lists_done(struct lists_list *l)
{
	free(l->entries);
	*l = (struct lists_list){};
}

/* ---- entries ------------------------------------------------------------------------------- */

static int lists_by_prefix(const void *a, const void *b)
{
	const struct lists_entry *x = a, *y = b;

	return addr_prefix_compare(&x->prefix, &y->prefix);
}

const struct lists_entry *lists_get(const struct lists_list *l, const struct addr_prefix *p)
{
	const struct lists_entry key = { .prefix = *p };

	/* entries NULL: undefined for bsearch() */
	return l->count ? bsearch(&key, l->entries, l->count, sizeof(key), lists_by_prefix) : NULL;
}

static int lists_no_room(struct complaint *c)
{
	complain(c,
		 "a list has room for %d prefixes; put neighbours together, such as 192.0.2.0/24 "
		 "for 256 addresses",
		 SG_LISTED_MAX);
	return -ENOSPC;
}

int lists_append(struct lists_list *l, size_t *room, const struct lists_entry *e,
		 struct complaint *c)
{
	struct lists_entry *more;

	/* also of those that come twice: what is read is bounded */
	if (l->count == 4 * SG_LISTED_MAX)
		return lists_no_room(c);
	if (l->count == *room) {
		*room = *room ? 2 * *room : 16;
		more = reallocarray(l->entries, *room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->entries = more;
	}
	l->entries[l->count++] = *e;
	return 0;
}

void lists_tidy(struct lists_list *l)
{
	size_t i, n = 0;

	if (!l->count)
		return;
	qsort(l->entries, l->count, sizeof(*l->entries), lists_by_prefix);
	for (i = 1; i < l->count; i++)
		if (lists_by_prefix(&l->entries[n], &l->entries[i]))
			l->entries[++n] = l->entries[i];
	l->count = n + 1;
}

/* Merges two sorted lists, of which the second one wins. */
static size_t lists_merge(struct lists_entry *to, const struct lists_list *a,
			  const struct lists_list *b)
{
	size_t i = 0, j = 0, n = 0;
	int order;

	while (i < a->count || j < b->count) {
		order = i == a->count ? 1 :
			j == b->count ? -1 :
					lists_by_prefix(&a->entries[i], &b->entries[j]);
		to[n++] = order < 0 ? a->entries[i] : b->entries[j];
		i += order <= 0;
		j += order >= 0;
	}
	return n;
}

int lists_put(struct lists_list *l, const struct lists_list *more, struct complaint *c)
{
	_cleanup_free_ struct lists_entry *all = NULL;
	size_t count;

	if (!more->count)
		return 0;
	all = calloc(l->count + more->count, sizeof(*all));
	if (!all)
		return -ENOMEM;
	count = lists_merge(all, l, more);
	if (count > SG_LISTED_MAX)
		return lists_no_room(c);
	free(l->entries);
	l->entries = TAKE_PTR(all);
	l->count = count;
	return 0;
}

int lists_take_out(struct lists_list *l, const struct lists_list *gone, struct complaint *c)
{
	size_t i, n = 0;

	for (i = 0; i < gone->count; i++) {
		if (lists_get(l, &gone->entries[i].prefix))
			continue;
		complain(c, "%s is not on the list",
			 addr_prefix_text(&gone->entries[i].prefix).text);
		return -ENOENT;
	}
	for (i = 0; i < l->count; i++)
		if (!lists_get(gone, &l->entries[i].prefix))
			l->entries[n++] = l->entries[i];
	l->count = n;
	return 0;
}

bool lists_has_expired(const struct lists_entry *e, uint64_t now)
{
	return e->expires_at && e->expires_at <= now;
}

size_t lists_expire(struct lists_list *l, uint64_t now)
{
	size_t i, n = 0, before = l->count;

	for (i = 0; i < before; i++)
		if (!lists_has_expired(&l->entries[i], now))
			l->entries[n++] = l->entries[i];
	l->count = n;
	return before - n;
}

/* ---- the lockout guard --------------------------------------------------------------------- */

static int lists_check_prefix(const struct addr_prefix *p, const struct lists_protected *protected,
			      size_t count, struct complaint *c)
{
	bool v4 = addr_prefix_is_v4(p);
	struct addr_text text = addr_prefix_text(p);
	size_t i;

	for (i = 0; i < count; i++) {
		if (!addr_prefix_contains(p, &protected[i].addr))
			continue;
		complain(c,
			 "%s is refused: %s is %s, which could not connect any more; --force "
			 "denies it all the same",
			 text.text, addr_text(&protected[i].addr).text, protected[i].what);
		return -EPERM;
	}
	if (p->bits >= (v4 ? ADDR_MAPPED_BITS + LISTS_WIDE_V4 : LISTS_WIDE_V6))
		return 0;
	complain(c,
		 "%s is refused: a prefix shorter than /%d takes in a large part of all clients; "
		 "--force denies it all the same",
		 text.text, v4 ? LISTS_WIDE_V4 : LISTS_WIDE_V6);
	return -EPERM;
}

int lists_check_lockout(const struct lists_list *l, const struct lists_protected *protected,
			size_t count, struct complaint *c)
{
	size_t i;
	int r = 0;

	for (i = 0; i < l->count && r >= 0; i++)
		r = lists_check_prefix(&l->entries[i].prefix, protected, count, c);
	return r;
}

/* ---- from one list to another -------------------------------------------------------------- */

int lists_rollout_step(struct lists_rollout *r, size_t slice)
{
	const struct lists_list *walked = r->adding ? r->to : r->from;
	const struct lists_list *other = r->adding ? r->from : r->to;
	int error;

	for (; slice && r->at < walked->count; slice--, r->at++) {
		const struct addr_prefix *p = &walked->entries[r->at].prefix;

		error = lists_get(other, p) ? 0 : r->set(r->userdata, p, r->adding);
		if (error < 0 && r->adding)
			return error;
	}
	if (r->at < walked->count)
		return 1;
	if (r->adding)
		return 0;
	r->adding = true;
	r->at = 0;
	return 1;
}
