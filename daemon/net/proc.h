/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of other processes: who has them open, from /proc/PID/fd (proc(5)), and listen(2) on one
 * from here.
 *
 * Takes CAP_DAC_READ_SEARCH to list what processes of others have open, and CAP_SYS_PTRACE to read
 * the links and to copy a descriptor (pidfd_getfd(2)). What may not be read is left out. A process
 * is neither stopped nor waited for, and may end or close the socket at any time: a copy is
 * listened on only if it is that very socket.
 */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

/* All zero to begin with; ends by itself, or by proc_walk_end(). */
struct proc_walk {
	DIR *processes, *files; /* NULL: at the beginning, between two processes */
	uint32_t pid;
	uint64_t inode; /* of a socket that pid has open; 0: this step met none */
};

/* One directory entry further. 1: there may be more; 0: that was the last one; -errno. */
int proc_walk_step(struct proc_walk *w);
void proc_walk_end(struct proc_walk *w);

struct socket_owner_wanted {
	uint64_t inode;	 /* as in /proc/PID/fd */
	uint64_t cookie; /* of the socket */
	uint32_t pid;	 /* 0: not known (yet) */
};

/*
 * Walks on for at most so long and fills in the pid of those that are wanted and have none. 1: the
 * walk has come to its end, and the next one begins with the first process; 0: there is more.
 * -errno.
 */
int socket_owner_seek(struct proc_walk *w, uint64_t limit_ns, struct socket_owner_wanted *wanted,
		      size_t count);

/*
 * listen(2) with this backlog on the socket that wanted->pid has open. -ESRCH: it has not, or not
 * any more; -EPERM; -EXDEV: it is of another network namespace; other -errno.
 */
int socket_owner_listen(const struct socket_owner_wanted *wanted, uint32_t backlog);
