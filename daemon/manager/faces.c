/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers to clients of the bus, collected at each request from the parts that know them. */
#include "daemon/manager/manager.h"
#include "daemon/manager/state.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/clock.h"
#include "daemon/base/mode.h"
#include "daemon/manager/instance.h"

#define NS_PER_SEC 1000000000ULL

/* Listeners that the mitigation has adjusted: more are counted, and not listed. */
#define MANAGER_LISTENER_STEPS 64

/* What is known without reading anything. */
static void manager_scalars(void *userdata, struct report *ret)
{
	struct manager *m = userdata;
	const struct manager_sample *s = &m->sample;
	const struct detector *d = &m->policy.detector;
	struct dataplane *dp = m->host.dp;
	struct mitigation_counts mitigation = mitigation_counts(m->host.mitigation);
	uint64_t now_ns = clock_now_ns(), started_ns = m->loop.started_ns;
	uint64_t heartbeat_ns = dp ? control_heartbeat_ns(dp) : m->loop.ticked_ns;

	*ret = (struct report){
		.version = SG_VERSION,
		.engine = dp ? "reqsk" : "kernel",
		.mode = mode_name(m->policy.mode),
		.mode_by = m->policy.mode_by_hand ? "request" : "start",
		.config_ok = m->policy.config_ok,
		.state = detect_state_name(d->state),
		.kind = detect_kind_name(d->kind, d->pattern),
		.pulses = d->pulses,
		.flood_sources = detect_pattern_name(d->pattern),
		/* where many come as well, these are the flood */
		.slow = s->total.slow &&
			d->floods[DETECT_SYN_FLOOD].per_sec <
				m->policy.detect.marks[DETECT_SYN_FLOOD].attack_per_sec,
		.deny_reason = detect_deny_name(hitters_heaviest_deny(&s->sources)),
		.few_share = hitters_few_share(&s->sources),
		.trouble = trouble_word(s->total.trouble),
		.undefended_kind = undefended_word(undefended_worst(&m->policy.undefended)),
		.undefended_syns_per_second = s->undefended_per_sec,
		.uptime_seconds = (now_ns - started_ns) / NS_PER_SEC,
		.ticks = m->loop.ticks,
		.heartbeat_age_seconds = (now_ns - (heartbeat_ns ?: started_ns)) / NS_PER_SEC,
		.tick_delay_max_microseconds = m->loop.delay_max_usec,
		.half_open = s->total.half_open,
		.socket_walks = m->host.services ? services_walks(m->host.services) : s->walks,
		.sources_distinct = s->sources.distinct,
		.sources_syns = s->sources.syns,
		.sources_randomness = s->sources.randomness,
		.heavy_hitters = s->sources.entries,
		.hitter_capacity = dp ? HITTERS_MAX : 0,
		.syns_per_second = s->syns_per_sec,
		.challenges_per_second = s->challenges_per_sec,
		.acceptances_per_second = s->acceptances_per_sec,
		.handshakes_per_second = s->handshakes_per_sec,
		.bogus_acks_per_second = d->floods[DETECT_ACK_FLOOD].per_sec,
		.dropped_acks_per_second = s->dropped_acks_per_sec,
		.bogus_acks = s->ack_flood.total.bogus,
		.local_addrs = m->host.local_addrs,
		.ways = ways_figures(m->host.ways).entries,
		.ways_left_out = ways_figures(m->host.ways).left_out,
		.mitigation_takes = mitigation.takes,
		.mitigation_undos = mitigation.undos,
		.mitigation_conflicts = mitigation.conflicts,
		.reaped = m->reaper.reaped,
		.service_capacity = dp ? SG_SERVICES_MAX : 0,
		.local_addr_capacity = dp ? SG_LOCAL_ADDRS_MAX : 0,
		.way_capacity = dp ? SG_WAYS_MAX : 0,
		.allowed = list_store_count(m->host.lists, "allow"),
		.denied = list_store_count(m->host.lists, "deny"),
		.allow_capacity = dp ? SG_LISTED_MAX : 0,
		.deny_capacity = dp ? SG_LISTED_MAX : 0,
	};
	snprintf(ret->engine_reason, sizeof(ret->engine_reason), "%s",
		 dp ? "the kernel takes cookies from programs" : m->host.engine_reason.text);
}

/* The mitigation only knows when the reaper works, not what it has done. */
static void describe_reaper(const struct manager_reaper *r, struct report_step *row)
{
	size_t n = strlen(row->why);

	if (!r->reap && row->allowed)
		snprintf(row->why, sizeof(row->why), "%.150s", r->reason.text);
	else if (r->reaped)
		snprintf(row->why + n, sizeof(row->why) - n, "%s%" PRIu64 " were reaped so far",
			 n ? "; " : "", r->reaped);
}

/* Those that have begun; returns how many. */
static size_t describe_undefended(const struct undefended *u, struct report_undefended *rows)
{
	size_t i, count = 0;

	for (i = 0; i < u->count; i++) {
		const struct undefended_row *row = &u->rows[i];
		struct report_undefended *ret = &rows[count];

		if (!row->held.on)
			continue;
		*ret = (struct report_undefended){
			.kind = undefended_word(row->kind),
			.addr = row->addr,
			.port = ntohs(row->port),
			.verdict = row->verdict ? undefended_verdict(row) : NULL,
			.syns_per_second = row->per_sec,
		};
		snprintf(ret->name, sizeof(ret->name), "%s", undefended_name(row).text);
		undefended_text(row, ret->text, sizeof(ret->text));
		count++;
	}
	return count;
}

static char *manager_describe(void *userdata)
{
	struct manager *m = userdata;
	struct dataplane *dp = m->host.dp;
	uint64_t now_ns = clock_now_ns();
	struct report_step steps[MANAGER_LISTENER_STEPS];
	struct report_undefended undefended[UNDEFENDED_MAX];
	struct report report;
	char *text = NULL;
	int program;

	manager_scalars(m, &report);
	mitigation_report(m->host.mitigation, report.steps);
	describe_reaper(&m->reaper, &report.steps[SG_MITIGATION_REAP]);
	report.step_count = SG_MITIGATION_COUNT;
	report.undefended = undefended;
	report.undefended_count = describe_undefended(&m->policy.undefended, undefended);
	report.listener_steps = steps;
	report.listener_step_count =
		mitigation_report_listeners(m->host.mitigation, steps, ARRAY_SIZE(steps));
	for (program = 0; dp && program < SG_PROGRAM_COUNT; program++)
		dataplane_counters(dp, program, &report.counters[program]);
	if (ifaces_report(m->host.ifaces, &report.interfaces, &report.interface_count) >= 0 &&
	    (!m->host.services || services_report(m->host.services, now_ns, &report) >= 0))
		text = report_to_json(&report);
	free(report.interfaces);
	free(report.services);
	return text;
}

static char *manager_events(void *userdata, uint64_t since)
{
	struct manager *m = userdata;

	return events_since(m->faces.emitter.events, since);
}

static int manager_undo_mitigation(void *userdata, const char *step)
{
	struct manager *m = userdata;

	return mitigation_undo(m->host.mitigation, step);
}

static int manager_view(void *userdata, const struct views_request *request)
{
	struct manager *m = userdata;
	struct services_rate *rates = NULL;
	size_t count = 0;
	int r = 0;

	if (request->what == VIEWS_LISTENERS && m->host.services)
		r = services_rates(m->host.services, clock_now_ns(), &rates, &count);
	return r < 0 ? r : views_ask(m->faces.views, request, rates, count);
}

int manager_open_bus(struct manager *m, struct complaint *c)
{
	const struct bus_handler handler = {
		.describe = manager_describe,
		.events = manager_events,
		.set_mode = manager_set_mode,
		.undo_mitigation = manager_undo_mitigation,
		.scalars = manager_scalars,
		.view = manager_view,
		.userdata = m,
		.list_add = list_store_add,
		.list_remove = list_store_remove,
		.list_show = list_store_show,
		.lists = m->host.lists,
	};
	struct instance_path path;
	int r = instance_path(m->options->runtime_dir, SG_BUS_SOCKET, &path, c);

	if (r < 0)
		return r;
	r = bus_new(&m->faces.bus, m->loop.event, path.text, &handler);
	if (r < 0) {
		complain(c, "%s: %s", path.text, strerror(-r));
		return r;
	}
	m->faces.emitter.bus = m->faces.bus;
	return 0;
}
