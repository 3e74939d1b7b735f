/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The defence of one service as a story with a beginning, an end and totals.
 *
 * Pure: fed with what each tick sees. A beginning is told at once and an end when it has come, but
 * nothing within DEFENCE_QUIET_NS of what was told before. A defence that comes back in that time
 * goes on; one that came and went in it is told by its end alone. So a service that flaps is told
 * of once in 10 s at most, and the totals lose nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DEFENCE_QUIET_NS (10 * 1000000000ULL)

/* What grew since the last tick; in struct defence: since the beginning. */
struct defence_totals {
	uint64_t syns, challenges, acceptances;
};

/* Zeroed = idle, and nothing told yet. */
struct defence {
	bool open;   /* it has begun, and its end has not been told */
	bool told;   /* its beginning has been told */
	bool before; /* defending at the last tick */
	bool spoken;
	uint64_t spoken_at_ns; /* of the last news, where there have been any */
	uint64_t began_ns, ended_ns;
	struct defence_totals totals;
};

enum defence_news {
	DEFENCE_NO_NEWS,
	DEFENCE_BEGAN,
	DEFENCE_ENDED, /* with began_ns, ended_ns and totals */
};

/*
 * One tick. `may_tell` false: what would be told is told by a later tick instead, if it is still
 * so then.
 */
enum defence_news defence_step(struct defence *d, uint64_t now_ns, bool defending,
			       const struct defence_totals *grew, bool may_tell);
