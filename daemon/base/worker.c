/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"

struct worker_queue {
	struct worker_job *first, **end;
};

struct worker {
	sd_event_source *source;
	int done_fd;
	size_t pending; /* added and not done() yet; the loop's */
	bool joinable;	/* the loop's */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	bool running;
	bool ending;
	struct worker_queue todo, done;
};

static void worker_put(struct worker_queue *q, struct worker_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct worker_job *worker_take(struct worker_queue *q)
{
	struct worker_job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	return job;
}

static void *worker_run(void *userdata)
{
	struct worker *w = userdata;
	struct worker_job *job;

	pthread_mutex_lock(&w->lock);
	while (!w->ending && (job = worker_take(&w->todo))) {
		pthread_mutex_unlock(&w->lock);
		job->work(job);
		pthread_mutex_lock(&w->lock);
		worker_put(&w->done, job);
		eventfd_write(w->done_fd, 1);
	}
	w->running = false;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void worker_join(struct worker *w)
{
	if (w->joinable)
		pthread_join(w->thread, NULL);
	w->joinable = false;
}

/* Called with the lock held; releases it during work() where no thread can be created. */
static void worker_start(struct worker *w)
{
	w->running = true;
	/* an earlier thread, which has left its loop and does not take the lock again */
	worker_join(w);
	if (!pthread_create(&w->thread, NULL, worker_run, w)) {
		w->joinable = true;
		return;
	}
	pthread_mutex_unlock(&w->lock);
	worker_run(w); /* no thread: the loop has to wait */
	pthread_mutex_lock(&w->lock);
}

void worker_add(struct worker *w, struct worker_job *job)
{
	w->pending++;
	pthread_mutex_lock(&w->lock);
	worker_put(&w->todo, job);
	if (!w->running)
		worker_start(w);
	pthread_mutex_unlock(&w->lock);
}

static struct worker_job *worker_finished(struct worker *w)
{
	struct worker_job *job;

	pthread_mutex_lock(&w->lock);
	job = worker_take(&w->done);
	pthread_mutex_unlock(&w->lock);
	return job;
}

static int worker_on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct worker *w = userdata;
	struct worker_job *job;
	eventfd_t count;

	eventfd_read(w->done_fd, &count);
	while ((job = worker_finished(w))) {
		w->pending--;
		job->done(job);
	}
	return 0;
}

void worker_settle(struct worker *w, uint64_t limit_usec)
{
	uint64_t now_usec = clock_now_usec(), end_usec = now_usec + limit_usec;
	struct pollfd p = { .fd = w->done_fd, .events = POLLIN };

	for (; w->pending && now_usec < end_usec; now_usec = clock_now_usec())
		if (poll(&p, 1, (end_usec - now_usec) / 1000 + 1) > 0)
			worker_on_done(w->source, w->done_fd, 0, w);
}

int worker_new(struct worker **ret, sd_event *event)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	w->todo.end = &w->todo.first;
	w->done.end = &w->done.first;
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->done_fd < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &w->source, w->done_fd, EPOLLIN, worker_on_done, w);
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(w->source, true);
	if (r < 0) {
		worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_mutex_unlock(&w->lock);
	worker_join(w);
	sd_event_source_disable_unref(w->source);
	close_fd(w->done_fd);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
