/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF links of an interface: XDP where it can be had, and tcx at ingress and egress.
 *
 * The functions may be called in any thread, in one at a time for an interface. Each attaching and
 * detaching waits for an RCU grace period of the kernel, which takes 10 ms and more.
 */
#pragma once

#include "daemon/base/mode.h"
#include "daemon/dataplane/dataplane.h"

/* linux/bpf.h of 6.6 and later; headers that we may be built with are older */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS  47

enum dataplane_attach {
	DATAPLANE_NONE,
	DATAPLANE_TCX,	   /* counts and accepts; `answers` says whether it challenges */
	DATAPLANE_NATIVE,  /* XDP in the driver, and tcx */
	DATAPLANE_GENERIC, /* XDP in the stack, and tcx */
	DATAPLANE_ATTACH_COUNT,
};

const char *dataplane_attach_name(enum dataplane_attach attach);

/*
 * The links of one interface, and how far attaching came. `reason` says why it is not
 * DATAPLANE_NATIVE; where a driver said why, in its own words and with what to do.
 */
struct dataplane_attachments {
	int ifindex;
	int xdp_fd;
	int ingress_fd;
	int egress_fd;
	enum dataplane_attach attach;
	bool answers;	 /* SYNs of defended services are challenged on this interface */
	bool foreign;	 /* another XDP program is attached, which may go at any time */
	bool forced_off; /* somebody detached a program of ours on purpose */
	bool inherited;	 /* the links run the programs of the daemon before */
	char reason[160];
};
#define DATAPLANE_ATTACHMENTS_NONE                                                                 \
	((struct dataplane_attachments){                                                           \
		.xdp_fd = -EBADF, .ingress_fd = -EBADF, .egress_fd = -EBADF })

/*
 * Attaches, or changes over to this mode, so that what was challenged goes on being accepted. XDP
 * that is attached stays when nothing is to be challenged (ATTACH_MODE_WATCH). What was forced off
 * is not attached again. -errno when not even tcx could be attached; then nothing is.
 */
int dataplane_attach(struct dataplane *dp, int ifindex, enum attach_mode mode,
		     struct dataplane_attachments *at);

/*
 * Compares with what is attached to this interface of this network namespace, and corrects *at.
 * Where none of the programs is there, the index is another interface's by now, and *at is none;
 * where some are gone, somebody forced them off, and what would do harm alone is detached.
 */
void dataplane_check(struct dataplane *dp, int ifindex, struct dataplane_attachments *at);

/* Ends challenges and goes on accepting, until all that were challenged have answered. */
void dataplane_end_challenges(struct dataplane *dp, struct dataplane_attachments *at);

/* Detaching from an interface that is gone, or in another network namespace by now, is fine. */
void dataplane_detach(struct dataplane *dp, struct dataplane_attachments *at);

/*
 * The links that the daemon before had on this interface, if they are in the store, complete and
 * attached; otherwise DATAPLANE_ATTACHMENTS_NONE. They go on running its programs until
 * dataplane_succeed(). Asks the kernel, waits for nothing.
 */
struct dataplane_attachments dataplane_inherit(struct dataplane *dp, int ifindex);

/* Has inherited links run this daemon's programs, in place; where that fails they are detached. */
void dataplane_succeed(struct dataplane *dp, enum attach_mode mode,
		       struct dataplane_attachments *at);

/* Closes the descriptors: what the store keeps for the next daemon stays attached, the rest not. */
void dataplane_close_links(struct dataplane_attachments *at);
