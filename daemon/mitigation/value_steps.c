/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that write a kernel setting of the network namespace, and those that write nothing. */
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
	uint64_t value = s->values[SG_MITIGATION_RETRIES];

	sysctl_read(mitigation_rows[SG_MITIGATION_RETRIES].target, &value);
	return t && !t->conflict && value == t->ours ? t->old : value;
}

uint64_t steps_somaxconn(const struct steps *s)
{
	uint64_t value = s->values[SG_MITIGATION_SOMAXCONN];

	sysctl_read(mitigation_rows[SG_MITIGATION_SOMAXCONN].target, &value);
	return value;
}

static int value_choose(struct steps *s, enum sg_mitigation_step step,
			struct mitigation_targets *to, struct complaint *c)
{
	struct mitigation_target target = {
		.step = step,
		.old = s->values[step],
		.value = s->values[step],
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

/* ---- kernel settings ----------------------------------------------------------------------- */

static int value_observe(struct steps *s, enum sg_mitigation_step step, struct complaint *c)
{
	struct mitigation_target *t = mitigation_targets_find(&s->targets, step, 0);
	const char *name = mitigation_rows[step].target;
	int r = sysctl_read(name, &s->values[step]);

	if (r < 0) {
		complain(c, "%s cannot be read: %s", name, strerror(-r));
	} else if (t) {
		t->value = s->values[step];
		t->present = true;
	}
	return r;
}

static int value_write(struct steps *s, enum sg_mitigation_step step, enum fault between,
		       struct complaint *c)
{
	struct mitigation_target *t = mitigation_targets_find(&s->targets, step, 0);
	int r;

	if (!t || !t->chosen)
		return 0;
	r = sysctl_write(t->name, t->wanted);
	if (r >= 0) {
		t->value = s->values[step] = t->wanted;
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

const struct step_ops value_step_ops = { value_observe, value_choose, value_write, true };

/* ---- actions: the manager does them while they are taken ------------------------------------ */

static int action_observe(struct steps *s, enum sg_mitigation_step step, struct complaint *c)
{
	s->values[step] = !!mitigation_targets_find(&s->targets, step, 0);
	return 0;
}

static int action_write(struct steps *s, enum sg_mitigation_step step, enum fault between,
			struct complaint *c)
{
	struct mitigation_target *t = mitigation_targets_find(&s->targets, step, 0);

	if (t && t->chosen)
		t->value = s->values[step] = t->wanted;
	return 0;
}

const struct step_ops action_step_ops = { action_observe, value_choose, action_write, false };
