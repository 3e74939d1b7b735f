/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the toll of a daemon from /proc. See toll.h.
 */
#include "toll.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "tests/lab/lab.h"

#define MAPS_MAX 256

static void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

int toll_cpu_ns(pid_t pid, uint64_t *ret)
{
	_cleanup_(cleanup_closedir) DIR *tasks = NULL;
	struct dirent *entry;
	uint64_t sum = 0, ns;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return -errno;
	while ((entry = readdir(tasks)))
		if (atoi(entry->d_name) > 0 && lab_task_cpu_ns(atoi(entry->d_name), &ns) == 0)
			sum += ns;
	*ret = sum;
	return 0;
}

int toll_process_ns(pid_t pid, uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long user, system;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
		   &system) != 2)
		return -EIO;
	*ret = (user + system) * (1000000000 / sysconf(_SC_CLK_TCK));
	return 0;
}

/* The number behind @label in the lines of a file of /proc; false where there is none. */
static bool labelled(FILE *f, const char *label, unsigned long long *ret)
{
	char line[256];

	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, label, strlen(label)))
			return sscanf(line + strlen(label), "%llu", ret) == 1;
	return false;
}

int toll_rss_bytes(pid_t pid, uint64_t *ret_all, uint64_t *ret_anon)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long all, anon;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!labelled(f, "VmRSS:", &all) || !labelled(f, "RssAnon:", &anon))
		return -EIO;
	*ret_all = all * 1024;
	*ret_anon = anon * 1024;
	return 0;
}

static bool seen(unsigned long long *ids, size_t *count, unsigned long long id)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (ids[i] == id)
			return true;
	if (*count < MAPS_MAX)
		ids[(*count)++] = id;
	return false;
}

int toll_map_bytes(pid_t pid, uint64_t *ret)
{
	_cleanup_(cleanup_closedir) DIR *fds = NULL;
	unsigned long long ids[MAPS_MAX], id, bytes;
	struct dirent *entry;
	uint64_t sum = 0;
	size_t count = 0;
	char path[320];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	fds = opendir(path);
	if (!fds)
		return -errno;
	while ((entry = readdir(fds))) {
		_cleanup_fclose_ FILE *f = NULL;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, entry->d_name);
		f = fopen(path, "re");
		if (f && labelled(f, "map_id:", &id) && labelled(f, "memlock:", &bytes) &&
		    !seen(ids, &count, id))
			sum += bytes;
	}
	if (!count)
		return -ENOENT;
	*ret = sum;
	return 0;
}
