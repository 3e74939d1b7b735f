/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked for: read and judged at once, and then a change that waits for its turn. */
#include "daemon/lists/list_store_internal.h"

#include <errno.h>

#include "synguard/cleanup.h"

#include "daemon/lists/lists_text.h"
#include "daemon/settings/settings.h"

/* Ten years; more is a slip. */
#define LIST_STORE_EXPIRE_MAX_SEC (3653ULL * 86400)

static int list_store_expire(uint64_t *ret, const char *expire, struct complaint *c)
{
	uint64_t ns;
	int r;

	*ret = 0;
	if (!*expire)
		return 0;
	r = settings_parse_span(expire, &ns);
	if (r < 0 || ns < 1000000000 || ns / 1000000000 > LIST_STORE_EXPIRE_MAX_SEC) {
		complain(c,
			 "\"%.40s\" is no time from 1s to 10 years; write it as 30s, 10min or 2h",
			 expire);
		return -EINVAL;
	}
	*ret = list_store_now() + ns / 1000000000;
	return 0;
}

/* Trap S5: who would lock himself out is asked for --force. */
static int list_store_guard(struct list_store *k, const struct lists_list *l,
			    const char *spared_text, struct complaint *c)
{
	_cleanup_free_ struct lists_spared *spared = NULL;
	struct lists_spared own = { .what = "an address of this host" };
	size_t count, i;
	int r = lists_read_spared(&spared, &count, spared_text, c);

	if (r >= 0)
		r = lists_guard(l, spared, count, c);
	for (i = 0; i < l->count && r >= 0; i++) {
		const struct lists_prefix *p = &l->entries[i].prefix;
		const struct lists_list one = { &l->entries[i], 1 };

		if (k->handler.own(k->handler.userdata, &p->addr, p->bits, &own.addr))
			r = lists_guard(&one, &own, 1, c);
	}
	return r;
}

static int list_store_read(struct list_store *k, const struct lists_request *q,
			   struct lists_list *ret, struct complaint *c)
{
	struct lists_entry like = { .kept = !q->runtime };
	int id = lists_find(q->list), r;

	if (id < 0) {
		complain(c, "there is no list \"%.40s\"", q->list);
		return id;
	}
	r = list_store_expire(&like.expires_at, q->expire, c);
	if (r >= 0)
		r = lists_read(ret, *q->name ? q->name : NULL, q->text, &like, c);
	if (r >= 0 && !ret->count) {
		complain(c, "there is no prefix in it");
		return -EINVAL;
	}
	return r < 0 ? r : id;
}

/* Takes the list. */
static int list_store_ask(struct list_store *k, const struct lists_request *q,
			  enum list_store_action deed, int id, struct lists_list *list)
{
	struct list_store_change change = {
		.deed = deed,
		.id = id,
		.list = *list,
		.count = list->count,
		.done = q->done,
		.userdata = q->userdata,
	};
	int r = list_store_change(k, &change);

	if (r >= 0)
		*list = (struct lists_list){};
	return r;
}

int list_store_add(void *list_store, const struct lists_request *q, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list more = {};
	struct list_store *k = list_store;
	int id = list_store_read(k, q, &more, c);
	int r = id;

	if (r >= 0 && id == LISTS_DENY && !q->force)
		r = list_store_guard(k, &more, q->spared, c);
	return r < 0 ? r : list_store_ask(k, q, LIST_STORE_PUT, id, &more);
}

int list_store_remove(void *list_store, const struct lists_request *q, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list gone = {};
	struct list_store *k = list_store;
	int id = list_store_read(k, q, &gone, c);
	int r = id;
	size_t i;

	for (i = 0; i < gone.count && r >= 0; i++) {
		const struct lists_prefix *p = &gone.entries[i].prefix;
		struct lists_text text;

		if (lists_get(&k->asked[id], p) || !lists_get(&k->files[id], p))
			continue;
		lists_print_prefix(p, &text);
		complain(c, "%s comes from a file; take it out there and reload", text.text);
		r = -ENOENT;
	}
	return r < 0 ? r : list_store_ask(k, q, LIST_STORE_TAKE_OUT, id, &gone);
}
