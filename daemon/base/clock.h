/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks, times as text, growth of counters per second, and work in proportion to its cost. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* CLOCK_MONOTONIC, which is the programs', too. */
static inline uint64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_now_usec(void)
{
	return clock_now_ns() / 1000;
}

static inline uint64_t clock_realtime_usec(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

struct time_text {
	char text[32];
};

/* RFC 3339, UTC, without the fraction: "2001-02-03T04:05:06Z". Microseconds of CLOCK_REALTIME. */
static inline struct time_text time_text(uint64_t realtime_usec)
{
	time_t seconds = realtime_usec / 1000000;
	struct time_text t;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(t.text, sizeof(t.text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return t;
}

/* ---- rates ---- */

/* 0 where the counter began anew. */
static inline uint64_t rate_growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* How many per second; 0 where no time has passed. */
static inline uint64_t rate_per_sec(uint64_t count, uint64_t elapsed_ns)
{
	return elapsed_ns ? (unsigned __int128)count * 1000000000 / elapsed_ns : 0;
}

/* ---- pace ---- */

/*
 * Limits work whose cost grows with the host to a fiftieth of a CPU; cheap work may be repeated at
 * once.
 */
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
