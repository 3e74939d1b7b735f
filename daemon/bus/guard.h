/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between a peer and sd-bus: a limit to the size of its messages.
 *
 * sd-bus allocates what a message's header promises, up to 128 MiB, for whoever sends 16 bytes.
 * Here each message's length is read before it is passed on, and a peer that promises more than
 * BUS_GUARD_MESSAGE_MAX is dropped. Descriptors that it sends are closed by the kernel. At most
 * BUS_GUARD_PIECE_BYTES are handed on at a time, so nobody's turn is long. What goes out to the
 * peer does not pass through here.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

/* Mode names and numbers are all that is ever sent to us. */
#define BUS_GUARD_MESSAGE_MAX  65536
#define BUS_GUARD_GREETING_MAX 4096
#define BUS_GUARD_PIECE_BYTES  16384

struct bus_guard;

struct bus_guard_handler {
	/* whether sd-bus has taken the greeting for good, and expects messages now */
	bool (*greeted)(void *userdata);
	/* the peer does what is not done; frees the guard */
	void (*drop)(void *userdata);
	void *userdata;
};

/*
 * Reads from `peer`, which it takes also where it fails; *ret_feed is the other end, from which
 * sd-bus is to read, and is the caller's. -errno.
 */
int bus_guard_new(struct bus_guard **ret, sd_event *event, int peer,
		  const struct bus_guard_handler *handler, int *ret_feed);
struct bus_guard *bus_guard_free(struct bus_guard *guard);

/*
 * The lengths in a stream of messages. Zeroed = at the beginning of one. False: a message is
 * longer than allowed, or is none. Pure.
 */
struct bus_guard_frames {
	unsigned char head[16];
	unsigned int head_bytes;
	unsigned long long left; /* of the message behind its head */
};
bool bus_guard_scan(struct bus_guard_frames *frames, const unsigned char *data, size_t length);
