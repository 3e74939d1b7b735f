/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifaces/iface_events.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_DESK_PLACES 256

#define PORTS_DESK_QUIET_NS 10000000000ULL

/* An interface that comes, is attached to, goes, and comes again is no flapping yet. */
#define PORTS_DESK_BURST 6

struct ports_place {
	uint64_t began_ns; /* of the ten seconds under way; 0: none are */
	unsigned int told; /* in these */
	unsigned int held;
	enum ports_news what; /* of the last one held */
	char ifname[IFNAMSIZ * 4];
	const char *attach;
	char reason[160];
};

struct ports_desk {
	struct ports_handler handler;
	struct ports_place places[PORTS_DESK_PLACES];
};

static struct ports_place *ports_desk_place(struct ports_desk *d, const char *ifname)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *ifname; ifname++)
		hash = (hash ^ (unsigned char)*ifname) * 16777619u;
	return &d->places[hash % PORTS_DESK_PLACES];
}

static void ports_place_flush(struct ports_desk *d, struct ports_place *p)
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
static void ports_place_turn(struct ports_desk *d, struct ports_place *p, uint64_t now_ns)
{
	if (!p->began_ns || now_ns - p->began_ns < PORTS_DESK_QUIET_NS)
		return;
	p->began_ns = 0;
	p->told = 0;
	if (!p->held)
		return;
	p->began_ns = now_ns;
	p->told = PORTS_DESK_BURST;
	ports_place_flush(d, p);
}

void ports_desk_tell(struct ports_desk *d, uint64_t now_ns, enum ports_news what,
		     const char *ifname, const char *attach, const char *reason)
{
	struct ports_place *p = ports_desk_place(d, ifname);

	ports_place_turn(d, p, now_ns);
	if (p->told < PORTS_DESK_BURST) {
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

void ports_desk_tick(struct ports_desk *d, uint64_t now_ns)
{
	struct ports_place *p;

	for (p = d->places; p < d->places + PORTS_DESK_PLACES; p++)
		ports_place_turn(d, p, now_ns);
}

struct ports_desk *ports_desk_new(const struct ports_handler *handler)
{
	struct ports_desk *d = calloc(1, sizeof(*d));

	if (d)
		d->handler = *handler;
	return d;
}

struct ports_desk *ports_desk_free(struct ports_desk *d)
{
	free(d);
	return NULL;
}
