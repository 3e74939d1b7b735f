/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

void control_apply(struct dataplane *dp, const struct settings *s)
{
	struct sg_control *control = dataplane_control(dp);

	__atomic_store_n(&control->lease_ns, s->lease_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&control->arm_percent, s->arm_percent, __ATOMIC_RELAXED);
	__atomic_store_n(&control->client_allowance, s->client_allowance, __ATOMIC_RELAXED);
	__atomic_store_n(&control->ack_flood_rate, s->ack_flood_rate, __ATOMIC_RELAXED);
	__atomic_store_n(&control->reply_budget, s->reply_budget, __ATOMIC_RELAXED);
	__atomic_store_n(&control->reply_budget_prefix, s->reply_budget_prefix, __ATOMIC_RELAXED);
}

struct detect_config control_detect_config(const struct settings *s)
{
	return (struct detect_config){
		.marks = { [DETECT_SYN_FLOOD] = { s->attack_rate, s->ebb_rate },
			   /* the same gap as the defaults of SYNs have */
			   [DETECT_ACK_FLOOD] = { s->ack_flood_rate,
						  (s->ack_flood_rate + 9) / 10 } },
		.hold_ns = s->hold_ns,
		.baseline_factor = s->baseline_factor,
	};
}

static bool control_has(const struct settings *s, const struct settings_service *service)
{
	size_t i;

	for (i = 0; s && i < s->leave_alone.count; i++)
		if (!memcmp(&s->leave_alone.items[i], service, sizeof(*service)))
			return true;
	return false;
}

static struct sg_left_alone control_key(const struct settings_service *service)
{
	struct sg_left_alone key = {
		.prefix_bits = SG_LEFT_ALONE_PORT_BITS + service->prefix_bits,
		.port = htons(service->port),
	};

	memcpy(key.addr, service->addr.bytes, sizeof(key.addr));
	return key;
}

/* Writes what `s` has and `other` has not. */
static int control_each(struct dataplane *dp, const struct settings *s,
			const struct settings *other,
			int (*write)(struct dataplane *dp, const struct sg_left_alone *key))
{
	int r = 0, error;
	size_t i;

	for (i = 0; s && i < s->leave_alone.count; i++) {
		struct sg_left_alone key = control_key(&s->leave_alone.items[i]);

		if (control_has(other, &s->leave_alone.items[i]))
			continue;
		error = write(dp, &key);
		if (error < 0)
			r = error;
	}
	return r;
}

int control_apply_left_alone(struct dataplane *dp, const struct settings *before,
			     const struct settings *s)
{
	/* what goes first, so that there is always room for what comes */
	int gone = control_each(dp, before, s, dataplane_leave_no_more);
	int come = control_each(dp, s, before, dataplane_leave_alone);

	return come < 0 ? come : gone;
}
