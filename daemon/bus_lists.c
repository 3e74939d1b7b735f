/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods about the lists of sources. Whoever asks has to be allowed to change things. */
#include <errno.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "bus_internal.h"
#include "complaint.h"
#include "lists_request.h"

static int bus_lists_not_allowed(sd_bus_message *call)
{
	return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
					  "only root and members of the group " SG_GROUP
					  " may see and change the lists of sources");
}

/* The answer: how many, or what is wrong. */
static int bus_lists_answer(sd_bus_message *call, int r, const struct complaint *c)
{
	if (r >= 0)
		return sd_bus_reply_method_return(call, "u", (uint32_t)r);
	if (!c->text[0])
		return sd_bus_reply_method_errno(call, r, NULL);
	return sd_bus_reply_method_errorf(call,
					  r == -EPERM  ? SG_ERROR_REFUSED :
					  r == -EINVAL ? SG_ERROR_BAD_VALUE :
							 SD_BUS_ERROR_FAILED,
					  "%s", c->text);
}

static int bus_list_add(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	const struct bus_handler *h = &peer->owner->handler;
	struct complaint c = {};
	struct lists_request q;
	int runtime, force, r;

	if (!granted)
		return bus_lists_not_allowed(call);
	r = sd_bus_message_read(call, "sssssbb", &q.list, &q.text, &q.name, &q.expire, &q.spared,
				&runtime, &force);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	q.runtime = runtime;
	q.force = force;
	return bus_lists_answer(call, h->list_add(h->lists, &q, &c), &c);
}

static int bus_list_remove(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	struct lists_request q = { .name = "", .expire = "", .spared = "" };
	const struct bus_handler *h = &peer->owner->handler;
	struct complaint c = {};
	int r;

	if (!granted)
		return bus_lists_not_allowed(call);
	r = sd_bus_message_read(call, "ss", &q.list, &q.text);
	if (r < 0)
		return sd_bus_reply_method_errno(call, r, NULL);
	return bus_lists_answer(call, h->list_remove(h->lists, &q, &c), &c);
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
