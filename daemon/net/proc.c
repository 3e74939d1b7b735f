/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/proc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Steps between two readings of the clock. */
#define SOCKET_OWNER_STRIDE 64

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

int socket_owner_seek(struct proc_walk *w, uint64_t limit_ns, struct socket_owner_wanted *wanted,
		      size_t count)
{
	uint64_t until_ns = clock_now_ns() + limit_ns;
	size_t i, steps;
	int more;

	for (steps = 1; (more = proc_walk_step(w)) > 0; steps++) {
		for (i = 0; w->inode && i < count; i++)
			if (wanted[i].inode == w->inode && !wanted[i].pid)
				wanted[i].pid = w->pid;
		if (steps % SOCKET_OWNER_STRIDE == 0 && clock_now_ns() > until_ns)
			return 0;
	}
	return more < 0 ? more : 1;
}

/* ---- listen -------------------------------------------------------------------------------- */

/* The number of the descriptor by which the process has the socket open. -ESRCH: it has not. */
static int proc_find_fd(uint32_t pid, uint64_t inode)
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

static int socket_owner_copy(uint32_t pid, uint64_t inode)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int number, fd;

	if (pidfd < 0)
		return -errno;
	number = proc_find_fd(pid, inode);
	if (number < 0)
		return number;
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0)
		return errno == EBADF ? -ESRCH : -errno;
	return fd;
}

static int socket_owner_option(int fd, int option, void *ret, socklen_t size)
{
	return getsockopt(fd, SOL_SOCKET, option, ret, &size) < 0 ? -errno : 0;
}

/* Between look-up and copy the number may have become another file's. */
static int socket_owner_check(int fd, uint64_t wanted)
{
	_cleanup_close_ int own = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0, here = 0, there = 0;
	int listening = 0, r;

	if (own < 0)
		return -errno;
	r = socket_owner_option(fd, SO_COOKIE, &cookie, sizeof(cookie));
	if (r >= 0)
		r = socket_owner_option(fd, SO_ACCEPTCONN, &listening, sizeof(listening));
	if (r < 0 || cookie != wanted || !listening)
		return -ESRCH;
	r = socket_owner_option(own, SO_NETNS_COOKIE, &here, sizeof(here));
	if (r >= 0)
		r = socket_owner_option(fd, SO_NETNS_COOKIE, &there, sizeof(there));
	return r < 0 ? r : here == there ? 0 : -EXDEV;
}

int socket_owner_listen(const struct socket_owner_wanted *wanted, uint32_t backlog)
{
	_cleanup_close_ int fd = socket_owner_copy(wanted->pid, wanted->inode);
	int r = fd < 0 ? fd : socket_owner_check(fd, wanted->cookie);

	if (r < 0)
		return r;
	return listen(fd, backlog) < 0 ? -errno : 0;
}
