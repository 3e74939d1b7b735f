/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told to whoever asks: collected when it is asked for, from those who know it. */
#include "daemon/manager/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/mode.h"

/* Listeners that the mitigation has adjusted: more are counted, and not listed. */
#define MANAGER_LISTENER_STEPS 64

/* What is known without looking anywhere. */
void manager_scalars(void *userdata, struct report *ret)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns();
	uint64_t heard_ns = m->dp ? control_heartbeat_ns(m->dp) : m->ticked_ns;

	struct mitigation_counts mitigation = mitigation_counts(m->mitigation);

	*ret = (struct report){
		.version = SG_VERSION,
		.engine = m->dp ? "reqsk" : "kernel",
		.mode = mode_name(m->mode),
		.mode_by = m->mode_by_hand ? "request" : "start",
		.config_ok = m->config_ok,
		.state = detect_state_name(m->detector.state),
		.kind = detect_kind_name(m->detector.kind, m->detector.look),
		.flood_sources = detect_pattern_name(m->detector.look),
		.few_share = hitters_few_share(&m->sources),
		.trouble = trouble_word(m->total.trouble),
		.uptime_seconds = (now_ns - m->started_ns) / 1000000000,
		.ticks = m->ticks,
		.heartbeat_age_seconds = (now_ns - (heard_ns ?: m->started_ns)) / 1000000000,
		.tick_delay_max_microseconds = m->tick_delay_max_usec,
		.half_open = m->total.half_open,
		.socket_walks = m->services ? services_walks(m->services) : m->walks,
		.sources_distinct = m->sources.distinct,
		.sources_syns = m->sources.syns,
		.sources_randomness = m->sources.randomness,
		.heavy_hitters = m->sources.entries,
		.hitter_capacity = m->dp ? HITTERS_MAX : 0,
		.syns_per_second = m->syns_per_sec,
		.challenges_per_second = m->challenges_per_sec,
		.acceptances_per_second = m->acceptances_per_sec,
		.bogus_acks_per_second = m->detector.floods[DETECT_ACK_FLOOD].per_sec,
		.dropped_acks_per_second = m->dropped_acks_per_sec,
		.bogus_acks = m->ack_flood.total.bogus,
		.local_addrs = m->local_addrs,
		.mitigation_takes = mitigation.takes,
		.mitigation_undos = mitigation.undos,
		.mitigation_conflicts = mitigation.conflicts,
		.reaped = m->reaped,
		.service_capacity = m->dp ? SG_SERVICES_MAX : 0,
		.local_addr_capacity = m->dp ? SG_LOCAL_ADDRS_MAX : 0,
		.allowed = list_store_count(m->list_store, "allow"),
		.denied = list_store_count(m->list_store, "deny"),
		.allow_capacity = m->dp ? SG_LISTED_MAX : 0,
		.deny_capacity = m->dp ? SG_LISTED_MAX : 0,
	};
	snprintf(ret->engine_reason, sizeof(ret->engine_reason), "%s",
		 m->dp ? "the kernel takes cookies from programs" : m->engine_reason.text);
}

char *manager_describe(void *userdata)
{
	struct manager *m = userdata;
	uint64_t now_ns = clock_now_ns();
	struct report_step steps[MANAGER_LISTENER_STEPS];
	struct report report;
	char *text = NULL;
	int program;

	manager_scalars(m, &report);
	mitigation_report(m->mitigation, report.steps);
	manager_report_reap(m, &report.steps[SG_MITIGATION_REAP]);
	report.step_count = SG_MITIGATION_COUNT;
	report.listener_steps = steps;
	report.listener_step_count =
		mitigation_report_listeners(m->mitigation, steps, ARRAY_SIZE(steps));
	for (program = 0; m->dp && program < SG_PROGRAM_COUNT; program++)
		if (!dataplane_counters(m->dp, program, &report.counters[program]))
			carry_counters(m->carry, program, &report.counters[program]);
	if (ifaces_report(m->ports, &report.interfaces, &report.interface_count) >= 0 &&
	    (!m->services || services_report(m->services, now_ns, &report) >= 0)) {
		carry_services(m->carry, report.services, &report.service_count);
		text = report_to_json(&report);
	}
	free(report.interfaces);
	free(report.services);
	return text;
}

int manager_undo_mitigation(void *userdata, const char *step)
{
	struct manager *m = userdata;

	return mitigation_undo(m->mitigation, step);
}

char *manager_events(void *userdata, uint64_t since)
{
	struct manager *m = userdata;

	return events_since(m->announcer.events, since);
}

int manager_view(void *userdata, const struct views_request *request)
{
	struct manager *m = userdata;
	struct services_rate *rates = NULL;
	size_t count = 0;
	int r = 0;

	if (request->what == VIEWS_LISTENERS && m->services)
		r = services_rates(m->services, clock_now_ns(), &rates, &count);
	return r < 0 ? r : views_ask(m->views, request, rates, count);
}
