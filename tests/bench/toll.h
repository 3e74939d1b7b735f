/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon costs the machine: CPU time of its threads, its memory, and that of its BPF maps.
 *
 * Each returns 0 or -errno and writes on success only.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Of all threads since they began, in nanoseconds. */
int toll_cpu_ns(pid_t pid, uint64_t *ret);

/* Of the process, with the threads that have ended: user and system, to a tick of the clock. */
int toll_process_ns(pid_t pid, uint64_t *ret);

/* What is resident (VmRSS), and the anonymous part of it. */
int toll_rss_bytes(pid_t pid, uint64_t *ret_all, uint64_t *ret_anon);

/* All maps that the process holds, each once, as the kernel counts them ("memlock"). */
int toll_map_bytes(pid_t pid, uint64_t *ret);
