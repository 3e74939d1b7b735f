/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client by hand. See wire.h.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "now.h"

/* How long an answer may take that has to come. */
#define WIRE_PATIENCE_MS 5000

#define WIRE_FRAME_MAX 2048

static void wire_socket(struct wire *w, struct stage *s)
{
	struct sockaddr_ll sa = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = lab_ifindex(s->lab, LAB_CLIENT, LAB_IFNAME),
	};
	const int on = 1;

	/* protocol 0: nothing arrives before the interface has been chosen */
	w->fd = lab_socket(s->lab, LAB_CLIENT, AF_PACKET, SOCK_RAW, 0);
	ck_assert_msg(w->fd >= 0, "a packet socket: %s", strerror(-w->fd));
	ck_assert_msg(!setsockopt(w->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)),
		      "PACKET_IGNORE_OUTGOING: %s", strerror(errno));
	ck_assert_msg(!bind(w->fd, (struct sockaddr *)&sa, sizeof(sa)), "binding to %s: %s",
		      LAB_IFNAME, strerror(errno));
}

void wire_open_at(struct wire *w, struct stage *s, const char *address, uint16_t port)
{
	int version = strchr(address, ':') ? 6 : 4;
	static const struct frame_option options4[] = { FRAME_LINUX_SYN(1460, WIRE_TSVAL, 7) };
	static const struct frame_option options6[] = { FRAME_LINUX_SYN(1440, WIRE_TSVAL, 7) };

	memset(w, 0, offsetof(struct wire, frame));
	w->version = version;
	w->address = address;
	w->port = port;
	w->seq = WIRE_ISN;
	w->tsval = WIRE_TSVAL;
	memcpy(w->syn_options, version == 4 ? options4 : options6, sizeof(options4));
	ck_assert_int_eq(lab_mac(s->lab, LAB_CLIENT, LAB_IFNAME, w->mac), 0);
	ck_assert_int_eq(lab_mac(s->lab, LAB_SERVER, LAB_IFNAME, w->peer_mac), 0);
	/* replaces the entry where there is one */
	ck_assert_int_eq(lab_neigh_add(s->lab, LAB_SERVER, LAB_IFNAME, address, w->mac), 0);
	wire_socket(w, s);
}

void wire_open(struct wire *w, struct stage *s, int version, uint16_t port)
{
	wire_open_at(w, s, version == 4 ? WIRE_ADDR4 : WIRE_ADDR6, port);
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* ---- sending ------------------------------------------------------------------------------- */

struct frame_spec wire_segment(const struct wire *w, uint8_t flags, const char *payload)
{
	const struct frame_option echo[] = { FRAME_LINUX_ACK(w->tsval, w->tsecr) };
	struct frame_spec spec = {
		.flags = flags,
		.seq = w->seq,
		.ack = flags & FRAME_ACK ? w->ack : 0,
		.payload = payload,
		.payload_bytes = payload ? strlen(payload) : 0,
	};

	if (flags & FRAME_SYN)
		memcpy(spec.options, w->syn_options, sizeof(w->syn_options));
	else if (w->timestamps)
		memcpy(spec.options, echo, sizeof(echo));
	return spec;
}

void wire_transmit(struct wire *w, const struct frame_spec *spec)
{
	struct frame_spec ours = *spec;
	uint8_t bytes[WIRE_FRAME_MAX];
	size_t length;

	ours.version = w->version;
	ours.src = w->address;
	ours.dst = w->version == 4 ? LAB_SERVER_ADDR4 : LAB_SERVER_ADDR6;
	ours.sport = w->port;
	ours.dport = STAGE_PORT;
	memcpy(ours.source_mac, w->mac, 6);
	memcpy(ours.destination_mac, w->peer_mac, 6);
	length = frame_build(bytes, sizeof(bytes), &ours);
	ck_assert_msg(send(w->fd, bytes, length, 0) == (ssize_t)length, "sending a frame: %s",
		      strerror(errno));
	w->tsval++;
}

void wire_send(struct wire *w, uint8_t flags, const char *payload)
{
	struct frame_spec spec = wire_segment(w, flags, payload);

	wire_transmit(w, &spec);
	w->seq += spec.payload_bytes + !!(flags & FRAME_FIN);
}

void wire_send_syn(struct wire *w, const char *payload)
{
	struct frame_spec spec = wire_segment(w, FRAME_SYN, payload);

	spec.seq = WIRE_ISN;
	wire_transmit(w, &spec);
	w->seq = WIRE_ISN + 1;
}

/* ---- receiving ----------------------------------------------------------------------------- */

/* Whether the frame in w->frame is one of the server to this client. */
static bool wire_is_ours(struct wire *w, size_t bytes)
{
	struct sg_addr us = frame_addr(w->address);

	/* what cannot be taken apart is not TCP */
	if (frame_parse(&w->seen, w->frame, bytes))
		return false;
	return w->seen.version == w->version && w->seen.dport == w->port &&
	       w->seen.sport == STAGE_PORT && !memcmp(&w->seen.dst, &us, sizeof(us));
}

bool wire_receive(struct wire *w, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms, left;
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = recv(w->fd, w->frame, sizeof(w->frame), MSG_DONTWAIT);
		if (n >= 0 && wire_is_ours(w, n))
			break;
		if (n >= 0)
			continue;
		left = deadline - now_ms();
		if (left <= 0 || poll(&p, 1, left) == 0)
			return false;
	}
	if (w->seen.has_ts && !(w->seen.flags & FRAME_RST))
		w->tsecr = w->seen.tsval;
	return true;
}

void wire_take_synack(struct wire *w)
{
	ck_assert_msg(wire_receive(w, WIRE_PATIENCE_MS), "no answer to the SYN");
	ck_assert_msg((w->seen.flags & (FRAME_SYN | FRAME_ACK | FRAME_RST)) ==
			      (FRAME_SYN | FRAME_ACK),
		      "an answer that is no SYN-ACK: flags %#x", w->seen.flags);
	ck_assert_uint_eq(w->seen.ack, WIRE_ISN + 1);
	w->ack = w->seen.seq + 1;
	w->timestamps = w->seen.has_ts;
}

/* The next frame, which is no RST and no SYN-ACK sent again; false for the latter. */
static bool wire_take(struct wire *w, const char *what)
{
	ck_assert_msg(wire_receive(w, WIRE_PATIENCE_MS), "%s did not come", what);
	ck_assert_msg(!(w->seen.flags & FRAME_RST), "a RST came instead of %s", what);
	return !(w->seen.flags & FRAME_SYN);
}

void wire_take_payload(struct wire *w, const char *payload)
{
	size_t bytes = strlen(payload), have = 0, n;
	const uint8_t *data;

	while (have < bytes) {
		/* what has been had already is sent again: our ACK was late */
		if (!wire_take(w, "payload") || w->seen.seq != w->ack || !w->seen.payload_bytes)
			continue;
		data = w->frame + w->seen.payload_offset;
		n = w->seen.payload_bytes;
		ck_assert_msg(n <= bytes - have && !memcmp(data, payload + have, n),
			      "the server sent \"%.*s\" instead of \"%s\"", (int)n, data,
			      payload + have);
		have += n;
		w->ack += n;
		if (w->seen.flags & FRAME_FIN)
			w->ack++;
		wire_send(w, FRAME_ACK, NULL);
	}
}

void wire_take_fin(struct wire *w)
{
	while (!wire_take(w, "the server's FIN") || !(w->seen.flags & FRAME_FIN) ||
	       w->seen.seq != w->ack)
		;
	w->ack = w->seen.seq + w->seen.payload_bytes + 1;
}

bool wire_drain(struct wire *w, int quiet_ms)
{
	bool reset = false;

	while (wire_receive(w, quiet_ms))
		reset = reset || (w->seen.flags & FRAME_RST);
	return reset;
}
