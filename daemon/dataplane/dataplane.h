/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to the kernel's BPF: the only user of libbpf in the daemon.
 *
 * Loads the programs, attaches them to interfaces by bpf_link, and reads and writes the shared
 * memory of synguard/abi.h. Everything is attached through descriptors and nothing is pinned: when
 * this process and whoever keeps copies for the next one (struct dataplane_store) are gone, however
 * they went, the kernel detaches. Knows no policy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/mode.h"
#include "daemon/base/complaint.h"
#include "daemon/judge/cardinality.h"
#include "synguard/abi.h"

struct dataplane;

enum dataplane_attach {
	DATAPLANE_NONE,
	DATAPLANE_TCX,	   /* counts and accepts; whether it challenges is said beside it */
	DATAPLANE_NATIVE,  /* XDP in the driver, and tcx */
	DATAPLANE_GENERIC, /* XDP in the stack, and tcx */
	DATAPLANE_ATTACH_COUNT,
};

const char *dataplane_attach_name(enum dataplane_attach attach);

/*
 * Who keeps descriptors over the end of this process, by names. take() hands out what an earlier
 * daemon had kept, once, for the caller to own; -ENOENT. keep() and drop() are called in any thread.
 */
struct dataplane_store {
	int (*take)(void *userdata, const char *name);
	void (*keep)(void *userdata, const char *name, int fd);
	void (*drop)(void *userdata, const char *name);
	void *userdata;
};

/*
 * Loads the programs, with key epochs of 2^epoch_shift ns, and with the key and the memory of the
 * daemon before where they are in the store and fit; otherwise with a fresh key and empty memory.
 * store is borrowed for as long as the dataplane lives; NULL: nothing is kept. -EOPNOTSUPP: the
 * kernel lacks something, and *c names it and the remedy; other -errno from loading, *c filled as
 * well. The caller owns *ret.
 */
int dataplane_new(struct dataplane **ret, uint8_t epoch_shift, const struct dataplane_store *store,
		  struct complaint *c);
struct dataplane *dataplane_free(struct dataplane *dp);

/* Whether its memory is that of the daemon before: counters go on, cookies are still good. */
bool dataplane_continues(const struct dataplane *dp);

/*
 * Attaches the tracepoints, which needs CAP_PERFMON and CAP_BPF, hence before those are given up,
 * and the walk of the listeners, without which there is still everything else.
 */
int dataplane_attach_births(struct dataplane *dp, struct complaint *c);

/*
 * A descriptor from which struct sg_listener can be read, of the network namespace of the caller;
 * -EAGAIN there is the end as 0 is. The caller closes it. -EOPNOTSUPP: this kernel does not let a
 * program walk sockets.
 */
int dataplane_listeners(struct dataplane *dp);

/*
 * The links of one interface, and how far attaching came. *reason says why it is not
 * DATAPLANE_NATIVE; where a driver said why, in its own words and with what to do.
 */
struct dataplane_attachments {
	int ifindex;
	int xdp_fd;
	int ingress_fd;
	int egress_fd;
	enum dataplane_attach attach;
	bool answers;	/* SYNs of defended services are challenged on this interface */
	bool foreign;	/* somebody else's XDP program is in the way; it may go at any time */
	bool taken_off; /* somebody detached a program of ours, whose will it is */
	bool inherited; /* they run the programs of the daemon before */
	char reason[160];
};
#define DATAPLANE_ATTACHMENTS_NONE                                                                 \
	((struct dataplane_attachments){                                                           \
		.xdp_fd = -EBADF, .ingress_fd = -EBADF, .egress_fd = -EBADF })

/*
 * The links that the daemon before had on this interface, if they are in the store, all that belong
 * together and attached there; otherwise DATAPLANE_ATTACHMENTS_NONE. They go on running its programs
 * until dataplane_succeed(). Asks the kernel, waits for nothing.
 */
struct dataplane_attachments dataplane_inherit(struct dataplane *dp, int ifindex);

/*
 * These may be called in any thread, in one at a time. Each attaching and detaching waits for a
 * grace period of the kernel's, which takes 10 ms and more.
 *
 * dataplane_succeed() has inherited links run this daemon's programs, in place. Where that fails
 * they are detached.
 */
void dataplane_succeed(struct dataplane *dp, enum attach_mode way,
		       struct dataplane_attachments *links);

/*
 * Attaching again goes over to this way, without a moment in which what was challenged would not be
 * accepted; XDP that is in force stays when the mode needs none (ATTACH_MODE_WATCH). -errno when not even
 * tcx could be attached; then nothing is. What was taken off is not attached again.
 */
int dataplane_attach(struct dataplane *dp, int ifindex, enum attach_mode way,
		     struct dataplane_attachments *links);

/*
 * Compares with what is in force on this interface of this network namespace, and corrects *links:
 * where none of the programs is there any more the interface is another one by now, and *links is
 * none; where some are gone, somebody took them off, and nothing is left that would do harm alone.
 */
void dataplane_check(struct dataplane *dp, int ifindex, struct dataplane_attachments *links);

/* Ends challenges and leaves acceptances, until all that were challenged have answered. */
void dataplane_lower(struct dataplane *dp, struct dataplane_attachments *links);

/* Detaching from an interface that is gone, or in another network namespace by now, is fine. */
void dataplane_detach(struct dataplane *dp, struct dataplane_attachments *links);

/* Closes the descriptors: what is kept for the next daemon stays attached, the rest does not. */
void dataplane_let_go(struct dataplane_attachments *links);

/* SG_SERVICES_MAX entries of live memory, shared with the programs. */
struct sg_service *dataplane_services(struct dataplane *dp);

/* Sums over CPUs. -errno. */
int dataplane_tally(struct dataplane *dp, uint32_t index, struct sg_tally *ret);
int dataplane_counters(struct dataplane *dp, enum sg_program program, struct sg_counters *ret);
/* Bogus ACKs since the start, by samples, and whether they are taken for a flood just now. */
struct dataplane_acks {
	uint64_t bogus;
	bool flood;
};
struct dataplane_acks dataplane_acks(struct dataplane *dp, uint64_t now_ns);
/* What the driver did with XDP's answers on an interface. -ENOENT: nothing yet. */
int dataplane_tx(struct dataplane *dp, int ifindex, struct sg_tx *ret);
/* Who sent SYNs to services in this window and the last, of all CPUs. -errno. */
int dataplane_cardinality(struct dataplane *dp, uint64_t now_ns, struct cardinality *ret);
/* SG_HITTER_KINDS * SG_HITTER_SETS of live memory, which the programs write: heavy_hitters.h reads it. */
const struct sg_hitter_set *dataplane_heavy_hitters(struct dataplane *dp);
/* Makes an entry's tally zero on all CPUs, before the entry is used for another service. */
int dataplane_tally_clear(struct dataplane *dp, uint32_t index);
