/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifaces/iface_events.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"

#define IFACE_EVENTS_SLOTS 256

#define IFACE_EVENTS_WINDOW_NS 10000000000ULL

/* An interface that comes, is attached to, goes, and comes again is no flapping yet. */
#define IFACE_EVENTS_BURST 6

struct iface_events_slot {
	uint64_t began_ns;     /* of the window under way; 0: none is */
	unsigned int reported; /* in it */
	unsigned int held;
	enum iface_event what; /* of the last one held */
	char ifname[IFNAMSIZ * 4];
	const char *attach;
	char reason[160];
};

struct iface_events {
	struct ifaces_handler handler;
	struct iface_events_slot slots[IFACE_EVENTS_SLOTS];
};

static void iface_events_flush(struct iface_events *e, struct iface_events_slot *s)
{
	char reason[256];

	if (s->held == 1)
		snprintf(reason, sizeof(reason), "%s", s->reason);
	else
		snprintf(reason, sizeof(reason), "%s%s%u changes before that were not reported",
			 s->reason, s->reason[0] ? "; " : "", s->held - 1);
	e->handler.event(e->handler.userdata, s->what, s->ifname, s->attach, reason);
	s->held = 0;
}

/* Ends a window that is over. What was held is the first and last of the next one. */
static void iface_events_turn(struct iface_events *e, struct iface_events_slot *s, uint64_t now_ns)
{
	if (!s->began_ns || now_ns - s->began_ns < IFACE_EVENTS_WINDOW_NS)
		return;
	s->began_ns = s->held ? now_ns : 0;
	s->reported = s->held ? IFACE_EVENTS_BURST : 0;
	if (s->held)
		iface_events_flush(e, s);
}

void iface_events_report(struct iface_events *e, uint64_t now_ns, enum iface_event what,
			 const char *ifname, const char *attach, const char *reason)
{
	struct iface_events_slot *s =
		&e->slots[hash_bytes(HASH_START, ifname, strlen(ifname)) % IFACE_EVENTS_SLOTS];

	iface_events_turn(e, s, now_ns);
	if (s->reported < IFACE_EVENTS_BURST) {
		s->began_ns = s->began_ns ?: now_ns;
		s->reported++;
		e->handler.event(e->handler.userdata, what, ifname, attach, reason);
		return;
	}
	s->held++;
	s->what = what;
	s->attach = attach;
	snprintf(s->ifname, sizeof(s->ifname), "%s", ifname);
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

void iface_events_tick(struct iface_events *e, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < IFACE_EVENTS_SLOTS; i++)
		iface_events_turn(e, &e->slots[i], now_ns);
}

struct iface_events *iface_events_new(const struct ifaces_handler *handler)
{
	struct iface_events *e = calloc(1, sizeof(*e));

	if (e)
		e->handler = *handler;
	return e;
}

struct iface_events *iface_events_free(struct iface_events *e)
{
	free(e);
	return NULL;
}
