/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ticks.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "now.h"

struct ticks ticks_of(struct stage *s)
{
	json_t *status = stage_status(s);
	struct ticks t = {
		.count = stage_figure(status, "ticks"),
		.uptime = stage_figure(status, "uptime_seconds"),
		.delay_usec = stage_figure(status, "tick_delay_max_microseconds"),
		.at_ms = now_ms(),
	};

	json_decref(status);
	return t;
}

void ticks_undisturbed(struct stage *s)
{
	/* not SCHED_FIFO: who keeps a CPU busy by it is stopped for 50 ms in a second */
	ck_assert_msg(!setpriority(PRIO_PROCESS, lab_daemon_pid(s->daemon), -20), "nice -20: %s",
		      strerror(errno));
}

bool ticks_all_came(const struct ticks *before, const struct ticks *after)
{
	int64_t ms = after->at_ms - before->at_ms;
	json_int_t ticks = after->count - before->count;

	if (ticks >= ms / 1000 - 1 && ticks <= ms / 1000 + 1)
		return true;
	printf("# %lld ticks in %lld ms\n", (long long)ticks, (long long)ms);
	return false;
}

void ticks_go_by(struct stage *s, int seconds)
{
	int64_t until_ms = now_ms() + seconds * 1000;
	int i;

	for (i = 0; now_ms() < until_ms; i++) {
		stage_mode(s, i % 2 ? "auto" : "observe");
		usleep(100000);
	}
}
