/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "cli/base/json.h"
#include "cli/base/screen.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unref_at)

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_at)

#define _cleanup_error_ _cleanup_(sd_bus_error_free)

/* A busy daemon greets within milliseconds; sd-bus alone would wait for a minute and a half. */
#define CLIENT_GREETING_USEC 5000000ULL

/* ---- programs ----------------------------------------------------------------------------- */

/* Folders of the build tree, from that of the CLI and from that of the exporter. */
static const char *const program_places[] = { "../tests/lab", "exporter", "../daemon", ".",
					      "../../daemon" };

void program_find(char *path, size_t size, const char *name)
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	self[n > 0 ? n : 0] = '\0';
	for (i = 0; n > 0 && i < ARRAY_SIZE(program_places); i++) {
		snprintf(path, size, "%.*s/%s/%s", (int)(strrchr(self, '/') - self), self,
			 program_places[i], name);
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, size, "%s/%s", SG_LIBEXECDIR, name);
}

static bool hint_exists(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s%s%s", root, folder, name) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

/* The folders of systemd.unit(5) that hold units of the system. */
static bool hint_unit_is_known(const char *root)
{
	static const char *const folders[] = {
		"/etc/systemd/system",	   "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system",
	};
	size_t i;

	if (!hint_exists(root, "/run/systemd/system", ""))
		return false;
	for (i = 0; i < ARRAY_SIZE(folders); i++)
		if (hint_exists(root, folders[i], "/synguard.service"))
			return true;
	return false;
}

const char *start_hint(const char *root, const char *runtime_dir, char *buffer, size_t size)
{
	if (strcmp(runtime_dir, SG_RUNTIME_DIR))
		snprintf(buffer, size, "synguardd --runtime-dir %s", runtime_dir);
	else
		snprintf(buffer, size, "%s",
			 hint_unit_is_known(root) ? "systemctl start synguard" : "synguardd");
	return buffer;
}

/* ---- errors -------------------------------------------------------------------------------- */

/* The answer is of another version of the bus interface. */
static bool client_differs(const sd_bus_error *error, int r)
{
	return sd_bus_error_has_names(error, SD_BUS_ERROR_UNKNOWN_METHOD,
				      SD_BUS_ERROR_UNKNOWN_INTERFACE, SD_BUS_ERROR_UNKNOWN_OBJECT,
				      SD_BUS_ERROR_INVALID_ARGS) ||
	       (!sd_bus_error_is_set(error) && (r == -ENXIO || r == -EBADMSG));
}

/* What to do about it; NULL: the error says that itself. */
static const char *client_remedy(const sd_bus_error *error, int r)
{
	if (client_differs(error, r))
		return "The daemon that runs is of another version than this program (" SG_VERSION
		       "): \"systemctl restart synguard\" starts the installed one";
	if (r == -ETIMEDOUT)
		return "synguardd does not answer; \"systemctl status synguard\" shows its state, "
		       "\"systemctl restart synguard\" replaces a daemon that hangs";
	if (r == -ECONNRESET || r == -EPIPE || r == -ENOTCONN)
		return "synguardd has closed the connection: it ended, or this user has too many "
		       "calls open; try again";
	return NULL;
}

/* A call has failed with r, and with the error where the daemon sent one. */
static int client_failed(const sd_bus_error *error, int r)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
		{ SG_ERROR_NOT_ALLOWED, SG_EXIT_NOT_ALLOWED },
		{ SG_ERROR_BAD_VALUE, SG_EXIT_USAGE },
		{ SG_ERROR_REFUSED, SG_EXIT_REFUSED },
	};
	const char *remedy = client_remedy(error, r);
	size_t i;

	print_error(SG_EXIT_FAILED, "%s", error && error->message ? error->message : strerror(-r));
	if (remedy)
		print_hint("%s", remedy);
	for (i = 0; i < ARRAY_SIZE(codes); i++)
		if (sd_bus_error_has_name(error, codes[i].name))
			return codes[i].code;
	return SG_EXIT_FAILED;
}

static int client_no_daemon(const char *runtime_dir, int error)
{
	char command[512];

	switch (error) {
	case -ENAMETOOLONG:
		return print_error(SG_EXIT_USAGE,
				   "the name of the runtime directory is too long for "
				   "a socket in it");
	case -EACCES:
	case -EPERM:
		return print_error(SG_EXIT_NOT_ALLOWED, "%s/" SG_BUS_SOCKET ": %s", runtime_dir,
				   strerror(-error));
	case -EAGAIN:
		return client_failed(NULL, -ETIMEDOUT);
	}
	print_error(SG_EXIT_NO_DAEMON, "synguardd is not running (%s/" SG_BUS_SOCKET ": %s)",
		    runtime_dir, strerror(-error));
	print_hint("Start it as root with: %s",
		   start_hint("", runtime_dir, command, sizeof(command)));
	return SG_EXIT_NO_DAEMON;
}

/* ---- the connection ------------------------------------------------------------------------ */

/* Connected by hand, so that errors are those of connect(2) and no path needs to be escaped. */
static int client_socket(const char *runtime_dir, int flags)
{
	const struct timeval patience = { .tv_sec = CLIENT_GREETING_USEC / 1000000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -EBADF;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_BUS_SOCKET,
		     runtime_dir) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	/* otherwise it would wait for a place in a full backlog without end */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int client_bus(const char *runtime_dir, int flags, sd_bus **ret)
{
	_cleanup_close_ int fd = client_socket(runtime_dir, flags);
	_cleanup_bus_ sd_bus *bus = NULL;
	int r = fd < 0 ? fd : sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0)
		return r;
	TAKE_FD(fd); /* the bus closes it */
	*ret = TAKE_PTR(bus);
	return 0;
}

/* Until both sides have greeted. -ETIMEDOUT: the socket is there, and nobody answers. */
static int client_greet(sd_bus *bus)
{
	uint64_t now = clock_now_usec(), end = now + CLIENT_GREETING_USEC;
	int r;

	for (; now < end; now = clock_now_usec()) {
		r = sd_bus_is_ready(bus);
		if (r)
			return r < 0 ? r : 0;
		r = sd_bus_process(bus, NULL);
		if (!r)
			r = sd_bus_wait(bus, end - now);
		if (r < 0)
			return r;
	}
	return -ETIMEDOUT;
}

static int client_connect(const char *runtime_dir, sd_bus **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	int r = client_bus(runtime_dir, 0, &bus);

	if (r < 0)
		return client_no_daemon(runtime_dir, r);
	r = sd_bus_start(bus);
	if (r >= 0)
		r = client_greet(bus);
	if (r < 0) {
		sd_bus_close(bus); /* and do not flush to nobody */
		return client_failed(NULL, r);
	}
	*ret = TAKE_PTR(bus);
	return SG_EXIT_OK;
}

/* ---- a call -------------------------------------------------------------------------------- */

/* Whether all strings among the values are UTF-8. sd-bus sends no others, and its error for them is
 * that of a daemon of another version. */
static bool client_are_text(const char *types, va_list values)
{
	for (; types && *types; types++) {
		if (*types == 't') {
			va_arg(values, uint64_t);
		} else if (*types != 's') {
			va_arg(values, int);
		} else if (!text_is_utf8(va_arg(values, const char *))) {
			print_error(SG_EXIT_USAGE, "this is no UTF-8 text, and not sent");
			return false;
		}
	}
	return true;
}

static int client_parse(const char *text, size_t bytes, json_t **ret)
{
	*ret = text ? json_loadb(text, bytes, 0, NULL) : NULL;
	return *ret ? SG_EXIT_OK : print_error(SG_EXIT_FAILED, "the daemon's answer is not JSON");
}

/* The daemon has sealed the file: it neither changes nor shrinks. json_loadfd() would read it byte by
 * byte. */
static int client_parse_file(int fd, json_t **ret)
{
	void *text = MAP_FAILED;
	struct stat st;
	int r;

	if (!fstat(fd, &st) && st.st_size > 0)
		text = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return client_parse(NULL, 0, ret);
	r = client_parse(text, st.st_size, ret);
	munmap(text, st.st_size);
	return r;
}

/* Writes the file to stdout; main() looks for errors of that. */
static int client_copy(int fd)
{
	char piece[65536];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0 && fwrite(piece, 1, n, stdout) == (size_t)n)
		;
	return n < 0 ? print_error(SG_EXIT_FAILED, "the daemon's answer: %s", strerror(errno)) :
		       SG_EXIT_OK;
}

static int client_answer(sd_bus_message *reply, json_t **ret)
{
	const char *signature = sd_bus_message_get_signature(reply, true), *text;
	uint32_t number;
	int fd, r = -EBADMSG;

	if (!strcmp(signature, "h") && (r = sd_bus_message_read(reply, "h", &fd)) >= 0)
		return ret ? client_parse_file(fd, ret) : client_copy(fd);
	if (!ret)
		return client_failed(NULL, r);
	if (!strcmp(signature, "s") && (r = sd_bus_message_read(reply, "s", &text)) >= 0)
		return client_parse(text, strlen(text), ret);
	if (!strcmp(signature, "u") && (r = sd_bus_message_read(reply, "u", &number)) >= 0)
		*ret = json_integer(number);
	else if (!*signature)
		*ret = json_null();
	else
		return client_failed(NULL, r);
	return SG_EXIT_OK;
}

static int client_call_v(sd_bus *bus, json_t **ret, const char *method, const char *types,
			 va_list values)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r = sd_bus_call_methodv(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, method, &error,
				    &reply, types, values);

	return r < 0 ? client_failed(&error, r) : client_answer(reply, ret);
}

/* A call on a connection that stays. */
static int client_call_on(sd_bus *bus, json_t **ret, const char *method, const char *types, ...)
{
	va_list values;
	int r;

	va_start(values, types);
	r = client_call_v(bus, ret, method, types, values);
	va_end(values);
	return r;
}

int client_call(const char *runtime_dir, json_t **ret, const char *method, const char *types, ...)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	va_list values;
	bool are_text;
	int r;

	va_start(values, types);
	are_text = client_are_text(types, values);
	va_end(values);
	if (!are_text)
		return SG_EXIT_USAGE;
	r = client_connect(runtime_dir, &bus);
	if (r != SG_EXIT_OK)
		return r;
	va_start(values, types);
	r = client_call_v(bus, ret, method, types, values);
	va_end(values);
	return r;
}

int client_list(const char *runtime_dir, const char *list, json_t **ret)
{
	_cleanup_bus_ sd_bus *bus = NULL;
	json_auto_t *all = json_array();
	int r = client_connect(runtime_dir, &bus);
	uint32_t next = 0;
	bool more = true;

	while (r == SG_EXIT_OK && more) {
		json_auto_t *slice = NULL;

		r = client_call_on(bus, &slice, "ListShow", "su", list, next);
		json_array_extend(all, json_object_get(slice, "entries"));
		next = get_number(slice, "next");
		more = has_number(slice, "next");
	}
	if (r == SG_EXIT_OK)
		*ret = TAKE_PTR(all);
	return r;
}

/* ---- events -------------------------------------------------------------------------------- */

struct client_reader {
	sd_bus *bus;
	const struct client_events *handler;
	uint64_t last; /* number of the last event that was handled */
	bool done;     /* the handler has ended it */
	int code;      /* exit code of a call that failed */
};

/* An event may come twice, where its signal and the answer with it cross. */
static void client_take_event(struct client_reader *r, const json_t *event)
{
	uint64_t number = get_number(event, "number");

	if (r->done || number <= r->last)
		return;
	r->last = number;
	r->done = !r->handler->event(r->handler->userdata, event);
}

/* Handles what the daemon has after the last one. */
static int client_read_events(struct client_reader *r)
{
	bool more = true;

	while (more && !r->done) {
		json_auto_t *answer = NULL;
		const json_t *event;
		uint64_t missed, last;
		size_t i;
		int code = client_call_on(r->bus, &answer, "Events", "t", r->last);

		if (code != SG_EXIT_OK)
			return code;
		missed = get_number(answer, "missed");
		if (missed)
			r->done = !r->handler->missed(r->handler->userdata, missed);
		json_array_foreach(json_object_get(answer, "events"), i, event)
			client_take_event(r, event);
		last = get_number(answer, "last");
		if (last > r->last)
			r->last = last;
		more = get_flag(answer, "more");
	}
	return SG_EXIT_OK;
}

static int client_on_event(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client_reader *r = userdata;
	json_auto_t *event = NULL;
	const char *text;

	if (sd_bus_message_read(m, "s", &text) < 0)
		return 0;
	event = json_loads(text, 0, NULL);
	/* a gap: the daemon still keeps what is missing, or says that it does not */
	if (get_number(event, "number") > (json_int_t)r->last + 1)
		r->code = client_read_events(r);
	else if (event)
		client_take_event(r, event);
	return 0;
}

/* Waits for the bus; true: it is time to end. */
static bool client_wait(sd_bus *bus, int signals)
{
	struct pollfd p[] = {
		{ .fd = sd_bus_get_fd(bus), .events = sd_bus_get_events(bus) },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* POLLERR: its reader has gone */
	};

	poll(p, ARRAY_SIZE(p), -1);
	return p[1].revents || p[2].revents & (POLLERR | POLLNVAL);
}

static int client_follow(struct client_reader *r, int signals)
{
	int err;

	while (!r->done && r->code == SG_EXIT_OK) {
		err = sd_bus_process(r->bus, NULL);
		if (err < 0 || sd_bus_is_open(r->bus) <= 0)
			return print_error(
				SG_EXIT_NO_DAEMON,
				"synguardd has ended, or has closed the connection because "
				"it was read too slowly");
		if (!err && client_wait(r->bus, signals))
			break;
	}
	return r->code;
}

int client_events(const char *runtime_dir, bool follow, const struct client_events *handler)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
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
	/* first follow, then read: no event falls between */
	if (r >= 0)
		r = sd_bus_call_method(bus, NULL, SG_BUS_PATH, SG_BUS_INTERFACE, "Follow", &error,
				       NULL, NULL);
	if (r < 0)
		return client_failed(&error, r);
	r = client_read_events(&reader);
	return r != SG_EXIT_OK ? r : client_follow(&reader, signals);
}
