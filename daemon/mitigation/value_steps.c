/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps that write a kernel setting of the network namespace, and those that write nothing: an
 * action is done by the manager while it is taken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/mitigation/steps.h"
#include "daemon/net/sysctl.h"

uint64_t steps_host_retries(const struct steps *s)
{
	const struct mitigation_target *t =
		mitigation_targets_find(&s->targets, SG_MITIGATION_RETRIES, 0);
	uint64_t value = s->state.steps[SG_MITIGATION_RETRIES].value;

	sysctl_read(mitigation_rows[SG_MITIGATION_RETRIES].target, &value);
	return t && !t->conflict && value == t->ours ? t->old : value;
}

uint64_t steps_somaxconn(const struct steps *s)
{
	uint64_t value = s->state.steps[SG_MITIGATION_SOMAXCONN].value;

	sysctl_read(mitigation_rows[SG_MITIGATION_SOMAXCONN].target, &value);
	return value;
}

static int value_choose(struct steps *s, enum sg_mitigation_step step,
			struct mitigation_targets *to, struct complaint *c)
{
	struct mitigation_target target = {
		.step = step,
		.old = s->state.steps[step].value,
		.value = s->state.steps[step].value,
		.ours = s->goals[step].value,
		.wanted = s->goals[step].value,
		.since_usec = clock_realtime_usec(),
		.present = true,
		.chosen = true,
	};

	snprintf(target.name, sizeof(target.name), "%s", mitigation_rows[step].target);
	if (mitigation_targets_add(to, &target))
		return 0;
	complain(c, "no memory");
	return -ENOMEM;
}

static int value_observe(struct steps *s, enum sg_mitigation_step step, struct complaint *c)
{
	struct mitigation_target *t = mitigation_targets_find(&s->targets, step, 0);
	const char *name = mitigation_rows[step].target;
	int r = 0;

	if (mitigation_rows[step].kind == SG_MITIGATION_ACTION)
		s->state.steps[step].value = !!t;
	else
		r = sysctl_read(name, &s->state.steps[step].value);
	if (r < 0) {
		complain(c, "%s cannot be read: %s", name, strerror(-r));
	} else if (t) {
		t->value = s->state.steps[step].value;
		t->present = true;
	}
	return r;
}

static int value_write(struct steps *s, enum sg_mitigation_step step, enum fault between,
		       struct complaint *c)
{
	struct mitigation_target *t = mitigation_targets_find(&s->targets, step, 0);
	int r = 0;

	if (!t || !t->chosen)
		return 0;
	if (mitigation_rows[step].kind != SG_MITIGATION_ACTION)
		r = sysctl_write(t->name, t->wanted);
	if (r >= 0) {
		t->value = s->state.steps[step].value = t->wanted;
		return 0;
	}
	if (r == -EIO && t->wanted == t->ours) /* the kernel has made another number of it */
		sysctl_write(t->name, t->old);
	complain(c, "%s cannot be written: %s%s", t->name, strerror(-r),
		 r == -EACCES || r == -EPERM || r == -EROFS ?
			 "; that takes CAP_NET_ADMIN in this network namespace, and a /proc/sys "
			 "that is not read-only" :
			 "");
	return r;
}

const struct step_ops value_step_ops = { value_observe, value_choose, value_write };
