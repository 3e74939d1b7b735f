/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verbs/owners.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#define OWNERS_CGROUPS "/sys/fs/cgroup"

static json_t *owners_find(json_t *listeners, const char *key, json_int_t number)
{
	json_t *l;
	size_t i;

	json_array_foreach(listeners, i, l)
		if (json_integer_value(json_object_get(l, key)) == number)
			return l;
	return NULL;
}

/* ---- processes ----------------------------------------------------------------------------- */

static void owners_name(json_t *listener, const char *pid)
{
	char path[64], name[64] = "";
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, sizeof(name), file))
		return;
	name[strcspn(name, "\n")] = '\0';
	json_object_set_new(listener, "pid", json_integer(atoll(pid)));
	json_object_set_new(listener, "process", json_string(name));
}

/* The first process that is found, where several have it open. */
static void owners_of_process(json_t *listeners, const char *pid)
{
	char path[64], target[64];
	const struct dirent *entry;
	json_t *listener;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:[", 8))
			continue;
		listener = owners_find(listeners, "inode", atoll(target + 8));
		if (listener && json_is_null(json_object_get(listener, "pid")))
			owners_name(listener, pid);
	}
	if (dir)
		closedir(dir);
}

static void owners_processes(json_t *listeners)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			owners_of_process(listeners, entry->d_name);
	if (dir)
		closedir(dir);
}

/* ---- units --------------------------------------------------------------------------------- */

const char *owners_unit(char *path)
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
	unit = path ? owners_unit(path) : NULL;
	json_array_foreach(listeners, i, l)
		if (unit && json_integer_value(json_object_get(l, "cgroup_id")) ==
				    (json_int_t)entry->fts_statp->st_ino)
			json_object_set_new(l, "unit", json_string(unit));
}

/* The number of a control group is the inode of its directory. */
static void owners_units(json_t *listeners)
{
	char root[] = OWNERS_CGROUPS;
	char *const roots[] = { root, NULL };
	const FTSENT *entry;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info == FTS_D)
			owners_of_cgroup(listeners, entry);
	if (tree)
		fts_close(tree);
}

void owners_add(json_t *listeners)
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
