/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/list_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "synguard/cleanup.h"

#include "daemon/lists/lists_text.h"

#define LIST_STORE_FILE	 "lists"
#define LIST_STORE_SHOWN 500

uint64_t list_store_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* ---- what is kept -------------------------------------------------------------------------- */

static int list_store_write_now(struct list_store *k)
{
	_cleanup_free_ char *text = lists_save(k->asked);
	int r = text ? lists_file_write(&k->file, text, NULL) : -ENOMEM;

	return r < 0 ? r : lists_file_settle(&k->file);
}

static void list_store_load(struct list_store *k, struct complaint *warning)
{
	struct lists_list kept[LISTS_COUNT] = {};
	_cleanup_free_ char *text = NULL;
	int r = lists_file_read(&text, k->file.path, warning);
	int id;

	if (r == -ENOENT) {
		warning->text[0] = '\0';
		return;
	}
	if (r >= 0)
		r = lists_load(kept, k->file.path, text, list_store_now(), warning);
	for (id = 0; id < LISTS_COUNT; id++) {
		struct list_store_change change = { .deed = LIST_STORE_LOAD,
						    .id = id,
						    .list = kept[id] };

		if (list_store_change(k, &change) < 0)
			lists_done(&kept[id]);
	}
	list_store_settle(k);
	if (r < 0 && lists_file_put_aside(&k->file) >= 0)
		list_store_write_now(k);
	if (k->news.text[0])
		*warning = k->news;
	k->news.text[0] = '\0';
}

static bool list_store_has_expired(const struct lists_list *l, uint64_t now)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->entries[i].expires_at && l->entries[i].expires_at <= now)
			return true;
	return false;
}

int list_store_tick(struct list_store *k, struct complaint *c)
{
	uint64_t now = list_store_now();
	int id, r = 0;

	for (id = 0; id < LISTS_COUNT && !list_store_is_changing(k) && r >= 0; id++) {
		struct list_store_change change = { .deed = LIST_STORE_EXPIRE, .id = id };

		if (list_store_has_expired(&k->asked[id], now))
			r = list_store_change(k, &change);
	}
	if (r >= 0 && k->news.text[0]) {
		*c = k->news;
		r = k->news_error;
	}
	k->news.text[0] = '\0';
	return r;
}

/* ---- files --------------------------------------------------------------------------------- */

static int list_store_read_files(struct lists_list *ret, const struct settings_files *files,
				 struct complaint *c)
{
	const struct lists_entry like = { .kept = true };
	size_t i;
	int r = 0;

	for (i = 0; i < files->count && r >= 0; i++) {
		_cleanup_(lists_done) struct lists_list one = {};
		_cleanup_free_ char *text = NULL;

		r = lists_file_read(&text, files->items[i], c);
		if (r >= 0)
			r = lists_read(&one, files->items[i], text, &like, c);
		if (r >= 0)
			r = lists_put(ret, &one, c);
	}
	return r;
}

/* Whether there is room for both. */
static int list_store_try_files(const struct list_store *k, int id, const struct lists_list *files,
				struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list both = {};
	int r = lists_put(&both, files, c);

	return r < 0 ? r : lists_put(&both, &k->asked[id], c);
}

int list_store_take_files(struct list_store *k, const struct settings *s, struct complaint *c)
{
	struct lists_list fresh[LISTS_COUNT] = {};
	int r = list_store_read_files(&fresh[LISTS_ALLOW], &s->allow_files, c);
	int id;

	if (r >= 0)
		r = list_store_read_files(&fresh[LISTS_DENY], &s->deny_files, c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++)
		r = list_store_try_files(k, id, &fresh[id], c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++) {
		struct list_store_change change = { .deed = LIST_STORE_FILES,
						    .id = id,
						    .list = fresh[id] };

		r = list_store_change(k, &change);
		if (r >= 0)
			fresh[id] = (struct lists_list){};
	}
	for (id = 0; id < LISTS_COUNT; id++)
		lists_done(&fresh[id]);
	return r;
}

/* ---- what is shown ------------------------------------------------------------------------- */

static json_t *list_store_entry(const struct lists_entry *e, bool of_file, uint64_t now)
{
	struct lists_text text;

	lists_print_prefix(&e->prefix, &text);
	return json_pack("{s:s, s:s, s:o, s:b, s:b}", "prefix", text.text, "comment", e->comment,
			 "expires_in_seconds",
			 e->expires_at ?
				 json_integer(e->expires_at > now ? e->expires_at - now : 0) :
				 json_null(),
			 "kept", e->kept, "file", of_file);
}

char *list_store_show(void *list_store, const char *list, uint32_t first)
{
	struct list_store *k = list_store;
	int id = lists_find(list);
	json_t *root, *entries;
	uint64_t now = list_store_now();
	char *text = NULL;
	size_t asked, all, i;

	if (id < 0)
		return NULL;
	asked = k->asked[id].count;
	all = asked + k->files[id].count;
	entries = json_array();
	for (i = first; i < all && i < (size_t)first + LIST_STORE_SHOWN; i++)
		json_array_append_new(entries,
				      list_store_entry(i < asked ? &k->asked[id].entries[i] :
								   &k->files[id].entries[i - asked],
						       i >= asked, now));
	root = json_pack("{s:o, s:o}", "entries", entries, "next",
			 i < all ? json_integer(i) : json_null());
	if (root)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

size_t list_store_count(const struct list_store *k, const char *list)
{
	int id = lists_find(list);

	return id < 0 ? 0 : k->known[id].count;
}

/* ---- life ---------------------------------------------------------------------------------- */

int list_store_new(struct list_store **ret, sd_event *event, struct dataplane *dp,
		   const char *state_dir, const struct list_store_handler *handler,
		   struct complaint *warning)
{
	struct list_store *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->dp = dp;
	k->handler = *handler;
	r = lists_file_init(&k->file, state_dir, LIST_STORE_FILE);
	if (r >= 0)
		r = list_store_change_init(k, event);
	if (r < 0) {
		list_store_free(k);
		return r;
	}
	list_store_load(k, warning);
	*ret = k;
	return 0;
}

struct list_store *list_store_free(struct list_store *k)
{
	int id;

	if (!k)
		return NULL;
	list_store_change_done(k);
	for (id = 0; id < LISTS_COUNT; id++) {
		lists_done(&k->asked[id]);
		lists_done(&k->files[id]);
		lists_done(&k->known[id]);
	}
	free(k);
	return NULL;
}
