/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/emit.h"

#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/bus/bus.h"
#include "daemon/mitigation/plan.h"
#include "daemon/report/journal.h"

#define NS_PER_SEC 1000000000ULL

int emitter_init(struct emitter *e)
{
	int r = events_new(&e->events);

	e->journal = journal_open();
	return r;
}

void emitter_done(struct emitter *e)
{
	e->journal = close_fd(e->journal);
	e->events = events_free(e->events);
}

void emit_event(struct emitter *e, enum sg_event event, const struct event_value *values,
		size_t count)
{
	const struct event_record *record =
		events_add(e->events, clock_realtime_usec(), event, values, count);

	if (!record)
		return;
	journal_write(e->journal, record);
	bus_emit_event(e->bus, record->json);
}

void emit_read_failed(struct emitter *e, struct event_limit *limit, uint64_t now_ns,
		      const char *what, int error)
{
	uint64_t suppressed;

	if (event_limit_pass(limit, now_ns, &suppressed))
		EMIT(e, SG_EVENT_READ_FAILED, EVENT_TEXT("what", what),
		     EVENT_TEXT("reason", strerror(-error)),
		     EVENT_NUMBER("suppressed", suppressed));
}

void emit_ways_left_out(struct emitter *e, uint64_t prefixes)
{
	EMIT(e, SG_EVENT_WAYS_LEFT_OUT, EVENT_NUMBER("prefixes", prefixes));
}

/* ---- services ------------------------------------------------------------------------------ */

static struct addr_text service_text(const struct sg_service *service)
{
	return addr_text_socket(&service->addr, service->port);
}

void emit_blocked(void *emitter, const struct sg_service *service,
		  const struct canary_verdict *verdict, const char *cause)
{
	EMIT(emitter, SG_EVENT_SERVICE_BLOCKED, EVENT_TEXT("service", service_text(service).text),
	     EVENT_NUMBER("seconds", verdict->block_ns / NS_PER_SEC),
	     EVENT_NUMBER("failing", verdict->failing),
	     EVENT_NUMBER("connected", verdict->connected), EVENT_TEXT("cause", cause));
}

void emit_filtered(void *emitter, const struct sg_service *service, const char *cause)
{
	EMIT(emitter, SG_EVENT_SOURCES_FILTERED, EVENT_TEXT("service", service_text(service).text),
	     EVENT_TEXT("cause", cause));
}

void emit_defence(void *emitter, const struct sg_service *service, enum defence_news news,
		  const struct defence *d)
{
	const struct addr_text name = service_text(service);

	if (news == DEFENCE_BEGAN)
		EMIT(emitter, SG_EVENT_DEFENCE_BEGAN, EVENT_TEXT("service", name.text),
		     EVENT_TEXT("how", service->host & SG_HOST_LISTENER ?
					       "with the kernel's cookies, as NAT, br_netfilter or "
					       "MPTCP is in the way of ours (engine listener)" :
					       ""));
	else
		EMIT(emitter, SG_EVENT_DEFENCE_ENDED, EVENT_TEXT("service", name.text),
		     EVENT_NUMBER("seconds", (d->ended_ns - d->began_ns) / NS_PER_SEC),
		     EVENT_NUMBER("syns", d->totals.syns),
		     EVENT_NUMBER("challenges", d->totals.challenges),
		     EVENT_NUMBER("acceptances", d->totals.acceptances));
}

void emit_trouble(void *emitter, const struct sg_service *service, enum sg_trouble trouble,
		  const char *text, bool ended, uint64_t for_ns)
{
	const struct addr_text name = service_text(service);

	if (ended)
		EMIT(emitter, SG_EVENT_TROUBLE_ENDED, EVENT_TEXT("service", name.text),
		     EVENT_TEXT("trouble", trouble_word(trouble)),
		     EVENT_NUMBER("seconds", for_ns / NS_PER_SEC));
	else
		EMIT(emitter, SG_EVENT_TROUBLE_BEGAN, EVENT_TEXT("service", name.text),
		     EVENT_TEXT("trouble", trouble_word(trouble)), EVENT_TEXT("text", text));
}

void emit_undefended(void *emitter, const struct undefended_row *row, bool ended, uint64_t for_ns)
{
	const struct addr_text name = undefended_name(row);
	char text[480];

	if (ended)
		EMIT(emitter, SG_EVENT_UNDEFENDED_ENDED, EVENT_TEXT("name", name.text),
		     EVENT_TEXT("kind", undefended_word(row->kind)),
		     EVENT_NUMBER("seconds", for_ns / NS_PER_SEC));
	else
		EMIT(emitter, SG_EVENT_UNDEFENDED_BEGAN, EVENT_TEXT("name", name.text),
		     EVENT_TEXT("kind", undefended_word(row->kind)),
		     EVENT_TEXT("verdict", undefended_verdict(row)),
		     EVENT_NUMBER("syns_per_second", row->per_sec),
		     EVENT_TEXT("text", undefended_text(row, text, sizeof(text))));
}

/* ---- floods -------------------------------------------------------------------------------- */

void emit_state(struct emitter *e, const struct detector *d, enum detect_state told)
{
	unsigned long long pulses = d->pulses;
	char text[64] = "", *again = text;

	if (pulses)
		snprintf(text, sizeof(text), "it has ebbed and come back %llu time%s", pulses,
			 pulses == 1 ? "" : "s");
	EMIT(e, SG_EVENT_STATE_CHANGED, EVENT_TEXT("state", detect_state_name(d->state)),
	     EVENT_TEXT("before", detect_state_name(told)),
	     EVENT_TEXT("kind", detect_kind_name(d->kind, d->pattern)),
	     EVENT_NUMBER("unanswered_per_second", d->floods[DETECT_SYN_FLOOD].per_sec),
	     EVENT_NUMBER("bogus_acks_per_second", d->floods[DETECT_ACK_FLOOD].per_sec),
	     EVENT_NUMBER("pulses", pulses), EVENT_TEXT("again", again));
}

void emit_sources(struct emitter *e, enum detect_pattern pattern,
		  const struct hitters_figures *sources)
{
	static const char *const advice[DETECT_PATTERN_COUNT] = {
		[DETECT_SPOOFED] =
			"they are forged at random, and to deny any of them is of no use",
		[DETECT_CONCENTRATED] = "\"synguard sources --prefix\" names those that send most, "
					"and \"synguard deny add PREFIX\" stops them",
	};

	static const char *const forged[DETECT_DENY_COUNT] = {
		[DETECT_DENY_COMPLETED] =
			"it is forged from a network of your clients, who complete "
			"handshakes and whom to deny it would stop",
		[DETECT_DENY_RESETS] = "the source is forged, since its owner resets what it is "
				       "sent, and to deny it would stop the owner",
	};
	const char *what = advice[pattern];

	if (pattern == DETECT_CONCENTRATED)
		what = forged[hitters_heaviest_deny(sources)] ?: what;
	EMIT(e, SG_EVENT_FLOOD_SOURCES, EVENT_TEXT("sources", detect_pattern_name(pattern)),
	     EVENT_NUMBER("distinct", sources->distinct),
	     EVENT_NUMBER("few_percent", hitters_few_share(sources) * 100),
	     EVENT_TEXT("advice", what));
}

void emit_ack_flood(struct emitter *e, enum ack_flood_change change,
		    const struct ack_flood *ack_flood, uint64_t bogus_per_sec,
		    uint64_t dropped_per_sec)
{
	if (change == ACK_FLOOD_STARTED)
		EMIT(e, SG_EVENT_ACK_FLOOD_BEGAN,
		     EVENT_NUMBER("bogus_acks_per_second", bogus_per_sec),
		     EVENT_NUMBER("dropped_per_second", dropped_per_sec));
	else if (change == ACK_FLOOD_STOPPED)
		EMIT(e, SG_EVENT_ACK_FLOOD_ENDED,
		     EVENT_NUMBER("seconds",
				  (ack_flood->ended_ns - ack_flood->began_ns) / NS_PER_SEC),
		     EVENT_NUMBER("bogus_acks", ack_flood->flood.bogus),
		     EVENT_NUMBER("dropped", ack_flood->flood.dropped));
}

/* ---- the host ------------------------------------------------------------------------------ */

void emit_iface(void *emitter, enum iface_event what, const char *ifname, const char *attach,
		const char *reason)
{
	static const enum sg_event events[IFACES_EVENT_COUNT] = {
		[IFACES_CAME] = SG_EVENT_INTERFACE_CAME,
		[IFACES_WENT] = SG_EVENT_INTERFACE_WENT,
		[IFACES_ATTACHED] = SG_EVENT_ATTACHED,
		[IFACES_DETACHED] = SG_EVENT_DETACHED,
		[IFACES_REFUSED] = SG_EVENT_ATTACH_FAILED,
		[IFACES_MISSING] = SG_EVENT_INTERFACE_MISSING,
	};

	EMIT(emitter, events[what], EVENT_TEXT("interface", ifname), EVENT_TEXT("attach", attach),
	     EVENT_TEXT("reason", reason));
}

void emit_mitigation(void *emitter, enum mitigation_event event, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason)
{
	static const struct {
		enum sg_event event;
		const char *change;
	} rows[MITIGATION_EVENT_COUNT] = {
		[MITIGATION_TAKEN] = { SG_EVENT_MITIGATION_TAKEN, "%s is %llu, it was %llu" },
		[MITIGATION_UNDONE] = { SG_EVENT_MITIGATION_UNDONE,
					"%s is %llu again, it was %llu" },
		[MITIGATION_CONFLICT] = { SG_EVENT_MITIGATION_CONFLICT, NULL },
		[MITIGATION_FAILED] = { SG_EVENT_MITIGATION_FAILED, NULL },
		[MITIGATION_WOULD] = { SG_EVENT_MITIGATION_WOULD, "%s would be %llu, it is %llu" },
	};
	char text[192] = "", *change = text;

	/* an action has no value */
	if (rows[event].change && mitigation_rows[step].kind != SG_MITIGATION_ACTION)
		snprintf(text, sizeof(text), rows[event].change, target, (unsigned long long)to,
			 (unsigned long long)from);
	EMIT(emitter, rows[event].event, EVENT_TEXT("step", mitigation_rows[step].word),
	     EVENT_TEXT("target", target), EVENT_NUMBER("old", from), EVENT_NUMBER("new", to),
	     EVENT_TEXT("change", change), EVENT_TEXT("reason", reason));
}
