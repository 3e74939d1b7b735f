/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP client played by hand: each segment is sent and read as a test says, so that it can lose,
 * repeat and reorder them.
 *
 *	struct wire w;
 *
 *	wire_open(&w, &stage, 4, 40001);
 *	wire_send_syn(&w, NULL);
 *	wire_take_synack(&w);
 *	wire_send(&w, FRAME_ACK, NULL);
 *	wire_send(&w, FRAME_ACK | FRAME_PSH, "hello");
 *
 * It lives in the client's host of a default lab, at WIRE_ADDR4 and WIRE_ADDR6, which are nobody's
 * there: no stack answers for it or resets its connections. Sequence numbers are kept as a client
 * that loses nothing would: wire_send() counts what it sends, and wire_receive() what comes in
 * order. A test changes seq and ack where it wants it otherwise.
 *
 * Functions fail the running test with the reason, so callers check nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "stage.h"

#define WIRE_ADDR4 "192.0.2.77"
#define WIRE_ADDR6 "2001:db8::77"

#define WIRE_ISN   0x2a000000
#define WIRE_TSVAL 700000

struct wire {
	int fd;
	int version;
	const char *address;
	uint16_t port; /* the client's; the server's is STAGE_PORT */
	uint8_t mac[6], peer_mac[6];

	struct frame_option syn_options[8]; /* as a Linux client's */
	uint32_t seq, ack;		    /* the next numbers to be sent */
	uint32_t tsval, tsecr;		    /* tsval grows with each segment */
	bool timestamps;		    /* agreed on: the last SYN-ACK had them */

	struct frame_view seen; /* the last frame received */
	uint8_t frame[128 * 1024];
};

/* Writes all of *w. */
void wire_open(struct wire *w, struct stage *s, int version, uint16_t port);
/* The same at another address that is nobody's; the caller keeps its text. */
void wire_open_at(struct wire *w, struct stage *s, const char *address, uint16_t port);
void wire_close(struct wire *w);

/* A segment as the client would send it next, to be changed: options and numbers are filled in. */
struct frame_spec wire_segment(const struct wire *w, uint8_t flags, const char *payload);

/* Sends a segment from this client to the server; nothing is counted. */
void wire_transmit(struct wire *w, const struct frame_spec *spec);

/* Sends the next segment, and counts its payload and its FIN; payload may be NULL. */
void wire_send(struct wire *w, uint8_t flags, const char *payload);

/* The first SYN, or once more the same. Afterwards w->seq is that of the first byte. */
void wire_send_syn(struct wire *w, const char *payload);

/* The next TCP frame of the server to this client; false where none comes in time. */
bool wire_receive(struct wire *w, int timeout_ms);

/* The next frame must be a SYN-ACK: what the client is to acknowledge and to echo follows. */
void wire_take_synack(struct wire *w);

/* Reads frames until as many bytes of payload have come in order, and acknowledges each. */
void wire_take_payload(struct wire *w, const char *payload);

/* Reads frames until the server's FIN has come, and counts it. */
void wire_take_fin(struct wire *w);

/* Drops what has come and comes for a while; returns whether a RST was among it. */
bool wire_drain(struct wire *w, int quiet_ms);
