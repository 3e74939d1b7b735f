/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what the ladder has done and what is taken. */
#include <stdio.h>

#include "daemon/base/time_text.h"
#include "daemon/mitigation/internal.h"
#include "daemon/report/report.h"

void ladder_tell_of(struct ladder *l, enum ladder_news news, enum sg_ladder_step step,
		    const char *target, uint64_t from, uint64_t to, const char *reason)
{
	l->counts.takes += news == LADDER_TAKEN;
	l->counts.undos += news == LADDER_UNDONE;
	l->counts.conflicts += news == LADDER_CONFLICT;
	l->handler.tell(l->handler.userdata, news, step, target, from, to, reason);
}

void ladder_tell(struct ladder *l, enum ladder_news news, enum sg_ladder_step step, uint64_t from,
		 uint64_t to, const char *reason)
{
	ladder_tell_of(l, news, step, ladder_rows[step].target, from, to, reason);
}

void ladder_tell_gone(struct ladder *l, const struct ladder_target *target)
{
	char text[128];

	snprintf(text, sizeof(text), "the listener %s is gone: nothing of %s is to be undone there",
		 target->name, ladder_rows[target->step].word);
	l->handler.warn(l->handler.userdata, text);
}

bool ladder_is_taken(const struct ladder *l, enum sg_ladder_step step)
{
	return l->steps[step].taken;
}

struct ladder_counts ladder_counts(const struct ladder *l)
{
	return l->counts;
}

void ladder_report(const struct ladder *l, struct report_step *rows)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];
		struct report_step *row = &rows[step];
		/* of listeners it is how many there are to adjust */
		bool has_a_value = ladder_rows[step].kind != SG_LADDER_SOCKETS;

		*row = (struct report_step){
			.step = ladder_rows[step].word,
			.target = ladder_rows[step].target,
			.allowed = l->wishes[step].allowed,
			.taken = s->taken,
			.would = s->would,
			.conflict = s->conflict,
			.old = s->taken	   ? s->old :
			       has_a_value ? s->value :
					     0,
			.new = s->taken ? s->ours : l->wishes[step].value,
		};
		if (s->taken)
			snprintf(row->since, sizeof(row->since), "%s",
				 timetext(s->since_usec).text);
		snprintf(row->why, sizeof(row->why), "%s",
			 s->conflict	     ? LADDER_OF_ANOTHER :
			 s->failure[0]	     ? s->failure :
			 l->wishes[step].why ?:
					       "");
	}
}

static void ladder_report_target(const struct ladder *l, const struct ladder_target *t, bool would,
				 struct report_step *row)
{
	*row = (struct report_step){
		.step = ladder_rows[t->step].word,
		.target = t->name,
		.allowed = l->wishes[t->step].allowed,
		.taken = !t->lost && !would,
		.would = would,
		.conflict = t->lost,
		.old = t->lost ? t->value : t->old,
		.new = t->ours,
	};
	if (row->taken)
		snprintf(row->since, sizeof(row->since), "%s", timetext(t->since_usec).text);
	snprintf(row->why, sizeof(row->why), "%s",
		 t->lost		? LADDER_OF_ANOTHER :
		 l->wishes[t->step].why ?:
					  "");
}

size_t ladder_report_listeners(const struct ladder *l, struct report_step *rows, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < l->targets.count && n < max; i++)
		ladder_report_target(l, &l->targets.items[i], false, &rows[n++]);
	for (i = 0; i < l->would.count && n < max; i++)
		ladder_report_target(l, &l->would.items[i], true, &rows[n++]);
	return n;
}
