/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/descriptors.h"
#include "daemon/ifaces/ifaces_internal.h"

/* Time for the ACKs of challenges that are under way when an interface is not meant any more. */
#define PORTS_GRACE_NS 1000000000ULL

/* After so long XDP is tried again on an interface whose driver lost its answers. */
#define PORTS_LOWERED_NS (300 * 1000000000ULL)

void port_tell(const struct port *port, enum ports_news what, const char *reason)
{
	ports_desk_tell(port->owner->desk, clock_now_ns(), what, port->name,
			dataplane_attach_name(port->links.attach), reason);
}

/* ---- the thread's part --------------------------------------------------------------------- */

static void port_work(struct worker_job *worker_job)
{
	struct port_job *job = (struct port_job *)worker_job;
	enum dataplane_attach before;

	job->result = 0;
	if (job->drop) {
		dataplane_detach(job->dp, &job->links);
		return;
	}
	if (job->lower) {
		dataplane_lower(job->dp, &job->links);
		return;
	}
	dataplane_succeed(job->dp, job->way, &job->links);
	before = job->links.attach;
	dataplane_check(job->dp, job->ifindex, &job->links);
	if (job->look && job->links.attach == before)
		return;
	/* where tcx is to answer, it begins before XDP ends: see dataplane_attach() */
	if (job->lowered[0] && job->links.attach > DATAPLANE_TCX && job->way == WAY_WATCH)
		dataplane_lower(job->dp, &job->links);
	job->result = dataplane_attach(job->dp, job->ifindex, job->way, &job->links);
	if (job->lowered[0] && job->links.attach == DATAPLANE_TCX && !job->links.taken_off)
		snprintf(job->links.reason, sizeof(job->links.reason), "%s", job->lowered);
	if (!job->driver[0])
		links_driver(job->name, job->driver);
}

/* ---- the loop's part ------------------------------------------------------------------------ */

static void port_done(struct worker_job *worker_job);

bool port_may_go(const struct port *port)
{
	return port->leaving && clock_now_ns() >= port->leave_at_ns;
}

/* Where XDP was given up on, tcx answers, unless another way was asked for by name. */
static enum way port_way(const struct port *port)
{
	if (!port->lowered_until_ns || port->way == WAY_WATCH)
		return port->way;
	return port->way == WAY_AUTO || port->way == WAY_TCX ? WAY_TCX : WAY_WATCH;
}

void port_submit(struct port *port, bool look)
{
	struct port_job *job = &port->job;
	bool drop = port_may_go(port);

	if (port->busy) {
		port->again = true;
		return;
	}
	port->busy = true;
	port->again = false;
	*job = (struct port_job){
		.job = { port_work, port_done },
		.dp = port->owner->dp,
		.links = port->links,
		.ifindex = port->ifindex,
		.drop = drop,
		.lower = port->leaving && !drop,
		.look = look,
		.way = port_way(port),
		.port = port,
	};
	if (port->lowered_until_ns)
		memcpy(job->lowered, port->lowered, sizeof(job->lowered));
	memcpy(job->name, port->name, sizeof(job->name));
	memcpy(job->driver, port->driver, sizeof(job->driver));
	worker_add(port->owner->worker, &job->job);
}

void port_tell_change(const struct port *port, const struct dataplane_links *before, int error)
{
	const struct dataplane_links *now = &port->links;

	if (now->attach == before->attach && !strcmp(now->reason, before->reason))
		return;
	if (error < 0)
		port_tell(port, PORTS_REFUSED, now->reason);
	else if (now->attach == DATAPLANE_NONE)
		port_tell(port, PORTS_DETACHED, now->reason);
	else
		port_tell(port, PORTS_ATTACHED, now->reason);
}

static void port_done(struct worker_job *worker_job)
{
	struct port_job *job = (struct port_job *)worker_job;
	struct port *port = job->port;
	struct dataplane_links before = port->links;
	struct ports *p = port->owner;

	port->busy = false;
	if (before.inherited)
		before =
			DATAPLANE_LINKS_NONE; /* news of this daemon, which had not got it before */
	port->links = job->links;
	memcpy(port->driver, job->driver, sizeof(port->driver));
	if (port->leaving) {
		if (!job->drop) {
			/* what was under way when it was told to leave, or ports_tick() goes on */
			if (!job->lower)
				port_submit(port, false);
			return;
		}
		ports_forget(port);
		/* the words may have come to mean it again meanwhile */
		ports_reconcile(p, p->links, p->way);
		return;
	}
	port->failed = job->result < 0;
	if (port->failed)
		snprintf(port->links.reason, sizeof(port->links.reason), "tcx: %s",
			 descriptors_error(job->result));
	/* it went while this was under way, and the message that says so comes */
	if (job->result != -ENODEV)
		port_tell_change(port, &before, job->result);
	if (port->again)
		port_submit(port, false);
}

void port_leave(struct port *port, enum ports_news what, const char *reason)
{
	if (port->leaving)
		return;
	port->leaving = true;
	port->again = false;
	if (what == PORTS_DETACHED && port->links.answers)
		port->leave_at_ns = clock_now_ns() + PORTS_GRACE_NS;
	port_tell(port, what, reason);
	if (!port->owner->dp)
		ports_forget(port);
	else if (!port->busy)
		port_submit(port, false);
}

void port_stay(struct port *port)
{
	if (!port->leaving || (port->busy && port->job.drop))
		return;
	port->leaving = false;
	port->leave_at_ns = 0;
	port->version = 0; /* to be tended anew */
	if (port->busy)
		port->again = true;
}

void port_watch_tx(struct port *port, struct txwatch_sums *sums, uint64_t now_ns)
{
	if (port->busy || port->leaving)
		return;
	if (port->lowered_until_ns && now_ns >= port->lowered_until_ns) {
		port->lowered_until_ns = 0;
		port_submit(port, false);
		return;
	}
	sums->tx = (struct sg_tx){};
	dataplane_tx(port->owner->dp, port->ifindex, &sums->tx);
	if (port->links.attach <= DATAPLANE_TCX) {
		txwatch_begin(&port->tx, sums);
	} else if (txwatch_look(&port->tx, sums)) {
		snprintf(port->lowered, sizeof(port->lowered),
			 "the driver lost %llu of XDP's last %llu answers; XDP is tried again "
			 "after 5 min",
			 (unsigned long long)port->tx.failed, (unsigned long long)port->tx.answers);
		port->lowered_until_ns = now_ns + PORTS_LOWERED_NS;
		port_submit(port, false);
	}
}
