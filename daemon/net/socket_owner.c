/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/socket_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Between two looks at the clock. */
#define SOCKET_OWNER_STRIDE 64

struct socket_owner {
	DIR *processes; /* NULL: at the beginning */
	DIR *files;	/* of pid; NULL: between two */
	uint32_t pid;
};

int socket_owner_new(struct socket_owner **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static DIR *socket_owner_close(DIR *dir)
{
	if (dir)
		closedir(dir);
	return NULL;
}

void socket_owner_rewind(struct socket_owner *r)
{
	r->files = socket_owner_close(r->files);
	r->processes = socket_owner_close(r->processes);
}

struct socket_owner *socket_owner_free(struct socket_owner *r)
{
	if (!r)
		return NULL;
	socket_owner_rewind(r);
	free(r);
	return NULL;
}

/* ---- who has it open ----------------------------------------------------------------------- */

/* The inode of a socket that is behind the entry, or 0. */
static uint64_t socket_owner_inode(DIR *files, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(dirfd(files), name, target, sizeof(target) - 1);
	unsigned long long inode;

	if (n < 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

static DIR *socket_owner_open(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	return opendir(path);
}

static void socket_owner_note(uint32_t pid, uint64_t inode, struct socket_owner_wanted *wanted,
			      size_t count)
{
	size_t i;

	for (i = 0; inode && i < count; i++)
		if (wanted[i].inode == inode && !wanted[i].pid)
			wanted[i].pid = pid;
}

/* One entry further. 1: through with all. */
static int socket_owner_step(struct socket_owner *r, struct socket_owner_wanted *wanted,
			     size_t count)
{
	const struct dirent *entry;

	if (r->files) {
		entry = readdir(r->files);
		if (entry)
			socket_owner_note(r->pid, socket_owner_inode(r->files, entry->d_name),
					  wanted, count);
		else
			r->files = socket_owner_close(r->files);
		return 0;
	}
	entry = readdir(r->processes);
	if (!entry) {
		r->processes = socket_owner_close(r->processes);
		return 1;
	}
	if (isdigit((unsigned char)entry->d_name[0])) {
		r->pid = atoi(entry->d_name);
		r->files = socket_owner_open(r->pid); /* it may have ended */
	}
	return 0;
}

int socket_owner_seek(struct socket_owner *r, uint64_t limit_ns, struct socket_owner_wanted *wanted,
		      size_t count)
{
	uint64_t until_ns = clock_now_ns() + limit_ns;
	int done = 0;
	size_t i;

	if (!r->processes)
		r->processes = opendir("/proc");
	if (!r->processes)
		return -errno;
	for (i = 0; !done; i++) {
		if (i % SOCKET_OWNER_STRIDE == 0 && i && clock_now_ns() > until_ns)
			return 0;
		done = socket_owner_step(r, wanted, count);
	}
	return 1;
}

/* ---- listen -------------------------------------------------------------------------------- */

/* The number of its descriptor in that process, or -errno. */
static int socket_owner_number(uint32_t pid, uint64_t inode)
{
	DIR *files = socket_owner_open(pid);
	const struct dirent *entry;
	int number = -ESRCH;

	if (!files)
		return errno == ENOENT ? -ESRCH : -errno;
	while (number < 0 && (entry = readdir(files)))
		if (socket_owner_inode(files, entry->d_name) == inode)
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
	number = socket_owner_number(pid, inode);
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

static int socket_owner_netns(int fd, uint64_t *ret)
{
	return socket_owner_option(fd, SO_NETNS_COOKIE, ret, sizeof(*ret));
}

/* The number may be another file's by the time that it is copied. */
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
	r = socket_owner_netns(own, &here);
	if (r >= 0)
		r = socket_owner_netns(fd, &there);
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
