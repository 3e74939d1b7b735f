/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifaces/iface_events.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IFACE_EVENTS_PLACES 256

#define IFACE_EVENTS_QUIET_NS 10000000000ULL

/* An interface that comes, is attached to, goes, and comes again is no flapping yet. */
#define IFACE_EVENTS_BURST 6

struct iface_events_slot {
	uint64_t began_ns; /* of the ten seconds under way; 0: none are */
	unsigned int told; /* in these */
	unsigned int held;
	enum iface_event what; /* of the last one held */
	char ifname[IFNAMSIZ * 4];
	const char *attach;
	char reason[160];
};

struct iface_events {
	struct ifaces_handler handler;
	struct iface_events_slot places[IFACE_EVENTS_PLACES];
};

static struct iface_events_slot *iface_events_place(struct iface_events *d, const char *ifname)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *ifname; ifname++)
		hash = (hash ^ (unsigned char)*ifname) * 16777619u;
	return &d->places[hash % IFACE_EVENTS_PLACES];
}

static void iface_events_slot_flush(struct iface_events *d, struct iface_events_slot *p)
{
	char reason[256];

	if (p->held == 1)
		snprintf(reason, sizeof(reason), "%s", p->reason);
	else
		snprintf(reason, sizeof(reason), "%s%s%u changes before that were not told",
			 p->reason, p->reason[0] ? "; " : "", p->held - 1);
	d->handler.news(d->handler.userdata, p->what, p->ifname, p->attach, reason);
	p->held = 0;
}

/* Ends the ten seconds that are over. What was held is the first and last of the next ones. */
static void iface_events_slot_turn(struct iface_events *d, struct iface_events_slot *p,
				   uint64_t now_ns)
{
	if (!p->began_ns || now_ns - p->began_ns < IFACE_EVENTS_QUIET_NS)
		return;
	p->began_ns = 0;
	p->told = 0;
	if (!p->held)
		return;
	p->began_ns = now_ns;
	p->told = IFACE_EVENTS_BURST;
	iface_events_slot_flush(d, p);
}

void iface_events_tell(struct iface_events *d, uint64_t now_ns, enum iface_event what,
		       const char *ifname, const char *attach, const char *reason)
{
	struct iface_events_slot *p = iface_events_place(d, ifname);

	iface_events_slot_turn(d, p, now_ns);
	if (p->told < IFACE_EVENTS_BURST) {
		p->began_ns = p->began_ns ?: now_ns;
		p->told++;
		d->handler.news(d->handler.userdata, what, ifname, attach, reason);
		return;
	}
	p->held++;
	p->what = what;
	p->attach = attach;
	snprintf(p->ifname, sizeof(p->ifname), "%s", ifname);
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

void iface_events_tick(struct iface_events *d, uint64_t now_ns)
{
	struct iface_events_slot *p;

	for (p = d->places; p < d->places + IFACE_EVENTS_PLACES; p++)
		iface_events_slot_turn(d, p, now_ns);
}

struct iface_events *iface_events_new(const struct ifaces_handler *handler)
{
	struct iface_events *d = calloc(1, sizeof(*d));

	if (d)
		d->handler = *handler;
	return d;
}

struct iface_events *iface_events_free(struct iface_events *d)
{
	free(d);
	return NULL;
}
