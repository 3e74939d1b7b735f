/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth of counters, and rates per second from it. Pure. */
#pragma once

#include <stdint.h>

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
