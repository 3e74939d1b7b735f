/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/ack_flood.h"

void ack_flood_count(struct ack_flood *a, const struct ack_flood_counts *now)
{
	a->grew.bogus = detect_growth(now->bogus, a->last.bogus);
	a->grew.dropped = detect_growth(now->dropped, a->last.dropped);
	a->last = *now;
	a->total.bogus += a->grew.bogus;
	a->total.dropped += a->grew.dropped;
}

enum ack_flood_change ack_flood_step(struct ack_flood *a, uint64_t now_ns,
				     const struct detect_of_flood *judged)
{
	bool began = !a->open && judged->state == DETECT_ATTACK;

	if (began) {
		a->open = true;
		a->began_ns = now_ns;
		a->flood = (struct ack_flood_counts){};
	}
	if (!a->open)
		return ACK_FLOOD_NO_CHANGE;
	/* the second in which it ebbed was partly of it */
	if (judged->state == DETECT_ATTACK || judged->quiet_ns == now_ns) {
		a->ended_ns = now_ns;
		a->flood.bogus += a->grew.bogus;
		a->flood.dropped += a->grew.dropped;
	}
	if (judged->state == DETECT_CALM) {
		a->open = false;
		return ACK_FLOOD_STOPPED;
	}
	return began ? ACK_FLOOD_STARTED : ACK_FLOOD_NO_CHANGE;
}
