/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the daemon's ticks come, one a second, and whether they are late.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

struct ticks {
	json_int_t count, uptime;
	json_int_t delay_usec; /* the longest delay so far */
	int64_t at_ms;	       /* monotonic */
};

struct ticks ticks_of(struct stage *s);

/* Others that run on this host shall not be taken for what the daemon does to itself. */
void ticks_undisturbed(struct stage *s);

/* Whether there were as many as seconds, give or take one; says so where not. */
bool ticks_all_came(const struct ticks *before, const struct ticks *after);

/* So many seconds, in which there is something to follow: the mode goes to and fro. Root gets through
 * in any case. */
void ticks_go_by(struct stage *s, int seconds);
