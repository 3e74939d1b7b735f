/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: each goes into the ring, to the journal, and as a signal to the clients of the bus.
 *
 * The caller says what happened, once, and knows none of the three.
 */
#pragma once

#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/judge/canary.h"
#include "daemon/judge/detect_service.h"
#include "daemon/judge/episodes.h"
#include "daemon/judge/undefended.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/report/events.h"
#include "synguard/abi.h"

struct bus;

struct emitter {
	struct events *events;
	int journal;	 /* socket, or < 0 */
	struct bus *bus; /* set by the manager once there is one */
};

/* -errno. */
int emitter_init(struct emitter *e);
void emitter_done(struct emitter *e);

void emit_event(struct emitter *e, enum sg_event event, const struct event_value *values,
		size_t count);

/* EMIT(e, SG_EVENT_ATTACHED, EVENT_TEXT("interface", name), EVENT_TEXT("reason", why)) */
#define EMIT(e, event, ...)                                                                        \
	do {                                                                                       \
		const struct event_value values_[] = { __VA_ARGS__ };                              \
		emit_event(e, event, values_, sizeof(values_) / sizeof(*values_));                 \
	} while (0)

/* Something could not be read; while that goes on, now and then (struct event_limit). */
void emit_read_failed(struct emitter *e, struct event_limit *limit, uint64_t now_ns,
		      const char *what, int error);

/* The state of the host has changed from what was told last. */
void emit_state(struct emitter *e, const struct detector *d, enum detect_state told);

/* A flood of ACKs begins or ends; both rates as of this tick. */
void emit_ack_flood(struct emitter *e, enum ack_flood_change change,
		    const struct ack_flood *ack_flood, uint64_t bogus_per_sec,
		    uint64_t dropped_per_sec);

/* The pattern of the sources of a flood of SYNs is known. */
void emit_sources(struct emitter *e, enum detect_pattern pattern,
		  const struct hitters_figures *sources);

/* For struct services_handler, with the emitter as userdata. */
void emit_blocked(void *emitter, const struct sg_service *service,
		  const struct canary_verdict *verdict, const char *cause);
void emit_filtered(void *emitter, const struct sg_service *service, const char *cause);
void emit_defence(void *emitter, const struct sg_service *service, enum defence_news news,
		  const struct defence *defence);
void emit_trouble(void *emitter, const struct sg_service *service, enum sg_trouble trouble,
		  const char *text, bool ended, uint64_t for_ns);

void emit_ways_left_out(struct emitter *e, uint64_t prefixes);

/* For undefended_step(). */
void emit_undefended(void *emitter, const struct undefended_row *row, bool ended, uint64_t for_ns);

/* For struct ifaces_handler. */
void emit_iface(void *emitter, enum iface_event what, const char *ifname, const char *attach,
		const char *reason);

/* For struct mitigation_handler. */
void emit_mitigation(void *emitter, enum mitigation_event event, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason);
