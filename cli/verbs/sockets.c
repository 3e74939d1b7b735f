/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard listeners, halfopen, states, sources: views of the host's sockets. */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/json.h"
#include "cli/base/kernel_view.h"
#include "cli/base/screen.h"
#include "cli/print/views.h"
#include "cli/verbs/verbs.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/net/netstat.h"
#include "daemon/net/proc.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/* ---- owners -------------------------------------------------------------------------------- */

/*
 * Whose a listener is: the process that has it open, as far as the caller may see it, and the systemd
 * unit in whose control group it was made.
 */
static json_t *owners_find(json_t *listeners, const char *key, json_int_t number)
{
	json_t *l;
	size_t i;

	json_array_foreach(listeners, i, l)
		if (get_number(l, key) == number)
			return l;
	return NULL;
}

/* The first process that is found, where several have the socket open. */
static void owners_processes(json_t *listeners)
{
	struct proc_walk w = {};
	json_t *listener;

	while (proc_walk_step(&w) > 0) {
		_cleanup_free_ char *name = NULL;
		char path[64];

		listener = w.inode ? owners_find(listeners, "inode", w.inode) : NULL;
		if (!listener || !json_is_null(json_object_get(listener, "pid")))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/comm", w.pid);
		if (file_read(path, 0, 64, &name, NULL) < 0)
			continue;
		name[strcspn(name, "\n")] = '\0';
		json_object_set_new(listener, "pid", json_integer(w.pid));
		json_object_set_new(listener, "process", json_string(name));
	}
	proc_walk_end(&w);
}

const char *unit_of_cgroup(char *path)
{
	static const char *const kinds[] = { ".service", ".scope", ".socket" };
	char *name;
	size_t i;

	while ((name = strrchr(path, '/'))) {
		const char *dot = strrchr(name, '.');

		for (i = 0; dot && i < ARRAY_SIZE(kinds); i++)
			if (!strcmp(dot, kinds[i]))
				return name + 1;
		*name = '\0';
	}
	return NULL;
}

static void owners_of_cgroup(json_t *listeners, const FTSENT *entry)
{
	_cleanup_free_ char *path = NULL;
	const char *unit;
	json_t *l;
	size_t i;

	if (!owners_find(listeners, "cgroup_id", entry->fts_statp->st_ino))
		return;
	path = strdup(entry->fts_path);
	unit = path ? unit_of_cgroup(path) : NULL;
	json_array_foreach(listeners, i, l)
		if (unit && get_number(l, "cgroup_id") == (json_int_t)entry->fts_statp->st_ino)
			json_object_set_new(l, "unit", json_string(unit));
}

/* The number of a control group is the inode of its directory. */
static void owners_units(json_t *listeners)
{
	char root[] = "/sys/fs/cgroup";
	char *const roots[] = { root, NULL };
	const FTSENT *entry;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info == FTS_D)
			owners_of_cgroup(listeners, entry);
	if (tree)
		fts_close(tree);
}

/* Sets pid, process and unit of each listener, null where they are not known, and removes the numbers
 * that they were found by. */
static void add_owners(json_t *listeners)
{
	json_t *l;
	size_t i;

	json_array_foreach(listeners, i, l) {
		json_object_set_new(l, "pid", json_null());
		json_object_set_new(l, "process", json_null());
		json_object_set_new(l, "unit", json_null());
	}
	owners_processes(listeners);
	owners_units(listeners);
	json_array_foreach(listeners, i, l) {
		json_object_del(l, "inode");
		json_object_del(l, "cgroup_id");
	}
}

/* ---- counters ------------------------------------------------------------------------------ */

/* Beside exact figures per listener, what the kernel has counted for all of them. */
static void print_counters(const struct screen *s)
{
	struct kernel_view view = {};
	bool any = false;
	int i;

	kernel_view_netstat(&view, NETSTAT_PATH);
	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++) {
		if (!view.counted[i] || !view.counters[i])
			continue;
		if (!any)
			fputs("\nThe kernel's own counters, of all listeners since boot:\n", s->to);
		any = true;
		screen_wrap(s, 2, "%s %s: %s", kernel_view_rows[i].name,
			    screen_number(s, view.counters[i]).text, kernel_view_rows[i].help);
	}
	if (any)
		screen_wrap(
			s, 0,
			"They do not tell which listener, and a SYN that synguard answers moves "
			"none of them.");
}

/* ---- verbs --------------------------------------------------------------------------------- */

int verb_listeners(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *listeners = NULL, *promised = NULL;
	int r = client_call(cli->runtime_dir, &listeners, "Listeners", NULL);

	if (r != SG_EXIT_OK)
		return r;
	add_owners(listeners);
	view_sort_listeners(listeners);
	if (cli->json)
		return print_json(promised = view_promised_listeners(listeners));
	r = view_print_listeners(listeners, &screen);
	if (r == SG_EXIT_OK)
		print_counters(&screen);
	return r;
}

int verb_halfopen(const struct cli *cli, int argc, char **argv)
{
	const char *by = cli_option(cli, "by") ?: "source", *port = cli_option(cli, "port");
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *root = NULL;
	uint64_t number = 0;
	int r;

	if (port && text_decimal(port, 1, 65535, &number) < 0)
		return args_wrong(cli->verb, "\"%s\" is no port; there are 1 to 65535", port);
	if (strcmp(by, "source") && strcmp(by, "prefix") && strcmp(by, "listener") &&
	    strcmp(by, "none"))
		return args_wrong(cli->verb,
				  "\"%s\" is nothing to group by; there are source, prefix, "
				  "listener and none",
				  by);
	r = client_call(cli->runtime_dir, cli->json ? NULL : &root, "HalfOpen", "sq", by,
			(int)number);
	if (r != SG_EXIT_OK || cli->json)
		return r;
	return view_print_halfopen(root, !strcmp(by, "listener"), &screen);
}

int verb_states(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *root = NULL;
	int r = client_call(cli->runtime_dir, cli->json ? NULL : &root, "States", NULL);

	return r != SG_EXIT_OK || cli->json ? r : view_print_states(root, &screen);
}

/* Rows that fit on a screen; --json and --wide have all. */
#define SOURCES_TOP 20

int verb_sources(const struct cli *cli, int argc, char **argv)
{
	int by_prefix = cli_option(cli, "prefix") != NULL;
	const char *top = cli_option(cli, "top");
	struct screen screen = screen_of(stdout, cli->wide);
	uint64_t rows = cli->json || cli->wide ? 0 : SOURCES_TOP;
	json_auto_t *root = NULL;
	int r;

	if (top && text_decimal(top, 1, 1000000, &rows) < 0)
		return args_wrong(cli->verb, "\"%s\" is no number of rows; there are 1 to 1000000",
				  top);
	r = client_call(cli->runtime_dir, cli->json ? NULL : &root, "Sources", "bu", by_prefix,
			(uint32_t)rows);
	return r != SG_EXIT_OK || cli->json ? r : view_print_sources(root, &screen);
}
