/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods about the lists of sources. Whoever asks has to be allowed to change things. */
#include <errno.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/complaint.h"
#include "daemon/bus/peers.h"
#include "daemon/lists/lists_request.h"

static int bus_lists_not_allowed(sd_bus_message *call)
{
	return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
					  "only root and members of the group " SG_GROUP
					  " may see and change the lists of sources");
}

/* What is wrong. */
static int bus_lists_refuse(sd_bus_message *call, int r, const struct complaint *c)
{
	if (!c->text[0])
		return sd_bus_reply_method_errno(call, r, NULL);
	return sd_bus_reply_method_errorf(call,
					  r == -EPERM  ? SG_ERROR_REFUSED :
					  r == -EINVAL ? SG_ERROR_BAD_VALUE :
							 SD_BUS_ERROR_FAILED,
					  "%s", c->text);
}

void bus_lists_forget(struct bus *b, const struct bus_peer *peer)
{
	size_t i;

	for (i = 0; i < BUS_MAX_CHANGES; i++) {
		if (b->changes[i].peer != peer)
			continue;
		b->changes[i].peer = NULL;
		b->changes[i].call = sd_bus_message_unref(b->changes[i].call);
	}
}

static void bus_list_done(void *userdata, int r, const struct complaint *c)
{
	struct bus_view *change = userdata;
	sd_bus_message *call = change->call;

	*change = (struct bus_view){};
	if (!call)
		return; /* who asked has gone; it is so all the same */
	if (r < 0)
		bus_lists_refuse(call, r, c);
	else
		sd_bus_reply_method_return(call, "u", (uint32_t)r);
	sd_bus_message_unref(call);
}

/* One for a peer, or the system bus would be in its own way. */
static struct bus_view *bus_list_place(struct bus_peer *peer)
{
	struct bus *b = peer->owner;
	struct bus_view *place = NULL;
	size_t i;

	for (i = 0; i < BUS_MAX_CHANGES; i++) {
		if (b->changes[i].peer == peer && !peer->system)
			return NULL;
		if (!b->changes[i].busy && !place)
			place = &b->changes[i];
	}
	return place;
}

/* It is answered when it is all in, or when it has failed. */
static int bus_list_ask(struct bus_peer *peer, sd_bus_message *call, struct lists_request *q,
			int (*ask)(void *lists, const struct lists_request *q, struct complaint *c))
{
	struct bus_view *place = bus_list_place(peer);
	struct complaint c = {};
	int r;

	if (!place)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "too many change the lists; ask again");
	*place = (struct bus_view){ peer, sd_bus_message_ref(call), true };
	q->done = bus_list_done;
	q->userdata = place;
	r = ask(peer->owner->handler.lists, q, &c);
	if (r < 0)
		bus_list_done(place, r, &c);
	return 1;
}

static int bus_list_add(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	struct lists_request q = {};
	int runtime, force, r;

	if (!granted)
		return bus_lists_not_allowed(call);
	r = sd_bus_message_read(call, "sssssbb", &q.list, &q.text, &q.name, &q.expire, &q.spared,
				&runtime, &force);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	q.runtime = runtime;
	q.force = force;
	return bus_list_ask(peer, call, &q, peer->owner->handler.list_add);
}

static int bus_list_remove(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	struct lists_request q = { .name = "", .expire = "", .spared = "" };
	int r;

	if (!granted)
		return bus_lists_not_allowed(call);
	r = sd_bus_message_read(call, "ss", &q.list, &q.text);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	return bus_list_ask(peer, call, &q, peer->owner->handler.list_remove);
}

static int bus_list_show(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	const struct bus_handler *h = &peer->owner->handler;
	_cleanup_free_ char *text = NULL;
	const char *list;
	uint32_t first;
	int r;

	if (!granted)
		return bus_lists_not_allowed(call);
	r = sd_bus_message_read(call, "su", &list, &first);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	text = h->list_show(h->lists, list, first);
	return text ? sd_bus_reply_method_return(call, "s", text) :
		      sd_bus_reply_method_errorf(call, SG_ERROR_BAD_VALUE, "there is no such list");
}

int bus_on_list_add(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_if_granted(userdata, m, bus_list_add);
}

int bus_on_list_remove(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_if_granted(userdata, m, bus_list_remove);
}

int bus_on_list_show(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_if_granted(userdata, m, bus_list_show);
}
