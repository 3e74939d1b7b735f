/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits the size of the messages that a peer sends to sd-bus.
 *
 * sd-bus allocates what a message's header announces, up to 128 MiB, for a peer that sends 16 bytes.
 * The guard reads the length of each message before it passes it on, and drops a peer that announces
 * more than BUS_GUARD_MESSAGE_MAX. The kernel closes descriptors that a peer sends. At most
 * BUS_GUARD_PIECE_BYTES are passed on at a time, so no turn is long. Answers to the peer do not pass
 * through the guard.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

/* The largest call is ListAdd(), whose lines the CLI bounds; a longer list is read from a file. */
#define BUS_GUARD_MESSAGE_MAX  65536
#define BUS_GUARD_GREETING_MAX 4096
#define BUS_GUARD_PIECE_BYTES  16384

struct bus_guard;

struct bus_guard_handler {
	/* whether sd-bus has taken the greeting for good, and expects messages now */
	bool (*greeted)(void *userdata);
	/* the peer breaks the rules; frees the guard */
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
