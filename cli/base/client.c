/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "synguard/names.h"

#include "cli/base/client_internal.h"

#include "cli/base/start_hint.h"

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_at)

/* A daemon that is busy greets within milliseconds; sd-bus alone would wait for a minute and a half. */
#define CLIENT_GREETING_USEC 5000000ULL

/* sd-bus sends nothing else, and would say of it what it says of a daemon that differs. */
static bool client_is_text(const char *text)
{
	json_t *probe = json_string(text);
	bool is = probe;

	json_decref(probe);
	if (!is)
		fputs("synguard: this is no UTF-8 text, and not sent\n", stderr);
	return is;
}

/* What it answered, or did not understand, is of another version of the bus's interface. */
static bool client_differs(const sd_bus_error *error, int r)
{
	return sd_bus_error_has_names(error, SD_BUS_ERROR_UNKNOWN_METHOD,
				      SD_BUS_ERROR_UNKNOWN_INTERFACE, SD_BUS_ERROR_UNKNOWN_OBJECT,
				      SD_BUS_ERROR_INVALID_ARGS) ||
	       (!sd_bus_error_is_set(error) && (r == -ENXIO || r == -EBADMSG));
}

/* What helps, behind what went wrong; "": that says it all. */
static const char *client_remedy(const sd_bus_error *error, int r)
{
	if (client_differs(error, r))
		return "The daemon that runs is of another version than this program (" SG_VERSION
		       "): \"systemctl restart synguard\" brings in the one that is installed\n";
	if (r == -ETIMEDOUT)
		return "synguardd does not answer; \"systemctl status synguard\" tells of it, and "
		       "\"systemctl restart synguard\" replaces one that hangs\n";
	if (r == -ECONNRESET || r == -EPIPE || r == -ENOTCONN)
		return "synguardd has hung up: it ended, or too many of this user ask it at once; "
		       "ask again\n";
	return "";
}

int client_failed(const sd_bus_error *error, int r)
{
	fprintf(stderr, "synguard: %s\n%s", error && error->message ? error->message : strerror(-r),
		client_remedy(error, r));
	if (sd_bus_error_has_name(error, SG_ERROR_NOT_ALLOWED))
		return SG_EXIT_NOT_ALLOWED;
	if (sd_bus_error_has_name(error, SG_ERROR_BAD_VALUE))
		return SG_EXIT_USAGE;
	if (sd_bus_error_has_name(error, SG_ERROR_REFUSED))
		return SG_EXIT_REFUSED;
	return SG_EXIT_FAILED;
}

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
	if (error == -ETIMEDOUT)
		return client_failed(NULL, error);
	fprintf(stderr, "synguard: synguardd is not running (%s/" SG_BUS_SOCKET ": %s)\n",
		runtime_dir, strerror(-error));
	fprintf(stderr, "Start it as root with: %s\n",
		start_hint("", runtime_dir, command, sizeof(command)));
	return SG_EXIT_NO_DAEMON;
}

/* Connects by hand, so that errors are of connect() and no path needs to be escaped. */
static int client_socket(const char *runtime_dir)
{
	const struct timeval patience = { .tv_sec = CLIENT_GREETING_USEC / 1000000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_BUS_SOCKET,
		     runtime_dir) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* else a full backlog would be waited for without end */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return TAKE_FD(fd);
}

static uint64_t client_now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/* Until both sides have greeted; -ETIMEDOUT: the socket is there, and nobody answers at it. */
static int client_greet(sd_bus *bus)
{
	uint64_t now = client_now_usec(), end = now + CLIENT_GREETING_USEC;
	int r;

	for (; now < end; now = client_now_usec()) {
		r = sd_bus_is_ready(bus);
		if (!r)
			r = sd_bus_process(bus, NULL);
		else
			return r < 0 ? r : 0;
		if (!r)
			r = sd_bus_wait(bus, end - now);
		if (r < 0)
			return r;
	}
	return -ETIMEDOUT;
}

int client_connect(const char *runtime_dir, sd_bus **ret)
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
	if (r >= 0)
		r = client_greet(bus);
	if (r < 0) {
		sd_bus_close(bus); /* and not flush what nobody reads */
		return client_failed(NULL, r);
	}
	*ret = TAKE_PTR(bus);
	return SG_EXIT_OK;
}

static int client_parse(const char *text, size_t bytes, json_t **ret)
{
	*ret = text ? json_loadb(text, bytes, 0, NULL) : NULL;
	if (*ret)
		return SG_EXIT_OK;
	fputs("synguard: the daemon's answer is not JSON\n", stderr);
	return SG_EXIT_FAILED;
}

int client_call_json(sd_bus *bus, json_t **ret, const char *method, const char *types, ...)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *text;
	va_list values;
	int r;

	va_start(values, types);
	r = sd_bus_call_methodv(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, &error, &reply,
				types, values);
	va_end(values);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &text);
	return r < 0 ? client_failed(&error, r) : client_parse(text, strlen(text), ret);
}

int client_describe(const char *runtime_dir, json_t **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	int r = client_connect(runtime_dir, &bus);

	return r == SG_EXIT_OK ? client_call_json(bus, ret, "Describe", NULL) : r;
}

static int client_order(const char *runtime_dir, const char *method, const char *word)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	int r;

	if (!client_is_text(word))
		return SG_EXIT_USAGE;
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

int client_undo_mitigation(const char *runtime_dir, const char *step)
{
	return client_order(runtime_dir, "UndoMitigation", step);
}

/* ---- views --------------------------------------------------------------------------------- */

static int client_call_view(sd_bus *bus, enum client_view view, const char *by, uint32_t number,
			    sd_bus_error *error, sd_bus_message **reply)
{
	static const char *const methods[] = { "Listeners", "HalfOpen", "States", "Sources" };
	const char *method = methods[view];

	if (view == CLIENT_HALFOPEN)
		return sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, error,
					  reply, "sq", by, number);
	if (view == CLIENT_SOURCES)
		return sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, error,
					  reply, "bu", !strcmp(by, "prefix"), number);
	return sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, error, reply,
				  NULL);
}

int client_view_fd(const char *runtime_dir, enum client_view view, const char *by, uint32_t number,
		   int *ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_bus_ sd_bus *bus = NULL;
	int r, fd;

	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = client_call_view(bus, view, by, number, &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r < 0)
		return client_failed(&error, r);
	/* that one is the message's */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		fprintf(stderr, "synguard: %s\n", strerror(errno));
		return SG_EXIT_FAILED;
	}
	*ret = fd;
	return SG_EXIT_OK;
}

int client_view(const char *runtime_dir, enum client_view view, const char *by, uint32_t number,
		json_t **ret)
{
	_cleanup_close_ int fd = -EBADF;
	int r = client_view_fd(runtime_dir, view, by, number, &fd);
	void *text = MAP_FAILED;
	struct stat st;

	if (r != SG_EXIT_OK)
		return r;
	/* sealed by the daemon: it neither changes nor shrinks; json_loadfd() reads byte by byte */
	if (!fstat(fd, &st) && st.st_size > 0)
		text = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return client_parse(NULL, 0, ret);
	r = client_parse(text, st.st_size, ret);
	munmap(text, st.st_size);
	return r;
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
	int r;

	if (!client_is_text(q->lines) || !client_is_text(q->expire))
		return SG_EXIT_USAGE;
	r = client_connect(runtime_dir, &bus);
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
	int r;

	if (!client_is_text(lines))
		return SG_EXIT_USAGE;
	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "ListRemove", &error,
			       &reply, "ss", list, lines);
	return client_count(reply, &error, r, count);
}

/* One slice; *next < 0: it was the last. */
static int client_list_slice(sd_bus *bus, const char *list, json_t *all, json_int_t *next)
{
	json_t *slice;
	int r = client_call_json(bus, &slice, "ListShow", "su", list, (uint32_t)*next);

	if (r != SG_EXIT_OK)
		return r;
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
