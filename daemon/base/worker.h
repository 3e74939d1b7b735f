/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for what may sleep in the kernel for long, so that no tick waits for it.
 *
 * Attaching one program waits for an RCU grace period (8 to 16 ms were measured, with the RTNL lock
 * held all the while), and whatever else takes that lock waits behind it. Jobs run one after the
 * other in the order in which they were added. The thread lives only while there are some. A job is
 * part of what its owner owns, so adding one cannot fail and nothing is allocated.
 *
 * Left to the caller: work() touches only what no one else does until done() has been called.
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

/* Lets the job that runs come to its end and forgets the others: done() is called for none. */
struct worker *worker_free(struct worker *worker);

/* The job must not be under way already. */
void worker_add(struct worker *worker, struct worker_job *job);

/* Waits until nothing is to be done any more, at most so long; calls done() meanwhile. */
void worker_settle(struct worker *worker, uint64_t limit_usec);
