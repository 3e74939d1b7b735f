/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus, about the host's sockets: views are made in another thread, so the answer comes later,
 * as a descriptor. Who names sources has to have the right to.
 */
#include <errno.h>

#include "synguard/names.h"

#include "daemon/bus/peers.h"
#include "daemon/views/halfopen.h"
#include "daemon/views/views.h"

void bus_views_forget(struct bus *b, const struct bus_peer *peer)
{
	size_t i;

	for (i = 0; i < BUS_MAX_VIEWS; i++) {
		if (b->views[i].peer != peer)
			continue;
		b->views[i].peer = NULL;
		b->views[i].call = sd_bus_message_unref(b->views[i].call);
	}
}

static void bus_view_done(void *userdata, int fd)
{
	struct bus_view *view = userdata;

	view->busy = false;
	if (!view->call)
		return; /* who asked has gone */
	if (fd >= 0)
		sd_bus_reply_method_return(view->call, "h", fd);
	else
		sd_bus_reply_method_errno(view->call, fd, NULL);
	view->call = sd_bus_message_unref(view->call);
	view->peer = NULL;
}

/* NULL: too many are under way, of this peer or of all. */
static struct bus_view *bus_view_place(struct bus_peer *peer)
{
	struct bus *b = peer->owner;
	struct bus_view *place = NULL;
	size_t i;

	for (i = 0; i < BUS_MAX_VIEWS; i++) {
		if (b->views[i].peer == peer && !peer->system)
			return NULL;
		if (!b->views[i].busy && !place)
			place = &b->views[i];
	}
	return place;
}

static int bus_view_ask(struct bus_peer *peer, sd_bus_message *call, struct views_request request)
{
	struct bus_view *view = bus_view_place(peer);
	const struct bus_handler *h = &peer->owner->handler;
	int r;

	if (peer->system)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_NOT_SUPPORTED,
						  "a descriptor is only passed over the daemon's "
						  "own socket; ask synguard");
	if (!view)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "too many ask for a view; ask again");
	request.done = bus_view_done;
	request.userdata = view;
	r = h->view(h->userdata, &request);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	*view = (struct bus_view){ peer, sd_bus_message_ref(call), true };
	return 1;
}

static int bus_halfopen(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	const char *word;
	uint16_t port;
	int by, r;

	r = sd_bus_message_rewind(call, true);
	if (r >= 0)
		r = sd_bus_message_read(call, "sq", &word, &port);
	if (r < 0)
		return r;
	by = halfopen_by_parse(word);
	if (by < 0)
		return sd_bus_reply_method_errorf(
			call, SG_ERROR_BAD_VALUE,
			"half-open connections go by source, prefix, listener or none");
	if (by != HALFOPEN_BY_LISTENER && !granted)
		return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
						  "only root and members of the group " SG_GROUP
						  " may see sources; --by listener names none");
	return bus_view_ask(
		peer, call,
		(struct views_request){ .what = VIEWS_HALFOPEN, .by = by, .port = port });
}

int bus_on_halfopen(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;

	return bus_peer_listens(peer) ? bus_halfopen(peer, m, peer->may_change) : 1;
}

static int bus_sources(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	struct views_request request = { .what = VIEWS_SOURCES };
	int r;

	r = sd_bus_message_rewind(call, true);
	if (r >= 0)
		r = sd_bus_message_read(call, "bu", &request.by, &request.top);
	if (r < 0)
		return r;
	if (!granted)
		return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
						  "only root and members of the group " SG_GROUP
						  " may see sources");
	return bus_view_ask(peer, call, request);
}

int bus_on_sources(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;

	return bus_peer_listens(peer) ? bus_sources(peer, m, peer->may_change) : 1;
}

int bus_on_listeners(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct views_request request = { .what = VIEWS_LISTENERS };

	return bus_peer_listens(userdata) ? bus_view_ask(userdata, m, request) : 1;
}

int bus_on_states(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct views_request request = { .what = VIEWS_STATES };

	return bus_peer_listens(userdata) ? bus_view_ask(userdata, m, request) : 1;
}
