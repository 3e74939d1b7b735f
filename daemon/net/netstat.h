/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of /proc/net/netstat and /proc/net/snmp; and, made of them, SYNs that found a SYN queue
 * full in this network namespace.
 *
 * This is what a daemon without BPF programs judges by. SYNs that found room are not in it, nor
 * those that were dropped because an application does not accept.
 */
#pragma once

#include <stdint.h>

/* Of the thread's network namespace, which /proc/self is not in a process with several. */
#define NETSTAT_PATH "/proc/thread-self/net/netstat"

/*
 * The text is pairs of lines, "Group: NAME NAME ..." and "Group: 1 2 ...". *ret stays where the
 * group ("TcpExt") has no such name, or no number for it: -ENOENT. Pure.
 */
int netstat_counter(const char *text, const char *group, const char *name, uint64_t *ret);

/* Of a file: NETSTAT_PATH or one like it. -ENOENT, other -errno. */
int netstat_read_text(const char *path, char **ret);

struct netstat_syns {
	uint64_t overfull; /* dropped, or answered with a cookie of the kernel's */
	uint64_t answered; /* cookies that came back */
};

/* The text of the file. -EBADMSG: it does not have the counters. Pure. */
int netstat_parse(const char *text, struct netstat_syns *ret);

/* -errno. */
int netstat_read(struct netstat_syns *ret);
