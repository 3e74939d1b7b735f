/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "portnames.h"
#include "txwatch.h"
#include "worker.h"

/* How many are looked after in a second; every one of a usual host's. */
#define PORTS_CHECKS_A_TICK 16

/* What was in the way is asked after each so many looks: few XDP programs say that they go. */
#define PORTS_FOREIGN_LOOKS 5

/* What the thread has while a job is under way, and the loop otherwise. */
/* Time for the ACKs of challenges that are under way when an interface is not meant any more. */
#define PORTS_GRACE_NS 1000000000ULL

/* After so long XDP is tried again on an interface whose driver lost its answers. */
#define PORTS_LOWERED_NS (300 * 1000000000ULL)

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

static uint64_t ports_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void ports_tell(const struct port *port, enum ports_news what, const char *reason)
{
	ports_desk_tell(port->owner->desk, ports_now_ns(), what, port->name,
			dataplane_attach_name(port->links.attach), reason);
}

/* ---- names --------------------------------------------------------------------------------- */

static char **ports_names_free(char **names, size_t count)
{
	while (names && count)
		free(names[--count]);
	free(names);
	return NULL;
}

int ports_set_names(struct ports *p, const char *const *names, size_t count)
{
	char **copy = calloc(count ?: 1, sizeof(*copy));
	size_t i;

	for (i = 0; copy && i < count; i++) {
		copy[i] = strdup(names[i]);
		if (!copy[i])
			copy = ports_names_free(copy, i);
	}
	if (!copy)
		return -ENOMEM;
	ports_names_free(p->names, p->name_count);
	p->names = copy;
	p->name_count = count;
	p->sweep = true;
	return 0;
}

static struct portnames_device ports_device(const struct link_info *info)
{
	return (struct portnames_device){ info->name, info->up, info->ethernet, info->virtual };
}

static bool ports_wants(const struct ports *p, const struct portnames_device *d)
{
	return portnames_match((const char *const *)p->names, p->name_count, d);
}

/* Whether a port is still meant: being down for the moment is no reason to leave it. */
static bool ports_keeps(const struct ports *p, const struct link_info *info)
{
	struct portnames_device d = ports_device(info);

	d.up = true;
	return ports_wants(p, &d);
}

void ports_warn(const struct ports *p, struct links *links)
{
	const struct link_info *infos;
	size_t count = links_get(links, &infos), i, j;

	for (i = 0; i < p->name_count; i++) {
		for (j = 0; j < count; j++) {
			struct portnames_device d = ports_device(&infos[j]);

			if (p->names[i][0] == '!' || portnames_match_one(p->names[i], &d))
				break;
		}
		if (j == count)
			ports_desk_tell(
				p->desk, ports_now_ns(), PORTS_MISSING, p->names[i],
				dataplane_attach_name(DATAPLANE_NONE),
				strcmp(p->names[i], PORTNAMES_AUTO) ?
					"there is none yet; it is attached to when it comes" :
					"no real Ethernet device is up; name an interface "
					"with --interface");
	}
}

/* ---- the thread's part --------------------------------------------------------------------- */

static void ports_work(struct worker_job *worker_job)
{
	struct port_job *job = (struct port_job *)worker_job;
	enum dataplane_attach before;

	job->result = 0;
	if (job->drop) {
		dataplane_detach(&job->links);
		return;
	}
	if (job->lower) {
		dataplane_lower(job->dp, &job->links);
		return;
	}
	before = job->links.attach;
	dataplane_check(job->dp, job->ifindex, &job->links);
	if (job->look && job->links.attach == before)
		return;
	if (job->lowered[0] && job->links.attach > DATAPLANE_TCX)
		dataplane_lower(job->dp, &job->links);
	job->result = dataplane_attach(job->dp, job->ifindex, job->way, &job->links);
	if (job->lowered[0] && job->links.attach == DATAPLANE_TCX && !job->links.taken_off)
		snprintf(job->links.reason, sizeof(job->links.reason), "%s", job->lowered);
	if (!job->driver[0])
		links_driver(job->name, job->driver);
}

/* ---- ports --------------------------------------------------------------------------------- */

static void ports_done(struct worker_job *worker_job);

static bool ports_may_go(const struct port *port)
{
	return port->leaving && ports_now_ns() >= port->leave_at_ns;
}

/* Where XDP was given up on, tcx answers, unless another way was asked for by name. */
static enum way ports_way(const struct port *port)
{
	if (!port->lowered_until_ns || port->way == WAY_WATCH)
		return port->way;
	return port->way == WAY_AUTO || port->way == WAY_TCX ? WAY_TCX : WAY_WATCH;
}

static void ports_submit(struct port *port, bool look)
{
	struct port_job *job = &port->job;
	bool drop = ports_may_go(port);

	if (port->busy) {
		port->again = true;
		return;
	}
	port->busy = true;
	port->again = false;
	*job = (struct port_job){
		.job = { ports_work, ports_done },
		.dp = port->owner->dp,
		.links = port->links,
		.ifindex = port->ifindex,
		.drop = drop,
		.lower = port->leaving && !drop,
		.look = look,
		.way = ports_way(port),
		.port = port,
	};
	if (port->lowered_until_ns)
		memcpy(job->lowered, port->lowered, sizeof(job->lowered));
	memcpy(job->name, port->name, sizeof(job->name));
	memcpy(job->driver, port->driver, sizeof(job->driver));
	worker_add(port->owner->worker, &job->job);
}

static void ports_forget(struct port *port)
{
	struct ports *p = port->owner;
	size_t i;

	for (i = 0; p->ports[i] != port; i++)
		;
	memmove(p->ports + i, p->ports + i + 1, (--p->count - i) * sizeof(*p->ports));
	free(port);
}

/* What became of it, as news; before and after a job. */
static void ports_tell_change(const struct port *port, const struct dataplane_links *before,
			      int error)
{
	const struct dataplane_links *now = &port->links;

	if (now->attach == before->attach && !strcmp(now->reason, before->reason))
		return;
	if (error < 0)
		ports_tell(port, PORTS_REFUSED, now->reason);
	else if (now->attach == DATAPLANE_NONE)
		ports_tell(port, PORTS_DETACHED, now->reason);
	else
		ports_tell(port, PORTS_ATTACHED, now->reason);
}

static void ports_done(struct worker_job *worker_job)
{
	struct port_job *job = (struct port_job *)worker_job;
	struct port *port = job->port;
	struct dataplane_links before = port->links;
	struct ports *p = port->owner;

	port->busy = false;
	port->links = job->links;
	memcpy(port->driver, job->driver, sizeof(port->driver));
	if (port->leaving) {
		if (!job->drop) {
			/* what was under way when it was told to leave, or ports_tick() goes on */
			if (!job->lower)
				ports_submit(port, false);
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
			 strerror(-job->result));
	/* it went while this was under way, and the message that says so comes */
	if (job->result != -ENODEV)
		ports_tell_change(port, &before, job->result);
	if (port->again)
		ports_submit(port, false);
}

static void ports_leave(struct port *port, enum ports_news what, const char *reason)
{
	if (port->leaving)
		return;
	port->leaving = true;
	port->again = false;
	if (what == PORTS_DETACHED && port->links.answers)
		port->leave_at_ns = ports_now_ns() + PORTS_GRACE_NS;
	ports_tell(port, what, reason);
	if (!port->owner->dp)
		ports_forget(port);
	else if (!port->busy)
		ports_submit(port, false);
}

/* Meant again before it was gone: where it is not too late, it stays. */
static void ports_stay(struct port *port)
{
	if (!port->leaving || (port->busy && port->job.drop))
		return;
	port->leaving = false;
	port->leave_at_ns = 0;
	port->version = 0; /* to be tended anew */
	if (port->busy)
		port->again = true;
}

static struct port *ports_find(struct ports *p, const struct link_info *info)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->ports[i]->ifindex == info->index && p->ports[i]->serial == info->serial)
			return p->ports[i];
	return NULL;
}

static struct port *ports_add(struct ports *p, const struct link_info *info)
{
	struct port **grown = realloc(p->ports, (p->count + 1) * sizeof(*grown));
	struct port *port = grown ? calloc(1, sizeof(*port)) : NULL;

	p->ports = grown ?: p->ports;
	if (!port)
		return NULL;
	*port = (struct port){
		.owner = p,
		.ifindex = info->index,
		.serial = info->serial,
		.links = DATAPLANE_LINKS_NONE,
	};
	memcpy(port->name, info->name, sizeof(port->name));
	p->ports[p->count++] = port;
	if (p->settled) /* what was there at the start did not come */
		ports_tell(port, PORTS_CAME, "");
	snprintf(port->links.reason, sizeof(port->links.reason), "%s",
		 p->dp ? "it is being attached to" : "this kernel cannot have the programs");
	return port;
}

/* An interface that is meant, or was. */
static void ports_tend(struct ports *p, struct port *port, const struct link_info *info)
{
	if (port->leaving || (port->version == info->version && port->way == p->way))
		return;
	port->version = info->version;
	port->way = p->way;
	memcpy(port->name, info->name, sizeof(port->name));
	if (!p->dp)
		return;
	if (!info->ethernet && !info->loopback) {
		struct dataplane_links before = port->links;

		snprintf(port->links.reason, sizeof(port->links.reason),
			 "not an Ethernet device: its frames cannot be read");
		ports_tell_change(port, &before, -EOPNOTSUPP);
		return;
	}
	ports_submit(port, false);
}

void ports_reconcile(struct ports *p, struct links *links, enum way way)
{
	const struct link_info *infos;
	size_t count, i;

	p->links = links;
	p->way = way;
	for (i = p->count; i > 0; i--) {
		struct port *port = p->ports[i - 1];
		const struct link_info *info = links_find(links, port->ifindex);

		if (!info || info->serial != port->serial)
			ports_leave(port, PORTS_WENT, "");
		else if (p->sweep && !ports_keeps(p, info))
			ports_leave(port, PORTS_DETACHED, "it is not among the interfaces named");
	}
	p->sweep = false;
	count = links_get(links, &infos);
	for (i = 0; i < count; i++) {
		struct portnames_device d = ports_device(&infos[i]);
		struct port *port = ports_find(p, &infos[i]);

		if (!port && ports_wants(p, &d))
			port = ports_add(p, &infos[i]);
		if (port && ports_wants(p, &d))
			ports_stay(port);
		if (port)
			ports_tend(p, port, &infos[i]);
	}
	p->settled = true;
}

void ports_settle(struct ports *p, uint64_t limit_usec)
{
	worker_settle(p->worker, limit_usec);
}

/* ---- whether the driver sends -------------------------------------------------------------- */

static void ports_sum(struct ports *p, struct txwatch_sums *ret)
{
	struct sg_counters xdp = {}, ingress = {};

	dataplane_counters(p->dp, SG_XDP, &xdp);
	dataplane_counters(p->dp, SG_INGRESS, &ingress);
	ret->challenged = xdp.verdicts[SG_V_CHALLENGED] + xdp.verdicts[SG_V_CHALLENGED_PLAIN];
	ret->accepted = ingress.verdicts[SG_V_ACCEPTED];
}

/* Gives XDP up on an interface whose driver loses its answers, and tries it again after a while. */
static void ports_watch_tx(struct port *port, struct txwatch_sums *sums, uint64_t now_ns)
{
	if (port->busy || port->leaving)
		return;
	if (port->lowered_until_ns && now_ns >= port->lowered_until_ns) {
		port->lowered_until_ns = 0;
		ports_submit(port, false);
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
		ports_submit(port, false);
	}
}

void ports_tick(struct ports *p, uint64_t now_ns)
{
	struct txwatch_sums sums = {};
	bool again;
	size_t i;

	ports_desk_tick(p->desk, now_ns);
	if (p->dp)
		ports_sum(p, &sums);
	for (i = 0; p->dp && i < p->count; i++)
		ports_watch_tx(p->ports[i], &sums, now_ns);
	for (i = 0; p->dp && i < p->count && i < PORTS_CHECKS_A_TICK; i++) {
		struct port *port = p->ports[p->checked++ % p->count];

		if (port->leaving && !port->busy && ports_may_go(port))
			ports_submit(port, false);
		if (port->busy || port->leaving)
			continue;
		again = (port->failed || port->links.foreign) &&
			++port->looks % PORTS_FOREIGN_LOOKS == 0;
		if (again || port->links.attach != DATAPLANE_NONE)
			ports_submit(port, !again);
	}
}

static int ports_compare_rows(const void *a, const void *b)
{
	return ((const struct report_interface *)a)->index -
	       ((const struct report_interface *)b)->index;
}

int ports_report(const struct ports *p, struct report_interface **ret, size_t *count)
{
	struct report_interface *rows = calloc(p->count ?: 1, sizeof(*rows));
	size_t i, n = 0;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < p->count; i++) {
		const struct port *port = p->ports[i];
		struct report_interface *row = &rows[n];

		if (port->leaving)
			continue;
		memcpy(row->name, port->name, sizeof(row->name));
		memcpy(row->driver, port->driver, sizeof(row->driver));
		memcpy(row->attach_reason, port->links.reason, sizeof(row->attach_reason));
		row->index = port->ifindex;
		row->attach = dataplane_attach_name(port->links.attach);
		row->answers = port->links.answers;
		n++;
	}
	qsort(rows, n, sizeof(*rows), ports_compare_rows);
	*ret = rows;
	*count = n;
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int ports_new(struct ports **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	      size_t name_count, const struct ports_handler *handler)
{
	struct ports *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->dp = dp;
	p->desk = ports_desk_new(handler);
	r = p->desk ? worker_new(&p->worker, event) : -ENOMEM;
	if (r >= 0)
		r = ports_set_names(p, names, name_count);
	if (r < 0) {
		ports_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct ports *ports_free(struct ports *p)
{
	size_t i;

	if (!p)
		return NULL;
	/* from here on nothing is under way, and a busy port's job has what is true */
	worker_free(p->worker);
	for (i = 0; i < p->count; i++) {
		struct port *port = p->ports[i];

		dataplane_detach(port->busy ? &port->job.links : &port->links);
		free(port);
	}
	free(p->ports);
	ports_names_free(p->names, p->name_count);
	ports_desk_free(p->desk);
	free(p);
	return NULL;
}
