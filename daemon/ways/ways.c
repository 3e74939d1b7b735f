/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ways/ways.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/worker.h"
#include "daemon/dataplane/control.h"
#include "daemon/net/sysctl.h"
#include "daemon/ways/table.h"

/* Changes come in bursts: after the first one that much time for the others. */
#define WAYS_PAUSE_NS 1000000000ULL

/* A full BGP table is read in a second or two. */
#define WAYS_START_USEC 30000000ULL

struct ways_job {
	struct worker_job job;
	struct dataplane *dp;
	struct ways_iface *ifaces;
	char (*names)[IFNAMSIZ]; /* of these */
	size_t count;
	struct ways_table before, table; /* in the maps; what has been calculated */
	uint64_t cost_ns;
	bool again; /* a change overtook the reading, so something may be missing */
	int error;
};

struct ways {
	sd_event *event;
	struct worker *worker;
	int monitor;
	sd_event_source *source, *timer;
	struct rtnl *rtnl;
	struct ways_handler handler;
	struct ways_job job;
	bool started;
	bool working, changed; /* a job is under way; something has changed since it began */
	struct pace pace;
	struct ways_figures figures;
};

/* ---- the thread's part --------------------------------------------------------------------- */

/* The most of what is set for all and for the interface: fib_validate_source(). */
static void ways_read_filters(struct ways_job *job)
{
	uint64_t all = 0, own;
	char name[64];
	size_t i;

	sysctl_read("net.ipv4.conf.all.rp_filter", &all);
	for (i = 0; i < job->count; i++) {
		own = 0;
		snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", job->names[i]);
		sysctl_read(name, &own);
		/* 2 is loose: any way back will do */
		job->ifaces[i].strict = (own > all ? own : all) == 1;
	}
}

static int ways_note_error(int *error, int r)
{
	if (r < 0 && r != -ENOENT)
		*error = r;
	return r;
}

/* What is in `of` and not, or otherwise, in `other` is entered, or what is not at all taken out. */
static void ways_write_entries(struct ways_job *job, const struct ways_table *of,
			       const struct ways_table *other, bool enter)
{
	size_t i;

	for (i = 0; i < of->count; i++) {
		const struct ways_entry *e = &of->entries[i];
		const struct ways_entry *same =
			other->count ? bsearch(e, other->entries, other->count,
					       sizeof(*other->entries), ways_compare_entries) :
				       NULL;

		if (enter && (!same || memcmp(&same->way, &e->way, sizeof(e->way))))
			ways_note_error(&job->error, control_set_way(job->dp, &e->key, &e->way));
		else if (!enter && !same)
			ways_note_error(&job->error, control_set_way(job->dp, &e->key, NULL));
	}
}

/* They are few: what was is taken out where it is no more, what is now is entered. */
static void ways_write_classes(struct ways_job *job)
{
	const struct ways_table *before = &job->before, *now = &job->table;
	size_t i, j;

	for (i = 0; i < now->class_count; i++)
		ways_note_error(&job->error, control_set_way_class(job->dp, &now->classes[i].key,
								   &now->classes[i].class));
	for (i = 0; i < before->class_count; i++) {
		for (j = 0; j < now->class_count; j++)
			if (!memcmp(&before->classes[i].key, &now->classes[j].key,
				    sizeof(now->classes[j].key)))
				break;
		if (j == now->class_count)
			ways_note_error(&job->error,
					control_set_way_class(job->dp, &before->classes[i].key,
							      NULL));
	}
}

static void ways_write_ifaces(struct ways_job *job)
{
	const struct ways_table *before = &job->before, *now = &job->table;
	size_t i, j;

	for (i = 0; i < now->iface_count; i++)
		ways_note_error(&job->error, control_set_way_iface(job->dp, now->ifaces[i].ifindex,
								   &now->ifaces[i].iface));
	for (i = 0, j = 0; i < before->iface_count; i++) {
		while (j < now->iface_count && now->ifaces[j].ifindex < before->ifaces[i].ifindex)
			j++;
		if (j == now->iface_count || now->ifaces[j].ifindex != before->ifaces[i].ifindex)
			ways_note_error(&job->error,
					control_set_way_iface(job->dp, before->ifaces[i].ifindex,
							      NULL));
	}
}

/*
 * Where everything becomes plain, nothing is looked up from the first moment on; where it is no more,
 * the table is there first. Between two tables a SYN may meet some of either.
 */
static void ways_write(struct ways_job *job)
{
	control_set_ways(job->dp, job->before.flags & job->table.flags);
	ways_write_ifaces(job);
	/* out first, so that there is room */
	ways_write_entries(job, &job->before, &job->table, false);
	ways_write_entries(job, &job->table, &job->before, true);
	ways_write_classes(job);
	control_set_ways(job->dp, job->table.flags);
	ways_table_done(&job->before);
	job->before = job->table;
	job->table = (struct ways_table){};
}

static void ways_work(struct worker_job *worker_job)
{
	struct ways_job *job = container_of(worker_job, struct ways_job, job);
	uint64_t before_ns = pace_cpu_ns();
	struct routes routes;

	ways_read_filters(job);
	job->error = routes_read(&routes);
	if (job->error >= 0) {
		job->error = ways_calculate(&routes, job->ifaces, job->count, &job->table);
		job->again = routes.interrupted;
		routes_done(&routes);
	}
	if (job->error >= 0)
		ways_write(job);
	else
		ways_table_done(&job->table);
	job->cost_ns = pace_cpu_ns() - before_ns;
}

/* ---- the loop's part ----------------------------------------------------------------------- */

static int ways_on_timer(sd_event_source *source, uint64_t scheduled_usec, void *userdata);

static void ways_wait(struct ways *w)
{
	uint64_t now_ns = clock_now_ns(), at_ns = now_ns + WAYS_PAUSE_NS;

	if (w->timer || w->working)
		return;
	if (at_ns < w->pace.next_ns)
		at_ns = w->pace.next_ns;
	sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, at_ns / 1000, 0, ways_on_timer, w);
}

static void ways_note(struct ways *w)
{
	w->changed = true;
	ways_wait(w);
}

/* What the messages say is read with all the rest; that some were lost (ENOBUFS) says the same. */
static int ways_drain(struct ways *w)
{
	char buffer[8192];
	ssize_t n;
	int turns = 1024;

	do
		n = recv(w->monitor, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
	while ((n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR))) && --turns);
	return n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR ? -errno : 0;
}

static int ways_take_ifaces(struct ways *w)
{
	struct ways_job *job = &w->job;
	const struct rtnl_iface *ifaces;
	size_t count = rtnl_get(w->rtnl, &ifaces), i;

	free(job->ifaces);
	free(job->names);
	job->count = 0;
	job->ifaces = calloc(count ?: 1, sizeof(*job->ifaces));
	job->names = calloc(count ?: 1, sizeof(*job->names));
	if (!job->ifaces || !job->names)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		job->ifaces[i] = (struct ways_iface){
			.ifindex = ifaces[i].index,
			.above = ifaces[i].above,
			.below = ifaces[i].below,
			.mtu = ifaces[i].mtu,
			.ethernet = ifaces[i].ethernet && !ifaces[i].loopback,
			.vrf = ifaces[i].vrf,
		};
		memcpy(job->names[i], ifaces[i].name, IFNAMSIZ);
	}
	job->count = count;
	return 0;
}

static void ways_start(struct ways *w)
{
	if (ways_take_ifaces(w) < 0) {
		ways_note(w);
		return;
	}
	/* before the reading, which has what the messages told of; what comes meanwhile is read after */
	if (ways_drain(w) < 0)
		w->changed = true;
	else
		w->changed = false;
	sd_event_source_set_enabled(w->source, SD_EVENT_ON);
	w->working = true;
	worker_add(w->worker, &w->job.job);
}

static void ways_done(struct worker_job *worker_job)
{
	struct ways *w = container_of(worker_job, struct ways, job.job);
	const struct ways_table *t = &w->job.before;

	w->working = false;
	pace_note(&w->pace, clock_now_ns(), w->job.cost_ns);
	w->figures = (struct ways_figures){
		.entries = t->count,
		.left_out = t->left_out,
		.error = w->job.error,
	};
	w->changed |= w->job.again || w->job.error < 0;
	if (w->changed)
		ways_wait(w);
	if (w->started)
		w->handler.changed(w->handler.userdata);
}

static int ways_on_timer(sd_event_source *source, uint64_t scheduled_usec, void *userdata)
{
	struct ways *w = userdata;

	w->timer = sd_event_source_disable_unref(w->timer);
	ways_start(w);
	return 0;
}

/* One message is enough: until all is read again the others wait, or are lost. */
static int ways_on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct ways *w = userdata;

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	ways_note(w);
	return 0;
}

static int ways_open_monitor(struct ways *w)
{
	int r;

	w->monitor = routes_monitor();
	if (w->monitor < 0)
		return w->monitor;
	r = sd_event_add_io(w->event, &w->source, w->monitor, EPOLLIN, ways_on_readable, w);
	return r < 0 ? r : 0;
}

int ways_new(struct ways **ret, sd_event *event, struct dataplane *dp, struct rtnl *rtnl,
	     const struct ways_handler *handler)
{
	struct ways *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->event = sd_event_ref(event);
	w->monitor = -EBADF;
	w->rtnl = rtnl;
	w->handler = *handler;
	w->job.dp = dp;
	w->job.job = (struct worker_job){ ways_work, ways_done };
	r = worker_new(&w->worker, event);
	/* the monitor first: what changes meanwhile is read once more */
	if (r >= 0)
		r = ways_open_monitor(w);
	if (r < 0) {
		ways_free(w);
		return r;
	}
	ways_start(w);
	worker_settle(w->worker, WAYS_START_USEC);
	w->started = true;
	*ret = w;
	return 0;
}

struct ways *ways_free(struct ways *w)
{
	if (!w)
		return NULL;
	worker_free(w->worker);
	sd_event_source_disable_unref(w->timer);
	sd_event_source_disable_unref(w->source);
	close_fd(w->monitor);
	free(w->job.ifaces);
	free(w->job.names);
	ways_table_done(&w->job.before);
	ways_table_done(&w->job.table);
	sd_event_unref(w->event);
	free(w);
	return NULL;
}

struct ways_figures ways_figures(const struct ways *w)
{
	return w ? w->figures : (struct ways_figures){};
}
