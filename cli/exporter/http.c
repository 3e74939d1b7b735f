/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exporter/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <microhttpd.h>
#include <systemd/sd-bus.h>

#include "cli/base/client.h"
#include "cli/print/metrics.h"
#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/*
 * A host is scraped by a few clients; more is a mistake or an attack. A quick one is served before so
 * many others have come after it, of which each takes the place of who has been there for longest.
 */
#define HTTP_MAX_CONNECTIONS 256

/* The default timeout of a scrape by Prometheus. */
#define HTTP_DEADLINE_USEC 10000000ULL

/* When the text is read anew, and when a daemon counts as not answering. */
#define HTTP_FRESH_USEC 1000000ULL
#define HTTP_READ_USEC	2000000ULL

/* For the headers of a request and its answer; longer ones are answered with 431. */
#define HTTP_MEMORY_BYTES 16384

#define HTTP_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define HTTP_PAGE                                                                                  \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>synguard</title></head><body>\n"          \
	"<h1>synguard</h1>\n<p><a href=\"/metrics\">Metrics</a>; what they mean is in "            \
	"synguard-metrics(7).</p>\n</body></html>\n"

struct http_connection {
	struct MHD_Connection *connection;
	int fd;		 /* the library's */
	uint64_t number; /* in the order in which they came */
	sd_event_source *deadline;
	bool waiting; /* suspended until the text has been read */
	bool waited;
};

struct http {
	sd_event *event;
	struct MHD_Daemon *library;
	sd_event_source *io, *timer;
	const char *runtime_dir;
	/* the text to serve, which all connections of its second share; NULL: not read yet, or no
	 * memory */
	struct MHD_Response *metrics;
	uint64_t asked_usec;	/* when its read began */
	sd_bus *bus;		/* while a read goes on */
	sd_event_source *limit; /* of that */
	uint64_t came;
	struct http_connection connections[HTTP_MAX_CONNECTIONS];
};

/* ---- the loop ------------------------------------------------------------------------------ */

static void http_run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(h->library);
	if (MHD_get_timeout(h->library, &timeout_ms) == MHD_YES) {
		sd_event_source_set_time_relative(h->timer, timeout_ms * 1000);
		sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	} else {
		sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	}
}

static int http_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	http_run(userdata);
	return 0;
}

static int http_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	http_run(userdata);
	return 0;
}

/* ---- a connection -------------------------------------------------------------------------- */

/* The library notices the end of the connection and closes it. */
static int http_on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct http_connection *c = userdata;

	shutdown(c->fd, SHUT_RDWR);
	return 0;
}

/* A free place for a connection; NULL: there are too many. */
static struct http_connection *http_free_place(struct http *h)
{
	struct http_connection *c;

	for (c = h->connections; c < h->connections + HTTP_MAX_CONNECTIONS; c++)
		if (!c->connection)
			return c;
	return NULL;
}

static void http_started(struct http *h, struct MHD_Connection *connection, void **context)
{
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	struct http_connection *c = http_free_place(h);

	if (!c)
		return;
	*c = (struct http_connection){
		.connection = connection,
		.fd = fd,
		.number = h->came++,
	};
	*context = c;
	if (sd_event_add_time_relative(h->event, &c->deadline, CLOCK_MONOTONIC, HTTP_DEADLINE_USEC,
				       0, http_on_deadline, c) < 0)
		shutdown(fd, SHUT_RDWR);
}

static void http_on_connection(void *userdata, struct MHD_Connection *connection, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct http_connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		http_started(userdata, connection, context);
	} else if (c) {
		sd_event_source_disable_unref(c->deadline);
		*c = (struct http_connection){};
	}
}

/* Cuts the one that has been there for longest, of those that do not wait for us. */
static void http_make_room(struct http *h)
{
	struct http_connection *c, *oldest = NULL;

	for (c = h->connections; c < h->connections + HTTP_MAX_CONNECTIONS; c++)
		if (!c->waiting && (!oldest || c->number < oldest->number))
			oldest = c;
	if (!oldest)
		return;
	shutdown(oldest->fd, SHUT_RDWR);
	MHD_run(h->library);
}

void http_take(struct http *h, int fd, const struct sockaddr *from, socklen_t length)
{
	if (!http_free_place(h))
		http_make_room(h);
	if (!http_free_place(h)) {
		close(fd);
		return;
	}
	/* closes the socket also where it fails */
	MHD_add_connection(h->library, fd, from, length);
	http_run(h);
}

static void http_resume(struct http *h)
{
	struct http_connection *c;

	for (c = h->connections; c < h->connections + HTTP_MAX_CONNECTIONS; c++) {
		if (!c->waiting)
			continue;
		c->waiting = false;
		c->waited = true;
		MHD_resume_connection(c->connection);
	}
}

/* ---- the text ------------------------------------------------------------------------------ */

/* Has a copy of the text. NULL without memory. */
static struct MHD_Response *http_response(const char *type, const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (!r || (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
		   MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES))
		return r;
	MHD_destroy_response(r);
	return NULL;
}

static void text_forget(struct http *h)
{
	/* those who are being served keep it */
	if (h->metrics)
		MHD_destroy_response(h->metrics);
	h->metrics = NULL;
}

/* Ends a read. */
static void text_hang_up(struct http *h)
{
	h->limit = sd_event_source_disable_unref(h->limit);
	if (!h->bus)
		return;
	sd_bus_detach_event(h->bus);
	h->bus = sd_bus_close_unref(h->bus);
}

/* report NULL: there is none; why, for a person who reads the text. */
static void text_render(struct http *h, const json_t *report, const char *why)
{
	char *text = NULL, command[512];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	text_forget(h);
	if (!to)
		return;
	if (!report) {
		text_say(to, "# synguardd does not answer at %s/" SG_BUS_SOCKET ": %s",
			 h->runtime_dir, why);
		text_say(to, "# Is it running? Start it as root with: %s",
			 start_hint("", h->runtime_dir, command, sizeof(command)));
	}
	metrics_print(to, report);
	if (!fclose(to))
		h->metrics = http_response(HTTP_METRICS_TYPE, text);
	free(text);
}

static void text_is_read(struct http *h, const json_t *report, const char *why)
{
	text_hang_up(h);
	text_render(h, report, why);
	http_resume(h);
	http_run(h);
}

static int text_on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
	text_is_read(userdata, NULL, strerror(ETIMEDOUT));
	return 0;
}

static int text_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);
	json_auto_t *report = NULL;
	const char *text;

	if (!failure && sd_bus_message_read(m, "s", &text) >= 0)
		report = json_loads(text, 0, NULL);
	text_is_read(userdata, report,
		     failure ? failure->message ?: failure->name : "its answer is no report");
	return 1;
}

static int text_read(struct http *h)
{
	int r = client_bus(h->runtime_dir, SOCK_NONBLOCK, &h->bus);

	/* otherwise the end of the loop would wait for the daemon */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(h->bus, false);
	if (r >= 0)
		r = sd_bus_start(h->bus);
	if (r >= 0)
		r = sd_bus_attach_event(h->bus, h->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_call_method_async(h->bus, NULL, NULL, SG_BUS_PATH, SG_BUS_INTERFACE,
					     "Describe", text_on_reply, h, NULL);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &h->limit, CLOCK_MONOTONIC, HTTP_READ_USEC,
					       0, text_on_limit, h);
	return r;
}

/* Whether the text is of the last second; else a read goes on, at whose end connections resume. */
static bool text_is_fresh(struct http *h)
{
	uint64_t now_usec = 0;
	int r;

	if (h->bus)
		return false;
	sd_event_now(h->event, CLOCK_MONOTONIC, &now_usec);
	if (h->metrics && now_usec - h->asked_usec < HTTP_FRESH_USEC)
		return true;
	h->asked_usec = now_usec;
	r = text_read(h);
	if (r >= 0)
		return false;
	text_hang_up(h);
	text_render(h, NULL, strerror(-r));
	return true;
}

/* ---- answers ------------------------------------------------------------------------------- */

static enum MHD_Result http_answer(struct MHD_Connection *connection, unsigned int status,
				   const char *type, const char *text)
{
	struct MHD_Response *response = http_response(type, text);
	enum MHD_Result r = MHD_NO;

	if (!response)
		return MHD_NO;
	if (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES)
		r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result http_answer_metrics(struct http *h, struct MHD_Connection *connection)
{
	struct http_connection *c =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;

	if (!c)
		return MHD_NO;
	/* after a wait however old: reading may take longer than a text stays fresh */
	if (!c->waited && !text_is_fresh(h)) {
		c->waiting = true;
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	if (h->metrics)
		return MHD_queue_response(connection, MHD_HTTP_OK, h->metrics);
	return http_answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			   "out of memory\n");
}

/* Called when the headers of a request have arrived, and again when all of it has. */
static enum MHD_Result http_on_request(void *userdata, struct MHD_Connection *connection,
				       const char *url, const char *method, const char *version,
				       const char *upload, size_t *upload_bytes, void **context)
{
	static int seen;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return http_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
				   "only GET and HEAD are supported\n");
	if (!*context) {
		*context = &seen;
		return MHD_YES;
	}
	if (*upload_bytes) {
		*upload_bytes = 0; /* a body is ignored */
		return MHD_YES;
	}
	if (!strcmp(url, "/metrics"))
		return http_answer_metrics(userdata, connection);
	if (!strcmp(url, "/"))
		return http_answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", HTTP_PAGE);
	return http_answer(connection, MHD_HTTP_NOT_FOUND, "text/plain",
			   "there is nothing here; the figures are at /metrics\n");
}

/* ---- life ---------------------------------------------------------------------------------- */

static int http_start(struct http *h)
{
	int r;

	h->library = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		http_on_request, h, MHD_OPTION_CONNECTION_LIMIT, HTTP_MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, h, MHD_OPTION_END);
	if (!h->library)
		return -ENOMEM;
	r = sd_event_add_io(h->event, &h->io,
			    MHD_get_daemon_info(h->library, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			    EPOLLIN, http_on_io, h);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &h->timer, CLOCK_MONOTONIC, 0, 1,
					       http_on_timer, h);
	return r;
}

int http_new(struct http **ret, sd_event *event, const char *runtime_dir)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->runtime_dir = runtime_dir;
	r = http_start(h);
	if (r < 0) {
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	text_hang_up(h);
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->io);
	if (h->library) {
		/* the library must not be stopped with suspended connections */
		http_resume(h);
		MHD_stop_daemon(h->library);
	}
	text_forget(h);
	sd_event_unref(h->event);
	free(h);
	return NULL;
}
