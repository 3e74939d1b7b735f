/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus's place on the system bus. It is a convenience: where there is none, where its daemon
 * hangs or is started anew, or where the name is not ours to have, nothing else notices, and it is
 * tried again, ever more seldom up to once in BUS_RETRY_MAX_USEC. Nothing here waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/bus/peers.h"

#define BUS_RETRY_MIN_USEC 1000000ULL
#define BUS_RETRY_MAX_USEC 30000000ULL

#define BUS_SYSTEM_DEFAULT "unix:path=/run/dbus/system_bus_socket"

#define BUS_SENDER_MAX_GROUPS 1024

/* ---- who sent it --------------------------------------------------------------------------- */

static void bus_question_end(struct bus_question *q)
{
	q->slot = sd_bus_slot_unref(q->slot);
	q->call = sd_bus_message_unref(q->call);
}

/* They hold the connection that they are under way on. */
void bus_system_forget_questions(struct bus *b)
{
	size_t i;

	for (i = 0; i < BUS_MAX_QUESTIONS; i++)
		bus_question_end(&b->questions[i]);
}

static int bus_read_uid(sd_bus_message *m, bool *granted)
{
	uint32_t uid;
	int r = sd_bus_message_read(m, "v", "u", &uid);

	if (r >= 0 && !uid)
		*granted = true;
	return r;
}

static int bus_read_groups(const struct bus *b, sd_bus_message *m, bool *granted)
{
	const uint32_t *groups;
	size_t bytes, i;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "au");
	if (r < 0)
		return r;
	r = sd_bus_message_read_array(m, 'u', (const void **)&groups, &bytes);
	if (r < 0)
		return r;
	for (i = 0; b->has_group && i < bytes / sizeof(*groups) && i < BUS_SENDER_MAX_GROUPS; i++)
		if (groups[i] == b->group)
			*granted = true;
	return sd_bus_message_exit_container(m);
}

/* a{sv} of GetConnectionCredentials(); what cannot be read grants nothing. */
static bool bus_read_credentials(const struct bus *b, sd_bus_message *m)
{
	bool granted = false;
	const char *key;
	int r;

	if (sd_bus_message_is_method_error(m, NULL) ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return false;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			return false;
		if (!strcmp(key, "UnixUserID"))
			r = bus_read_uid(m, &granted);
		else if (!strcmp(key, "UnixGroupIDs"))
			r = bus_read_groups(b, m, &granted);
		else
			r = sd_bus_message_skip(m, "v");
		if (r < 0 || sd_bus_message_exit_container(m) < 0)
			return false;
	}
	return r >= 0 && granted;
}

static int bus_on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_question *q = userdata;
	struct bus_peer *peer = &q->owner->system;
	bool granted = bus_read_credentials(q->owner, m);
	sd_bus_message *call = sd_bus_message_ref(q->call);

	bus_question_end(q);
	q->granted(peer, call, granted);
	sd_bus_message_unref(call);
	return 1;
}

static struct bus_question *bus_question_new(struct bus *b)
{
	size_t i;

	for (i = 0; i < BUS_MAX_QUESTIONS; i++)
		if (!b->questions[i].call)
			return &b->questions[i];
	return NULL;
}

int bus_system_ask_sender(struct bus_peer *peer, sd_bus_message *call, bus_granted_fn granted)
{
	const char *sender = sd_bus_message_get_sender(call);
	struct bus_question *q = bus_question_new(peer->owner);
	int r;

	if (!sender || !q)
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "too many ask for changes; ask again");
	*q = (struct bus_question){ peer->owner, sd_bus_message_ref(call), NULL, granted };
	r = sd_bus_call_method_async(peer->bus, &q->slot, "org.freedesktop.DBus",
				     "/org/freedesktop/DBus", "org.freedesktop.DBus",
				     "GetConnectionCredentials", bus_on_credentials, q, "s",
				     sender);
	if (r < 0)
		bus_question_end(q);
	return r < 0 ? r : 1;
}

/* ---- coming and going ---------------------------------------------------------------------- */

static int bus_system_on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	bus_peer_drop(&b->system);
	return 0;
}

static int bus_system_on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	uint32_t answer;

	/* 1: DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER */
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &answer) < 0 ||
	    answer != 1)
		bus_peer_drop(&b->system);
	else
		b->retry_usec = BUS_RETRY_MIN_USEC;
	return 0;
}

static int bus_system_connect(struct bus *b)
{
	struct bus_peer *peer = &b->system;
	int r;

	r = sd_bus_new(&peer->bus);
	if (r >= 0)
		r = sd_bus_set_address(peer->bus, secure_getenv("DBUS_SYSTEM_BUS_ADDRESS") ?:
							  BUS_SYSTEM_DEFAULT);
	if (r >= 0)
		r = sd_bus_set_bus_client(peer->bus, 1);
	/* calls that wait for their answer would hold what senders put in */
	if (r >= 0)
		r = sd_bus_negotiate_fds(peer->bus, 0);
	/* else the end of the loop would wait for the bus */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(peer->bus, 0);
	/* connects without blocking; the greeting goes on in the loop, and has its time limits */
	if (r >= 0)
		r = sd_bus_start(peer->bus);
	if (r >= 0)
		r = bus_publish(peer);
	if (r >= 0)
		r = sd_bus_match_signal_async(peer->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Disconnected",
					      bus_system_on_gone, NULL, b);
	if (r >= 0)
		r = sd_bus_attach_event(peer->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
	return r < 0 ? r :
		       sd_bus_request_name_async(peer->bus, NULL, SG_BUS_NAME, 0,
						 bus_system_on_name, b);
}

static int bus_system_on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bus *b = userdata;

	if (bus_system_connect(b) < 0)
		bus_peer_drop(&b->system);
	return 0;
}

void bus_system_again(struct bus *b)
{
	if (!b->retry)
		return; /* the end */
	sd_event_source_set_time_relative(b->retry, b->retry_usec);
	sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
	b->retry_usec *= 2;
	if (b->retry_usec > BUS_RETRY_MAX_USEC)
		b->retry_usec = BUS_RETRY_MAX_USEC;
}

int bus_system_start(struct bus *b)
{
	b->system = (struct bus_peer){ .owner = b, .system = true };
	b->retry_usec = BUS_RETRY_MIN_USEC;
	return sd_event_add_time_relative(b->event, &b->retry, CLOCK_MONOTONIC, 0, 0,
					  bus_system_on_retry, b);
}

void bus_system_close(struct bus *b)
{
	b->retry = sd_event_source_disable_unref(b->retry);
	if (b->system.bus)
		bus_peer_drop(&b->system);
}
