/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/emit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/bus/bus.h"
#include "daemon/mitigation/plan.h"
#include "daemon/report/journal.h"

int announcer_init(struct announcer *t)
{
	int r = events_new(&t->events);

	return r < 0 ? r : journal_new(&t->journal);
}

void announcer_done(struct announcer *t)
{
	t->journal = journal_free(t->journal);
	t->events = events_free(t->events);
}

void announce_event(struct announcer *t, enum sg_event event, const struct event_value *values,
		    size_t count)
{
	const struct event_record *record;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	record = events_add(t->events, now.tv_sec * 1000000ULL + now.tv_nsec / 1000, event, values,
			    count);
	if (!record)
		return;
	journal_tell(t->journal, record);
	bus_emit_event(t->bus, record->json);
}

void announce_read_failed(struct announcer *t, struct event_limit *limit, uint64_t now_ns,
			  const char *what, int error)
{
	uint64_t suppressed;

	if (event_limit_pass(limit, now_ns, &suppressed))
		ANNOUNCE(t, SG_EVENT_READ_FAILED, EVENT_TEXT("what", what),
			 EVENT_TEXT("reason", strerror(-error)),
			 EVENT_NUMBER("suppressed", suppressed));
}

/* "192.0.2.1:80", "[2001:db8::1]:80" */
struct announce_service {
	char text[INET6_ADDRSTRLEN + 8];
};

static struct announce_service announce_service(const struct sg_service *service)
{
	const struct sg_addr *a = &service->addr;
	bool v4 = !a->halves[0] && a->words[2] == htonl(0xffff);
	char address[INET6_ADDRSTRLEN];
	struct announce_service name;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (void *)&a->words[3] : (void *)a->bytes, address,
		  sizeof(address));
	snprintf(name.text, sizeof(name.text), v4 ? "%s:%u" : "[%s]:%u", address,
		 ntohs(service->port));
	return name;
}

void announce_blocked(void *announcer, const struct sg_service *service, uint64_t blocked_ns,
		      uint64_t accepted, uint64_t born)
{
	const struct announce_service name = announce_service(service);

	ANNOUNCE(announcer, SG_EVENT_SERVICE_BLOCKED, EVENT_TEXT("service", name.text),
		 EVENT_NUMBER("seconds", blocked_ns / 1000000000),
		 EVENT_NUMBER("acceptances", accepted), EVENT_NUMBER("births", born));
}

void announce_defence(void *announcer, const struct sg_service *service, enum defence_news news,
		      const struct defence *d)
{
	const struct announce_service name = announce_service(service);

	if (news == DEFENCE_BEGAN)
		ANNOUNCE(announcer, SG_EVENT_DEFENCE_BEGAN, EVENT_TEXT("service", name.text));
	else
		ANNOUNCE(announcer, SG_EVENT_DEFENCE_ENDED, EVENT_TEXT("service", name.text),
			 EVENT_NUMBER("seconds", (d->ended_ns - d->began_ns) / 1000000000),
			 EVENT_NUMBER("syns", d->totals.syns),
			 EVENT_NUMBER("challenges", d->totals.challenges),
			 EVENT_NUMBER("acceptances", d->totals.acceptances));
}

void announce_trouble(void *announcer, const struct sg_service *service, enum sg_trouble trouble,
		      const char *text, bool ended, uint64_t for_ns)
{
	const struct announce_service name = announce_service(service);

	if (ended)
		ANNOUNCE(announcer, SG_EVENT_TROUBLE_ENDED, EVENT_TEXT("service", name.text),
			 EVENT_TEXT("trouble", trouble_word(trouble)),
			 EVENT_NUMBER("seconds", for_ns / 1000000000));
	else
		ANNOUNCE(announcer, SG_EVENT_TROUBLE_BEGAN, EVENT_TEXT("service", name.text),
			 EVENT_TEXT("trouble", trouble_word(trouble)), EVENT_TEXT("text", text));
}

void announce_sources(struct announcer *t, enum detect_pattern look,
		      const struct hitters_figures *sources)
{
	static const char *const advice[DETECT_PATTERN_COUNT] = {
		[DETECT_SPOOFED] =
			"they are forged at random, and to deny any of them is of no use",
		[DETECT_CONCENTRATED] = "\"synguard sources --prefix\" names those that send most, "
					"and \"synguard deny add PREFIX\" stops them",
	};

	ANNOUNCE(t, SG_EVENT_FLOOD_SOURCES, EVENT_TEXT("sources", detect_pattern_name(look)),
		 EVENT_NUMBER("distinct", sources->distinct),
		 EVENT_NUMBER("few_percent", hitters_few_share(sources) * 100),
		 EVENT_TEXT("advice", advice[look]));
}

void announce_ack_flood(struct announcer *t, enum ack_flood_change news,
			const struct ack_flood *ack_flood, uint64_t bogus_per_sec,
			uint64_t dropped_per_sec)
{
	if (news == ACK_FLOOD_STARTED)
		ANNOUNCE(t, SG_EVENT_ACK_FLOOD_BEGAN,
			 EVENT_NUMBER("bogus_acks_per_second", bogus_per_sec),
			 EVENT_NUMBER("dropped_per_second", dropped_per_sec));
	else if (news == ACK_FLOOD_STOPPED)
		ANNOUNCE(t, SG_EVENT_ACK_FLOOD_ENDED,
			 EVENT_NUMBER("seconds",
				      (ack_flood->ended_ns - ack_flood->began_ns) / 1000000000),
			 EVENT_NUMBER("bogus_acks", ack_flood->flood.bogus),
			 EVENT_NUMBER("dropped", ack_flood->flood.dropped));
}

void announce_port(void *announcer, enum iface_event what, const char *ifname, const char *attach,
		   const char *reason)
{
	static const enum sg_event events[IFACES_NEWS_COUNT] = {
		[IFACES_CAME] = SG_EVENT_INTERFACE_CAME,
		[IFACES_WENT] = SG_EVENT_INTERFACE_WENT,
		[IFACES_ATTACHED] = SG_EVENT_ATTACHED,
		[IFACES_DETACHED] = SG_EVENT_DETACHED,
		[IFACES_REFUSED] = SG_EVENT_ATTACH_FAILED,
		[IFACES_MISSING] = SG_EVENT_INTERFACE_MISSING,
	};

	ANNOUNCE(announcer, events[what], EVENT_TEXT("interface", ifname),
		 EVENT_TEXT("attach", attach), EVENT_TEXT("reason", reason));
}

void announce_ladder(void *announcer, enum mitigation_event event, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason)
{
	static const enum sg_event events[MITIGATION_EVENT_COUNT] = {
		[MITIGATION_TAKEN] = SG_EVENT_MITIGATION_TAKEN,
		[MITIGATION_UNDONE] = SG_EVENT_MITIGATION_UNDONE,
		[MITIGATION_CONFLICT] = SG_EVENT_MITIGATION_CONFLICT,
		[MITIGATION_FAILED] = SG_EVENT_MITIGATION_FAILED,
		[MITIGATION_WOULD] = SG_EVENT_MITIGATION_WOULD,
	};

	static const char *const changes[MITIGATION_EVENT_COUNT] = {
		[MITIGATION_TAKEN] = "%s is %llu, it was %llu",
		[MITIGATION_UNDONE] = "%s is %llu again, it was %llu",
		[MITIGATION_WOULD] = "%s would be %llu, it is %llu",
	};
	char text[192] = "", *change = text;

	/* a deed has no value: that it is done or not is all */
	if (changes[event] && mitigation_rows[step].kind != SG_MITIGATION_ACTION)
		snprintf(text, sizeof(text), changes[event], target, (unsigned long long)to,
			 (unsigned long long)from);
	ANNOUNCE(announcer, events[event], EVENT_TEXT("step", mitigation_rows[step].word),
		 EVENT_TEXT("target", target), EVENT_NUMBER("old", from), EVENT_NUMBER("new", to),
		 EVENT_TEXT("change", change), EVENT_TEXT("reason", reason));
}
