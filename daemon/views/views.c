/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/views.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/worker.h"
#include "daemon/dataplane/requests.h"
#include "daemon/services/services.h"
#include "daemon/views/view.h"

struct views {
	struct worker *worker;
	struct dataplane *dp;
	struct dataplane_requests *requests; /* NULL where they cannot be had */
	struct views_job *jobs;		     /* all that are under way */
};

struct views_job {
	struct worker_job job;
	struct views *owner;
	struct views_job *next;
	struct views_request request;
	struct services_rate *rates;
	size_t rate_count;
	int fd; /* or -errno */
};

int views_new(struct views **ret, sd_event *event, struct dataplane *dp)
{
	struct views *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->dp = dp;
	r = worker_new(&v->worker, event);
	if (r < 0) {
		free(v);
		return r;
	}
	dataplane_requests_new(&v->requests, NULL);
	*ret = v;
	return 0;
}

static void views_forget(struct views_job *job)
{
	struct views_job **at = &job->owner->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	close_fd(job->fd);
	free(job->rates);
	free(job);
}

struct views *views_free(struct views *v)
{
	if (!v)
		return NULL;
	worker_free(v->worker);
	dataplane_requests_free(v->requests);
	while (v->jobs)
		views_forget(v->jobs);
	free(v);
	return NULL;
}

static int views_fill(const struct views_job *job, FILE *to)
{
	const struct views_request *request = &job->request;

	switch (request->what) {
	case VIEWS_LISTENERS:
		return listeners_write(to, job->owner->dp, job->rates, job->rate_count);
	case VIEWS_HALFOPEN:
		return halfopen_write(to, request->by, htons(request->port), job->owner->requests);
	case VIEWS_STATES:
		return states_write(to, job->owner->requests);
	case VIEWS_SOURCES:
		return sources_write(to, job->owner->dp, request->by, request->top);
	}
	return -EINVAL;
}

/* The stream has a descriptor of its own, which shares its file offset with fd. */
static int views_make(const struct views_job *job)
{
	_cleanup_close_ int fd = memfd_create("synguard-view", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy, r;
	FILE *to;

	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	to = fdopen(copy, "w");
	if (!to) {
		close(copy);
		return -ENOMEM;
	}
	r = views_fill(job, to);
	/* fclose() does not report what could not be written before */
	if (ferror(to) && r >= 0)
		r = -EIO;
	if (fclose(to) && r >= 0)
		r = -errno;
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void views_work(struct worker_job *job)
{
	struct views_job *j = container_of(job, struct views_job, job);

	j->fd = views_make(j);
}

static void views_done(struct worker_job *job)
{
	struct views_job *j = container_of(job, struct views_job, job);

	j->request.done(j->request.userdata, j->fd);
	views_forget(j);
}

int views_ask(struct views *v, const struct views_request *request, struct services_rate *rates,
	      size_t rate_count)
{
	struct views_job *job = calloc(1, sizeof(*job));

	if (!job) {
		free(rates);
		return -ENOMEM;
	}
	*job = (struct views_job){
		.job = { views_work, views_done },
		.owner = v,
		.next = v->jobs,
		.request = *request,
		.rates = rates,
		.rate_count = rate_count,
		.fd = -EBADF,
	};
	v->jobs = job;
	worker_add(v->worker, &job->job);
	return 0;
}
