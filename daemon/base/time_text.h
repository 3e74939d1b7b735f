/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as text. */
#pragma once

#include <stdint.h>

struct time_text {
	char text[32];
};

/* RFC 3339, UTC, without the fraction: "2001-02-03T04:05:06Z". Microseconds of CLOCK_REALTIME. */
struct time_text time_text(uint64_t realtime_usec);
