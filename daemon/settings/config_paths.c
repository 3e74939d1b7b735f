/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/config_paths.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATHS_SUFFIX ".conf"

static const char *const paths_folders[] = {
	"/etc/synguard",
	"/run/synguard",
	"/usr/lib/synguard",
	NULL,
};

/* Of any other error, such as a folder that may not be entered, reading will tell. */
static bool paths_is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

bool config_paths_exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st) || !paths_is_absence(errno);
}

static char *paths_join(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int paths_add_main(struct config_paths *p, const char *const *folders)
{
	for (; *folders; folders++) {
		_cleanup_free_ char *path = paths_join(*folders, CONFIG_PATHS_FILE);

		if (!path)
			return -ENOMEM;
		if (config_paths_exists(path)) {
			p->of[p->count++].path = TAKE_PTR(path);
			return 0;
		}
	}
	return 0;
}

static bool paths_is_drop_in(const char *name)
{
	size_t length = strlen(name), suffix = strlen(PATHS_SUFFIX);

	/* hidden ones are an editor's or a package manager's */
	return name[0] != '.' && length > suffix && !strcmp(name + length - suffix, PATHS_SUFFIX);
}

static int paths_add_drop_in(struct config_paths *p, const char *folder, const char *name)
{
	struct config_path *entry = &p->of[p->count];
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->of[i].name && !strcmp(p->of[i].name, name))
			return 0;
	/* a place is kept for the main file, there or not */
	if (p->count == CONFIG_PATHS_MAX) {
		p->too_many = true;
		return 0;
	}
	entry->name = strdup(name);
	entry->path = paths_join(folder, name);
	p->count++; /* also where memory was missing, so that all of it is freed */
	return entry->name && entry->path ? 0 : -ENOMEM;
}

static int paths_add_drop_ins(struct config_paths *p, const char *folder)
{
	_cleanup_free_ char *path = paths_join(folder, CONFIG_PATHS_DROP_INS);
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	if (!path)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir && !paths_is_absence(errno) && !p->closed) {
		p->error = errno;
		p->closed = TAKE_PTR(path);
	}
	if (!dir)
		return 0;
	while (r >= 0 && (entry = readdir(dir)))
		if (paths_is_drop_in(entry->d_name))
			r = paths_add_drop_in(p, path, entry->d_name);
	closedir(dir);
	return r;
}

/* The main file first, whatever the others are called. */
static int paths_by_name(const void *a, const void *b)
{
	const char *x = ((const struct config_path *)a)->name;
	const char *y = ((const struct config_path *)b)->name;

	return x && y ? strcmp(x, y) : !!x - !!y;
}

int config_paths_new(struct config_paths **ret, const char *const *folders)
{
	_cleanup_(config_paths_free_at) struct config_paths *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	folders = folders ?: paths_folders;
	r = paths_add_main(p, folders);
	for (; r >= 0 && *folders; folders++)
		r = paths_add_drop_ins(p, *folders);
	if (r < 0)
		return r;
	qsort(p->of, p->count, sizeof(*p->of), paths_by_name);
	*ret = TAKE_PTR(p);
	return 0;
}

struct config_paths *config_paths_free(struct config_paths *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->count; i++) {
		free(p->of[i].name);
		free(p->of[i].path);
	}
	free(p->closed);
	free(p);
	return NULL;
}
