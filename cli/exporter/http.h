/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP, by libmicrohttpd, in a loop of sd-event: /metrics, the daemon's report in Prometheus' format,
 * and a page that points to it.
 *
 * The report is read once a second at most. Reading never blocks and ends after two seconds, in
 * whatever state the connection to the daemon is. An unreachable daemon gives a text too (synguard_up
 * 0), which is kept for the same second.
 *
 * A connection serves one request and lives ten seconds at most, by a timer here: the library's own
 * timeout counts silence only, and a byte a second is none. The number of connections is limited:
 * beyond it the one that has been there for longest gives way to the next. Listening sockets are left to
 * the caller.
 */
#pragma once

#include <sys/socket.h>

#include <systemd/sd-event.h>

struct http;

/* The caller owns *ret; the name of the daemon's runtime_dir has to outlive it. -errno. */
int http_new(struct http **ret, sd_event *event, const char *runtime_dir);
/* Cuts all connections. */
struct http *http_free(struct http *h);

/* Takes over a connection, non-blocking; closes it where all places are taken by who waits for the
 * daemon. */
void http_take(struct http *h, int fd, const struct sockaddr *from, socklen_t length);
