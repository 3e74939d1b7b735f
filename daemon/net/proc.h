/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets that processes have open, from /proc/PID/fd: proc(5).
 *
 * Of processes of others only with CAP_DAC_READ_SEARCH (to list) and CAP_SYS_PTRACE (to read the
 * links). What may not be read is left out, and so is what ends meanwhile.
 */
#pragma once

#include <dirent.h>
#include <stdint.h>

/* All zero to begin with; ends by itself, or by proc_walk_end(). */
struct proc_walk {
	DIR *processes, *files; /* NULL: at the beginning, between two processes */
	uint32_t pid;
	int fd;
	uint64_t inode; /* of the socket that pid has open as fd; 0: this step met none */
};

/* One directory entry further. 1: there may be more; 0: that was the last one; -errno. */
int proc_walk_step(struct proc_walk *w);
void proc_walk_end(struct proc_walk *w);

/* The number of the descriptor by which the process has the socket open. -ESRCH: it has not. */
int proc_find_fd(uint32_t pid, uint64_t inode);
