/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes and undoes a step, each with the record first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/mitigation/steps.h"
#include "daemon/mitigation/record.h"
#include "daemon/net/sysctl.h"

/* After a step could not be taken. */
#define MITIGATION_RETRY_NS 60000000000ULL

uint64_t mitigation_realtime_usec(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

/* ---- the record ---------------------------------------------------------------------------- */

int mitigation_record(struct mitigation *l, struct complaint *c)
{
	struct mitigation_records records = { .targets = l->targets };
	enum sg_mitigation_step step;

	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		const struct mitigation_step *s = &l->steps[step];

		if (s->taken && mitigation_rows[step].kind == SG_MITIGATION_VALUE)
			records.items[records.count++] = (struct mitigation_record){
				step,
				s->old,
				s->ours,
				s->since_usec,
			};
	}
	if (mitigation_journal_is_empty(&records))
		fault_pass_by(FAULT_BEFORE_REMOVE);
	return mitigation_journal_write(l->dir, &records, c);
}

/* What cannot be written now is tried again at the next tick. */
static void mitigation_drop(struct mitigation *l, enum sg_mitigation_step step)
{
	struct complaint unused;

	l->steps[step].taken = false;
	if (mitigation_rows[step].kind == SG_MITIGATION_VALUE)
		l->stale = mitigation_record(l, &unused) < 0;
	fault_pass_by(FAULT_DROPPED);
}

/* ---- take ---------------------------------------------------------------------------------- */

void mitigation_fail(struct mitigation *l, enum sg_mitigation_step step, uint64_t now_ns,
		     const char *reason)
{
	struct mitigation_step *s = &l->steps[step];
	bool told = !strcmp(s->failure, reason);

	s->retry_ns = now_ns + MITIGATION_RETRY_NS;
	snprintf(s->failure, sizeof(s->failure), "%s", reason);
	if (!told)
		mitigation_tell(l, MITIGATION_FAILED, step, s->value, s->ours, s->failure);
}

static int mitigation_write(enum sg_mitigation_step step, uint64_t value, struct complaint *c)
{
	int r = sysctl_write(mitigation_rows[step].target, value);

	if (r == -EACCES || r == -EPERM || r == -EROFS)
		complain(c,
			 "%s cannot be written: %s; that takes CAP_NET_ADMIN in this network "
			 "namespace, and a /proc/sys that is not read-only",
			 mitigation_rows[step].target, strerror(-r));
	else if (r < 0)
		complain(c, "%s cannot be written: %s", mitigation_rows[step].target, strerror(-r));
	return r;
}

/* -errno, with nothing changed and *c filled. */
static int mitigation_take_sysctl(struct mitigation *l, enum sg_mitigation_step step,
				  struct complaint *c)
{
	int r = mitigation_record(l, c);

	if (r < 0)
		return r;
	fault_pass_by(FAULT_BEFORE_TAKE);
	r = mitigation_write(step, l->steps[step].ours, c);
	if (r == -EIO) /* something has been written: not what we want */
		sysctl_write(mitigation_rows[step].target, l->steps[step].old);
	if (r >= 0)
		fault_pass_by(FAULT_TAKEN);
	return r;
}

int mitigation_take(struct mitigation *l, enum sg_mitigation_step step,
		    const struct settings *settings, uint64_t now_ns)
{
	struct mitigation_step *s = &l->steps[step];
	struct complaint c = {};
	int r = 0;

	if (now_ns < s->retry_ns)
		/* one listener that cannot be adjusted stands in the way of no other step */
		return mitigation_rows[step].kind == SG_MITIGATION_SOCKETS ? 0 : -EAGAIN;
	if (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
		return mitigation_take_listeners(l, step, settings, now_ns);
	s->old = s->value;
	s->ours = l->wishes[step].value;
	s->since_usec = mitigation_realtime_usec();
	s->taken = true;
	if (mitigation_rows[step].kind == SG_MITIGATION_VALUE)
		r = mitigation_take_sysctl(l, step, &c);
	if (r < 0) {
		mitigation_drop(l, step);
		mitigation_fail(l, step, now_ns, c.text);
		return r;
	}
	s->failure[0] = '\0';
	s->value = s->ours;
	mitigation_tell(l, MITIGATION_TAKEN, step, s->old, s->ours, l->wishes[step].why);
	return 0;
}

/* ---- undo ---------------------------------------------------------------------------------- */

void mitigation_lose(struct mitigation *l, enum sg_mitigation_step step)
{
	struct mitigation_step *s = &l->steps[step];

	s->given_up = true;
	s->conflict = true;
	mitigation_drop(l, step);
	mitigation_tell(l, MITIGATION_CONFLICT, step, s->ours, s->value, MITIGATION_OF_ANOTHER);
}

int mitigation_give_back(struct mitigation *l, enum sg_mitigation_step step)
{
	struct mitigation_step *s = &l->steps[step];
	struct complaint why = {}, *c = &why;
	int r = 0;

	if (mitigation_rows[step].kind == SG_MITIGATION_SOCKETS)
		return mitigation_give_back_listeners(l, step);
	fault_pass_by(FAULT_BEFORE_UNDO);
	if (mitigation_rows[step].kind == SG_MITIGATION_VALUE) {
		r = sysctl_read(mitigation_rows[step].target, &s->value);
		if (r < 0)
			complain(c, "%s cannot be read: %s", mitigation_rows[step].target,
				 strerror(-r));
		else if (s->value != s->ours && s->value != s->old)
			return mitigation_lose(l, step), 0;
		else if (s->value == s->ours)
			r = mitigation_write(step, s->old, c);
	}
	if (r < 0) {
		mitigation_fail(l, step, 0, c->text);
		return r;
	}
	fault_pass_by(FAULT_UNDONE);
	s->failure[0] = '\0';
	s->value = s->old;
	mitigation_drop(l, step);
	mitigation_tell(l, MITIGATION_UNDONE, step, s->ours, s->old, "");
	return 0;
}

int mitigation_undo_all(struct mitigation *l)
{
	enum sg_mitigation_step step;
	int r = 0;

	for (step = SG_MITIGATION_COUNT; step-- > 0 && r >= 0;)
		if (l->steps[step].taken)
			r = mitigation_give_back(l, step);
	return r;
}
