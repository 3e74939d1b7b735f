/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * News about interfaces, told so that something that goes on flapping is heard of once in ten
 * seconds: a few in a row are told at once, then the last one of each ten seconds, so that what was
 * told last is how things are. Bounded: names share places. Logs nothing; part of ports.
 */
#pragma once

#include <stdint.h>

enum iface_event {
	IFACES_CAME,	 /* an interface that is meant came, or became one that is */
	IFACES_WENT,	 /* it is gone: deleted, or in another network namespace */
	IFACES_ATTACHED, /* or attached otherwise than before */
	IFACES_DETACHED, /* it is here and not attached to any more */
	IFACES_REFUSED,	 /* it cannot be attached to */
	IFACES_MISSING,	 /* no interface is what this word of the admin's means */
	IFACES_NEWS_COUNT,
};

/* attach: a name of dataplane_attach_name(); reason: words, "" for none. Valid during the call. */
struct ifaces_handler {
	void (*news)(void *userdata, enum iface_event what, const char *ifname, const char *attach,
		     const char *reason);
	void *userdata;
};

struct iface_events;

/* NULL without memory. The handler is called from within iface_events_tell() and _tick(). */
struct iface_events *iface_events_new(const struct ifaces_handler *handler);
struct iface_events *iface_events_free(struct iface_events *desk);

void iface_events_tell(struct iface_events *desk, uint64_t now_ns, enum iface_event what,
		       const char *ifname, const char *attach, const char *reason);
/* Tells what was held back and is due. */
void iface_events_tick(struct iface_events *desk, uint64_t now_ns);
