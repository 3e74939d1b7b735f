/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of interfaces, limited: of one that flaps a few are reported at once, and then the last
 * one of each ten seconds, so that what was reported last is how things are. Bounded: names share
 * slots. Logs nothing.
 */
#pragma once

#include <stdint.h>

enum iface_event {
	IFACES_CAME,	 /* an interface that the names mean came, or was renamed to be one */
	IFACES_WENT,	 /* it is gone: deleted, or in another network namespace */
	IFACES_ATTACHED, /* or attached otherwise than before */
	IFACES_DETACHED, /* it is here and not attached to any more */
	IFACES_REFUSED,	 /* it cannot be attached to */
	IFACES_MISSING,	 /* a name that the admin gave is no interface's */
	IFACES_EVENT_COUNT,
};

/* attach: a name of dataplane_attach_name(); reason: words, "" for none. Valid during the call. */
struct ifaces_handler {
	void (*event)(void *userdata, enum iface_event what, const char *ifname, const char *attach,
		      const char *reason);
	void *userdata;
};

struct iface_events;

/* NULL without memory. The handler is called from within iface_events_report() and _tick(). */
struct iface_events *iface_events_new(const struct ifaces_handler *handler);
struct iface_events *iface_events_free(struct iface_events *e);

void iface_events_report(struct iface_events *e, uint64_t now_ns, enum iface_event what,
			 const char *ifname, const char *attach, const char *reason);
/* Reports what was held back and is due. */
void iface_events_tick(struct iface_events *e, uint64_t now_ns);
