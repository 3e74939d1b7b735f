/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling: an event goes into the ring, to the journal, and to those who follow the bus.
 *
 * The one who tells says what happened, once, and knows none of the three. Lent out by the manager
 * to whoever it lets tell something.
 */
#pragma once

#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/judge/ack_flood.h"
#include "daemon/judge/episodes.h"
#include "daemon/judge/trouble.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/report/events.h"
#include "synguard/abi.h"

struct bus;
struct journal;

struct announcer {
	struct events *events;
	struct journal *journal;
	struct bus *bus; /* NULL before there is one */
};

/* bus NULL, to be set by the caller when there is one. -errno. */
int announcer_init(struct announcer *t);
void announcer_done(struct announcer *t);

void announce_event(struct announcer *t, enum sg_event event, const struct event_value *values,
		    size_t count);

/* ANNOUNCE(t, SG_EVENT_ATTACHED, EVENT_TEXT("interface", name), EVENT_TEXT("reason", why)) */
#define ANNOUNCE(t, event, ...)                                                                    \
	do {                                                                                       \
		const struct event_value values_[] = { __VA_ARGS__ };                              \
		announce_event(t, event, values_, sizeof(values_) / sizeof(*values_));             \
	} while (0)

/* That something could not be looked at; what goes on for long is told once in 10 s. */
void announce_read_failed(struct announcer *t, struct event_limit *limit, uint64_t now_ns,
			  const char *what, int error);

/* What there is to tell of a flood of ACKs; both rates as of this tick. */
void announce_ack_flood(struct announcer *t, enum ack_flood_change news,
			const struct ack_flood *ack_flood, uint64_t bogus_per_sec,
			uint64_t dropped_per_sec);

/* What the sources of a flood of SYNs have been found to look like. */
void announce_sources(struct announcer *t, enum detect_pattern look,
		      const struct hitters_figures *sources);

/* For struct services_news, with the announcer as userdata. */
void announce_blocked(void *announcer, const struct sg_service *service, uint64_t blocked_ns,
		      uint64_t accepted, uint64_t born);
void announce_defence(void *announcer, const struct sg_service *service, enum defence_news news,
		      const struct defence *defence);

void announce_trouble(void *announcer, const struct sg_service *service, enum sg_trouble trouble,
		      const char *text, bool ended, uint64_t for_ns);

/* For struct ifaces_handler, likewise. */
void announce_port(void *announcer, enum iface_event what, const char *ifname, const char *attach,
		   const char *reason);

/* For struct mitigation_handler, likewise. */
void announce_ladder(void *announcer, enum mitigation_event event, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason);
