/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * News about interfaces, told so that something that goes on flapping is heard of once in ten
 * seconds: a few in a row are told at once, then the last one of each ten seconds, so that what was
 * told last is how things are. Bounded: names share places. Logs nothing; part of ports.
 */
#pragma once

#include <stdint.h>

enum ports_news {
	PORTS_CAME,	/* an interface that is meant came, or became one that is */
	PORTS_WENT,	/* it is gone: deleted, or in another network namespace */
	PORTS_ATTACHED, /* or attached otherwise than before */
	PORTS_DETACHED, /* it is here and not attached to any more */
	PORTS_REFUSED,	/* it cannot be attached to */
	PORTS_MISSING,	/* no interface is what this word of the admin's means */
	PORTS_NEWS_COUNT,
};

/* attach: a name of dataplane_attach_name(); reason: words, "" for none. Valid during the call. */
struct ports_handler {
	void (*news)(void *userdata, enum ports_news what, const char *ifname, const char *attach,
		     const char *reason);
	void *userdata;
};

struct ports_desk;

/* NULL without memory. The handler is called from within ports_desk_tell() and _tick(). */
struct ports_desk *ports_desk_new(const struct ports_handler *handler);
struct ports_desk *ports_desk_free(struct ports_desk *desk);

void ports_desk_tell(struct ports_desk *desk, uint64_t now_ns, enum ports_news what,
		     const char *ifname, const char *attach, const char *reason);
/* Tells what was held back and is due. */
void ports_desk_tick(struct ports_desk *desk, uint64_t now_ns);
