/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs inside a host of the lab.
 *
 * A program changes only its network namespace: mounts, users and the rest stay those of the
 * caller. It dies (SIGKILL) with the thread that started it, and has a process group of its own, so
 * that a Ctrl-C reaches the caller alone, who ends what it started.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "tests/lab/lab.h"

struct lab_run_options {
	/* Where the program's output goes; 0 or less: the caller's own. Stay the caller's. */
	int stdout_fd;
	int stderr_fd;
	/* More environment, "NAME=value" and a final NULL; NULL for none. */
	const char *const *env;
	/* The only CPU it may use, plus 1; 0 for any. */
	int cpu_plus_1;
};

/* argv[0] is looked up in PATH; @o may be NULL. Writes the process id; the process is to be waited
 * for (lab_stop(), lab_wait()). -errno also for a program that cannot be executed. */
int lab_spawn(struct lab *lab, int host, const char *const argv[], const struct lab_run_options *o,
	      pid_t *ret);

/* Waits up to @timeout_ms (-1: without end) for the process to end and reaps it. Writes the status
 * as waitpid(2) has it, @ret_status may be NULL. -ETIMEDOUT: it still runs. */
int lab_wait(pid_t pid, int timeout_ms, int *ret_status);

/* Sends @sig, waits up to @timeout_ms, then kills. Always reaps. Returns 0, or -ETIMEDOUT where
 * SIGKILL was needed. pid <= 0: nothing to do. */
int lab_stop(pid_t pid, int sig, int timeout_ms, int *ret_status);

/* Runs a program to its end and returns its exit status (128 + signal), or -errno. Its standard
 * output is written to *@ret_output where that is not NULL: free() it. */
int lab_run(struct lab *lab, int host, const char *const argv[], int timeout_ms, char **ret_output);

/* The path of a program of synguard: in the build tree where the caller runs from one, otherwise
 * where it is installed. free() *@ret. -ENOENT. */
int lab_find_program(const char *name, char **ret);

/*
 * What a child of fork() does first: it is to die with the thread @parent forked it from, gets a
 * process group and default signals, and moves into the namespace and onto the CPU (< 0: any).
 * Calls async-signal-safe functions only, since the parent may have threads. 0 or -errno.
 */
int lab_child_begin(pid_t parent, int netns_fd, int cpu);

/* The last @size - 1 bytes written to a file, as text. The file offset stays. */
void lab_tail(int fd, char *buf, size_t size);

/* The first and the last CPU that this process may use; 0 where that cannot be read. */
void lab_cpus(int *ret_first, int *ret_last);

/* Lets the calling thread, and what it starts, run on one CPU only. cpu < 0: nothing is done. */
int lab_pin(int cpu);
