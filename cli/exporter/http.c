/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exporter/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "synguard/cleanup.h"

#include "cli/exporter/source.h"

/* A host is scraped by a few clients; more is a mistake or an attack. */
#define HTTP_MAX_CONNECTIONS 64

/* The default timeout of a scrape by Prometheus. */
#define HTTP_DEADLINE_USEC 10000000ULL

/* For the headers of a request and its answer; longer ones are answered with 431. */
#define HTTP_MEMORY_BYTES 16384

#define HTTP_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define HTTP_PAGE                                                                                  \
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>synguard</title></head><body>\n"          \
	"<h1>synguard</h1>\n<p><a href=\"/metrics\">Metrics</a>; what they mean is in "            \
	"synguard-metrics(7).</p>\n</body></html>\n"

struct http_connection {
	struct MHD_Connection *connection;
	int fd; /* the library's */
	sd_event_source *deadline;
	bool waiting; /* suspended until the source is ready */
	bool waited;
};

struct http {
	sd_event *event;
	struct MHD_Daemon *library;
	sd_event_source *io, *timer;
	struct source *source;
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

static void http_started(struct http *h, struct MHD_Connection *connection, void **context)
{
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	struct http_connection *c;

	for (c = h->connections; c < h->connections + HTTP_MAX_CONNECTIONS; c++) {
		if (c->connection)
			continue;
		*c = (struct http_connection){ .connection = connection, .fd = fd };
		*context = c;
		if (sd_event_add_time_relative(h->event, &c->deadline, CLOCK_MONOTONIC,
					       HTTP_DEADLINE_USEC, 0, http_on_deadline, c) < 0)
			shutdown(fd, SHUT_RDWR);
		return;
	}
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

static bool http_is_full(const struct http *h)
{
	int i;

	for (i = 0; i < HTTP_MAX_CONNECTIONS; i++)
		if (!h->connections[i].connection)
			return false;
	return true;
}

void http_take(struct http *h, int fd, const struct sockaddr *from, socklen_t length)
{
	if (http_is_full(h)) {
		close(fd);
		return;
	}
	/* closes the socket also where it fails */
	MHD_add_connection(h->library, fd, from, length);
	http_run(h);
}

/* ---- answers ------------------------------------------------------------------------------- */

static enum MHD_Result http_answer(struct MHD_Connection *connection, unsigned int status,
				   const char *type, const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result r = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result http_answer_metrics(struct http *h, struct MHD_Connection *connection)
{
	struct http_connection *c =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;
	const char *text;

	if (!c)
		return MHD_NO;
	/* after a wait however old: reading may take longer than a text stays fresh */
	text = c->waited ? source_last(h->source) : source_text(h->source);
	if (text)
		return http_answer(connection, MHD_HTTP_OK, HTTP_METRICS_TYPE, text);
	if (c->waited)
		return http_answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
				   "out of memory\n");
	c->waiting = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
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

static void http_on_source(void *userdata)
{
	http_resume(userdata);
	http_run(userdata);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int http_start(struct http *h, const char *runtime_dir)
{
	int r;

	r = source_new(&h->source, h->event, runtime_dir, http_on_source, h);
	if (r < 0)
		return r;
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
	r = http_start(h, runtime_dir);
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
	source_free(h->source);
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->io);
	if (h->library) {
		/* the library must not be stopped with suspended connections */
		http_resume(h);
		MHD_stop_daemon(h->library);
	}
	sd_event_unref(h->event);
	free(h);
	return NULL;
}
