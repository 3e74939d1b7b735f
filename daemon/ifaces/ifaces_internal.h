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
#include "daemon/dataplane/dataplane.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/ifaces/ifaces.h"
#include "daemon/judge/tx_errors.h"

/* What the thread has while a job is under way, and the loop otherwise. */
struct port_job {
	struct worker_job job; /* first: one is cast to the other */
	struct dataplane *dp;
	struct dataplane_links links;
	int ifindex;
	bool drop;
	bool lower; /* only end the challenges */
	bool look;  /* whether what is attached still is, no more */
	enum way way;
	char lowered[96]; /* why not the way that is set, or "" */
	int result;
	char name[IFNAMSIZ];
	char driver[32];
	struct port *port;
};

struct port {
	struct ports *owner;
	int ifindex;
	uint64_t serial, version; /* of the interface; the version that was last acted on */
	enum way way;		  /* that is set, or needed */
	struct txwatch tx;
	uint64_t lowered_until_ns; /* meanwhile without XDP; 0: not so */
	char lowered[96];	   /* and why */
	bool busy;		   /* the job is under way */
	bool again;		   /* and has to be done once more */
	bool leaving;		   /* to be detached and forgotten */
	uint64_t leave_at_ns; /* but not before, so that fresh challenges can be answered; 0: at once */
	bool failed;	      /* could not be attached to at all */
	unsigned int looks;
	struct dataplane_links links; /* as last known */
	char name[IFNAMSIZ];
	char driver[32];
	struct port_job job;
};

struct ports {
	struct dataplane *dp;
	struct worker *worker;
	struct ports_desk *desk;
	struct links *links; /* of the last reconciliation */
	enum way way;
	char **names;
	size_t name_count;
	bool sweep;   /* the names have changed */
	bool settled; /* there was a reconciliation */
	struct port **ports;
	size_t count;
	size_t checked; /* where the next tick goes on */
};

/* Frees it and takes it out of the set. */
void ports_forget(struct port *port);

/* Tells about one interface; reason may be "". */
void port_tell(const struct port *port, enum ports_news what, const char *reason);

/* Tells what has become of it since before, if that is anything; error is the attachment's. */
void port_tell_change(const struct port *port, const struct dataplane_links *before, int error);

/*
 * Has the thread attach what is to be attached, detach what is to go, or, with look, only see whether
 * what is attached still is. Once more afterwards, where one is under way.
 */
void port_submit(struct port *port, bool look);

/* Whether it is leaving and the answers to its last challenges had their time. */
bool port_may_go(const struct port *port);

/* Begins to leave: detached, with time for ACKs under way, and forgotten. May free it. */
void port_leave(struct port *port, enum ports_news what, const char *reason);

/* Meant again before it was gone: where it is not too late, it stays. */
void port_stay(struct port *port);

/*
 * Gives XDP up on an interface whose driver loses its answers, and tries it again after a while;
 * sums->tx is written.
 */
void port_watch_tx(struct port *port, struct txwatch_sums *sums, uint64_t now_ns);
