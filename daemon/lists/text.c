/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists as text: what a person or a file says, and what the daemon saves for its next start. */
#include "daemon/lists/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/file.h"
#include "daemon/base/text.h"

#define LISTS_BLANKS " \t\r"

/*
 * The first line of what is saved; another form will have another number. What a daemon before 0.2
 * has saved has no sum.
 */
#define LISTS_HEAD     "synguard lists 2\n"
#define LISTS_OLD_HEAD "synguard lists 1\n"

/* ---- text ---------------------------------------------------------------------------------- */

int lists_parse_prefix(struct addr_prefix *ret, const char *word, struct complaint *c)
{
	return addr_prefix_parse_strict(ret, word, word,
					"192.0.2.0/24 or 2001:db8::1, without names and ports", c);
}

/* Cuts the next line off. NULL: there is none. */
static char *lists_next_line(char **rest)
{
	char *line = *rest;

	if (!line || !*line)
		return NULL;
	line = strsep(rest, "\n");
	line += strspn(line, LISTS_BLANKS);
	return line;
}

/* Ends the text before its last blank. */
static void lists_trim(char *text)
{
	size_t n = strlen(text);

	while (n && strchr(LISTS_BLANKS, text[n - 1]))
		text[--n] = '\0';
}

/* Takes the comment off the line and into the entry. */
static int lists_take_comment(struct lists_entry *e, char *line, struct complaint *c)
{
	char *hash = strchr(line, '#');

	if (!hash)
		return 0;
	*hash++ = '\0';
	hash += strspn(hash, LISTS_BLANKS);
	lists_trim(hash);
	if (strlen(hash) >= sizeof(e->comment) || !text_is_plain(hash, "")) {
		complain(c, "a comment has %zu bytes at most, and no control characters",
			 sizeof(e->comment) - 1);
		return -EINVAL;
	}
	strcpy(e->comment, hash);
	return 0;
}

/* 1: an entry; 0: the line has none. */
static int lists_read_line(struct lists_entry *e, char *line, struct complaint *c)
{
	bool only_comment = *line == '#';
	int r = only_comment ? 0 : lists_take_comment(e, line, c);

	if (r < 0)
		return r;
	lists_trim(line);
	if (only_comment || !*line)
		return 0;
	r = lists_parse_prefix(&e->prefix, line, c);
	return r < 0 ? r : 1;
}

static int lists_wrong_line(const char *name, unsigned int line, const struct complaint *why,
			    int error, struct complaint *c)
{
	if (name)
		complain(c, "%.200s:%u: %.280s", name, line, why->text);
	else
		complain(c, "%s", why->text);
	return error;
}

int lists_read(struct lists_list *ret, const char *name, const char *text,
	       const struct lists_entry *like, struct complaint *c)
{
	_cleanup_(lists_done) struct lists_list l = {};
	_cleanup_free_ char *copy = strdup(text);
	struct lists_list all = {};
	char *rest = copy, *line;
	struct complaint why = {};
	unsigned int number = 0;
	struct lists_entry e;
	size_t room = 0;
	int r;

	if (!copy)
		return -ENOMEM;
	while ((line = lists_next_line(&rest))) {
		number++;
		e = *like;
		r = lists_read_line(&e, line, &why);
		if (r > 0)
			r = lists_append(&l, &room, &e, &why);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			return lists_wrong_line(name, number, &why, r, c);
	}
	lists_tidy(&l);
	r = lists_put(&all, &l, c); /* which checks its size */
	if (r >= 0)
		*ret = all;
	return r;
}

void lists_blame_line(const char *name, const char *text, const struct addr_prefix *p,
		      struct complaint *c)
{
	_cleanup_free_ char *copy = strdup(text);
	struct complaint why = *c, ignored = {};
	struct lists_entry e = {};
	unsigned int number = 0;
	char *rest = copy, *line;

	while ((line = lists_next_line(&rest))) {
		number++;
		if (lists_read_line(&e, line, &ignored) <= 0 || e.prefix.bits != p->bits ||
		    memcmp(&e.prefix.addr, &p->addr, sizeof(p->addr)) != 0)
			continue;
		lists_wrong_line(name, number, &why, 0, c);
		return;
	}
}

int lists_read_protected(struct lists_protected **ret, size_t *count, const char *text,
			 struct complaint *c)
{
	_cleanup_free_ struct lists_protected *all = NULL;
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line, *what;
	struct lists_protected *more;
	size_t n = 0;

	if (!copy)
		return -ENOMEM;
	while ((line = lists_next_line(&rest))) {
		more = reallocarray(all, n + 1, sizeof(*all));
		if (!more)
			return -ENOMEM;
		all = more;
		what = line;
		line = strsep(&what, " ");
		if (!what || addr_parse(&all[n].addr, line) < 0) {
			complain(c, "\"%.60s\" is no address to protect", line);
			return -EINVAL;
		}
		snprintf(all[n++].what, sizeof(all->what), "%s", what);
	}
	*ret = TAKE_PTR(all);
	*count = n;
	return 0;
}

/* ---- saving -------------------------------------------------------------------------------- */

/* A line: "deny 1764000000 192.0.2.0/24 # comment"; the time is 0 where it does not expire. */
static void lists_save_entry(FILE *f, enum lists_id id, const struct lists_entry *e)
{
	fprintf(f, "%s %llu %s%s%s\n", lists_name(id), (unsigned long long)e->expires_at,
		addr_prefix_text(&e->prefix).text, e->comment[0] ? " # " : "", e->comment);
}

char *lists_save(const struct lists_list lists[LISTS_COUNT])
{
	char *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);
	int id;

	if (!f)
		return NULL;
	fputs(LISTS_HEAD, f);
	for (id = 0; id < LISTS_COUNT; id++)
		for (i = 0; i < lists[id].count; i++)
			if (lists[id].entries[i].kept)
				lists_save_entry(f, id, &lists[id].entries[i]);
	if (file_seal(f, &text, &size) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int lists_load_line(struct lists_list lists[LISTS_COUNT], size_t rooms[LISTS_COUNT],
			   char *line, uint64_t now, struct complaint *c)
{
	struct lists_entry e = { .kept = true };
	unsigned long long expires_at;
	char name[8];
	int id, at = 0, r;

	if (!*line)
		return 0;
	if (sscanf(line, "%7s %20llu %n", name, &expires_at, &at) != 2 || !at ||
	    (id = lists_find(name)) < 0) {
		complain(c, "\"%.60s\" is no line of a list", line);
		return -EINVAL;
	}
	e.expires_at = expires_at;
	r = lists_read_line(&e, line + at, c);
	if (r <= 0 || lists_has_expired(&e, now))
		return r;
	return lists_append(&lists[id], &rooms[id], &e, c);
}

/* The lines behind the first one. -EINVAL with *c filled, -ENOMEM. */
static int lists_load_lines(struct lists_list lists[LISTS_COUNT], const char *name, char *lines,
			    uint64_t now, struct complaint *c)
{
	size_t rooms[LISTS_COUNT] = {};
	struct complaint why = {};
	unsigned int number = 1;
	char *line;
	int r = 0;

	while (r >= 0 && (line = lists_next_line(&lines))) {
		number++;
		r = lists_load_line(lists, rooms, line, now, &why);
	}
	if (r < 0 && r != -ENOMEM)
		return lists_wrong_line(name, number, &why, r, c);
	return r < 0 ? r : 0;
}

int lists_load(struct lists_list lists[LISTS_COUNT], const char *name, const char *text,
	       uint64_t now, struct complaint *c)
{
	_cleanup_free_ char *copy = strdup(text);
	bool is_sealed = !strncmp(text, LISTS_HEAD, strlen(LISTS_HEAD));
	int r, id;

	if (!copy)
		return -ENOMEM;
	if (!is_sealed && strncmp(text, LISTS_OLD_HEAD, strlen(LISTS_OLD_HEAD)) != 0) {
		complain(c, "%.200s: this is not what synguardd " SG_VERSION " writes", name);
		return -EINVAL;
	}
	if (is_sealed && !file_unseal(copy)) {
		complain(c, "%.200s: it was cut, or changed, after synguardd wrote it", name);
		return -EINVAL;
	}
	r = lists_load_lines(lists, name, strchr(copy, '\n') + 1, now, c);
	for (id = 0; id < LISTS_COUNT; id++) {
		if (r < 0)
			lists_done(&lists[id]);
		lists_tidy(&lists[id]);
		/* what the programs have no room for was put there by somebody else */
		if (lists[id].count > SG_LISTED_MAX)
			lists[id].count = SG_LISTED_MAX;
	}
	return r;
}
