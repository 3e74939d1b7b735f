/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's events: those that it keeps, and those that come. */
#include "cli/base/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "synguard/names.h"

#include "cli/base/client_internal.h"

struct client_reader {
	sd_bus *bus;
	const struct client_events *handler;
	uint64_t last; /* number of the last event that was handled */
	bool more;
	bool done; /* the handler has had enough */
	int code;  /* exit code where that is decided */
};

/* A record that has been handled already comes again where a signal and an answer crossed. */
static void client_take_event(struct client_reader *r, const json_t *event)
{
	uint64_t number = json_integer_value(json_object_get(event, "number"));

	if (r->done || number <= r->last)
		return;
	r->last = number;
	r->done = !r->handler->event(r->handler->userdata, event);
}

static void client_take_answer(struct client_reader *r, const json_t *answer)
{
	uint64_t missed = json_integer_value(json_object_get(answer, "missed"));
	uint64_t last = json_integer_value(json_object_get(answer, "last"));
	const json_t *event;
	size_t i;

	if (missed)
		r->done = !r->handler->missed(r->handler->userdata, missed);
	json_array_foreach(json_object_get(answer, "events"), i, event)
		client_take_event(r, event);
	r->more = json_is_true(json_object_get(answer, "more"));
	if (last > r->last)
		r->last = last;
}

/* Handles what the daemon has after the last one. */
static int client_read_events(struct client_reader *r)
{
	json_t *answer;
	int code;

	do {
		code = client_call_json(r->bus, &answer, "Events", "t", r->last);
		if (code != SG_EXIT_OK)
			return code;
		client_take_answer(r, answer);
		json_decref(answer);
	} while (r->more && !r->done);
	return SG_EXIT_OK;
}

static int client_on_event(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client_reader *r = userdata;
	const char *text;
	json_t *event;

	if (sd_bus_message_read(m, "s", &text) < 0)
		return 0;
	event = json_loads(text, 0, NULL);
	/* one is missing in between: the daemon still has it, or says that it has not */
	if (json_integer_value(json_object_get(event, "number")) > (json_int_t)r->last + 1)
		r->code = client_read_events(r);
	else if (event)
		client_take_event(r, event);
	json_decref(event);
	return 0;
}

/* Waits for the bus; true: it is time to end. */
static bool client_wait(sd_bus *bus, int signals)
{
	struct pollfd p[] = {
		{ .fd = sd_bus_get_fd(bus), .events = sd_bus_get_events(bus) },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* POLLERR: nobody reads it any more */
	};

	poll(p, ARRAY_SIZE(p), -1);
	return p[1].revents || p[2].revents & (POLLERR | POLLNVAL);
}

static int client_follow(struct client_reader *r, int signals)
{
	int err;

	while (!r->done && r->code == SG_EXIT_OK) {
		err = sd_bus_process(r->bus, NULL);
		if (err < 0 || sd_bus_is_open(r->bus) <= 0) {
			fputs("synguard: synguardd has ended, or cut us off because we did not "
			      "keep up\n",
			      stderr);
			return SG_EXIT_NO_DAEMON;
		}
		if (!err && client_wait(r->bus, signals))
			break;
	}
	return r->code;
}

int client_events(const char *runtime_dir, bool follow, const struct client_events *handler)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct client_reader reader = { .handler = handler };
	_cleanup_close_ int signals = -EBADF;
	_cleanup_bus_ sd_bus *bus = NULL;
	sigset_t mask;
	int r;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	reader.bus = bus;
	if (!follow)
		return client_read_events(&reader);

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	r = signals < 0 ? -errno :
			  sd_bus_match_signal_async(bus, NULL, NULL, SG_BUS_PATH, SG_BUS_INTERFACE,
						    "Event", client_on_event, NULL, &reader);
	/* first follow, then read: nothing falls between */
	if (r >= 0)
		r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "Follow", &error,
				       NULL, NULL);
	if (r < 0)
		return client_failed(&error, r);
	r = client_read_events(&reader);
	return r != SG_EXIT_OK ? r : client_follow(&reader, signals);
}
