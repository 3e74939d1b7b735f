/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into a listener of another process: who has it open, and listen(2) on it from here.
 *
 * Needs CAP_DAC_READ_SEARCH to see what processes have open, and CAP_SYS_PTRACE to see what is
 * behind it and to take a copy of it (proc(5), pidfd_getfd(2)). The process is neither stopped nor
 * waited for, and may end or close the socket at any time: what was copied is looked at again, and
 * listened on only if it is that very socket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct socket_owner_wanted {
	uint64_t inode;	 /* as in /proc/PID/fd */
	uint64_t cookie; /* of the socket */
	uint32_t pid;	 /* 0: not known (yet) */
};

struct socket_owner;

/* The caller owns *ret. -ENOMEM. */
int socket_owner_new(struct socket_owner **ret);
struct socket_owner *socket_owner_free(struct socket_owner *r);

/*
 * Goes through the processes for at most so long, from where it stopped the last time, and fills in
 * the pid of those that are wanted and have none. 1: it has been through all of them since the
 * first call, or since it last said so; 0: there are more to go through. -errno.
 */
int socket_owner_seek(struct socket_owner *r, uint64_t limit_ns, struct socket_owner_wanted *wanted,
		      size_t count);

/* The next one begins with the first process. */
void socket_owner_rewind(struct socket_owner *r);

/*
 * listen(2) with this backlog on the socket that wanted->pid has open. -ESRCH: it has not, or not
 * any more; -EPERM; -EXDEV: it is of another network namespace; other -errno.
 */
int socket_owner_listen(const struct socket_owner_wanted *wanted, uint32_t backlog);
