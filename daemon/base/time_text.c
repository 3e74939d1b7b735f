/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/time_text.h"

#include <time.h>

struct time_text time_text(uint64_t realtime_usec)
{
	time_t seconds = realtime_usec / 1000000;
	struct time_text t;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(t.text, sizeof(t.text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return t;
}
