/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tape of what the client's host and the server's sent each other: the latest frames of each port
 * of the client, on both ends of the link, to be shown where a test fails.
 *
 * On the server's end a frame is on the tape before tcx ingress sees it, once more where it comes in
 * once more, and not at all where XDP answered it. Of a flood nothing is kept.
 */
#pragma once

#include "stage.h"

struct tape;

/* Records once it returns. Fails the running test where it cannot. */
struct tape *tape_new(struct stage *s);

/* Takes NULL, returns NULL. */
struct tape *tape_free(struct tape *tape);

/*
 * Prints, as comments of TAP, what there is of the connections from a port of the client's to one
 * of the server's: the frames, and both hosts' sockets as ss(8) shows them. From any thread that is
 * not in a host.
 */
void tape_show(struct tape *tape, uint16_t port, uint16_t server_port);
