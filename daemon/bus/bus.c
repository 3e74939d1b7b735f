/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/complaint.h"
#include "daemon/bus/peers.h"
#include "daemon/bus/requests.h"
#include "daemon/lists/store.h"
#include "daemon/report/report.h"
#include "daemon/views/view.h"
#include "daemon/views/views.h"

/* Views, and changes of lists; one of each for a peer. */
#define BUS_MAX_UNDER_WAY 16

struct bus {
	struct bus_handler handler;
	struct bus_peers peers;
	struct bus_describe describe;
	struct bus_requests views;
	struct bus_requests list_changes;
};

static struct bus *bus_of(const struct bus_peer *peer)
{
	return container_of(peer->all, struct bus, peers);
}

static int bus_not_allowed(sd_bus_message *m, const char *what)
{
	return sd_bus_reply_method_errorf(m, SG_ERROR_NOT_ALLOWED,
					  "only root and members of the group " SG_GROUP " may %s",
					  what);
}

/* ---- the report and the events ------------------------------------------------------------- */

static int bus_on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_describe_call(&bus_of(userdata)->describe, userdata, m);
}

static int bus_on_events(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct bus_handler *h = &bus_of(userdata)->handler;
	_cleanup_free_ char *text = NULL;
	uint64_t since;
	int r;

	r = sd_bus_message_read(m, "t", &since);
	if (r < 0)
		return r;
	text = h->events(h->userdata, since);
	return text ? sd_bus_reply_method_return(m, "s", text) : -ENOMEM;
}

static int bus_on_follow(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	if (!bus_peer_follow(userdata))
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"too many of this user follow already");
	return sd_bus_reply_method_return(m, NULL);
}

/* ---- what changes the daemon --------------------------------------------------------------- */

/* A call with one word, handed to `change`; `bad` is the answer where that returns -EINVAL. */
static int bus_change(sd_bus_message *m, const struct bus_peer *peer, const char *what,
		      int (*change)(void *userdata, const char *word), const char *bad)
{
	const char *word;
	int r;

	/* rights first: reading a large argument takes time */
	if (!peer->may_change)
		return bus_not_allowed(m, what);
	r = sd_bus_message_read(m, "s", &word);
	if (r >= 0)
		r = change(bus_of(peer)->handler.userdata, word);
	if (r == -EINVAL)
		return sd_bus_reply_method_errorf(m, SG_ERROR_BAD_VALUE, "%s", bad);
	return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int bus_on_set_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_change(m, userdata, "change the mode", bus_of(userdata)->handler.set_mode,
			  "no such mode; there are off, observe, auto and always");
}

static int bus_on_undo_mitigation(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_change(m, userdata, "undo steps of the mitigation",
			  bus_of(userdata)->handler.undo_mitigation,
			  "no such step; \"synguard mitigation\" shows those that there are");
}

/* ---- views: made in another thread, handed over as a descriptor ---------------------------- */

static void bus_view_done(void *userdata, int fd)
{
	sd_bus_message *call = bus_request_end(userdata);

	if (!call)
		return;
	if (fd >= 0)
		sd_bus_reply_method_return(call, "h", fd);
	else
		sd_bus_reply_method_errno(call, fd, NULL);
	sd_bus_message_unref(call);
}

static int bus_view(sd_bus_message *m, struct bus_peer *peer, struct views_request view)
{
	struct bus *b = bus_of(peer);
	struct bus_request *request = bus_request_begin(&b->views, peer, m);
	int r;

	if (!request)
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "too many ask for a view; ask again");
	view.done = bus_view_done;
	view.userdata = request;
	r = b->handler.view(b->handler.userdata, &view);
	if (r < 0)
		sd_bus_message_unref(bus_request_end(request));
	return r < 0 ? r : 1;
}

static int bus_on_halfopen(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct views_request view = { .what = VIEWS_HALFOPEN };
	const struct bus_peer *peer = userdata;
	const char *word;
	int r;

	r = sd_bus_message_read(m, "sq", &word, &view.port);
	if (r < 0)
		return r;
	view.by = halfopen_by_parse(word);
	if (view.by < 0)
		return sd_bus_reply_method_errorf(
			m, SG_ERROR_BAD_VALUE,
			"half-open connections go by source, prefix, listener or none");
	if (view.by != HALFOPEN_BY_LISTENER && !peer->may_change)
		return bus_not_allowed(m, "see sources; --by listener names none");
	return bus_view(m, userdata, view);
}

static int bus_on_sources(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct views_request view = { .what = VIEWS_SOURCES };
	const struct bus_peer *peer = userdata;
	int r;

	r = sd_bus_message_read(m, "bu", &view.by, &view.top);
	if (r < 0)
		return r;
	return peer->may_change ? bus_view(m, userdata, view) : bus_not_allowed(m, "see sources");
}

static int bus_on_listeners(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_view(m, userdata, (struct views_request){ .what = VIEWS_LISTENERS });
}

static int bus_on_states(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_view(m, userdata, (struct views_request){ .what = VIEWS_STATES });
}

/* ---- lists of sources: for those who may change them --------------------------------------- */

static const char bus_list_rights[] = "see and change the lists of sources";

static void bus_list_done(void *userdata, int r, const struct complaint *c)
{
	sd_bus_message *call = bus_request_end(userdata);

	if (!call)
		return; /* the change is made all the same */
	if (r >= 0)
		sd_bus_reply_method_return(call, "u", (uint32_t)r);
	else if (!c->text[0])
		sd_bus_reply_method_errno(call, r, NULL);
	else
		sd_bus_reply_method_errorf(call,
					   r == -EPERM	? SG_ERROR_REFUSED :
					   r == -EINVAL ? SG_ERROR_BAD_VALUE :
							  SD_BUS_ERROR_FAILED,
					   "%s", c->text);
	sd_bus_message_unref(call);
}

/* Answered when the change is complete, or has failed. */
static int bus_list_change(sd_bus_message *m, struct bus_peer *peer, struct lists_request *q,
			   int (*change)(void *lists, const struct lists_request *q,
					 struct complaint *c))
{
	struct bus *b = bus_of(peer);
	struct bus_request *request = bus_request_begin(&b->list_changes, peer, m);
	struct complaint c = {};
	int r;

	if (!request)
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "too many change the lists; ask again");
	q->done = bus_list_done;
	q->userdata = request;
	r = change(b->handler.lists, q, &c);
	if (r < 0)
		bus_list_done(request, r, &c);
	return 1;
}

static int bus_on_list_add(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	struct lists_request q = {};
	int runtime, force, r;

	if (!peer->may_change)
		return bus_not_allowed(m, bus_list_rights);
	r = sd_bus_message_read(m, "sssssbb", &q.list, &q.text, &q.name, &q.expire, &q.protected,
				&runtime, &force);
	if (r < 0)
		return r;
	q.runtime = runtime;
	q.force = force;
	return bus_list_change(m, peer, &q, bus_of(peer)->handler.list_add);
}

static int bus_on_list_remove(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct lists_request q = { .name = "", .expire = "", .protected = "" };
	struct bus_peer *peer = userdata;
	int r;

	if (!peer->may_change)
		return bus_not_allowed(m, bus_list_rights);
	r = sd_bus_message_read(m, "ss", &q.list, &q.text);
	return r < 0 ? r : bus_list_change(m, peer, &q, bus_of(peer)->handler.list_remove);
}

static int bus_on_list_show(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct bus_peer *peer = userdata;
	const struct bus_handler *h = &bus_of(peer)->handler;
	_cleanup_free_ char *text = NULL;
	const char *list;
	uint32_t first;
	int r;

	if (!peer->may_change)
		return bus_not_allowed(m, bus_list_rights);
	r = sd_bus_message_read(m, "su", &list, &first);
	if (r < 0)
		return r;
	text = h->list_show(h->lists, list, first);
	return text ? sd_bus_reply_method_return(m, "s", text) :
		      sd_bus_reply_method_errorf(m, SG_ERROR_BAD_VALUE, "there is no such list");
}

/* ---- properties: the scalars of the report, for everybody to read -------------------------- */

/* The vtable's start and end, and as many properties as a report may have scalars. */
#define BUS_PROPERTIES_MAX 64

static const char *const bus_signatures[REPORT_TYPE_COUNT] = {
	[REPORT_COUNT] = "t", [REPORT_FLAG] = "b", [REPORT_INT] = "i",	 [REPORT_PORT] = "q",
	[REPORT_RATIO] = "d", [REPORT_TEXT] = "s", [REPORT_CHARS] = "s", [REPORT_WORD] = "s",
};

static int bus_property_append(sd_bus_message *reply, const struct report_row *row,
			       const struct report *report)
{
	const void *member = (const char *)report + row->offset;
	int flag;

	switch (row->type) {
	case REPORT_FLAG:
		flag = *(const bool *)member;
		return sd_bus_message_append_basic(reply, 'b', &flag);
	case REPORT_TEXT:
	case REPORT_WORD:
		return sd_bus_message_append_basic(reply, 's', *(const char *const *)member ?: "");
	default:
		return sd_bus_message_append_basic(reply, *bus_signatures[row->type], member);
	}
}

static int bus_on_property(sd_bus *bus, const char *path, const char *interface,
			   const char *property, sd_bus_message *reply, void *userdata,
			   sd_bus_error *error)
{
	const struct bus_handler *h = &bus_of(userdata)->handler;
	struct report report = {};
	size_t count, i;
	const struct report_row *rows = report_rows(&count);

	for (i = 0; i < count; i++) {
		if (!rows[i].property || strcmp(rows[i].property, property) != 0)
			continue;
		h->scalars(h->userdata, &report);
		return bus_property_append(reply, &rows[i], &report);
	}
	return -ENOENT;
}

/* Made once: sd-bus keeps a pointer to it. NULL: there are more rows than room. */
static const sd_bus_vtable *bus_properties(void)
{
	static sd_bus_vtable vtable[BUS_PROPERTIES_MAX];
	size_t count, i, n = 1;
	const struct report_row *rows = report_rows(&count);

	if (vtable[0].type)
		return vtable;
	for (i = 0; i < count; i++) {
		if (!rows[i].property)
			continue;
		if (n == BUS_PROPERTIES_MAX - 1 || !bus_signatures[rows[i].type])
			return NULL;
		vtable[n++] = (sd_bus_vtable)SD_BUS_PROPERTY(
			rows[i].property, bus_signatures[rows[i].type], bus_on_property, 0, 0);
	}
	vtable[n] = (sd_bus_vtable)SD_BUS_VTABLE_END;
	vtable[0] = (sd_bus_vtable)SD_BUS_VTABLE_START(0);
	return vtable;
}

/* ---- the object ---------------------------------------------------------------------------- */

/* The methods check the rights themselves. */
#define BUS_ANYBODY SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable bus_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), bus_on_describe, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Events", SD_BUS_ARGS("t", since), SD_BUS_RESULT("s", json), bus_on_events, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Follow", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, bus_on_follow, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("HalfOpen", SD_BUS_ARGS("s", by, "q", port), SD_BUS_RESULT("h", json), bus_on_halfopen, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Listeners", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", json), bus_on_listeners, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Sources", SD_BUS_ARGS("b", prefixes, "u", top), SD_BUS_RESULT("h", json), bus_on_sources, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("States", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", json), bus_on_states, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("SetMode", SD_BUS_ARGS("s", mode), SD_BUS_NO_RESULT, bus_on_set_mode, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("ListAdd",
		SD_BUS_ARGS("s", list, "s", lines, "s", name, "s", expire, "s", protected, "b", runtime, "b", force),
		SD_BUS_RESULT("u", count), bus_on_list_add, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("ListRemove", SD_BUS_ARGS("s", list, "s", lines), SD_BUS_RESULT("u", count), bus_on_list_remove, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("ListShow", SD_BUS_ARGS("s", list, "u", first), SD_BUS_RESULT("s", json), bus_on_list_show, BUS_ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("UndoMitigation", SD_BUS_ARGS("s", step), SD_BUS_NO_RESULT, bus_on_undo_mitigation, BUS_ANYBODY),
	SD_BUS_SIGNAL_WITH_ARGS("Event", SD_BUS_ARGS("s", json), 0),
	SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", state, "s", mode), 0),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

/* No slots: they go with the connection. */
static int bus_publish(struct bus_peer *peer)
{
	const sd_bus_vtable *properties = bus_properties();
	int r;

	if (!properties)
		return -E2BIG;
	r = sd_bus_add_object_vtable(peer->bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, bus_methods,
				     peer);
	return r < 0 ? r :
		       sd_bus_add_object_vtable(peer->bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE,
						properties, peer);
}

static void bus_forget(struct bus_peer *peer)
{
	struct bus *b = bus_of(peer);

	bus_requests_forget(&b->describe.calls, peer);
	bus_requests_forget(&b->views, peer);
	bus_requests_forget(&b->list_changes, peer);
}

/* ---- signals ------------------------------------------------------------------------------- */

/* A peer to which it cannot be sent misses it; a gap in the numbers, or Describe(), shows that. */
static void bus_emit(struct bus *b, const char *signal, const char *types, const char *first,
		     const char *second)
{
	struct bus_peer *peer;

	if (!b)
		return;
	for (peer = b->peers.places; peer < b->peers.places + BUS_MAX_PEERS; peer++)
		if (peer->follows && bus_peer_reads(peer))
			sd_bus_emit_signal(peer->bus, SG_BUS_PATH, SG_BUS_INTERFACE, signal, types,
					   first, second);
}

void bus_emit_event(struct bus *b, const char *json)
{
	bus_emit(b, "Event", "s", json, NULL);
}

void bus_emit_state(struct bus *b, const char *state, const char *mode)
{
	bus_emit(b, "StateChanged", "ss", state, mode);
}

/* ---- life ---------------------------------------------------------------------------------- */

int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler)
{
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->handler = *handler;
	b->describe.describe = handler->describe;
	b->describe.userdata = handler->userdata;
	b->describe.calls.max = BUS_MAX_REQUESTS;
	b->describe.calls.max_of_peer = BUS_MAX_DESCRIBES;
	b->describe.calls.end_with_peer = true;
	b->views.max = b->list_changes.max = BUS_MAX_UNDER_WAY;
	b->views.max_of_peer = b->list_changes.max_of_peer = 1;
	b->peers = (struct bus_peers){
		.event = event,
		.publish = bus_publish,
		.forget = bus_forget,
		.fd = -EBADF,
	};
	r = bus_describe_init(&b->describe, event);
	if (r >= 0)
		r = bus_peers_listen(&b->peers, path);
	if (r < 0) {
		bus_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	bus_peers_close(&b->peers);
	bus_describe_done(&b->describe);
	free(b);
	return NULL;
}
