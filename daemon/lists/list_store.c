/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/list_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "synguard/cleanup.h"

#include "daemon/lists/lists_text.h"

#define KEEPER_FILE  "lists"
#define KEEPER_SHOWN 500

uint64_t keeper_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* ---- what is kept -------------------------------------------------------------------------- */

static int keeper_write_now(struct keeper *k)
{
	_cleanup_free_ char *text = lists_save(k->asked);
	int r = text ? lists_file_write(&k->file, text, NULL) : -ENOMEM;

	return r < 0 ? r : lists_file_settle(&k->file);
}

static void keeper_load(struct keeper *k, struct complaint *warning)
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
		r = lists_load(kept, k->file.path, text, keeper_now(), warning);
	for (id = 0; id < LISTS_COUNT; id++) {
		struct keeper_change change = { .deed = KEEPER_LOAD, .id = id, .list = kept[id] };

		if (keeper_change(k, &change) < 0)
			lists_done(&kept[id]);
	}
	keeper_settle(k);
	if (r < 0 && lists_file_put_aside(&k->file) >= 0)
		keeper_write_now(k);
	if (k->news.text[0])
		*warning = k->news;
	k->news.text[0] = '\0';
}

static bool keeper_has_expired(const struct lists_list *l, uint64_t now)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->entries[i].expires_at && l->entries[i].expires_at <= now)
			return true;
	return false;
}

int keeper_tick(struct keeper *k, struct complaint *c)
{
	uint64_t now = keeper_now();
	int id, r = 0;

	for (id = 0; id < LISTS_COUNT && !keeper_is_changing(k) && r >= 0; id++) {
		struct keeper_change change = { .deed = KEEPER_EXPIRE, .id = id };

		if (keeper_has_expired(&k->asked[id], now))
			r = keeper_change(k, &change);
	}
	if (r >= 0 && k->news.text[0]) {
		*c = k->news;
		r = k->news_error;
	}
	k->news.text[0] = '\0';
	return r;
}

/* ---- files --------------------------------------------------------------------------------- */

static int keeper_read_files(struct lists_list *ret, const struct settings_files *files,
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
static int keeper_try_files(const struct keeper *k, int id, const struct lists_list *files,
			    struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list both = {};
	int r = lists_put(&both, files, c);

	return r < 0 ? r : lists_put(&both, &k->asked[id], c);
}

int keeper_take_files(struct keeper *k, const struct settings *s, struct complaint *c)
{
	struct lists_list fresh[LISTS_COUNT] = {};
	int r = keeper_read_files(&fresh[LISTS_ALLOW], &s->allow_files, c);
	int id;

	if (r >= 0)
		r = keeper_read_files(&fresh[LISTS_DENY], &s->deny_files, c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++)
		r = keeper_try_files(k, id, &fresh[id], c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++) {
		struct keeper_change change = { .deed = KEEPER_FILES, .id = id, .list = fresh[id] };

		r = keeper_change(k, &change);
		if (r >= 0)
			fresh[id] = (struct lists_list){};
	}
	for (id = 0; id < LISTS_COUNT; id++)
		lists_done(&fresh[id]);
	return r;
}

/* ---- what is shown ------------------------------------------------------------------------- */

static json_t *keeper_entry(const struct lists_entry *e, bool of_file, uint64_t now)
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

char *keeper_show(void *keeper, const char *list, uint32_t first)
{
	struct keeper *k = keeper;
	int id = lists_find(list);
	json_t *root, *entries;
	uint64_t now = keeper_now();
	char *text = NULL;
	size_t asked, all, i;

	if (id < 0)
		return NULL;
	asked = k->asked[id].count;
	all = asked + k->files[id].count;
	entries = json_array();
	for (i = first; i < all && i < (size_t)first + KEEPER_SHOWN; i++)
		json_array_append_new(entries,
				      keeper_entry(i < asked ? &k->asked[id].entries[i] :
							       &k->files[id].entries[i - asked],
						   i >= asked, now));
	root = json_pack("{s:o, s:o}", "entries", entries, "next",
			 i < all ? json_integer(i) : json_null());
	if (root)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

size_t keeper_count(const struct keeper *k, const char *list)
{
	int id = lists_find(list);

	return id < 0 ? 0 : k->known[id].count;
}

/* ---- life ---------------------------------------------------------------------------------- */

int keeper_new(struct keeper **ret, sd_event *event, struct dataplane *dp, const char *state_dir,
	       const struct keeper_handler *handler, struct complaint *warning)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->dp = dp;
	k->handler = *handler;
	r = lists_file_init(&k->file, state_dir, KEEPER_FILE);
	if (r >= 0)
		r = keeper_change_init(k, event);
	if (r < 0) {
		keeper_free(k);
		return r;
	}
	keeper_load(k, warning);
	*ret = k;
	return 0;
}

struct keeper *keeper_free(struct keeper *k)
{
	int id;

	if (!k)
		return NULL;
	keeper_change_done(k);
	for (id = 0; id < LISTS_COUNT; id++) {
		lists_done(&k->asked[id]);
		lists_done(&k->files[id]);
		lists_done(&k->known[id]);
	}
	free(k);
	return NULL;
}
