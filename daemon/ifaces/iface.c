/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/descriptors.h"
#include "daemon/dataplane/counters.h"
#include "daemon/ifaces/ifaces_internal.h"

/* Time for the ACKs of challenges that are under way when an interface is not meant any more. */
#define IFACES_GRACE_NS 1000000000ULL

/* After so long XDP is tried again on an interface whose driver lost its answers. */
#define IFACES_LOWERED_NS (300 * 1000000000ULL)

void iface_tell(const struct iface *port, enum iface_event what, const char *reason)
{
	iface_events_tell(port->owner->desk, clock_now_ns(), what, port->name,
			  dataplane_attach_name(port->links.attach), reason);
}

/* ---- the thread's part --------------------------------------------------------------------- */

static void iface_work(struct worker_job *worker_job)
{
	struct iface_job *job = (struct iface_job *)worker_job;
	enum dataplane_attach before;

	job->result = 0;
	if (job->drop) {
		dataplane_detach(job->dp, &job->links);
		return;
	}
	if (job->lower) {
		dataplane_end_challenges(job->dp, &job->links);
		return;
	}
	dataplane_succeed(job->dp, job->way, &job->links);
	before = job->links.attach;
	dataplane_check(job->dp, job->ifindex, &job->links);
	if (job->look && job->links.attach == before)
		return;
	/* where tcx is to answer, it begins before XDP ends: see dataplane_attach() */
	if (job->lowered[0] && job->links.attach > DATAPLANE_TCX && job->way == ATTACH_MODE_WATCH)
		dataplane_end_challenges(job->dp, &job->links);
	job->result = dataplane_attach(job->dp, job->ifindex, job->way, &job->links);
	if (job->lowered[0] && job->links.attach == DATAPLANE_TCX && !job->links.forced_off)
		snprintf(job->links.reason, sizeof(job->links.reason), "%s", job->lowered);
	if (!job->driver[0])
		rtnl_driver(job->name, job->driver);
}

/* ---- the loop's part ------------------------------------------------------------------------ */

static void iface_done(struct worker_job *worker_job);

bool iface_may_go(const struct iface *port)
{
	return port->leaving && clock_now_ns() >= port->leave_at_ns;
}

/* Where XDP was given up on, tcx answers, unless another way was asked for by name. */
static enum attach_mode iface_attach_mode(const struct iface *port)
{
	if (!port->lowered_until_ns || port->way == ATTACH_MODE_WATCH)
		return port->way;
	return port->way == ATTACH_MODE_AUTO || port->way == ATTACH_MODE_TCX ? ATTACH_MODE_TCX :
									       ATTACH_MODE_WATCH;
}

void iface_submit(struct iface *port, bool look)
{
	struct iface_job *job = &port->job;
	bool drop = iface_may_go(port);

	if (port->busy) {
		port->again = true;
		return;
	}
	port->busy = true;
	port->again = false;
	*job = (struct iface_job){
		.job = { iface_work, iface_done },
		.dp = port->owner->dp,
		.links = port->links,
		.ifindex = port->ifindex,
		.drop = drop,
		.lower = port->leaving && !drop,
		.look = look,
		.way = iface_attach_mode(port),
		.port = port,
	};
	if (port->lowered_until_ns)
		memcpy(job->lowered, port->lowered, sizeof(job->lowered));
	memcpy(job->name, port->name, sizeof(job->name));
	memcpy(job->driver, port->driver, sizeof(job->driver));
	worker_add(port->owner->worker, &job->job);
}

void iface_tell_change(const struct iface *port, const struct dataplane_attachments *before,
		       int error)
{
	const struct dataplane_attachments *now = &port->links;

	if (now->attach == before->attach && !strcmp(now->reason, before->reason))
		return;
	if (error < 0)
		iface_tell(port, IFACES_REFUSED, now->reason);
	else if (now->attach == DATAPLANE_NONE)
		iface_tell(port, IFACES_DETACHED, now->reason);
	else
		iface_tell(port, IFACES_ATTACHED, now->reason);
}

static void iface_done(struct worker_job *worker_job)
{
	struct iface_job *job = (struct iface_job *)worker_job;
	struct iface *port = job->port;
	struct dataplane_attachments before = port->links;
	struct ifaces *p = port->owner;

	port->busy = false;
	if (before.inherited)
		before =
			DATAPLANE_ATTACHMENTS_NONE; /* news of this daemon, which had not got it before */
	port->links = job->links;
	memcpy(port->driver, job->driver, sizeof(port->driver));
	if (port->leaving) {
		if (!job->drop) {
			/* what was under way when it was told to leave, or ifaces_tick() goes on */
			if (!job->lower)
				iface_submit(port, false);
			return;
		}
		ifaces_forget(port);
		/* the words may have come to mean it again meanwhile */
		ifaces_reconcile(p, p->links, p->way);
		return;
	}
	port->failed = job->result < 0;
	if (port->failed)
		snprintf(port->links.reason, sizeof(port->links.reason), "tcx: %s",
			 descriptors_error(job->result));
	/* it went while this was under way, and the message that says so comes */
	if (job->result != -ENODEV)
		iface_tell_change(port, &before, job->result);
	if (port->again)
		iface_submit(port, false);
}

void iface_leave(struct iface *port, enum iface_event what, const char *reason)
{
	if (port->leaving)
		return;
	port->leaving = true;
	port->again = false;
	if (what == IFACES_DETACHED && port->links.answers)
		port->leave_at_ns = clock_now_ns() + IFACES_GRACE_NS;
	iface_tell(port, what, reason);
	if (!port->owner->dp)
		ifaces_forget(port);
	else if (!port->busy)
		iface_submit(port, false);
}

void iface_stay(struct iface *port)
{
	if (!port->leaving || (port->busy && port->job.drop))
		return;
	port->leaving = false;
	port->leave_at_ns = 0;
	port->version = 0; /* to be tended anew */
	if (port->busy)
		port->again = true;
}

void iface_watch_tx(struct iface *port, struct tx_errors_sums *sums, uint64_t now_ns)
{
	if (port->busy || port->leaving)
		return;
	if (port->lowered_until_ns && now_ns >= port->lowered_until_ns) {
		port->lowered_until_ns = 0;
		iface_submit(port, false);
		return;
	}
	sums->tx = (struct sg_tx){};
	dataplane_tx(port->owner->dp, port->ifindex, &sums->tx);
	if (port->links.attach <= DATAPLANE_TCX) {
		tx_errors_begin(&port->tx, sums);
	} else if (tx_errors_step(&port->tx, sums)) {
		snprintf(port->lowered, sizeof(port->lowered),
			 "the driver lost %llu of XDP's last %llu answers; XDP is tried again "
			 "after 5 min",
			 (unsigned long long)port->tx.failed, (unsigned long long)port->tx.answers);
		port->lowered_until_ns = now_ns + IFACES_LOWERED_NS;
		iface_submit(port, false);
	}
}
