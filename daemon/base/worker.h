/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for calls that may sleep in the kernel for long, so that no tick waits for them.
 *
 * Attaching one program waits for an RCU grace period (8 to 16 ms were measured) with the RTNL lock
 * held, and other users of that lock wait behind it. Jobs run one after the other in the order in
 * which they were added. The thread exists only while there are jobs. A job is embedded in a struct
 * of its owner, so adding one cannot fail and allocates nothing.
 *
 * Left to the caller: until done() is called, only work() touches the job's data.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

struct worker;

struct worker_job {
	void (*work)(struct worker_job *job); /* in the thread */
	void (*done)(struct worker_job *job); /* in the loop; may add the job again, or free it */
	struct worker_job *next;	      /* the worker's */
};

/* The caller owns *ret. -errno. */
int worker_new(struct worker **ret, sd_event *event);

/* Waits for the job that runs and drops the others; done() is called for none. */
struct worker *worker_free(struct worker *worker);

/* The job must not be in the queue already. */
void worker_add(struct worker *worker, struct worker_job *job);

/* Waits until no job is left, at most so long, and calls done() of those that end. */
void worker_settle(struct worker *worker, uint64_t limit_usec);
