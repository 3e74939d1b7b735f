/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reaper, as far as it is the manager's: when it goes to work, and what is told of it. */
#include "daemon/manager/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/mitigation/plan.h"

static void manager_tell_reaped(struct manager *m)
{
	if (m->reaped == m->reaped_told)
		return;
	ANNOUNCE(&m->announcer, SG_EVENT_REAPED, EVENT_NUMBER("count", m->reaped - m->reaped_told));
	m->reaped_told = m->reaped;
}

/* While it goes on for long it is told once in 10 s. */
static void manager_on_reaped(void *userdata, const struct reap_round *round)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns(), unused;

	m->reaped += round->reaped;
	if (m->reaped != m->reaped_told && event_limit_pass(&m->reap_limit, now_ns, &unused))
		manager_tell_reaped(m);
	if (round->error)
		announce_read_failed(&m->announcer, &m->reap_failed_limit, now_ns,
				     "half-open connections, to reap them,", round->error);
}

void manager_make_reap(struct manager *m)
{
	const struct reap_handler handler = { manager_on_reaped, m };

	reap_new(&m->reap, m->event, &handler, &m->no_reap_reason);
}

void manager_reap(struct manager *m, uint64_t now_ns)
{
	uint64_t retries = m->settings.mitigation_retries ?: MITIGATION_FEW_RETRIES;

	if (mitigation_is_taken(m->mitigation, SG_MITIGATION_REAP))
		reap_begin(m->reap, now_ns, mitigation_half_open_usec(retries));
	else
		manager_tell_reaped(m);
}

void manager_report_reap(const struct manager *m, struct report_step *row)
{
	size_t n = strlen(row->why);

	if (!m->reap && row->allowed)
		snprintf(row->why, sizeof(row->why), "%.150s", m->no_reap_reason.text);
	else if (m->reaped)
		snprintf(row->why + n, sizeof(row->why) - n, "%s%" PRIu64 " were reaped so far",
			 n ? "; " : "", m->reaped);
}
