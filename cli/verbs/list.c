/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard allow|deny add|del|list|import: the lists of sources. One file for both verbs, which
 * differ by the list that they are about. The daemon reads prefixes, and says what is wrong.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/screen.h"
#include "cli/base/verb.h"
#include "cli/print/table.h"
#include "cli/verbs/lockout.h"

/* What fits into a message to the daemon, with what goes with it. */
#define LIST_TEXT_MAX 60000

static const struct table_column list_columns[] = {
	{ "PREFIX" }, { "EXPIRES", .right = true }, { "FROM" }, { "COMMENT", .cut = 12, .rank = 1 },
	{},
};

/* ---- showing ------------------------------------------------------------------------------- */

static const char *list_origin(const json_t *e)
{
	if (json_is_true(json_object_get(e, "file")))
		return "file";
	return json_is_true(json_object_get(e, "kept")) ? "command" : "runtime";
}

static void list_expires(struct table *t, const json_t *seconds)
{
	json_int_t s = json_integer_value(seconds);

	if (!json_is_integer(seconds))
		table_cell(t, "-");
	else if (s < 120)
		table_cell(t, "%" JSON_INTEGER_FORMAT "s", s);
	else if (s < 7200)
		table_cell(t, "%" JSON_INTEGER_FORMAT "min", s / 60);
	else if (s < 172800)
		table_cell(t, "%" JSON_INTEGER_FORMAT "h", s / 3600);
	else
		table_cell(t, "%" JSON_INTEGER_FORMAT "d", s / 86400);
}

static int list_print(const struct cli *cli, const json_t *entries)
{
	struct screen screen = screen_of(stdout, cli->wide);
	struct table *t;
	const json_t *e;
	size_t i;
	int r;

	if (cli->json) {
		json_dumpf(entries, stdout, JSON_INDENT(2));
		putchar('\n');
		return SG_EXIT_OK;
	}
	if (!json_array_size(entries)) {
		puts("the list is empty");
		return SG_EXIT_OK;
	}
	t = table_new(list_columns);
	json_array_foreach(entries, i, e) {
		table_cell(t, "%s", json_string_value(json_object_get(e, "prefix")));
		list_expires(t, json_object_get(e, "expires_in_seconds"));
		table_cell(t, "%s", list_origin(e));
		table_cell(t, "%s", json_string_value(json_object_get(e, "comment")));
	}
	r = t ? table_print(t, &screen) : -ENOMEM;
	table_free(t);
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

static int list_show(const struct cli *cli)
{
	json_t *entries = NULL;
	int r = client_list_show(cli->runtime_dir, cli->verb->name, &entries);

	if (r == SG_EXIT_OK)
		r = list_print(cli, entries);
	json_decref(entries);
	return r;
}

/* ---- changing ------------------------------------------------------------------------------ */

static int list_changed(const struct cli *cli, const char *word, uint32_t count)
{
	if (cli->json)
		printf("{\"%s\": %" PRIu32 "}\n", word, count); /* one of two words */
	else
		printf("%" PRIu32 " prefix%s %s\n", count, count == 1 ? "" : "es", word);
	return SG_EXIT_OK;
}

/* The prefixes as lines; NULL, said on stderr: one of them would be more than that. */
static char *list_lines(const struct cli *cli, char **prefixes)
{
	const char *comment = cli_option(cli, "comment");
	char *text = NULL;
	size_t size;
	FILE *f;

	for (char **p = prefixes; *p; p++)
		if (strpbrk(*p, "#\n") || !**p) {
			arguments_wrong(cli->verb, "\"%s\" is no prefix", *p);
			return NULL;
		}
	if (comment && strchr(comment, '\n')) {
		arguments_wrong(cli->verb, "a comment is one line");
		return NULL;
	}
	f = open_memstream(&text, &size);
	for (; f && *prefixes; prefixes++)
		fprintf(f, comment ? "%s # %s\n" : "%s\n", *prefixes, comment);
	if (f && fclose(f)) {
		free(text);
		text = NULL;
	}
	return text;
}

static int list_send(const struct cli *cli, const char *lines, const char *name)
{
	_cleanup_free_ char *spared = NULL;
	struct client_list_add q = {
		.list = cli->verb->name,
		.lines = lines,
		.name = name,
		.expire = cli_option(cli, "expire") ?: "",
		.spared = "",
		.runtime = cli_option(cli, "runtime"),
		.force = cli_option(cli, "force"),
	};
	uint32_t count;
	int r;

	/* an empty variable in somebody's script does not mean for ever */
	if (cli_option(cli, "expire") && !*q.expire)
		return arguments_wrong(cli->verb, "\"\" is no time; there are 30s, 10min, 2h, 7d");
	if (strlen(lines) > LIST_TEXT_MAX) {
		fprintf(stderr,
			"synguard: more than %d bytes at once; name a longer list with AllowFile= "
			"or DenyFile= in synguard.conf, and reload\n",
			LIST_TEXT_MAX);
		return SG_EXIT_FAILED;
	}
	if (!strcmp(q.list, "deny") && !q.force)
		q.spared = spared = lockout_lines();
	if (!q.spared)
		return SG_EXIT_FAILED;
	r = client_list_add(cli->runtime_dir, &q, &count);
	return r == SG_EXIT_OK ? list_changed(cli, "added", count) : r;
}

static int list_import(const struct cli *cli, const char *name)
{
	bool from_stdin = !strcmp(name, "-");
	_cleanup_free_ char *text = malloc(LIST_TEXT_MAX + 2);
	_cleanup_fclose_ FILE *f = from_stdin ? NULL : fopen(name, "re");
	size_t n;

	if (!text)
		return SG_EXIT_FAILED;
	if (!from_stdin && !f) {
		fprintf(stderr, "synguard: %s: %s\n", name, strerror(errno));
		return SG_EXIT_FAILED;
	}
	n = fread(text, 1, LIST_TEXT_MAX + 1, f ?: stdin);
	text[n] = '\0';
	if (ferror(f ?: stdin) || strlen(text) != n) {
		fprintf(stderr, "synguard: %s: this is no text\n", from_stdin ? "stdin" : name);
		return SG_EXIT_FAILED;
	}
	return list_send(cli, text, from_stdin ? "stdin" : name);
}

static int list_change(const struct cli *cli, bool add, char **prefixes)
{
	_cleanup_free_ char *lines = list_lines(cli, prefixes);
	uint32_t count;
	int r;

	if (!lines)
		return SG_EXIT_USAGE;
	if (add)
		return list_send(cli, lines, "");
	r = client_list_remove(cli->runtime_dir, cli->verb->name, lines, &count);
	return r == SG_EXIT_OK ? list_changed(cli, "removed", count) : r;
}

int verb_list(const struct cli *cli, int argc, char **argv)
{
	const char *action = argv[1];

	if (!strcmp(action, "list"))
		return argc == 2 ? list_show(cli) :
				   arguments_wrong(cli->verb, "\"list\" takes no argument");
	if (!strcmp(action, "import"))
		return argc == 3 ? list_import(cli, argv[2]) :
				   arguments_wrong(cli->verb, "\"import\" needs - or a file");
	if (strcmp(action, "add") && strcmp(action, "del"))
		return arguments_wrong(cli->verb,
				       "there is no \"%s\"; there are add, del, list and import",
				       action);
	if (argc == 2)
		return arguments_wrong(cli->verb, "\"%s\" needs a prefix", action);
	return list_change(cli, !strcmp(action, "add"), argv + 2);
}
