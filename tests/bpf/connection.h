/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection between frames that a test makes and a socket that the kernel has.
 */
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "prog.h"

struct connection {
	int fd;			/* the server's socket */
	struct frame_spec next; /* what the client would send next: an ACK of all it got */
};

/*
 * A listener of both families on STACK_PORT (backlog 0: the usual one) whose services are proven and
 * defended, in a namespace of its own; attached: with the programs attached there.
 */
struct prog *connection_defended(int *listener, int backlog);
struct prog *connection_attached(int *listener, int backlog);

/* The SYN of a client that comes back from the same port. */
struct frame_spec connection_again(const struct frame_spec *syn, __u32 seq, __u32 tsval);

/* The ACK goes round once: what is in its way is removed, then the listener has it. */
void connection_deliver_past(struct prog *p, const struct frame_spec *ack);

/*
 * A SYN through XDP, its answer as a live frame through tcx ingress, accept() on the listener: the
 * whole way of a challenged client. accept() fails the test if nothing comes of it.
 */
struct connection connection_challenged(struct prog *p, const struct frame_spec *syn, int listener);

/* The same by the kernel's own SYN-ACK. */
struct connection connection_plain(struct prog *p, const struct frame_spec *syn, int listener);

/* The server closes first, and its socket stays in TIME_WAIT. */
void connection_end(struct prog *p, struct connection *c);

struct tcp_info connection_info(const struct connection *c);

/* Of the socket: how far the client may send, which older headers' tcp_info does not have. */
__u32 connection_rcv_wnd(const struct connection *c);
