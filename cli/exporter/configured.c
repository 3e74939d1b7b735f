/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exporter/configured.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#define CONFIGURED_PROGRAM "synguard-config"

/* Where it is, as seen from this one: installed, and in a build tree. */
static const char *const configured_places[] = { ".", "../../daemon" };

static int configured_path(char path[PATH_MAX])
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;
	size_t i;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	folder = dirname(self);
	for (i = 0; i < ARRAY_SIZE(configured_places); i++) {
		snprintf(path, PATH_MAX, "%s/%s/" CONFIGURED_PROGRAM, folder, configured_places[i]);
		if (!access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}

/* Its first line, without the end of it. */
static int configured_read(int fd, char *ret, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(fd, ret + used, size - 1 - used)) > 0)
		used += n;
	ret[used] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return *ret ? 0 : -ENODATA;
}

static int configured_spawn(const char *path, char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!r)
		r = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int configured_listen(const char *file, char *ret, size_t size)
{
	char path[PATH_MAX];
	char *argv[] = { path, "get", "Exporter.Listen", (char *)file, NULL };
	_cleanup_close_ int from = -EBADF, to = -EBADF;
	int fds[2], r;
	pid_t pid;

	r = configured_path(path);
	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from = fds[0];
	to = fds[1];
	r = configured_spawn(path, argv, to, &pid);
	if (r < 0)
		return r;
	to = close_fd(to);
	r = configured_read(from, ret, size);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
