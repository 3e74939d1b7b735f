/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interface: what is attached to it, and the steps to what is to be attached. The
 * work is done in the worker's thread, one job at a time, on a copy of what is attached.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/worker.h"
#include "daemon/dataplane/attach.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/judge/tx_errors.h"

enum iface_state {
	IFACE_IDLE,
	/* the thread works: */
	IFACE_CHECKING,	    /* compares with what the kernel has attached */
	IFACE_ATTACHING,    /* checks, and attaches what the mode wants */
	IFACE_ATTACH_AGAIN, /* something changed since that job began: attach once more */
	IFACE_LEAVING,	    /* the same, but the interface is to be left */
	IFACE_ENDING,	    /* ends challenges */
	IFACE_DETACHING,
	/* no challenges any more; the last ones are given time to be answered */
	IFACE_GRACE,
};

struct iface;

/* What all interfaces of a set share. */
struct iface_set {
	struct dataplane *dp;
	struct worker *worker;
	struct iface_events *events;
	/* detached; the callee frees it */
	void (*gone)(void *userdata, struct iface *iface);
	void *userdata;
};

struct iface_job {
	struct worker_job job;
	enum iface_state task; /* CHECKING, ATTACHING, ENDING or DETACHING */
	enum attach_mode mode;
	struct dataplane *dp;
	struct dataplane_attachments at;
	int ifindex;
	int error;
	char xdp_off[96]; /* why no XDP, or "" */
	char name[IFNAMSIZ];
	char driver[32];
};

struct iface {
	const struct iface_set *set;
	enum iface_state state;
	int ifindex;
	uint64_t serial, version; /* of rtnl's; the version that was last acted on, 0: none */
	enum attach_mode mode;
	struct dataplane_attachments at; /* as last known; the job has what is true meanwhile */
	int error;			 /* of the last attaching */
	unsigned int retries;		 /* counts ticks between two */
	struct tx_errors tx;
	uint64_t xdp_off_until_ns; /* XDP was given up until then; 0: it was not */
	char xdp_off[96];	   /* and why */
	uint64_t grace_until_ns;
	char name[IFNAMSIZ];
	char driver[32];
	struct iface_job job;
};

void iface_report(const struct iface *iface, enum iface_event what, const char *reason);
/* Reports what has become of it since `before`, if anything; error is the attachment's. */
void iface_report_change(const struct iface *iface, const struct dataplane_attachments *before,
			 int error);

/* To be left, and not to come back by iface_stay(). */
bool iface_is_leaving(const struct iface *iface);

/* Attaches what is to be attached; once more after the job that is under way. */
void iface_attach(struct iface *iface);

/* Closes its links: what the store keeps stays attached. When the worker is gone. */
void iface_close(struct iface *iface);

/* Begins to leave: detached, with time for the ACKs of challenges under way, and then gone. */
void iface_leave(struct iface *iface, enum iface_event what, const char *reason);

/* Wanted again: where it is not being detached yet, it stays, and its version is 0. */
void iface_stay(struct iface *iface);

/* Each second: gives XDP up where the driver loses its answers; sums->tx is written. */
void iface_watch_tx(struct iface *iface, struct tx_errors_sums *sums, uint64_t now_ns);

/* From time to time: whether what was attached still is, and what could not be is tried again. */
void iface_check(struct iface *iface, uint64_t now_ns);
