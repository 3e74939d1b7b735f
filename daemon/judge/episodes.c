/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/episodes.h"

/* The last tick's figures still belong to a defence that has ended in between. */
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
	if (!d->open || (d->spoken && now_ns - d->spoken_at_ns < DEFENCE_QUIET_NS))
		return DEFENCE_NO_NEWS;
	if (!defending)
		return DEFENCE_ENDED;
	return d->told ? DEFENCE_NO_NEWS : DEFENCE_BEGAN;
}

enum defence_news defence_step(struct defence *d, uint64_t now_ns, bool defending,
			       const struct defence_totals *grew, bool may_tell)
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
	news = may_tell ? defence_news(d, now_ns, defending) : DEFENCE_NO_NEWS;
	if (news == DEFENCE_NO_NEWS)
		return news;
	d->spoken = true;
	d->spoken_at_ns = now_ns;
	d->told = news == DEFENCE_BEGAN;
	d->open = d->told;
	return news;
}
