/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monotonic clock, for deadlines of tests. */
#pragma once

#include <time.h>

static inline long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
