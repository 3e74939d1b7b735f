/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "start_hint.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unref_at)

static int client_no_daemon(const char *runtime_dir, int error)
{
	char command[512];

	if (error == -ENAMETOOLONG) {
		fputs("synguard: the runtime directory's name is too long for a socket in it\n",
		      stderr);
		return SG_EXIT_USAGE;
	}
	if (error == -EACCES || error == -EPERM) {
		fprintf(stderr, "synguard: %s/" SG_BUS_SOCKET ": %s\n", runtime_dir,
			strerror(-error));
		return SG_EXIT_NOT_ALLOWED;
	}
	fprintf(stderr, "synguard: synguardd is not running (%s/" SG_BUS_SOCKET ": %s)\n",
		runtime_dir, strerror(-error));
	fprintf(stderr, "Start it as root with: %s\n",
		start_hint("", runtime_dir, command, sizeof(command)));
	return SG_EXIT_NO_DAEMON;
}

/* Connects by hand, so that errors are of connect() and no path needs to be escaped. */
static int client_socket(const char *runtime_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_BUS_SOCKET,
		     runtime_dir) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int client_connect(const char *runtime_dir, sd_bus **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	int fd = client_socket(runtime_dir);
	int r;

	if (fd < 0)
		return client_no_daemon(runtime_dir, fd);
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0)
		close(fd);
	else
		r = sd_bus_start(bus);
	if (r < 0) {
		fprintf(stderr, "synguard: the bus: %s\n", strerror(-r));
		return SG_EXIT_FAILED;
	}
	*ret = TAKE_PTR(bus);
	return SG_EXIT_OK;
}

static int client_failed(const sd_bus_error *error, int r)
{
	fprintf(stderr, "synguard: %s\n", error->message ? error->message : strerror(-r));
	if (sd_bus_error_has_name(error, SG_ERROR_NOT_ALLOWED))
		return SG_EXIT_NOT_ALLOWED;
	if (sd_bus_error_has_name(error, SG_ERROR_BAD_VALUE))
		return SG_EXIT_USAGE;
	if (sd_bus_error_has_name(error, SG_ERROR_REFUSED))
		return SG_EXIT_REFUSED;
	return SG_EXIT_FAILED;
}

int client_describe(const char *runtime_dir, json_t **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	const char *text;
	json_t *root;
	int r;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "Describe", &error, &reply,
			       NULL);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &text);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return client_failed(&error, r);
	}
	root = json_loads(text, 0, NULL);
	sd_bus_message_unref(reply);
	if (!root) {
		fputs("synguard: the daemon's answer is not JSON\n", stderr);
		return SG_EXIT_FAILED;
	}
	*ret = root;
	return SG_EXIT_OK;
}

static int client_order(const char *runtime_dir, const char *method, const char *word)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	int r;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, &error, NULL, "s",
			       word);
	return r < 0 ? client_failed(&error, r) : SG_EXIT_OK;
}

int client_set_mode(const char *runtime_dir, const char *mode)
{
	return client_order(runtime_dir, "SetMode", mode);
}

int client_undo_ladder(const char *runtime_dir, const char *step)
{
	return client_order(runtime_dir, "UndoLadder", step);
}

/* ---- views --------------------------------------------------------------------------------- */

static int client_call_view(sd_bus *bus, enum client_view view, const char *by, uint16_t port,
			    sd_bus_error *error, sd_bus_message **reply)
{
	static const char *const methods[] = { "Listeners", "HalfOpen", "States" };
	const char *method = methods[view];

	if (view == CLIENT_HALFOPEN)
		return sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, error,
					  reply, "sq", by, port);
	return sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, error, reply,
				  NULL);
}

/* The descriptor stays the message's. */
static json_t *client_load(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	_cleanup_fclose_ FILE *file = copy < 0 ? NULL : fdopen(copy, "r");

	return file ? json_loadf(file, 0, NULL) : NULL;
}

int client_view(const char *runtime_dir, enum client_view view, const char *by, uint16_t port,
		json_t **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	json_t *root = NULL;
	int r, fd;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = client_call_view(bus, view, by, port, &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r >= 0)
		root = client_load(fd);
	sd_bus_message_unref(reply);
	if (r < 0)
		return client_failed(&error, r);
	if (!root) {
		fputs("synguard: the daemon's answer is not JSON\n", stderr);
		return SG_EXIT_FAILED;
	}
	*ret = root;
	return SG_EXIT_OK;
}

/* ---- lists of sources ------------------------------------------------------------------------ */

static int client_count(sd_bus_message *reply, const sd_bus_error *error, int r, uint32_t *count)
{
	if (r >= 0)
		r = sd_bus_message_read(reply, "u", count);
	sd_bus_message_unref(reply);
	return r < 0 ? client_failed(error, r) : SG_EXIT_OK;
}

int client_list_add(const char *runtime_dir, const struct client_list_add *q, uint32_t *count)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	int r = client_connect(runtime_dir, &bus);

	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "ListAdd", &error, &reply,
			       "sssssbb", q->list, q->lines, q->name, q->expire, q->spared,
			       q->runtime, q->force);
	return client_count(reply, &error, r, count);
}

int client_list_remove(const char *runtime_dir, const char *list, const char *lines,
		       uint32_t *count)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	int r = client_connect(runtime_dir, &bus);

	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "ListRemove", &error,
			       &reply, "ss", list, lines);
	return client_count(reply, &error, r, count);
}

/* One slice; *next < 0: it was the last. */
static int client_list_slice(sd_bus *bus, const char *list, json_t *all, json_int_t *next)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *text;
	json_t *slice = NULL;
	int r;

	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "ListShow", &error, &reply,
			       "su", list, (uint32_t)*next);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &text);
	if (r >= 0)
		slice = json_loads(text, 0, NULL);
	sd_bus_message_unref(reply);
	if (r < 0)
		return client_failed(&error, r);
	if (!slice) {
		fputs("synguard: the daemon's answer is not JSON\n", stderr);
		return SG_EXIT_FAILED;
	}
	json_array_extend(all, json_object_get(slice, "entries"));
	*next = json_is_integer(json_object_get(slice, "next")) ?
			json_integer_value(json_object_get(slice, "next")) :
			-1;
	json_decref(slice);
	return SG_EXIT_OK;
}

int client_list_show(const char *runtime_dir, const char *list, json_t **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	json_t *all = json_array();
	json_int_t next = 0;
	int r = client_connect(runtime_dir, &bus);

	while (r == SG_EXIT_OK && next >= 0)
		r = client_list_slice(bus, list, all, &next);
	if (r == SG_EXIT_OK)
		*ret = all;
	else
		json_decref(all);
	return r;
}

/* ---- events -------------------------------------------------------------------------------- */

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
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply;
	const char *text;
	json_t *answer;
	int err;

	do {
		reply = NULL;
		answer = NULL;
		err = sd_bus_call_method(r->bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "Events",
					 &error, &reply, "t", r->last);
		if (err >= 0)
			err = sd_bus_message_read(reply, "s", &text);
		if (err >= 0)
			answer = json_loads(text, 0, NULL);
		sd_bus_message_unref(reply);
		if (err < 0)
			return client_failed(&error, err);
		if (!answer) {
			fputs("synguard: the daemon's answer is not JSON\n", stderr);
			return SG_EXIT_FAILED;
		}
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
