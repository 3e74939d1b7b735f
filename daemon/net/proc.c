/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/proc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static DIR *proc_close(DIR *dir)
{
	if (dir)
		closedir(dir);
	return NULL;
}

void proc_walk_end(struct proc_walk *w)
{
	w->files = proc_close(w->files);
	w->processes = proc_close(w->processes);
}

static DIR *proc_open_files(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	return opendir(path);
}

/* The inode of the socket that the entry leads to, or 0. */
static uint64_t proc_socket_inode(DIR *files, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(dirfd(files), name, target, sizeof(target) - 1);
	unsigned long long inode;

	if (n < 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

int proc_walk_step(struct proc_walk *w)
{
	const struct dirent *entry;

	w->inode = 0;
	if (!w->processes)
		w->processes = opendir("/proc");
	if (!w->processes)
		return -errno;
	if (w->files) {
		entry = readdir(w->files);
		if (entry) {
			w->fd = atoi(entry->d_name);
			w->inode = proc_socket_inode(w->files, entry->d_name);
		} else {
			w->files = proc_close(w->files);
		}
		return 1;
	}
	entry = readdir(w->processes);
	if (!entry) {
		w->processes = proc_close(w->processes);
		return 0;
	}
	if (isdigit((unsigned char)entry->d_name[0])) {
		w->pid = atoi(entry->d_name);
		w->files = proc_open_files(w->pid); /* it may have ended */
	}
	return 1;
}

int proc_find_fd(uint32_t pid, uint64_t inode)
{
	DIR *files = proc_open_files(pid);
	const struct dirent *entry;
	int number = -ESRCH;

	if (!files)
		return errno == ENOENT ? -ESRCH : -errno;
	while (number < 0 && (entry = readdir(files)))
		if (proc_socket_inode(files, entry->d_name) == inode)
			number = atoi(entry->d_name);
	closedir(files);
	return number;
}
