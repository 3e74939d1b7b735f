/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel alone says about SYN queues, without a daemon: sockets from sock_diag, counters
 * and a sysctl from /proc. All of it is of the network namespace of the caller, and needs no right.
 *
 * Leaves to the daemon what the kernel does not say: per service, per second, why.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names as /proc/net/netstat has them, and what each one counts. */
/* clang-format off */
#define KERNEL_VIEW_COUNTERS(X)                                                                \
	X(LISTEN_OVERFLOWS,  "ListenOverflows",      "connections that met a full accept queue")     \
	X(LISTEN_DROPS,      "ListenDrops",          "SYNs and ACKs that listeners dropped, those too") \
	X(DO_COOKIES,        "TCPReqQFullDoCookies", "times that a full SYN queue led to cookies")   \
	X(REQ_DROP,          "TCPReqQFullDrop",      "SYNs dropped at a full SYN queue, cookies off") \
	X(COOKIES_SENT,      "SyncookiesSent",       "cookies that the kernel sent")                 \
	X(COOKIES_RECEIVED,  "SyncookiesRecv",       "of them, that came back right")                \
	X(COOKIES_FAILED,    "SyncookiesFailed",     "ACKs that carried no right one")
/* clang-format on */

#define KERNEL_VIEW_ENUM_(id, name, help) KERNEL_VIEW_##id,
enum { KERNEL_VIEW_COUNTERS(KERNEL_VIEW_ENUM_) KERNEL_VIEW_COUNTER_COUNT };
#undef KERNEL_VIEW_ENUM_

struct kernel_view {
	bool silent; /* the caller's: a daemon is there and does not answer, what it does is not known */
	bool sockets; /* what sock_diag says is known */
	uint64_t half_open, listeners;
	uint64_t full; /* listeners whose accept queue is */
	bool counted[KERNEL_VIEW_COUNTER_COUNT];
	uint64_t counters[KERNEL_VIEW_COUNTER_COUNT];
	int syncookies; /* the sysctl; -1: not known */
};

/* Never fails: what cannot be had is marked as not known. */
void kernel_view(struct kernel_view *view);

extern const struct kernel_view_row {
	const char *name, *help;
} kernel_view_rows[KERNEL_VIEW_COUNTER_COUNT];

/* Takes the counters out of a file in the form of /proc/net/netstat: lines in pairs, names and
 * values. Counters that it does not have stay as they were. */
void kernel_view_netstat(struct kernel_view *view, const char *path);
