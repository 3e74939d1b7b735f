/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/worker.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/lists/lists.h"

#define LIST_STORE_FILE	     "lists"
#define LIST_STORE_MAX_BYTES (2 * 1024 * 1024) /* no list is longer */
#define LIST_STORE_SHOWN     500

/* Ten years; more is a slip. */
#define LIST_STORE_EXPIRE_MAX_SEC (3653ULL * 86400)

/* Entries in one turn of the loop: most are one system call, of a microsecond or some. */
#define LIST_STORE_SLICE 128

/* How long the end waits for the disk. */
#define LIST_STORE_SETTLE_USEC 2000000ULL

enum list_op {
	LIST_LOAD,   /* `list` in, which the state file has already */
	LIST_ADD,    /* `list` in */
	LIST_REMOVE, /* `list` out */
	LIST_EXPIRE, /* what has expired out */
	LIST_FILES,  /* `list` is what the files say now */
};

/* A change that waits for its turn, or is being made. It starts from the list as it is then. */
struct list_change {
	struct list_change *next;
	enum list_op op;
	enum lists_id id;
	struct lists_list list;
	size_t count; /* what is answered */
	/* answers the request; NULL: there is none */
	void (*done)(void *userdata, int r, const struct complaint *c);
	void *userdata;
};

enum list_stage {
	LIST_IDLE,
	LIST_APPLYING, /* the programs get it */
	LIST_SAVING,   /* the thread has `saved`, and writes the state file */
	LIST_UNDOING,  /* the programs get what was before */
};

struct list_store {
	struct dataplane *dp; /* NULL: engine "kernel" */
	struct list_store_handler handler;
	struct lists_list requested[LISTS_COUNT];
	struct lists_list files[LISTS_COUNT];
	struct lists_list applied[LISTS_COUNT]; /* what the programs have: both together */
	char *folder, *path;			/* of the state file */
	bool not_applied_told;
	struct complaint failure; /* of a change that nobody waits for */
	int failure_error;

	/* the first one is being made, unless the stage is idle */
	struct list_change *first, **end;
	enum list_stage stage;
	struct lists_list fresh;  /* what requested or files will be */
	struct lists_list target; /* what applied will be; once rolled out, what it was */
	struct lists_rollout rollout;
	sd_event_source *turn;
	int error;
	struct complaint fault;
	struct worker *worker;
	struct worker_job job;
	struct lists_list saved[LISTS_COUNT]; /* borrowed */
};

static void list_next(struct list_store *s);

static uint64_t list_store_now(void)
{
	return time(NULL);
}

static void list_swap(struct lists_list *a, struct lists_list *b)
{
	struct lists_list was = *a;

	*a = *b;
	*b = was;
}

/* ---- files --------------------------------------------------------------------------------- */

/* The caller frees *ret. -errno with *c filled. */
static int list_read_file(char **ret, const char *path, struct complaint *c)
{
	int r = file_read(path, 0, LIST_STORE_MAX_BYTES, ret, NULL);

	if (r < 0)
		complain(c, "%s: %s", path,
			 r == -EINVAL  ? "not a regular file" :
			 r == -EFBIG   ? "too long for a list" :
			 r == -EBADMSG ? "no text, there is a NUL" :
					 strerror(-r));
	return r;
}

/* Waits for the disk. -errno with *c filled; then the file is as before. */
static int list_write_state(const struct list_store *s, const struct lists_list lists[LISTS_COUNT],
			    struct complaint *c)
{
	_cleanup_free_ char *text = lists_save(lists);
	int r = text ? 0 : -ENOMEM;

	if (r >= 0 && mkdir(s->folder, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r >= 0)
		r = file_stage(s->folder, LIST_STORE_FILE, text, strlen(text));
	if (r < 0) {
		complain(c,
			 "%s: %s; name a directory that synguardd may write to with --state-dir, "
			 "or keep it until the daemon stops with --runtime",
			 s->path, strerror(-r));
		return r;
	}
	r = file_commit(s->folder, LIST_STORE_FILE);
	if (r < 0)
		complain(c, "%s: %s", s->path, strerror(-r));
	return r;
}

/* ---- a change ------------------------------------------------------------------------------ */

static int list_set(void *userdata, const struct addr_prefix *p, bool here)
{
	struct list_store *s = userdata;
	struct sg_listed key = { .prefix_bits = p->bits };

	if (!s->dp)
		return 0;
	memcpy(key.addr, p->addr.bytes, sizeof(key.addr));
	return control_list(s->dp, s->first->id == LISTS_ALLOW, &key, here);
}

static void list_finish(struct list_store *s)
{
	struct list_change *c = s->first;

	if (s->error >= 0)
		list_swap(c->op == LIST_FILES ? &s->files[c->id] : &s->requested[c->id], &s->fresh);
	lists_done(&s->fresh);
	lists_done(&s->target);
	s->stage = LIST_IDLE;
	s->first = c->next;
	if (!s->first)
		s->end = &s->first;
	if (c->done) {
		c->done(c->userdata, s->error < 0 ? s->error : (int)c->count, &s->fault);
	} else if (s->fault.text[0]) {
		s->failure = s->fault;
		s->failure_error = s->error < 0 ? s->error : -EIO;
	}
	lists_done(&c->list);
	free(c);
	list_next(s);
}

/* From what the programs have to `target`; those two change places when it is done. */
static void list_roll_out(struct list_store *s, enum list_stage stage)
{
	s->stage = stage;
	s->rollout = (struct lists_rollout){
		.from = &s->applied[s->first->id],
		.to = &s->target,
		.set = list_set,
		.userdata = s,
	};
	sd_event_source_set_enabled(s->turn, SD_EVENT_ON);
}

static void list_save(struct worker_job *job)
{
	struct list_store *s = container_of(job, struct list_store, job);

	s->error = list_write_state(s, s->saved, &s->fault);
}

/* What has expired stays out: the file says when that was. */
static void list_saved(struct worker_job *job)
{
	struct list_store *s = container_of(job, struct list_store, job);

	if (s->error < 0 && s->first->op != LIST_EXPIRE) {
		list_roll_out(s, LIST_UNDOING);
		return;
	}
	s->error = 0;
	list_finish(s);
}

/* Whether the state file is another one with the change. */
static bool list_is_to_be_saved(const struct list_store *s)
{
	const struct list_change *c = s->first;
	const struct lists_entry *e, *before;

	if (c->op == LIST_LOAD || c->op == LIST_FILES)
		return false;
	for (e = c->list.entries; e < c->list.entries + c->list.count; e++) {
		before = lists_get(&s->requested[c->id], &e->prefix);
		if (e->kept || (before && before->kept))
			return true;
	}
	return c->op == LIST_EXPIRE;
}

static void list_tell_not_applied(struct list_store *s)
{
	size_t allowed = s->applied[LISTS_ALLOW].count, denied = s->applied[LISTS_DENY].count;

	if (s->dp || s->not_applied_told || !(allowed + denied))
		return;
	s->not_applied_told = true;
	s->handler.not_applied(s->handler.userdata, allowed, denied);
}

static void list_rolled_out(struct list_store *s, int r)
{
	struct lists_list *applied = s->applied;

	sd_event_source_set_enabled(s->turn, SD_EVENT_OFF);
	list_swap(&applied[s->first->id], &s->target);
	if (s->dp)
		control_set_listed(s->dp, (applied[LISTS_ALLOW].count ? SG_LISTED_ALLOW : 0) |
						  (applied[LISTS_DENY].count ? SG_LISTED_DENY : 0));
	if (s->stage == LIST_UNDOING) {
		list_finish(s);
		return;
	}
	s->error = r;
	if (r < 0) {
		complain(&s->fault, "the programs did not take the list: %s", strerror(-r));
		list_roll_out(s, LIST_UNDOING);
		return;
	}
	list_tell_not_applied(s);
	if (!list_is_to_be_saved(s)) {
		list_finish(s);
		return;
	}
	s->stage = LIST_SAVING;
	memcpy(s->saved, s->requested, sizeof(s->saved));
	s->saved[s->first->id] = s->fresh;
	worker_add(s->worker, &s->job);
}

static int list_on_turn(sd_event_source *source, void *userdata)
{
	struct list_store *s = userdata;
	int r = lists_rollout_step(&s->rollout, LIST_STORE_SLICE);

	/* where one cannot be put back, the others are all the same */
	if (r < 0 && s->stage == LIST_UNDOING)
		s->rollout.at++;
	else if (r <= 0)
		list_rolled_out(s, r);
	return 0;
}

static int list_make_fresh(struct list_store *s, const struct list_change *c)
{
	int r = c->op == LIST_FILES ? 0 : lists_put(&s->fresh, &s->requested[c->id], &s->fault);

	if (r < 0)
		return r;
	switch (c->op) {
	case LIST_REMOVE:
		return lists_take_out(&s->fresh, &c->list, &s->fault);
	case LIST_EXPIRE:
		lists_expire(&s->fresh, list_store_now());
		return 0;
	default:
		return lists_put(&s->fresh, &c->list, &s->fault);
	}
}

/* Where both have a prefix, what was requested counts. */
static int list_make_target(struct list_store *s, const struct list_change *c)
{
	bool of_files = c->op == LIST_FILES;
	int r = lists_put(&s->target, of_files ? &s->fresh : &s->files[c->id], &s->fault);

	return r < 0 ? r :
		       lists_put(&s->target, of_files ? &s->requested[c->id] : &s->fresh,
				 &s->fault);
}

/* The first of those that wait, where none is being made. */
static void list_next(struct list_store *s)
{
	int r;

	if (s->stage != LIST_IDLE || !s->first)
		return;
	s->fault.text[0] = '\0';
	r = list_make_fresh(s, s->first);
	if (r >= 0)
		r = list_make_target(s, s->first);
	s->error = r;
	if (r < 0)
		list_finish(s);
	else
		list_roll_out(s, LIST_APPLYING);
}

/* Copies the change and takes its list; it is made when those before it have been. -ENOMEM. */
static int list_change(struct list_store *s, struct list_change *change)
{
	struct list_change *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = *change;
	c->next = NULL;
	change->list = (struct lists_list){};
	*s->end = c;
	s->end = &c->next;
	list_next(s);
	return 0;
}

void list_store_settle(struct list_store *s)
{
	while (s->first) {
		if (s->stage != LIST_SAVING)
			list_on_turn(s->turn, s);
		else
			worker_settle(s->worker, LIST_STORE_SETTLE_USEC);
	}
}

int list_store_tick(struct list_store *s, struct complaint *c)
{
	uint64_t now = list_store_now();
	int id, r = 0;
	size_t i;

	for (id = 0; id < LISTS_COUNT && !s->first && r >= 0; id++) {
		struct list_change change = { .op = LIST_EXPIRE, .id = id };
		const struct lists_list *l = &s->requested[id];

		for (i = 0; i < l->count && !lists_has_expired(&l->entries[i], now); i++)
			;
		if (i < l->count)
			r = list_change(s, &change);
	}
	if (r >= 0 && s->failure.text[0]) {
		*c = s->failure;
		r = s->failure_error;
	}
	s->failure.text[0] = '\0';
	return r;
}

/* ---- the files of the settings ------------------------------------------------------------- */

static int list_read_files(struct lists_list *ret, const struct settings_files *files,
			   struct complaint *c)
{
	const struct lists_entry like = { .kept = true };
	size_t i;
	int r = 0;

	for (i = 0; i < files->count && r >= 0; i++) {
		_cleanup_(lists_done) struct lists_list one = {};
		_cleanup_free_ char *text = NULL;

		r = list_read_file(&text, files->items[i], c);
		if (r >= 0)
			r = lists_read(&one, files->items[i], text, &like, c);
		if (r >= 0)
			r = lists_put(ret, &one, c);
	}
	return r;
}

/* Whether there is room for both. */
static int list_try_files(const struct list_store *s, int id, const struct lists_list *files,
			  struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list both = {};
	int r = lists_put(&both, files, c);

	return r < 0 ? r : lists_put(&both, &s->requested[id], c);
}

int list_store_take_files(struct list_store *s, const struct settings *settings,
			  struct complaint *c)
{
	struct list_change changes[LISTS_COUNT] = {
		[LISTS_ALLOW] = { .op = LIST_FILES, .id = LISTS_ALLOW },
		[LISTS_DENY] = { .op = LIST_FILES, .id = LISTS_DENY },
	};
	int r = list_read_files(&changes[LISTS_ALLOW].list, &settings->allow_files, c);
	int id;

	if (r >= 0)
		r = list_read_files(&changes[LISTS_DENY].list, &settings->deny_files, c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++)
		r = list_try_files(s, id, &changes[id].list, c);
	for (id = 0; id < LISTS_COUNT && r >= 0; id++)
		r = list_change(s, &changes[id]);
	for (id = 0; id < LISTS_COUNT; id++)
		lists_done(&changes[id].list);
	return r;
}

/* ---- requests ------------------------------------------------------------------------------ */

static int list_parse_expire(uint64_t *ret, const char *expire, struct complaint *c)
{
	uint64_t ns;

	*ret = 0;
	if (!*expire)
		return 0;
	if (settings_parse_span(expire, &ns) < 0 || ns < 1000000000 ||
	    ns / 1000000000 > LIST_STORE_EXPIRE_MAX_SEC) {
		complain(c,
			 "\"%.40s\" is no time from 1s to 10 years; write it as 30s, 10min or 2h",
			 expire);
		return -EINVAL;
	}
	*ret = list_store_now() + ns / 1000000000;
	return 0;
}

/* Heavy hitters of which clients completed handshakes; all zero: none. */
struct list_clients {
	struct hitters_row *rows[2]; /* sources, and prefixes */
	size_t count[2];
};

static void list_clients_done(struct list_clients *clients)
{
	free(clients->rows[0]);
	free(clients->rows[1]);
}

/* -ENOMEM. */
static int list_find_clients(struct list_clients *ret, struct dataplane *dp)
{
	size_t all, i, n;
	int prefixes;

	for (prefixes = 0; prefixes < 2 && dp; prefixes++) {
		struct hitters_row *rows = calloc(HITTERS_MAX, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		all = hitters_copy(dataplane_heavy_hitters(dp), prefixes, clock_now_ns(), rows);
		for (i = n = 0; i < all; i++)
			if (rows[i].is.completed)
				rows[n++] = rows[i];
		ret->rows[prefixes] = rows;
		ret->count[prefixes] = n;
	}
	return 0;
}

/* A prefix contains the addresses of its sources, so that the higher number includes the other. */
static int list_check_clients(const struct list_clients *clients, const struct addr_prefix *p,
			      struct complaint *c)
{
	uint64_t of_sources = hitters_completed(clients->rows[0], clients->count[0], false, p);
	uint64_t completed = hitters_completed(clients->rows[1], clients->count[1], true, p);

	if (completed < of_sources)
		completed = of_sources;
	if (!completed)
		return 0;
	complain(c,
		 "%s is refused: clients in there completed %" PRIu64 " handshake%s and could not "
		 "connect any more; --force denies it all the same",
		 addr_prefix_text(p).text, completed, completed == 1 ? "" : "s");
	return -EPERM;
}

/* Trap S5: a request that would lock the administrator out, or clients, needs --force. */
static int list_check_lockout(struct list_store *s, const struct lists_list *l,
			      const struct lists_request *q, struct complaint *c)
{
	_cleanup_(list_clients_done) struct list_clients clients = {};
	_cleanup_free_ struct lists_protected *protected = NULL;
	struct lists_protected own = { .what = "an address of this host" };
	size_t count, i;
	int r = lists_read_protected(&protected, &count, q->protected, c);

	if (r >= 0)
		r = list_find_clients(&clients, s->dp);
	for (i = 0; i < l->count && r >= 0; i++) {
		const struct addr_prefix *p = &l->entries[i].prefix;
		const struct lists_list one = { &l->entries[i], 1 };

		r = lists_check_lockout(&one, protected, count, c);
		if (r >= 0 && s->handler.own(s->handler.userdata, &p->addr, p->bits, &own.addr))
			r = lists_check_lockout(&one, &own, 1, c);
		if (r >= 0)
			r = list_check_clients(&clients, p, c);
		if (r == -EPERM && *q->name)
			lists_blame_line(q->name, q->text, p, c);
	}
	return r;
}

/* Fills the change with what is requested, but for op. -errno with *c filled. */
static int list_read_request(struct list_change *ret, const struct lists_request *q,
			     struct complaint *c)
{
	struct lists_entry like = { .kept = !q->runtime };
	int id = lists_find(q->list), r;

	if (id < 0) {
		complain(c, "there is no list \"%.40s\"", q->list);
		return id;
	}
	r = list_parse_expire(&like.expires_at, q->expire, c);
	if (r >= 0)
		r = lists_read(&ret->list, *q->name ? q->name : NULL, q->text, &like, c);
	if (r >= 0 && !ret->list.count) {
		complain(c, "there is no prefix in it");
		return -EINVAL;
	}
	ret->id = id;
	ret->count = ret->list.count;
	ret->done = q->done;
	ret->userdata = q->userdata;
	return r;
}

int list_store_add(void *list_store, const struct lists_request *q, struct complaint *c)
{
	struct list_change change = { .op = LIST_ADD };
	struct list_store *s = list_store;
	int r = list_read_request(&change, q, c);

	if (r >= 0 && change.id == LISTS_DENY && !q->force)
		r = list_check_lockout(s, &change.list, q, c);
	if (r >= 0)
		r = list_change(s, &change);
	lists_done(&change.list);
	return r;
}

int list_store_remove(void *list_store, const struct lists_request *q, struct complaint *c)
{
	struct list_change change = { .op = LIST_REMOVE };
	struct list_store *s = list_store;
	int r = list_read_request(&change, q, c);
	size_t i;

	for (i = 0; i < change.list.count && r >= 0; i++) {
		const struct addr_prefix *p = &change.list.entries[i].prefix;

		if (lists_get(&s->requested[change.id], p) || !lists_get(&s->files[change.id], p))
			continue;
		complain(c, "%s comes from a file; take it out there and reload",
			 addr_prefix_text(p).text);
		r = -ENOENT;
	}
	if (r >= 0)
		r = list_change(s, &change);
	lists_done(&change.list);
	return r;
}

/* ---- views --------------------------------------------------------------------------------- */

static json_t *list_entry_json(const struct lists_entry *e, bool of_file, uint64_t now)
{
	return json_pack("{s:s, s:s, s:o, s:b, s:b}", "prefix", addr_prefix_text(&e->prefix).text,
			 "comment", e->comment, "expires_in_seconds",
			 e->expires_at ?
				 json_integer(e->expires_at > now ? e->expires_at - now : 0) :
				 json_null(),
			 "kept", e->kept, "file", of_file);
}

char *list_store_show(void *list_store, const char *list, uint32_t first)
{
	struct list_store *s = list_store;
	const struct lists_list *requested, *files;
	int id = lists_find(list);
	json_t *root, *entries;
	char *text = NULL;
	size_t all, i;

	if (id < 0)
		return NULL;
	requested = &s->requested[id];
	files = &s->files[id];
	all = requested->count + files->count;
	entries = json_array();
	for (i = first; i < all && i < (size_t)first + LIST_STORE_SHOWN; i++) {
		bool of_file = i >= requested->count;
		const struct lists_entry *e = of_file ? &files->entries[i - requested->count] :
							&requested->entries[i];

		json_array_append_new(entries, list_entry_json(e, of_file, list_store_now()));
	}
	root = json_pack("{s:o, s:o}", "entries", entries, "next",
			 i < all ? json_integer(i) : json_null());
	if (root)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

size_t list_store_count(const struct list_store *s, const char *list)
{
	int id = lists_find(list);

	return id < 0 ? 0 : s->applied[id].count;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Renames the state file to a name that is not taken; the caller frees *ret. -errno. */
static int list_rename_aside(const struct list_store *s, char **ret)
{
	_cleanup_free_ char *aside = NULL;
	unsigned int i;
	int r = -EEXIST;

	for (i = 0; r == -EEXIST; i++) {
		free(TAKE_PTR(aside));
		if (asprintf(&aside, i ? "%s.unreadable.%u" : "%s.unreadable", s->path, i) < 0) {
			aside = NULL;
			return -ENOMEM;
		}
		r = renameat2(AT_FDCWD, s->path, AT_FDCWD, aside, RENAME_NOREPLACE) < 0 ? -errno :
											  0;
	}
	if (r >= 0)
		*ret = TAKE_PTR(aside);
	return r;
}

/* What cannot be read is kept under another name, so that nothing overwrites it. */
static void list_put_aside(struct list_store *s, struct complaint *warning)
{
	const struct complaint why = *warning;
	_cleanup_free_ char *aside = NULL;

	if (list_rename_aside(s, &aside) < 0)
		return;
	list_write_state(s, s->requested, NULL);
	complain(warning,
		 "%.200s; none of its entries is in force. It is kept as %s: what is right in it "
		 "comes back with sed -n 's/^deny [0-9]* //p' FILE | synguard deny import -, and "
		 "likewise for allow",
		 why.text, aside);
}

static void list_load(struct list_store *s, struct complaint *warning)
{
	struct lists_list kept[LISTS_COUNT] = {};
	_cleanup_free_ char *text = NULL;
	int r = list_read_file(&text, s->path, warning);
	int id;

	if (r == -ENOENT) {
		warning->text[0] = '\0';
		return;
	}
	if (r >= 0)
		r = lists_load(kept, s->path, text, list_store_now(), warning);
	for (id = 0; id < LISTS_COUNT; id++) {
		struct list_change change = { .op = LIST_LOAD, .id = id, .list = kept[id] };

		if (list_change(s, &change) < 0)
			lists_done(&kept[id]);
	}
	list_store_settle(s);
	if (r < 0)
		list_put_aside(s, warning);
	if (s->failure.text[0])
		*warning = s->failure;
	s->failure.text[0] = '\0';
}

static int list_store_init(struct list_store *s, sd_event *event, const char *state_dir)
{
	int r;

	s->end = &s->first;
	s->job = (struct worker_job){ .work = list_save, .done = list_saved };
	s->folder = strdup(state_dir);
	if (!s->folder || asprintf(&s->path, "%s/%s", state_dir, LIST_STORE_FILE) < 0) {
		s->path = NULL;
		return -ENOMEM;
	}
	r = worker_new(&s->worker, event);
	if (r >= 0)
		r = sd_event_add_defer(event, &s->turn, list_on_turn, s);
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(s->turn, true);
	return r < 0 ? r : sd_event_source_set_enabled(s->turn, SD_EVENT_OFF);
}

int list_store_new(struct list_store **ret, sd_event *event, struct dataplane *dp,
		   const char *state_dir, const struct list_store_handler *handler,
		   struct complaint *warning)
{
	struct list_store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dp = dp;
	s->handler = *handler;
	r = list_store_init(s, event, state_dir);
	if (r < 0) {
		list_store_free(s);
		return r;
	}
	list_load(s, warning);
	*ret = s;
	return 0;
}

struct list_store *list_store_free(struct list_store *s)
{
	struct list_change *c;
	int id;

	if (!s)
		return NULL;
	for (c = s->first; c; c = c->next)
		c->done = NULL; /* the callers have gone */
	if (s->stage == LIST_SAVING)
		worker_settle(s->worker, LIST_STORE_SETTLE_USEC);
	worker_free(s->worker);
	sd_event_source_disable_unref(s->turn);
	while ((c = s->first)) {
		s->first = c->next;
		lists_done(&c->list);
		free(c);
	}
	for (id = 0; id < LISTS_COUNT; id++) {
		lists_done(&s->requested[id]);
		lists_done(&s->files[id]);
		lists_done(&s->applied[id]);
	}
	lists_done(&s->fresh);
	lists_done(&s->target);
	free(s->folder);
	free(s->path);
	free(s);
	return NULL;
}
