/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifaces/iface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/process.h"
#include "daemon/dataplane/counters.h"
#include "daemon/net/rtnl.h"

/* Time for the ACKs of challenges that are under way when an interface is left. */
#define IFACE_GRACE_NS 1000000000ULL

/* After so long XDP is tried again on an interface whose driver lost its answers. */
#define IFACE_XDP_OFF_NS (300 * 1000000000ULL)

/* What could not be attached is tried again each so many checks: few XDP programs report their end. */
#define IFACE_RETRY_CHECKS 5

void iface_report(const struct iface *iface, enum iface_event what, const char *reason)
{
	iface_events_report(iface->set->events, clock_now_ns(), what, iface->name,
			    dataplane_attach_name(iface->at.attach), reason);
}

void iface_report_change(const struct iface *iface, const struct dataplane_attachments *before,
			 int error)
{
	const struct dataplane_attachments *now = &iface->at;

	if (now->attach == before->attach && !strcmp(now->reason, before->reason))
		return;
	iface_report(iface,
		     error < 0			   ? IFACES_REFUSED :
		     now->attach == DATAPLANE_NONE ? IFACES_DETACHED :
						     IFACES_ATTACHED,
		     now->reason);
}

bool iface_is_leaving(const struct iface *iface)
{
	return iface->state == IFACE_LEAVING || iface->state == IFACE_ENDING ||
	       iface->state == IFACE_GRACE || iface->state == IFACE_DETACHING;
}

/* ---- the thread's part --------------------------------------------------------------------- */

static void iface_check_and_attach(struct iface_job *job)
{
	enum dataplane_attach before;

	dataplane_succeed(job->dp, job->mode, &job->at);
	before = job->at.attach;
	dataplane_check(job->dp, job->ifindex, &job->at);
	if (job->task == IFACE_CHECKING && job->at.attach == before)
		return;
	/* where tcx is to answer, it begins before XDP ends: see dataplane_attach() */
	if (job->xdp_off[0] && job->at.attach > DATAPLANE_TCX && job->mode == ATTACH_MODE_WATCH)
		dataplane_end_challenges(job->dp, &job->at);
	job->error = dataplane_attach(job->dp, job->ifindex, job->mode, &job->at);
	if (job->xdp_off[0] && job->at.attach == DATAPLANE_TCX && !job->at.forced_off)
		snprintf(job->at.reason, sizeof(job->at.reason), "%s", job->xdp_off);
	if (!job->driver[0])
		rtnl_driver(job->name, job->driver);
}

static void iface_work(struct worker_job *worker_job)
{
	struct iface_job *job = container_of(worker_job, struct iface_job, job);

	if (job->task == IFACE_DETACHING)
		dataplane_detach(job->dp, &job->at);
	else if (job->task == IFACE_ENDING)
		dataplane_end_challenges(job->dp, &job->at);
	else
		iface_check_and_attach(job);
}

/* ---- the loop's part ----------------------------------------------------------------------- */

static void iface_done(struct worker_job *worker_job);

/* Where XDP was given up, tcx answers, unless another mode was set by name. */
static enum attach_mode iface_mode(const struct iface *iface)
{
	if (!iface->xdp_off_until_ns || iface->mode == ATTACH_MODE_WATCH)
		return iface->mode;
	return iface->mode == ATTACH_MODE_AUTO || iface->mode == ATTACH_MODE_TCX ?
		       ATTACH_MODE_TCX :
		       ATTACH_MODE_WATCH;
}

static void iface_start(struct iface *iface, enum iface_state task)
{
	struct iface_job *job = &iface->job;

	iface->state = task;
	*job = (struct iface_job){
		.job = { iface_work, iface_done },
		.task = task,
		.mode = iface_mode(iface),
		.dp = iface->set->dp,
		.at = iface->at,
		.ifindex = iface->ifindex,
	};
	if (iface->xdp_off_until_ns)
		memcpy(job->xdp_off, iface->xdp_off, sizeof(job->xdp_off));
	memcpy(job->name, iface->name, sizeof(job->name));
	memcpy(job->driver, iface->driver, sizeof(job->driver));
	worker_add(iface->set->worker, &job->job);
}

void iface_attach(struct iface *iface)
{
	if (iface->state == IFACE_IDLE)
		iface_start(iface, IFACE_ATTACHING);
	else if (!iface_is_leaving(iface))
		iface->state = IFACE_ATTACH_AGAIN;
}

static void iface_start_leaving(struct iface *iface)
{
	iface_start(iface, clock_now_ns() < iface->grace_until_ns ? IFACE_ENDING : IFACE_DETACHING);
}

/* What a job of checking or attaching came to. */
static void iface_attached(struct iface *iface)
{
	const struct iface_job *job = &iface->job;
	struct dataplane_attachments before = iface->at;

	/* what the daemon before had attached is new in this one */
	if (before.inherited)
		before = DATAPLANE_ATTACHMENTS_NONE;
	iface->at = job->at;
	iface->error = job->error;
	if (job->error < 0)
		snprintf(iface->at.reason, sizeof(iface->at.reason), "tcx: %s",
			 descriptors_error(job->error));
	/* the interface is gone, and rtnl is about to say so */
	if (job->error != -ENODEV)
		iface_report_change(iface, &before, job->error);
}

static void iface_done(struct worker_job *worker_job)
{
	struct iface_job *job = container_of(worker_job, struct iface_job, job);
	struct iface *iface = container_of(job, struct iface, job);
	bool again = iface->state == IFACE_ATTACH_AGAIN;

	memcpy(iface->driver, job->driver, sizeof(iface->driver));
	switch (iface->state) {
	case IFACE_CHECKING:
	case IFACE_ATTACHING:
	case IFACE_ATTACH_AGAIN:
		iface_attached(iface);
		iface->state = IFACE_IDLE;
		if (again)
			iface_attach(iface);
		break;
	case IFACE_LEAVING:
		iface->at = job->at;
		iface_start_leaving(iface);
		break;
	case IFACE_ENDING:
		iface->at = job->at;
		iface->state = IFACE_GRACE;
		break;
	case IFACE_DETACHING:
		iface->at = job->at;
		iface->set->gone(iface->set->userdata, iface);
		break;
	case IFACE_IDLE:
	case IFACE_GRACE:
		break; /* there is no job in these */
	}
}

void iface_leave(struct iface *iface, enum iface_event what, const char *reason)
{
	bool idle = iface->state == IFACE_IDLE;

	if (iface_is_leaving(iface))
		return;
	iface->state = IFACE_LEAVING;
	iface->grace_until_ns =
		what == IFACES_DETACHED && iface->at.answers ? clock_now_ns() + IFACE_GRACE_NS : 0;
	iface_report(iface, what, reason);
	if (idle)
		iface_start_leaving(iface);
}

void iface_close(struct iface *iface)
{
	bool idle = iface->state == IFACE_IDLE || iface->state == IFACE_GRACE;

	dataplane_close_links(idle ? &iface->at : &iface->job.at);
}

void iface_stay(struct iface *iface)
{
	if (!iface_is_leaving(iface) || iface->state == IFACE_DETACHING)
		return;
	iface->state = iface->state == IFACE_GRACE ? IFACE_IDLE : IFACE_ATTACH_AGAIN;
	iface->version = 0;
}

void iface_watch_tx(struct iface *iface, struct tx_errors_sums *sums, uint64_t now_ns)
{
	if (iface->state != IFACE_IDLE)
		return;
	if (iface->xdp_off_until_ns && now_ns >= iface->xdp_off_until_ns) {
		iface->xdp_off_until_ns = 0;
		iface_attach(iface);
		return;
	}
	sums->tx = (struct sg_tx){};
	dataplane_tx(iface->set->dp, iface->ifindex, &sums->tx);
	if (iface->at.attach <= DATAPLANE_TCX) {
		tx_errors_begin(&iface->tx, sums);
	} else if (tx_errors_step(&iface->tx, sums)) {
		snprintf(iface->xdp_off, sizeof(iface->xdp_off),
			 "the driver lost %llu of XDP's last %llu answers; XDP is tried again "
			 "after 5 min",
			 (unsigned long long)iface->tx.failed,
			 (unsigned long long)iface->tx.answers);
		iface->xdp_off_until_ns = now_ns + IFACE_XDP_OFF_NS;
		iface_attach(iface);
	}
}

void iface_check(struct iface *iface, uint64_t now_ns)
{
	if (iface->state == IFACE_GRACE && now_ns >= iface->grace_until_ns)
		iface_start(iface, IFACE_DETACHING);
	if (iface->state != IFACE_IDLE)
		return;
	if ((iface->error < 0 || iface->at.foreign) && ++iface->retries % IFACE_RETRY_CHECKS == 0)
		iface_start(iface, IFACE_ATTACHING);
	else if (iface->at.attach != DATAPLANE_NONE)
		iface_start(iface, IFACE_CHECKING);
}
