/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often something may be done whose cost grows with the host: at once where it costs little,
 * and never for more than a fiftieth of a CPU.
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

/* It was done now, and has taken so much CPU time. */
static inline void pace_note(struct pace *p, uint64_t now_ns, uint64_t cost_ns)
{
	p->next_ns = now_ns + cost_ns * PACE_SHARE;
}

/* Of this thread, to take the difference of. */
static inline uint64_t pace_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
