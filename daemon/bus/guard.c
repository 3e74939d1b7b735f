/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/guard.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "synguard/cleanup.h"

/* Turns of the loop in which sd-bus, after reading BEGIN, has to write its answer and be done. */
#define BUS_GUARD_PATIENCE 16

enum bus_guard_phase {
	BUS_GUARD_GREETING, /* lines, up to BEGIN */
	BUS_GUARD_GREETED,  /* BEGIN was passed on; sd-bus has to agree that it is the end */
	BUS_GUARD_MESSAGES,
};

struct bus_guard {
	int peer, feed;
	sd_event_source *source;
	enum bus_guard_phase phase;
	size_t greeting_bytes;
	size_t matched; /* of "\nBEGIN\r\n" */
	int patience;
	struct bus_guard_frames frames;
	struct bus_guard_handler handler;
};

/* ---- lengths ------------------------------------------------------------------------------- */

/* The D-Bus specification, "Message Format": byte order, and at 4 and 12 the two lengths. */
static bool bus_guard_read_head(struct bus_guard_frames *f)
{
	const unsigned char *h = f->head;
	uint64_t body, fields;

	if (h[0] == 'l') {
		body = h[4] | h[5] << 8 | h[6] << 16 | (uint64_t)h[7] << 24;
		fields = h[12] | h[13] << 8 | h[14] << 16 | (uint64_t)h[15] << 24;
	} else if (h[0] == 'B') {
		body = h[7] | h[6] << 8 | h[5] << 16 | (uint64_t)h[4] << 24;
		fields = h[15] | h[14] << 8 | h[13] << 16 | (uint64_t)h[12] << 24;
	} else {
		return false;
	}
	f->left = ((fields + 7) & ~7ULL) + body;
	f->head_bytes = 0;
	return f->left <= BUS_GUARD_MESSAGE_MAX - sizeof(f->head);
}

bool bus_guard_scan(struct bus_guard_frames *f, const unsigned char *data, size_t length)
{
	size_t n;

	while (length) {
		n = f->left ? f->left : sizeof(f->head) - f->head_bytes;
		n = n < length ? n : length;
		if (f->left) {
			f->left -= n;
		} else {
			memcpy(f->head + f->head_bytes, data, n);
			f->head_bytes += n;
			if (f->head_bytes == sizeof(f->head) && !bus_guard_read_head(f))
				return false;
		}
		data += n;
		length -= n;
	}
	return true;
}

/* ---- passing on ---------------------------------------------------------------------------- */

/* How many of the bytes belong to the greeting. */
static size_t bus_guard_greeting(struct bus_guard *g, const unsigned char *data, size_t length)
{
	static const unsigned char end[] = "\nBEGIN\r\n";
	size_t i;

	for (i = 0; i < length; i++) {
		if (data[i] != end[g->matched])
			g->matched = data[i] == end[0];
		else if (!end[++g->matched])
			return i + 1;
	}
	return length;
}

/* Takes up to `length` bytes off the peer and hands them on; the feed is empty, so they fit. */
static bool bus_guard_pass(struct bus_guard *g, unsigned char *data, size_t length)
{
	ssize_t n = recv(g->peer, data, length, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n) {
		/* sd-bus may still have something to answer; it sees the end behind that */
		sd_event_source_set_enabled(g->source, SD_EVENT_OFF);
		return shutdown(g->feed, SHUT_WR) >= 0;
	}
	if (g->phase == BUS_GUARD_MESSAGES && !bus_guard_scan(&g->frames, data, n))
		return false;
	return send(g->feed, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) == n;
}

/* Exactly the greeting is taken off the peer, so that what follows is a message's beginning. */
static bool bus_guard_pass_greeting(struct bus_guard *g)
{
	unsigned char data[BUS_GUARD_GREETING_MAX];
	ssize_t n = recv(g->peer, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
	static const size_t whole = sizeof("\nBEGIN\r\n") - 1;
	size_t length;

	if (n <= 0)
		return bus_guard_pass(g, data, sizeof(data));
	length = bus_guard_greeting(g, data, n);
	g->greeting_bytes += length;
	if (g->greeting_bytes > BUS_GUARD_GREETING_MAX)
		return false;
	if (g->matched == whole)
		g->phase = BUS_GUARD_GREETED;
	return bus_guard_pass(g, data, length);
}

static bool bus_guard_step(struct bus_guard *g)
{
	unsigned char data[BUS_GUARD_PIECE_BYTES];
	int unread = 0;

	/* one piece at a time: sd-bus, at the same priority, takes it before our next turn */
	if (ioctl(g->feed, SIOCOUTQ, &unread) < 0)
		return false;
	if (unread > 0)
		return true;
	if (g->phase == BUS_GUARD_GREETING)
		return bus_guard_pass_greeting(g);
	if (g->phase == BUS_GUARD_GREETED) {
		/* if it took that BEGIN for something else, our lengths would not be its lengths */
		if (!g->handler.greeted(g->handler.userdata))
			return --g->patience > 0;
		g->phase = BUS_GUARD_MESSAGES;
	}
	return bus_guard_pass(g, data, sizeof(data));
}

static int bus_guard_on_peer(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct bus_guard *g = userdata;

	if (!bus_guard_step(g))
		g->handler.drop(g->handler.userdata);
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int bus_guard_new(struct bus_guard **ret, sd_event *event, int peer,
		  const struct bus_guard_handler *handler, int *ret_feed)
{
	struct bus_guard *g = calloc(1, sizeof(*g));
	int pair[2], r;

	if (!g || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		r = g ? -errno : -ENOMEM;
		close(peer);
		free(g);
		return r;
	}
	g->peer = peer;
	g->feed = pair[0];
	g->patience = BUS_GUARD_PATIENCE;
	g->handler = *handler;
	r = sd_event_add_io(event, &g->source, peer, EPOLLIN, bus_guard_on_peer, g);
	if (r < 0) {
		close(pair[1]);
		bus_guard_free(g);
		return r;
	}
	*ret_feed = pair[1];
	*ret = g;
	return 0;
}

struct bus_guard *bus_guard_free(struct bus_guard *g)
{
	if (!g)
		return NULL;
	sd_event_source_disable_unref(g->source);
	close_fd(g->peer);
	close_fd(g->feed);
	free(g);
	return NULL;
}
