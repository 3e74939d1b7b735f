/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What port.c (one interface: what is attached to it, and is to be) and ports.c (the set of them: which
 * are meant) share. Times are CLOCK_MONOTONIC nanoseconds.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/worker.h"
#include "daemon/dataplane/attach.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/ifaces/ifaces.h"
#include "daemon/judge/tx_errors.h"

/* What the thread has while a job is under way, and the loop otherwise. */
struct iface_job {
	struct worker_job job; /* first: one is cast to the other */
	struct dataplane *dp;
	struct dataplane_attachments links;
	int ifindex;
	bool drop;
	bool lower; /* only end the challenges */
	bool look;  /* whether what is attached still is, no more */
	enum attach_mode way;
	char lowered[96]; /* why not the way that is set, or "" */
	int result;
	char name[IFNAMSIZ];
	char driver[32];
	struct iface *port;
};

struct iface {
	struct ifaces *owner;
	int ifindex;
	uint64_t serial, version; /* of the interface; the version that was last acted on */
	enum attach_mode way;	  /* that is set, or needed */
	struct tx_errors tx;
	uint64_t lowered_until_ns; /* meanwhile without XDP; 0: not so */
	char lowered[96];	   /* and why */
	bool busy;		   /* the job is under way */
	bool again;		   /* and has to be done once more */
	bool leaving;		   /* to be detached and forgotten */
	uint64_t leave_at_ns; /* but not before, so that fresh challenges can be answered; 0: at once */
	bool failed;	      /* could not be attached to at all */
	unsigned int looks;
	struct dataplane_attachments links; /* as last known */
	char name[IFNAMSIZ];
	char driver[32];
	struct iface_job job;
};

struct ifaces {
	struct dataplane *dp;
	struct worker *worker;
	struct iface_events *desk;
	struct rtnl *links; /* of the last reconciliation */
	enum attach_mode way;
	char **names;
	size_t name_count;
	bool sweep;   /* the names have changed */
	bool settled; /* there was a reconciliation */
	struct iface **ports;
	size_t count;
	size_t checked; /* where the next tick goes on */
};

/* Frees it and takes it out of the set. */
void ifaces_forget(struct iface *port);

/* Tells about one interface; reason may be "". */
void iface_tell(const struct iface *port, enum iface_event what, const char *reason);

/* Tells what has become of it since before, if that is anything; error is the attachment's. */
void iface_tell_change(const struct iface *port, const struct dataplane_attachments *before,
		       int error);

/*
 * Has the thread attach what is to be attached, detach what is to go, or, with look, only see whether
 * what is attached still is. Once more afterwards, where one is under way.
 */
void iface_submit(struct iface *port, bool look);

/* Whether it is leaving and the answers to its last challenges had their time. */
bool iface_may_go(const struct iface *port);

/* Begins to leave: detached, with time for ACKs under way, and forgotten. May free it. */
void iface_leave(struct iface *port, enum iface_event what, const char *reason);

/* Meant again before it was gone: where it is not too late, it stays. */
void iface_stay(struct iface *port);

/*
 * Gives XDP up on an interface whose driver loses its answers, and tries it again after a while;
 * sums->tx is written.
 */
void iface_watch_tx(struct iface *port, struct tx_errors_sums *sums, uint64_t now_ns);
