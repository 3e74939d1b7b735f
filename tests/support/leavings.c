/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _XOPEN_SOURCE 700 /* nftw() */
#include "leavings.h"

#include <err.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEAVINGS_MAX	    1024
#define LEAVINGS_PATH_BYTES 96

/* Shared with the processes that run the tests. */
static struct leavings {
	unsigned int count;
	char paths[LEAVINGS_MAX][LEAVINGS_PATH_BYTES];
} * leavings;

void leavings_watch(void)
{
	leavings = mmap(NULL, sizeof(*leavings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (leavings == MAP_FAILED)
		err(1, "mmap");
}

static void leavings_note(const char *path)
{
	unsigned int i;

	if (!leavings || *path != '/' || strlen(path) >= LEAVINGS_PATH_BYTES)
		return;
	i = __atomic_fetch_add(&leavings->count, 1, __ATOMIC_RELAXED);
	if (i < LEAVINGS_MAX)
		strcpy(leavings->paths[i], path);
}

char *__real_mkdtemp(char *template);
char *__wrap_mkdtemp(char *template);
char *__wrap_mkdtemp(char *template)
{
	char *path = __real_mkdtemp(template);

	if (path)
		leavings_note(path);
	return path;
}

/* which mkstemp() is where files have 64-bit offsets, as meson has them */
int __real_mkstemp64(char *template);
int __wrap_mkstemp64(char *template);
int __wrap_mkstemp64(char *template)
{
	int fd = __real_mkstemp64(template);

	if (fd >= 0)
		leavings_note(template);
	return fd;
}

static int leavings_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

int leavings_remove(void)
{
	unsigned int i, count = leavings->count < LEAVINGS_MAX ? leavings->count : LEAVINGS_MAX;
	int left = 0;

	for (i = 0; i < count; i++) {
		if (access(leavings->paths[i], F_OK))
			continue;
		left++;
		printf("# left behind: %s\n", leavings->paths[i]);
		/* what is mounted there is not ours to remove */
		nftw(leavings->paths[i], leavings_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
	munmap(leavings, sizeof(*leavings));
	leavings = NULL;
	return left;
}
