/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/episodes.h"

#include "daemon/base/clock.h"

void ack_flood_count(struct ack_flood *a, const struct ack_flood_counts *now)
{
	a->grew.bogus = rate_growth(now->bogus, a->last.bogus);
	a->grew.dropped = rate_growth(now->dropped, a->last.dropped);
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
	/* the second in which it ebbed belongs partly to the flood */
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

bool state_news_step(struct state_news *n, uint64_t now_ns, enum detect_state state)
{
	if (state == n->told || (state == DETECT_COOLING && now_ns - n->told_ns < n->quiet_ns))
		return false;
	if (state == DETECT_CALM)
		n->quiet_ns = 0;
	else if (state == DETECT_COOLING && !n->quiet_ns)
		n->quiet_ns = STATE_QUIET_NS;
	else if (state == DETECT_COOLING && n->quiet_ns < STATE_QUIET_MAX_NS)
		n->quiet_ns *= 2;
	n->told = state;
	n->told_ns = now_ns;
	return true;
}

/* A defence that ended since the last tick still gets the figures of this one. */
static void defence_add(struct defence *d, bool defending, const struct defence_totals *grew)
{
	if (!defending && !d->before)
		return;
	d->totals.syns += grew->syns;
	d->totals.challenges += grew->challenges;
	d->totals.acceptances += grew->acceptances;
}

static enum defence_news defence_news(const struct defence *d, uint64_t now_ns, bool defending)
{
	if (!d->open || (d->reported && now_ns - d->report_ns < DEFENCE_QUIET_NS))
		return DEFENCE_NO_NEWS;
	if (!defending)
		return DEFENCE_ENDED;
	return d->beginning_known ? DEFENCE_NO_NEWS : DEFENCE_BEGAN;
}

enum defence_news defence_step(struct defence *d, uint64_t now_ns, bool defending,
			       const struct defence_totals *grew, bool may_report)
{
	enum defence_news news;

	if (defending && !d->open) {
		d->open = true;
		d->began_ns = now_ns;
		d->totals = (struct defence_totals){};
	}
	defence_add(d, defending, grew);
	if (d->before && !defending)
		d->ended_ns = now_ns;
	d->before = defending;
	news = may_report ? defence_news(d, now_ns, defending) : DEFENCE_NO_NEWS;
	if (news == DEFENCE_NO_NEWS)
		return news;
	d->reported = true;
	d->report_ns = now_ns;
	d->beginning_known = news == DEFENCE_BEGAN;
	d->open = d->beginning_known;
	return news;
}
