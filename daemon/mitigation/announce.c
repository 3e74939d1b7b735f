/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what the mitigation has done and what is taken. */
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/mitigation/steps.h"
#include "daemon/report/report.h"

void mitigation_tell_of(struct mitigation *l, enum mitigation_news news,
			enum sg_mitigation_step step, const char *target, uint64_t from,
			uint64_t to, const char *reason)
{
	l->counts.takes += news == MITIGATION_TAKEN;
	l->counts.undos += news == MITIGATION_UNDONE;
	l->counts.conflicts += news == MITIGATION_CONFLICT;
	l->handler.tell(l->handler.userdata, news, step, target, from, to, reason);
}

void mitigation_tell(struct mitigation *l, enum mitigation_news news, enum sg_mitigation_step step,
		     uint64_t from, uint64_t to, const char *reason)
{
	mitigation_tell_of(l, news, step, mitigation_rows[step].target, from, to, reason);
}

void mitigation_tell_gone(struct mitigation *l, const struct mitigation_target *target)
{
	char text[128];

	snprintf(text, sizeof(text), "the listener %s is gone: nothing of %s is to be undone there",
		 target->name, mitigation_rows[target->step].word);
	l->handler.warn(l->handler.userdata, text);
}

bool mitigation_is_taken(const struct mitigation *l, enum sg_mitigation_step step)
{
	return l->steps[step].taken;
}

struct mitigation_counts mitigation_counts(const struct mitigation *l)
{
	return l->counts;
}

void mitigation_report(const struct mitigation *l, struct report_step *rows)
{
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		const struct mitigation_step *s = &l->steps[step];
		struct report_step *row = &rows[step];
		/* of listeners it is how many there are to adjust */
		bool has_a_value = mitigation_rows[step].kind != SG_MITIGATION_SOCKETS;

		*row = (struct report_step){
			.step = mitigation_rows[step].word,
			.target = mitigation_rows[step].target,
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
				 time_text(s->since_usec).text);
		snprintf(row->why, sizeof(row->why), "%s",
			 s->conflict	     ? MITIGATION_OF_ANOTHER :
			 s->failure[0]	     ? s->failure :
			 l->wishes[step].why ?:
					       "");
	}
}

static void mitigation_report_target(const struct mitigation *l, const struct mitigation_target *t,
				     bool would, struct report_step *row)
{
	*row = (struct report_step){
		.step = mitigation_rows[t->step].word,
		.target = t->name,
		.allowed = l->wishes[t->step].allowed,
		.taken = !t->lost && !would,
		.would = would,
		.conflict = t->lost,
		.old = t->lost ? t->value : t->old,
		.new = t->ours,
	};
	if (row->taken)
		snprintf(row->since, sizeof(row->since), "%s", time_text(t->since_usec).text);
	snprintf(row->why, sizeof(row->why), "%s",
		 t->lost		? MITIGATION_OF_ANOTHER :
		 l->wishes[t->step].why ?:
					  "");
}

size_t mitigation_report_listeners(const struct mitigation *l, struct report_step *rows, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < l->targets.count && n < max; i++)
		mitigation_report_target(l, &l->targets.items[i], false, &rows[n++]);
	for (i = 0; i < l->would.count && n < max; i++)
		mitigation_report_target(l, &l->would.items[i], true, &rows[n++]);
	return n;
}
