/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes and undoes a step, each with the record first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/mitigation/internal.h"
#include "daemon/mitigation/record.h"
#include "daemon/net/sysctl.h"

/* After a step could not be taken. */
#define LADDER_RETRY_NS 60000000000ULL

uint64_t ladder_realtime_usec(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

/* ---- the record ---------------------------------------------------------------------------- */

int ladder_record(struct ladder *l, struct complaint *c)
{
	struct ladder_records records = { .targets = l->targets };
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		const struct ladder_step *s = &l->steps[step];

		if (s->taken && ladder_rows[step].kind == SG_LADDER_VALUE)
			records.items[records.count++] = (struct ladder_record){
				step,
				s->old,
				s->ours,
				s->since_usec,
			};
	}
	if (ladder_journal_is_empty(&records))
		fault_pass_by(FAULT_BEFORE_REMOVE);
	return ladder_journal_write(l->dir, &records, c);
}

/* What cannot be written now is tried again at the next tick. */
static void ladder_drop(struct ladder *l, enum sg_ladder_step step)
{
	struct complaint unused;

	l->steps[step].taken = false;
	if (ladder_rows[step].kind == SG_LADDER_VALUE)
		l->stale = ladder_record(l, &unused) < 0;
	fault_pass_by(FAULT_DROPPED);
}

/* ---- take ---------------------------------------------------------------------------------- */

void ladder_fail(struct ladder *l, enum sg_ladder_step step, uint64_t now_ns, const char *reason)
{
	struct ladder_step *s = &l->steps[step];
	bool told = !strcmp(s->failure, reason);

	s->retry_ns = now_ns + LADDER_RETRY_NS;
	snprintf(s->failure, sizeof(s->failure), "%s", reason);
	if (!told)
		ladder_tell(l, LADDER_FAILED, step, s->value, s->ours, s->failure);
}

static int ladder_write(enum sg_ladder_step step, uint64_t value, struct complaint *c)
{
	int r = sysctl_write(ladder_rows[step].target, value);

	if (r == -EACCES || r == -EPERM || r == -EROFS)
		complain(c,
			 "%s cannot be written: %s; that takes CAP_NET_ADMIN in this network "
			 "namespace, and a /proc/sys that is not read-only",
			 ladder_rows[step].target, strerror(-r));
	else if (r < 0)
		complain(c, "%s cannot be written: %s", ladder_rows[step].target, strerror(-r));
	return r;
}

/* -errno, with nothing changed and *c filled. */
static int ladder_take_sysctl(struct ladder *l, enum sg_ladder_step step, struct complaint *c)
{
	int r = ladder_record(l, c);

	if (r < 0)
		return r;
	fault_pass_by(FAULT_BEFORE_TAKE);
	r = ladder_write(step, l->steps[step].ours, c);
	if (r == -EIO) /* something has been written: not what we want */
		sysctl_write(ladder_rows[step].target, l->steps[step].old);
	if (r >= 0)
		fault_pass_by(FAULT_TAKEN);
	return r;
}

int ladder_take(struct ladder *l, enum sg_ladder_step step, const struct settings *settings,
		uint64_t now_ns)
{
	struct ladder_step *s = &l->steps[step];
	struct complaint c = {};
	int r = 0;

	if (now_ns < s->retry_ns)
		/* one listener that cannot be adjusted stands in the way of no other step */
		return ladder_rows[step].kind == SG_LADDER_SOCKETS ? 0 : -EAGAIN;
	if (ladder_rows[step].kind == SG_LADDER_SOCKETS)
		return ladder_take_listeners(l, step, settings, now_ns);
	s->old = s->value;
	s->ours = l->wishes[step].value;
	s->since_usec = ladder_realtime_usec();
	s->taken = true;
	if (ladder_rows[step].kind == SG_LADDER_VALUE)
		r = ladder_take_sysctl(l, step, &c);
	if (r < 0) {
		ladder_drop(l, step);
		ladder_fail(l, step, now_ns, c.text);
		return r;
	}
	s->failure[0] = '\0';
	s->value = s->ours;
	ladder_tell(l, LADDER_TAKEN, step, s->old, s->ours, l->wishes[step].why);
	return 0;
}

/* ---- undo ---------------------------------------------------------------------------------- */

void ladder_lose(struct ladder *l, enum sg_ladder_step step)
{
	struct ladder_step *s = &l->steps[step];

	s->given_up = true;
	s->conflict = true;
	ladder_drop(l, step);
	ladder_tell(l, LADDER_CONFLICT, step, s->ours, s->value, LADDER_OF_ANOTHER);
}

int ladder_give_back(struct ladder *l, enum sg_ladder_step step)
{
	struct ladder_step *s = &l->steps[step];
	struct complaint why = {}, *c = &why;
	int r = 0;

	if (ladder_rows[step].kind == SG_LADDER_SOCKETS)
		return ladder_give_back_listeners(l, step);
	fault_pass_by(FAULT_BEFORE_UNDO);
	if (ladder_rows[step].kind == SG_LADDER_VALUE) {
		r = sysctl_read(ladder_rows[step].target, &s->value);
		if (r < 0)
			complain(c, "%s cannot be read: %s", ladder_rows[step].target,
				 strerror(-r));
		else if (s->value != s->ours && s->value != s->old)
			return ladder_lose(l, step), 0;
		else if (s->value == s->ours)
			r = ladder_write(step, s->old, c);
	}
	if (r < 0) {
		ladder_fail(l, step, 0, c->text);
		return r;
	}
	fault_pass_by(FAULT_UNDONE);
	s->failure[0] = '\0';
	s->value = s->old;
	ladder_drop(l, step);
	ladder_tell(l, LADDER_UNDONE, step, s->ours, s->old, "");
	return 0;
}

int ladder_undo_all(struct ladder *l)
{
	enum sg_ladder_step step;
	int r = 0;

	for (step = SG_LADDER_COUNT; step-- > 0 && r >= 0;)
		if (l->steps[step].taken)
			r = ladder_give_back(l, step);
	return r;
}
