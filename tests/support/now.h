/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monotonic clock, for deadlines of tests. */
#pragma once

#include "daemon/base/clock.h"

static inline long long now_ms(void)
{
	return clock_now_ns() / 1000000;
}
