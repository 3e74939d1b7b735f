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

struct reach_wanted {
	uint64_t inode;	 /* as in /proc/PID/fd */
	uint64_t cookie; /* of the socket */
	uint32_t pid;	 /* 0: not known (yet) */
};

struct reach;

/* The caller owns *ret. -ENOMEM. */
int reach_new(struct reach **ret);
struct reach *reach_free(struct reach *r);

/*
 * Goes through the processes for at most so long, from where it stopped the last time, and fills in
 * the pid of those that are wanted and have none. 1: it has been through all of them since the
 * first call, or since it last said so; 0: there are more to go through. -errno.
 */
int reach_seek(struct reach *r, uint64_t limit_ns, struct reach_wanted *wanted, size_t count);

/* The next one begins with the first process. */
void reach_rewind(struct reach *r);

/*
 * listen(2) with this backlog on the socket that wanted->pid has open. -ESRCH: it has not, or not
 * any more; -EPERM; -EXDEV: it is of another network namespace; other -errno.
 */
int reach_listen(const struct reach_wanted *wanted, uint32_t backlog);
