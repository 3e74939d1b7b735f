/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon knows of interfaces, addresses and attachments, against what the kernel has.
 *
 * The kernel is asked by the test itself; of the daemon its status, its descriptors and its map of
 * local addresses are read. Functions fail the running test with the reason unless they return it.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "stage.h"

#define TRUTH_PROGS 16

/* The programs on one interface of a host, all of them. */
struct truth_programs {
	__u32 ids[TRUTH_PROGS];
	size_t count;
	size_t ours; /* of these, the daemon's */
	__u32 xdp;   /* the XDP program's id, 0 for none */
};
struct truth_programs truth_programs(struct stage *s, int host, int ifindex);

/*
 * Its descriptors, and of these BPF links: three for each interface, those of the three tracepoints,
 * and of the two walks of listeners, the mitigation's being one of its own.
 */
#define TRUTH_TRACEPOINTS 6
size_t truth_descriptors(pid_t pid);
size_t truth_links(pid_t pid);

/* The id of its XDP program, or link of it, on an interface; 0 for none. */
__u32 truth_xdp_link(pid_t pid, int ifindex);
/* The same for its tcx ingress link. */
__u32 truth_ingress_link(pid_t pid, int ifindex);

/*
 * Whether status, attachments, descriptors and addresses agree with a fresh look at the host, where
 * every interface whose name begins with `prefix`, and the one called `also`, is to be attached to
 * natively. Waits some seconds for it; NULL, or what still differed.
 */
const char *truth_agrees(struct stage *s, const char *prefix, const char *also);

/* The daemon's socket that follows rtnetlink: makes its receive buffer as small as can be, and
 * says how many messages were lost there. */
void truth_shrink_monitor(struct stage *s);
unsigned long truth_lost_messages(struct stage *s);
