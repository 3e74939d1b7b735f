/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/socket_owner.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/net/proc.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Between two looks at the clock. */
#define SOCKET_OWNER_STRIDE 64

struct socket_owner {
	struct proc_walk walk;
};

int socket_owner_new(struct socket_owner **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void socket_owner_rewind(struct socket_owner *r)
{
	proc_walk_end(&r->walk);
}

struct socket_owner *socket_owner_free(struct socket_owner *r)
{
	if (!r)
		return NULL;
	socket_owner_rewind(r);
	free(r);
	return NULL;
}

int socket_owner_seek(struct socket_owner *r, uint64_t limit_ns, struct socket_owner_wanted *wanted,
		      size_t count)
{
	uint64_t until_ns = clock_now_ns() + limit_ns;
	size_t i, steps;
	int more;

	for (steps = 1; (more = proc_walk_step(&r->walk)) > 0; steps++) {
		for (i = 0; r->walk.inode && i < count; i++)
			if (wanted[i].inode == r->walk.inode && !wanted[i].pid)
				wanted[i].pid = r->walk.pid;
		if (steps % SOCKET_OWNER_STRIDE == 0 && clock_now_ns() > until_ns)
			return 0;
	}
	return more < 0 ? more : 1;
}

/* ---- listen -------------------------------------------------------------------------------- */

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
