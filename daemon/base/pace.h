/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits work whose cost grows with the host to a fiftieth of a CPU; cheap work may be repeated at
 * once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/clock.h"

#define PACE_SHARE 50

struct pace {
	uint64_t next_ns; /* 0 = at once */
};

static inline bool pace_allows(const struct pace *p, uint64_t now_ns)
{
	return now_ns >= p->next_ns;
}

/* The work was done at now_ns and took cost_ns of CPU time. */
static inline void pace_note(struct pace *p, uint64_t now_ns, uint64_t cost_ns)
{
	p->next_ns = now_ns + cost_ns * PACE_SHARE;
}

/* CPU time of this thread: the difference of two is a cost. */
static inline uint64_t pace_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
