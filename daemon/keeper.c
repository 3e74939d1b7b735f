/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "synguard/cleanup.h"

#include "dataplane.h"
#include "lists.h"
#include "lists_file.h"
#include "lists_text.h"
#include "settings_span.h"

#define KEEPER_FILE  "lists"
#define KEEPER_SLICE 500

/* How long the end waits for the disk. */
#define KEEPER_SETTLE_USEC 2000000ULL

/* Ten years; more is a slip. */
#define KEEPER_EXPIRE_MAX_SEC (3653ULL * 86400)

struct keeper {
	struct dataplane *dp; /* NULL: engine "kernel" */
	struct keeper_handler handler;
	struct lists_list asked[LISTS_COUNT];
	struct lists_list files[LISTS_COUNT];
	struct lists_list known[LISTS_COUNT]; /* what the programs know */
	/* the state file; the thread has it while a job is under way */
	struct lists_file file;
	struct worker *worker;
	struct worker_job job;
	bool under_way, again;
	int settled; /* of the last job */
	bool has_news;
};

static uint64_t keeper_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static struct keeper *keeper_of(struct worker_job *job)
{
	return (struct keeper *)((char *)job - offsetof(struct keeper, job));
}

/* ---- the programs -------------------------------------------------------------------------- */

/* Writes what `l` has and `other` has not. */
static int keeper_each(struct keeper *k, enum lists_id id, const struct lists_list *l,
		       const struct lists_list *other, bool here)
{
	int r = 0, error;
	size_t i;

	for (i = 0; k->dp && i < l->count; i++) {
		const struct lists_prefix *p = &l->entries[i].prefix;
		struct sg_listed key = { .prefix_bits = p->bits };

		if (lists_get(other, p))
			continue;
		memcpy(key.addr, p->addr.bytes, sizeof(key.addr));
		error = dataplane_list(k->dp, id == LISTS_ALLOW, &key, here);
		r = error < 0 ? error : r;
	}
	return r;
}

static void keeper_announce(struct keeper *k)
{
	if (k->dp)
		__atomic_store_n(&dataplane_control(k->dp)->listed,
				 (k->known[LISTS_ALLOW].count ? SG_LISTED_ALLOW : 0) |
					 (k->known[LISTS_DENY].count ? SG_LISTED_DENY : 0),
				 __ATOMIC_RELAXED);
}

/* Makes the programs know one list as it would be with these; or, where that fails, as before. */
static int keeper_apply(struct keeper *k, enum lists_id id, const struct lists_list *asked,
			const struct lists_list *files, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list now = {};
	int r = lists_put(&now, files, c);

	if (r >= 0)
		r = lists_put(&now, asked, c);
	if (r < 0)
		return r;
	/* what goes first, so that there is always room for what comes */
	keeper_each(k, id, &k->known[id], &now, false);
	r = keeper_each(k, id, &now, &k->known[id], true);
	if (r < 0) {
		complain(c, "the programs did not take the list: %s", strerror(-r));
		keeper_each(k, id, &now, &k->known[id], false);
		keeper_each(k, id, &k->known[id], &now, true);
		return r;
	}
	lists_done(&k->known[id]);
	k->known[id] = now;
	now = (struct lists_list){};
	keeper_announce(k);
	return 0;
}

/* ---- keeping ------------------------------------------------------------------------------- */

static void keeper_work(struct worker_job *job)
{
	struct keeper *k = keeper_of(job);

	k->settled = lists_file_settle(&k->file);
}

static int keeper_save(struct keeper *k, const struct lists_list lists[LISTS_COUNT],
		       struct complaint *c)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (k->under_way) {
		k->again = true;
		return 0;
	}
	text = lists_save(lists);
	r = text ? lists_file_write(&k->file, text, c) : -ENOMEM;
	if (r < 0)
		return r;
	k->under_way = true;
	worker_add(k->worker, &k->job);
	return 0;
}

static void keeper_done(struct worker_job *job)
{
	struct keeper *k = keeper_of(job);

	k->under_way = false;
	k->has_news = k->has_news || k->settled < 0;
	if (k->again) {
		k->again = false;
		k->settled = keeper_save(k, k->asked, NULL);
		k->has_news = k->has_news || k->settled < 0;
	}
}

static void keeper_load(struct keeper *k, struct complaint *warning)
{
	_cleanup_free_ char *text = NULL;
	int r = lists_file_read(&text, k->file.path, warning);
	int id;

	if (r == -ENOENT) {
		warning->text[0] = '\0';
		return;
	}
	if (r >= 0)
		r = lists_load(k->asked, k->file.path, text, keeper_now(), warning);
	if (r < 0 && lists_file_put_aside(&k->file) >= 0)
		keeper_save(k, k->asked, NULL);
	for (id = 0; id < LISTS_COUNT; id++)
		if (keeper_apply(k, id, &k->asked[id], &k->files[id], warning) < 0)
			lists_done(&k->asked[id]);
}

int keeper_tick(struct keeper *k, struct complaint *c)
{
	uint64_t now = keeper_now();
	size_t gone = 0;
	int id, r = 0;

	for (id = 0; id < LISTS_COUNT; id++) {
		size_t n = lists_expire(&k->asked[id], now);

		if (n)
			r = keeper_apply(k, id, &k->asked[id], &k->files[id], c);
		gone += n;
	}
	if (gone && r >= 0)
		r = keeper_save(k, k->asked, c);
	if (r >= 0 && k->has_news) {
		r = k->settled < 0 ? k->settled : 0;
		complain(c, "%s: %s", k->file.path, strerror(-r));
	}
	k->has_news = false;
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

static void keeper_swap(struct lists_list *a, struct lists_list *b)
{
	struct lists_list was = *a;

	*a = *b;
	*b = was;
}

int keeper_take_files(struct keeper *k, const struct settings *s, struct complaint *c)
{
	struct lists_list fresh[LISTS_COUNT] = {};
	int r = keeper_read_files(&fresh[LISTS_ALLOW], &s->allow_files, c);
	int id;

	if (r >= 0)
		r = keeper_read_files(&fresh[LISTS_DENY], &s->deny_files, c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++) {
		r = keeper_apply(k, id, &k->asked[id], &fresh[id], c);
		if (r >= 0)
			keeper_swap(&k->files[id], &fresh[id]);
	}
	for (id = 0; id < LISTS_COUNT; id++)
		lists_done(&fresh[id]);
	return r;
}

/* ---- what is asked for --------------------------------------------------------------------- */

/* Whether what is kept is another thing with these put in, or taken out. */
static bool keeper_is_kept(const struct keeper *k, enum lists_id id, const struct lists_list *l)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		const struct lists_entry *e = lists_get(&k->asked[id], &l->entries[i].prefix);

		if (l->entries[i].kept || (e && e->kept))
			return true;
	}
	return false;
}

/* Makes `fresh` what is asked for, in the programs, in the file and here; or nothing of it. */
static int keeper_change(struct keeper *k, enum lists_id id, struct lists_list *fresh, bool kept,
			 struct complaint *c)
{
	struct lists_list all[LISTS_COUNT];
	int r = keeper_apply(k, id, fresh, &k->files[id], c);

	memcpy(all, k->asked, sizeof(all));
	all[id] = *fresh;
	if (r >= 0 && kept) {
		r = keeper_save(k, all, c);
		if (r < 0)
			keeper_apply(k, id, &k->asked[id], &k->files[id], NULL);
	}
	if (r >= 0)
		keeper_swap(&k->asked[id], fresh);
	return r;
}

static int keeper_expire(uint64_t *ret, const char *expire, struct complaint *c)
{
	uint64_t ns;
	int r;

	*ret = 0;
	if (!*expire)
		return 0;
	r = settings_parse_span(expire, &ns);
	if (r < 0 || ns < 1000000000 || ns / 1000000000 > KEEPER_EXPIRE_MAX_SEC) {
		complain(c,
			 "\"%.40s\" is no time from 1s to 10 years; write it as 30s, 10min or 2h",
			 expire);
		return -EINVAL;
	}
	*ret = keeper_now() + ns / 1000000000;
	return 0;
}

/* Trap S5: who would lock himself out is asked for --force. */
static int keeper_guard(struct keeper *k, const struct lists_list *l, const char *spared_text,
			struct complaint *c)
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

static int keeper_read(struct keeper *k, const struct lists_request *q, struct lists_list *ret,
		       struct complaint *c)
{
	struct lists_entry like = { .kept = !q->runtime };
	int id = lists_find(q->list), r;

	if (id < 0) {
		complain(c, "there is no list \"%.40s\"", q->list);
		return id;
	}
	r = keeper_expire(&like.expires_at, q->expire, c);
	if (r >= 0)
		r = lists_read(ret, *q->name ? q->name : NULL, q->text, &like, c);
	if (r >= 0 && !ret->count) {
		complain(c, "there is no prefix in it");
		return -EINVAL;
	}
	return r < 0 ? r : id;
}

int keeper_add(void *keeper, const struct lists_request *q, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list more = {}, fresh = {};
	struct keeper *k = keeper;
	int id = keeper_read(k, q, &more, c);
	int r = id;

	if (r >= 0 && id == LISTS_DENY && !q->force)
		r = keeper_guard(k, &more, q->spared, c);
	if (r >= 0)
		r = lists_put(&fresh, &k->asked[id], c);
	if (r >= 0)
		r = lists_put(&fresh, &more, c);
	if (r >= 0)
		r = keeper_change(k, id, &fresh, keeper_is_kept(k, id, &more), c);
	return r < 0 ? r : (int)more.count;
}

int keeper_remove(void *keeper, const struct lists_request *q, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list gone = {}, fresh = {};
	struct keeper *k = keeper;
	int id = keeper_read(k, q, &gone, c);
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
	if (r >= 0)
		r = lists_put(&fresh, &k->asked[id], c);
	if (r >= 0)
		r = lists_take_out(&fresh, &gone, c);
	if (r >= 0)
		r = keeper_change(k, id, &fresh, keeper_is_kept(k, id, &gone), c);
	return r < 0 ? r : (int)gone.count;
}

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
	for (i = first; i < all && i < (size_t)first + KEEPER_SLICE; i++)
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
	k->job = (struct worker_job){ .work = keeper_work, .done = keeper_done };
	r = lists_file_init(&k->file, state_dir, KEEPER_FILE);
	if (r >= 0)
		r = worker_new(&k->worker, event);
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
	if (k->worker)
		worker_settle(k->worker, KEEPER_SETTLE_USEC);
	worker_free(k->worker);
	for (id = 0; id < LISTS_COUNT; id++) {
		lists_done(&k->asked[id]);
		lists_done(&k->files[id]);
		lists_done(&k->known[id]);
	}
	free(k);
	return NULL;
}
