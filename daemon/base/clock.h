/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks, and times as text. */
#pragma once

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
