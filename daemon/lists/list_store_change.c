/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change of a list is made: one at a time, and none of its steps long. */
#include "daemon/lists/list_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/dataplane.h"
#include "daemon/lists/lists_text.h"

/* Entries in one turn of the loop: most are one system call, of a microsecond or some. */
#define KEEPER_SLICE 128

/* How long the end waits for the disk. */
#define KEEPER_SETTLE_USEC 2000000ULL

static void keeper_next(struct keeper *k);

static struct keeper *keeper_of(struct worker_job *job)
{
	return (struct keeper *)((char *)job - offsetof(struct keeper, job));
}

static void keeper_swap(struct lists_list *a, struct lists_list *b)
{
	struct lists_list was = *a;

	*a = *b;
	*b = was;
}

/* ---- the programs -------------------------------------------------------------------------- */

static int keeper_set(void *keeper, const struct lists_prefix *p, bool here)
{
	struct keeper *k = keeper;
	struct sg_listed key = { .prefix_bits = p->bits };

	if (!k->dp)
		return 0;
	memcpy(key.addr, p->addr.bytes, sizeof(key.addr));
	return dataplane_list(k->dp, k->first->id == LISTS_ALLOW, &key, here);
}

static void keeper_announce(struct keeper *k)
{
	if (k->dp)
		__atomic_store_n(&dataplane_control(k->dp)->listed,
				 (k->known[LISTS_ALLOW].count ? SG_LISTED_ALLOW : 0) |
					 (k->known[LISTS_DENY].count ? SG_LISTED_DENY : 0),
				 __ATOMIC_RELAXED);
}

/* ---- the end of a change ------------------------------------------------------------------- */

static void keeper_finish(struct keeper *k)
{
	struct keeper_change *c = k->first;

	if (k->error >= 0)
		keeper_swap(c->deed == KEEPER_FILES ? &k->files[c->id] : &k->asked[c->id],
			    &k->fresh);
	lists_done(&k->fresh);
	lists_done(&k->other);
	k->stage = KEEPER_IDLE;
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
	keeper_next(k);
}

/* From what the programs know to `other`; those two change places when it is done. */
static void keeper_roll_out(struct keeper *k, enum keeper_stage stage)
{
	k->stage = stage;
	k->rollout = (struct rollout){
		.from = &k->known[k->first->id],
		.to = &k->other,
		.set = keeper_set,
		.userdata = k,
	};
	sd_event_source_set_enabled(k->turn, SD_EVENT_ON);
}

/* ---- keeping ------------------------------------------------------------------------------- */

static void keeper_work(struct worker_job *job)
{
	struct keeper *k = keeper_of(job);
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
static void keeper_worked(struct worker_job *job)
{
	struct keeper *k = keeper_of(job);

	if (k->error < 0 && k->first->deed != KEEPER_EXPIRE) {
		keeper_roll_out(k, KEEPER_UNDOING);
		return;
	}
	k->error = 0;
	keeper_finish(k);
}

static bool keeper_has_kept(const struct lists_list *l, const struct lists_list *beside)
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
static bool keeper_is_kept(const struct keeper *k)
{
	const struct keeper_change *c = k->first;

	switch (c->deed) {
	case KEEPER_PUT:
	case KEEPER_TAKE_OUT:
		return keeper_has_kept(&c->list, &k->asked[c->id]);
	case KEEPER_EXPIRE:
		return true;
	case KEEPER_LOAD:
	case KEEPER_FILES:
		break;
	}
	return false;
}

static void keeper_save(struct keeper *k)
{
	k->stage = KEEPER_SAVING;
	memcpy(k->saved, k->asked, sizeof(k->saved));
	k->saved[k->first->id] = k->fresh;
	worker_add(k->worker, &k->job);
}

/* ---- a turn -------------------------------------------------------------------------------- */

static void keeper_tell_unheeded(struct keeper *k)
{
	size_t allowed = k->known[LISTS_ALLOW].count, denied = k->known[LISTS_DENY].count;

	if (k->dp || k->told_unheeded || !(allowed + denied))
		return;
	k->told_unheeded = true;
	k->handler.unheeded(k->handler.userdata, allowed, denied);
}

static void keeper_rolled_out(struct keeper *k, int r)
{
	sd_event_source_set_enabled(k->turn, SD_EVENT_OFF);
	keeper_swap(&k->known[k->first->id], &k->other);
	keeper_announce(k);
	if (k->stage == KEEPER_UNDOING) {
		keeper_finish(k);
		return;
	}
	k->error = r;
	if (r < 0) {
		complain(&k->fault, "the programs did not take the list: %s", strerror(-r));
		keeper_roll_out(k, KEEPER_UNDOING);
		return;
	}
	keeper_tell_unheeded(k);
	if (keeper_is_kept(k))
		keeper_save(k);
	else
		keeper_finish(k);
}

static int keeper_on_turn(sd_event_source *source, void *userdata)
{
	struct keeper *k = userdata;
	int r = rollout_step(&k->rollout, KEEPER_SLICE);

	/* on the way back the others are put in all the same */
	if (r < 0 && k->stage == KEEPER_UNDOING)
		k->rollout.at++;
	else if (r <= 0)
		keeper_rolled_out(k, r);
	return 0;
}

static int keeper_make_fresh(struct keeper *k)
{
	struct keeper_change *c = k->first;
	int r;

	if (c->deed == KEEPER_FILES)
		return lists_put(&k->fresh, &c->list, &k->fault);
	r = lists_put(&k->fresh, &k->asked[c->id], &k->fault);
	if (r < 0)
		return r;
	switch (c->deed) {
	case KEEPER_LOAD:
	case KEEPER_PUT:
		return lists_put(&k->fresh, &c->list, &k->fault);
	case KEEPER_TAKE_OUT:
		return lists_take_out(&k->fresh, &c->list, &k->fault);
	default:
		lists_expire(&k->fresh, keeper_now());
		return 0;
	}
}

/* Both together are what the programs will know. */
static int keeper_make_other(struct keeper *k)
{
	bool of_files = k->first->deed == KEEPER_FILES;
	enum lists_id id = k->first->id;
	int r = lists_put(&k->other, of_files ? &k->fresh : &k->files[id], &k->fault);

	return r < 0 ? r : lists_put(&k->other, of_files ? &k->asked[id] : &k->fresh, &k->fault);
}

/* The first of those that wait, where none is being made. */
static void keeper_next(struct keeper *k)
{
	int r;

	if (k->stage != KEEPER_IDLE || !k->first)
		return;
	k->fault.text[0] = '\0';
	r = keeper_make_fresh(k);
	if (r >= 0)
		r = keeper_make_other(k);
	k->error = r;
	if (r < 0)
		keeper_finish(k);
	else
		keeper_roll_out(k, KEEPER_APPLYING);
}

/* ---- for the others ------------------------------------------------------------------------ */

int keeper_change(struct keeper *k, struct keeper_change *change)
{
	struct keeper_change *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = *change;
	c->next = NULL;
	change->list = (struct lists_list){};
	*k->end = c;
	k->end = &c->next;
	keeper_next(k);
	return 0;
}

bool keeper_is_changing(const struct keeper *k)
{
	return k->first;
}

void keeper_settle(struct keeper *k)
{
	while (k->first) {
		if (k->stage != KEEPER_SAVING)
			keeper_on_turn(k->turn, k);
		else
			worker_settle(k->worker, KEEPER_SETTLE_USEC);
	}
}

int keeper_change_init(struct keeper *k, sd_event *event)
{
	int r = worker_new(&k->worker, event);

	k->end = &k->first;
	k->job = (struct worker_job){ .work = keeper_work, .done = keeper_worked };
	if (r >= 0)
		r = sd_event_add_defer(event, &k->turn, keeper_on_turn, k);
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(k->turn, true);
	return r < 0 ? r : sd_event_source_set_enabled(k->turn, SD_EVENT_OFF);
}

void keeper_change_done(struct keeper *k)
{
	struct keeper_change *c;

	for (c = k->first; c; c = c->next)
		c->done = NULL; /* they have gone */
	if (k->stage == KEEPER_SAVING)
		worker_settle(k->worker, KEEPER_SETTLE_USEC);
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
