/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ghosts: connections that the server still has and the client has not. Its host crashed, a NAT
 * gave the port to another client, a reset was lost.
 *
 * The kernel finds out by the SYN: the old connection answers it with an ACK, which the client
 * resets (RFC 5961, 4). A SYN that is challenged meets no socket, so the question comes up with the
 * ACK, and the client cannot be asked any more: it has a connection by then. What can be told is
 * told from the two ends' numbers, and nothing is done to a connection that may be alive.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/net/packet.h"

/* Beyond a window: what is sent again, and what this packet's batch has before it. */
#define STALE_SLACK 65536

static __always_inline bool stale_between(__u32 n, __u32 first, __u32 last)
{
	return n - first <= last - first;
}

static __always_inline bool stale_may_be(__u8 state)
{
	return state == KERNEL_TCP_ESTABLISHED || state == KERNEL_TCP_FIN_WAIT1 ||
	       state == KERNEL_TCP_FIN_WAIT2 || state == KERNEL_TCP_CLOSE_WAIT ||
	       state == KERNEL_TCP_LAST_ACK || state == KERNEL_TCP_CLOSING;
}

/*
 * Whether the segment is of another connection than this one: not both of its numbers are what the
 * two ends exchange now or have lately, nor are they those of the handshake. One packet in 2^29
 * looks as if it carried a cookie, so this is not left to the cookie. One number alone says little:
 * a client that is back within a second takes one near the old.
 *
 * The numbers of the handshake are what has been counted since: tcp_rcv_nxt_update() and
 * tcp_snd_una_update() count a FIN, too.
 */
static __always_inline bool stale_is_met(const struct packet *p, const struct tcp_sock *tp)
{
	__u32 in = 2 * tp->rcv_wnd + STALE_SLACK, out = 2 * tp->max_window + STALE_SLACK;
	__u32 rcv_nxt = tp->rcv_nxt, snd_una = tp->snd_una;

	if (stale_between(p->seq, rcv_nxt - in, rcv_nxt + in) &&
	    stale_between(p->ack_seq, snd_una - out, tp->snd_nxt))
		return false;
	return p->seq != rcv_nxt - (__u32)tp->bytes_received ||
	       p->ack_seq != snd_una - (__u32)tp->bytes_acked;
}

/*
 * Whether the client has sent this after all that the connection has of it. Only timestamps tell,
 * and only where both have them: a late ACK of a connection before this one has a lower one.
 */
static __always_inline bool stale_is_older(const struct tcp_options *o, const struct tcp_sock *tp)
{
	__u32 recent = tp->rx_opt.ts_recent;

	return (o->seen & OPTIONS_SEEN_TS) && recent && (__s32)(o->tsval - recent) > 0;
}
