/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/bus.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/bus/peers.h"

/* ---- peers --------------------------------------------------------------------------------- */

static void bus_forget_asked(struct bus *b, const struct bus_peer *peer)
{
	size_t i, kept = 0, answering = 0;

	for (i = 0; i < b->asked_count; i++) {
		if (b->asked[i].peer == peer) {
			sd_bus_message_unref(b->asked[i].call);
			continue;
		}
		answering += i < b->answering;
		b->asked[kept++] = b->asked[i];
	}
	b->asked_count = kept;
	b->answering = answering;
}

void bus_peer_drop(struct bus_peer *peer)
{
	bus_forget_asked(peer->owner, peer);
	bus_views_forget(peer->owner, peer);
	bus_lists_forget(peer->owner, peer);
	if (peer->system)
		bus_system_forget_questions(peer->owner);
	peer->slot = sd_bus_slot_unref(peer->slot);
	peer->idle = sd_event_source_disable_unref(peer->idle);
	peer->guard = bus_guard_free(peer->guard);
	peer->follows = false;
	peer->asked = 0;
	if (peer->bus) {
		sd_bus_detach_event(peer->bus);
		peer->bus = sd_bus_close_unref(peer->bus);
	}
	if (peer->system)
		bus_system_again(peer->owner);
}

static uint64_t bus_max_queued(const struct bus_peer *peer)
{
	if (peer->system)
		return BUS_MAX_QUEUED_SYSTEM;
	return peer->follows ? BUS_MAX_QUEUED_EVENTS : BUS_MAX_QUEUED;
}

/* Before anything is sent: a peer that does not read is dropped, and false returned. */
static bool bus_peer_reads(struct bus_peer *peer)
{
	uint64_t queued;

	if (sd_bus_get_n_queued_write(peer->bus, &queued) >= 0 && queued <= bus_max_queued(peer))
		return true;
	bus_peer_drop(peer);
	return false;
}

bool bus_peer_listens(struct bus_peer *peer)
{
	if (!bus_peer_reads(peer))
		return false;
	if (peer->idle)
		sd_event_source_set_time_relative(peer->idle, BUS_IDLE_USEC);
	return true;
}

/* ---- Describe() ---------------------------------------------------------------------------- */

/*
 * The report is read afresh for whoever asks, and that takes a while; so calls wait until
 * BUS_DESCRIBE_USEC have passed since the last one, and those that came by then share it.
 */

static int bus_schedule_answer(struct bus *b)
{
	uint64_t now, at;
	int r;

	if (!b->asked_count)
		return 0;
	r = sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	if (r < 0)
		return r;
	at = b->answering ? now : b->described_usec + BUS_DESCRIBE_USEC;
	r = sd_event_source_set_time(b->answer, at > now ? at : now);
	return r < 0 ? r : sd_event_source_set_enabled(b->answer, SD_EVENT_ONESHOT);
}

/* One answer for each turn of the loop, so that a tick does not wait for all of them. */
static void bus_answer_first(struct bus *b)
{
	struct bus_peer *peer = b->asked[0].peer;
	sd_bus_message *call = b->asked[0].call;

	memmove(b->asked, b->asked + 1, --b->asked_count * sizeof(*b->asked));
	b->answering--;
	peer->asked--;
	if (!bus_peer_reads(peer)) {
		sd_bus_message_unref(call);
		return;
	}
	if (b->description)
		sd_bus_reply_method_return(call, "s", b->description);
	else
		sd_bus_reply_method_errno(call, ENOMEM, NULL);
	sd_bus_message_unref(call);
}

static int bus_on_answer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bus *b = userdata;

	if (!b->answering && b->asked_count) {
		free(b->description);
		b->description = b->handler.describe(b->handler.userdata);
		b->answering = b->asked_count;
		sd_event_now(b->event, CLOCK_MONOTONIC, &b->described_usec);
	}
	if (b->answering)
		bus_answer_first(b);
	return bus_schedule_answer(b);
}

static int bus_on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	struct bus *b = peer->owner;
	int r;

	if (!bus_peer_listens(peer))
		return 1;
	if (peer->asked >= (peer->system ? BUS_MAX_ASKED_SYSTEM : BUS_MAX_ASKED)) {
		if (peer->system)
			return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
						"too many wait for an answer; ask again");
		bus_peer_drop(peer);
		return 1;
	}
	peer->asked++;
	b->asked[b->asked_count++] = (struct bus_asked){ peer, sd_bus_message_ref(m) };
	r = b->asked_count == 1 ? bus_schedule_answer(b) : 0;
	return r < 0 ? r : 1;
}

/* ---- the other methods --------------------------------------------------------------------- */

static int bus_on_events(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;
	const struct bus_handler *h = &peer->owner->handler;
	_cleanup_free_ char *text = NULL;
	uint64_t since;
	int r;

	if (!bus_peer_listens(peer))
		return 1;
	r = sd_bus_message_read(m, "t", &since);
	if (r < 0)
		return r;
	text = h->events(h->userdata, since);
	return text ? sd_bus_reply_method_return(m, "s", text) : -ENOMEM;
}

static bool bus_may_follow(const struct bus_peer *peer)
{
	const struct bus *b = peer->owner;
	size_t i, all = 0, of_uid = 0;

	for (i = 0; i < BUS_MAX_PEERS; i++) {
		all += b->peers[i].follows;
		of_uid += b->peers[i].follows && b->peers[i].uid == peer->uid;
	}
	return !peer->uid || (all < BUS_MAX_FOLLOWERS && of_uid < BUS_FOLLOWERS_PER_UID);
}

/* On the system bus everybody may listen to signals, and this asks for nothing more. */
static int bus_on_follow(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_peer *peer = userdata;

	if (!bus_peer_listens(peer))
		return 1;
	if (!peer->system && !peer->follows) {
		if (!bus_may_follow(peer))
			return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
						"too many of this user follow already");
		peer->follows = true;
		peer->idle = sd_event_source_disable_unref(peer->idle);
	}
	return sd_bus_reply_method_return(m, NULL);
}

/* The rights first, whatever the argument is: to read it may take long. */
static int bus_set_mode(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	const struct bus_handler *h = &peer->owner->handler;
	const char *mode;
	int r;

	if (!granted)
		return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
						  "only root and members of the group " SG_GROUP
						  " may change the mode");
	r = sd_bus_message_read(call, "s", &mode);
	if (r >= 0)
		r = h->set_mode(h->userdata, mode);
	if (r == -EINVAL)
		return sd_bus_reply_method_errorf(
			call, SG_ERROR_BAD_VALUE,
			"no such mode; there are off, observe, auto and always");
	return r < 0 ? sd_bus_reply_method_errno(call, r, NULL) :
		       sd_bus_reply_method_return(call, NULL);
}

static int bus_undo_mitigation(struct bus_peer *peer, sd_bus_message *call, bool granted)
{
	const struct bus_handler *h = &peer->owner->handler;
	const char *step;
	int r;

	if (!granted)
		return sd_bus_reply_method_errorf(call, SG_ERROR_NOT_ALLOWED,
						  "only root and members of the group " SG_GROUP
						  " may undo steps of the mitigation");
	r = sd_bus_message_read(call, "s", &step);
	if (r >= 0)
		r = h->undo_mitigation(h->userdata, step);
	if (r == -EINVAL)
		return sd_bus_reply_method_errorf(
			call, SG_ERROR_BAD_VALUE,
			"no such step; \"synguard mitigation\" shows those that there are");
	return r < 0 ? sd_bus_reply_method_errno(call, r, NULL) :
		       sd_bus_reply_method_return(call, NULL);
}

int bus_if_granted(struct bus_peer *peer, sd_bus_message *call, bus_granted_fn granted)
{
	if (!bus_peer_listens(peer))
		return 1;
	if (peer->system)
		return bus_system_ask_sender(peer, call, granted);
	return granted(peer, call, peer->may_change);
}

static int bus_on_set_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_if_granted(userdata, m, bus_set_mode);
}

static int bus_on_undo_mitigation(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_if_granted(userdata, m, bus_undo_mitigation);
}

static const sd_bus_vtable bus_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
				bus_on_describe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Events", SD_BUS_ARGS("t", since), SD_BUS_RESULT("s", json),
				bus_on_events, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Follow", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, bus_on_follow,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("HalfOpen", SD_BUS_ARGS("s", by, "q", port),
				SD_BUS_RESULT("h", json), bus_on_halfopen,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Listeners", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", json),
				bus_on_listeners, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Sources", SD_BUS_ARGS("b", prefixes, "u", top),
				SD_BUS_RESULT("h", json), bus_on_sources,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("States", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", json), bus_on_states,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("SetMode", SD_BUS_ARGS("s", mode), SD_BUS_NO_RESULT,
				bus_on_set_mode, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListAdd",
				SD_BUS_ARGS("s", list, "s", lines, "s", name, "s", expire, "s",
					    spared, "b", runtime, "b", force),
				SD_BUS_RESULT("u", count), bus_on_list_add,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListRemove", SD_BUS_ARGS("s", list, "s", lines),
				SD_BUS_RESULT("u", count), bus_on_list_remove,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListShow", SD_BUS_ARGS("s", list, "u", first),
				SD_BUS_RESULT("s", json), bus_on_list_show,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("UndoMitigation", SD_BUS_ARGS("s", step), SD_BUS_NO_RESULT,
				bus_on_undo_mitigation, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Event", SD_BUS_ARGS("s", json), 0),
	SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", state, "s", mode), 0),
	SD_BUS_VTABLE_END,
};

/* Before all else, for what sd-bus answers by itself (properties, introspection) as well. */
static int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return !bus_peer_reads(userdata);
}

/* The one place where a connection gets what we offer; userdata of every handler is the peer. */
int bus_publish(struct bus_peer *peer)
{
	int r = sd_bus_add_object_vtable(peer->bus, &peer->slot, SG_BUS_PATH, SG_BUS_INTERFACE,
					 bus_vtable, peer);

	if (r >= 0)
		r = bus_properties_add(peer->bus, SG_BUS_PATH, SG_BUS_INTERFACE,
				       &peer->owner->properties);
	return r < 0 ? r : sd_bus_add_filter(peer->bus, NULL, bus_on_message, peer);
}

/* ---- signals ------------------------------------------------------------------------------- */

static bool bus_wants_signals(const struct bus_peer *peer)
{
	/* what is not connected yet would only collect them */
	return peer->bus && (peer->system ? sd_bus_is_ready(peer->bus) > 0 : peer->follows);
}

static void bus_emit_event(struct bus_peer *peer, const char *json, const char *unused)
{
	sd_bus_emit_signal(peer->bus, SG_BUS_PATH, SG_BUS_INTERFACE, "Event", "s", json);
}

static void bus_emit_state(struct bus_peer *peer, const char *state, const char *mode)
{
	sd_bus_emit_signal(peer->bus, SG_BUS_PATH, SG_BUS_INTERFACE, "StateChanged", "ss", state,
			   mode);
}

/* A signal that cannot be sent is missed; its number, or Describe(), shows that. */
static void bus_emit(struct bus *b, void (*emit)(struct bus_peer *, const char *, const char *),
		     const char *first, const char *second)
{
	size_t i;

	for (i = 0; i <= BUS_MAX_PEERS; i++) {
		struct bus_peer *peer = i < BUS_MAX_PEERS ? &b->peers[i] : &b->system;

		if (bus_wants_signals(peer) && bus_peer_reads(peer))
			emit(peer, first, second);
	}
}

void bus_tell_event(struct bus *b, const char *json)
{
	if (b)
		bus_emit(b, bus_emit_event, json, NULL);
}

void bus_tell_state(struct bus *b, const char *state, const char *mode)
{
	if (b)
		bus_emit(b, bus_emit_state, state, mode);
}

/* ---- life ---------------------------------------------------------------------------------- */

int bus_new(struct bus **ret, sd_event *event, const char *path, const struct bus_handler *handler)
{
	const struct group *group = getgrnam(SG_GROUP);
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->has_group = group;
	b->group = group ? group->gr_gid : 0;
	b->handler = *handler;
	b->properties = (struct bus_properties){ handler->scalars, handler->userdata };
	b->event = sd_event_ref(event);
	b->fd = -EBADF;
	r = sd_event_add_time(event, &b->answer, CLOCK_MONOTONIC, 0, BUS_ACCURACY_USEC,
			      bus_on_answer, b);
	if (r >= 0)
		r = sd_event_source_set_enabled(b->answer, SD_EVENT_OFF);
	if (r >= 0)
		r = bus_peers_listen(b, path);
	if (r >= 0)
		r = bus_system_start(b);
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
	bus_peers_close(b);
	bus_system_close(b);
	sd_event_source_disable_unref(b->answer);
	free(b->description);
	sd_event_unref(b->event);
	free(b);
	return NULL;
}
