/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change of a list is made: one at a time, and none of its steps long. */
#include "daemon/lists/list_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/control.h"
#include "daemon/lists/lists_text.h"

/* Entries in one turn of the loop: most are one system call, of a microsecond or some. */
#define LIST_STORE_SLICE 128

/* How long the end waits for the disk. */
#define LIST_STORE_SETTLE_USEC 2000000ULL

static void list_store_next(struct list_store *k);

static struct list_store *list_store_of(struct worker_job *job)
{
	return (struct list_store *)((char *)job - offsetof(struct list_store, job));
}

static void list_store_swap(struct lists_list *a, struct lists_list *b)
{
	struct lists_list was = *a;

	*a = *b;
	*b = was;
}

/* ---- the programs -------------------------------------------------------------------------- */

static int list_store_set(void *list_store, const struct lists_prefix *p, bool here)
{
	struct list_store *k = list_store;
	struct sg_listed key = { .prefix_bits = p->bits };

	if (!k->dp)
		return 0;
	memcpy(key.addr, p->addr.bytes, sizeof(key.addr));
	return control_list(k->dp, k->first->id == LISTS_ALLOW, &key, here);
}

static void list_store_announce(struct list_store *k)
{
	if (k->dp)
		control_set_listed(k->dp,
				   (k->known[LISTS_ALLOW].count ? SG_LISTED_ALLOW : 0) |
					   (k->known[LISTS_DENY].count ? SG_LISTED_DENY : 0));
}

/* ---- the end of a change ------------------------------------------------------------------- */

static void list_store_finish(struct list_store *k)
{
	struct list_store_change *c = k->first;

	if (k->error >= 0)
		list_store_swap(c->deed == LIST_STORE_FILES ? &k->files[c->id] : &k->asked[c->id],
				&k->fresh);
	lists_done(&k->fresh);
	lists_done(&k->other);
	k->stage = LIST_STORE_IDLE;
	k->first = c->next;
	if (!k->first)
		k->end = &k->first;
	if (c->done) {
		c->done(c->userdata, k->error < 0 ? k->error : (int)c->count, &k->fault);
	} else if (k->fault.text[0]) {
		k->news = k->fault;
		k->news_error = k->error < 0 ? k->error : -EIO;
	}
	lists_done(&c->list);
	free(c);
	list_store_next(k);
}

/* From what the programs know to `other`; those two change places when it is done. */
static void list_store_roll_out(struct list_store *k, enum list_store_stage stage)
{
	k->stage = stage;
	k->list_apply = (struct list_apply){
		.from = &k->known[k->first->id],
		.to = &k->other,
		.set = list_store_set,
		.userdata = k,
	};
	sd_event_source_set_enabled(k->turn, SD_EVENT_ON);
}

/* ---- keeping ------------------------------------------------------------------------------- */

static void list_store_work(struct worker_job *job)
{
	struct list_store *k = list_store_of(job);
	_cleanup_free_ char *text = lists_save(k->saved);
	int r = text ? lists_file_write(&k->file, text, &k->fault) : -ENOMEM;

	if (r >= 0) {
		r = lists_file_settle(&k->file);
		if (r < 0)
			complain(&k->fault, "%s: %s", k->file.path, strerror(-r));
	}
	k->error = r;
}

/* What has expired stays out: the file says when that was. */
static void list_store_worked(struct worker_job *job)
{
	struct list_store *k = list_store_of(job);

	if (k->error < 0 && k->first->deed != LIST_STORE_EXPIRE) {
		list_store_roll_out(k, LIST_STORE_UNDOING);
		return;
	}
	k->error = 0;
	list_store_finish(k);
}

static bool list_store_has_kept(const struct lists_list *l, const struct lists_list *beside)
{
	const struct lists_entry *e;
	size_t i;

	for (i = 0; i < l->count; i++) {
		e = lists_get(beside, &l->entries[i].prefix);
		if (l->entries[i].kept || (e && e->kept))
			return true;
	}
	return false;
}

/* Whether the state file is another one with it. */
static bool list_store_is_kept(const struct list_store *k)
{
	const struct list_store_change *c = k->first;

	switch (c->deed) {
	case LIST_STORE_PUT:
	case LIST_STORE_TAKE_OUT:
		return list_store_has_kept(&c->list, &k->asked[c->id]);
	case LIST_STORE_EXPIRE:
		return true;
	case LIST_STORE_LOAD:
	case LIST_STORE_FILES:
		break;
	}
	return false;
}

static void list_store_save(struct list_store *k)
{
	k->stage = LIST_STORE_SAVING;
	memcpy(k->saved, k->asked, sizeof(k->saved));
	k->saved[k->first->id] = k->fresh;
	worker_add(k->worker, &k->job);
}

/* ---- a turn -------------------------------------------------------------------------------- */

static void list_store_tell_not_applied(struct list_store *k)
{
	size_t allowed = k->known[LISTS_ALLOW].count, denied = k->known[LISTS_DENY].count;

	if (k->dp || k->told_not_applied || !(allowed + denied))
		return;
	k->told_not_applied = true;
	k->handler.not_applied(k->handler.userdata, allowed, denied);
}

static void list_store_rolled_out(struct list_store *k, int r)
{
	sd_event_source_set_enabled(k->turn, SD_EVENT_OFF);
	list_store_swap(&k->known[k->first->id], &k->other);
	list_store_announce(k);
	if (k->stage == LIST_STORE_UNDOING) {
		list_store_finish(k);
		return;
	}
	k->error = r;
	if (r < 0) {
		complain(&k->fault, "the programs did not take the list: %s", strerror(-r));
		list_store_roll_out(k, LIST_STORE_UNDOING);
		return;
	}
	list_store_tell_not_applied(k);
	if (list_store_is_kept(k))
		list_store_save(k);
	else
		list_store_finish(k);
}

static int list_store_on_turn(sd_event_source *source, void *userdata)
{
	struct list_store *k = userdata;
	int r = list_apply_step(&k->list_apply, LIST_STORE_SLICE);

	/* on the way back the others are put in all the same */
	if (r < 0 && k->stage == LIST_STORE_UNDOING)
		k->list_apply.at++;
	else if (r <= 0)
		list_store_rolled_out(k, r);
	return 0;
}

static int list_store_make_fresh(struct list_store *k)
{
	struct list_store_change *c = k->first;
	int r;

	if (c->deed == LIST_STORE_FILES)
		return lists_put(&k->fresh, &c->list, &k->fault);
	r = lists_put(&k->fresh, &k->asked[c->id], &k->fault);
	if (r < 0)
		return r;
	switch (c->deed) {
	case LIST_STORE_LOAD:
	case LIST_STORE_PUT:
		return lists_put(&k->fresh, &c->list, &k->fault);
	case LIST_STORE_TAKE_OUT:
		return lists_take_out(&k->fresh, &c->list, &k->fault);
	default:
		lists_expire(&k->fresh, list_store_now());
		return 0;
	}
}

/* Both together are what the programs will know. */
static int list_store_make_other(struct list_store *k)
{
	bool of_files = k->first->deed == LIST_STORE_FILES;
	enum lists_id id = k->first->id;
	int r = lists_put(&k->other, of_files ? &k->fresh : &k->files[id], &k->fault);

	return r < 0 ? r : lists_put(&k->other, of_files ? &k->asked[id] : &k->fresh, &k->fault);
}

/* The first of those that wait, where none is being made. */
static void list_store_next(struct list_store *k)
{
	int r;

	if (k->stage != LIST_STORE_IDLE || !k->first)
		return;
	k->fault.text[0] = '\0';
	r = list_store_make_fresh(k);
	if (r >= 0)
		r = list_store_make_other(k);
	k->error = r;
	if (r < 0)
		list_store_finish(k);
	else
		list_store_roll_out(k, LIST_STORE_APPLYING);
}

/* ---- for the others ------------------------------------------------------------------------ */

int list_store_change(struct list_store *k, struct list_store_change *change)
{
	struct list_store_change *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = *change;
	c->next = NULL;
	change->list = (struct lists_list){};
	*k->end = c;
	k->end = &c->next;
	list_store_next(k);
	return 0;
}

bool list_store_is_changing(const struct list_store *k)
{
	return k->first;
}

void list_store_settle(struct list_store *k)
{
	while (k->first) {
		if (k->stage != LIST_STORE_SAVING)
			list_store_on_turn(k->turn, k);
		else
			worker_settle(k->worker, LIST_STORE_SETTLE_USEC);
	}
}

int list_store_change_init(struct list_store *k, sd_event *event)
{
	int r = worker_new(&k->worker, event);

	k->end = &k->first;
	k->job = (struct worker_job){ .work = list_store_work, .done = list_store_worked };
	if (r >= 0)
		r = sd_event_add_defer(event, &k->turn, list_store_on_turn, k);
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(k->turn, true);
	return r < 0 ? r : sd_event_source_set_enabled(k->turn, SD_EVENT_OFF);
}

void list_store_change_done(struct list_store *k)
{
	struct list_store_change *c;

	for (c = k->first; c; c = c->next)
		c->done = NULL; /* they have gone */
	if (k->stage == LIST_STORE_SAVING)
		worker_settle(k->worker, LIST_STORE_SETTLE_USEC);
	k->worker = worker_free(k->worker);
	k->turn = sd_event_source_disable_unref(k->turn);
	while ((c = k->first)) {
		k->first = c->next;
		lists_done(&c->list);
		free(c);
	}
	lists_done(&k->fresh);
	lists_done(&k->other);
}
