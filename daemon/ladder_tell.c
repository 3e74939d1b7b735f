/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what the ladder has done and what is taken. */
#include <stdio.h>
#include <time.h>

#include "ladder_internal.h"
#include "report.h"

void ladder_tell(struct ladder *l, enum ladder_news news, enum sg_ladder_step step, uint64_t from,
		 uint64_t to, const char *reason)
{
	l->counts.takes += news == LADDER_TAKEN;
	l->counts.undos += news == LADDER_UNDONE;
	l->counts.conflicts += news == LADDER_CONFLICT;
	l->handler.tell(l->handler.userdata, news, step, from, to, reason);
}

bool ladder_is_taken(const struct ladder *l, enum sg_ladder_step step)
{
	return l->steps[step].taken;
}

struct ladder_counts ladder_counts(const struct ladder *l)
{
	return l->counts;
}

static void ladder_since(uint64_t usec, char *text, size_t size)
{
	time_t seconds = usec / 1000000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void ladder_report(const struct ladder *l, struct report_step *rows)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];
		struct report_step *row = &rows[step];

		*row = (struct report_step){
			.step = ladder_rows[step].word,
			.target = ladder_rows[step].target,
			.allowed = l->wishes[step].allowed,
			.taken = s->taken,
			.would = s->would,
			.conflict = s->conflict,
			.old = s->taken ? s->old : s->value,
			.new = s->taken ? s->ours : l->wishes[step].value,
		};
		if (s->taken)
			ladder_since(s->since_usec, row->since, sizeof(row->since));
		snprintf(row->why, sizeof(row->why), "%s",
			 s->conflict	     ? "somebody else has set it, and that stays" :
			 s->failure[0]	     ? s->failure :
			 l->wishes[step].why ?:
					       "");
	}
}
