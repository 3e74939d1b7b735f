/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to /proc/net/netstat: SYNs that found a SYN queue full, as the kernel counts them in
 * this network namespace.
 *
 * This is what a daemon without programs judges by. SYNs that found room are not in it, nor those
 * that an application turned away which does not accept.
 */
#pragma once

#include <stdint.h>

struct netstat_syns {
	uint64_t overfull; /* dropped, or answered with a cookie of the kernel's */
	uint64_t answered; /* cookies that came back */
};

/* The text of the file. -EBADMSG: it does not have the counters. Pure. */
int netstat_parse(const char *text, struct netstat_syns *ret);

/* -errno. */
int netstat_read(struct netstat_syns *ret);
