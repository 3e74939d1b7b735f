/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views of the host's sockets: listeners, half-open connections, states, sources.
 *
 * A view is made by the worker's thread into a sealed file in memory, so that no tick waits, however
 * large it is. view.h lists the views, each in the file of its name; json.h writes them. Left to
 * the bus: who may see which.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

struct dataplane;
struct services_rate;
struct views;

enum views_what {
	VIEWS_LISTENERS,
	VIEWS_HALFOPEN,
	VIEWS_STATES,
	VIEWS_SOURCES,
};

struct views_request {
	enum views_what what;
	int by;	       /* enum halfopen_by, of VIEWS_HALFOPEN; of VIEWS_SOURCES 1: by prefix */
	uint16_t port; /* host byte order; 0: all; of VIEWS_HALFOPEN */
	uint32_t top;  /* rows at the most, 0: all; of VIEWS_SOURCES */
	/* fd: JSON, at its beginning, sealed; closed after the call; or -errno */
	void (*done)(void *userdata, int fd);
	void *userdata;
};

/* Borrows dp, which may be NULL. The caller owns *ret. -errno. */
int views_new(struct views **ret, sd_event *event, struct dataplane *dp);
/* Waits for the view that is being made; calls done() for none. */
struct views *views_free(struct views *v);

/* Takes the rates. done() is called later; not where this fails. */
int views_ask(struct views *v, const struct views_request *request, struct services_rate *rates,
	      size_t rate_count);
