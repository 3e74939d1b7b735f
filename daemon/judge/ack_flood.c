/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/ack_flood.h"

void acks_count(struct acks *a, const struct acks_counts *now)
{
	a->grew.bogus = detect_growth(now->bogus, a->last.bogus);
	a->grew.dropped = detect_growth(now->dropped, a->last.dropped);
	a->last = *now;
	a->total.bogus += a->grew.bogus;
	a->total.dropped += a->grew.dropped;
}

enum acks_news acks_step(struct acks *a, uint64_t now_ns, const struct detect_of_flood *judged)
{
	bool began = !a->open && judged->state == DETECT_ATTACK;

	if (began) {
		a->open = true;
		a->began_ns = now_ns;
		a->flood = (struct acks_counts){};
	}
	if (!a->open)
		return ACKS_NO_NEWS;
	/* the second in which it ebbed was partly of it */
	if (judged->state == DETECT_ATTACK || judged->quiet_ns == now_ns) {
		a->ended_ns = now_ns;
		a->flood.bogus += a->grew.bogus;
		a->flood.dropped += a->grew.dropped;
	}
	if (judged->state == DETECT_CALM) {
		a->open = false;
		return ACKS_FLOOD_ENDED;
	}
	return began ? ACKS_FLOOD_BEGAN : ACKS_NO_NEWS;
}
