/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP as clients and servers of the lab see it: socket addresses, and what a connection kept of
 * what its ends can do, the part of TCP_INFO that a SYN cookie may lose.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The socket address of "192.0.2.1" or "2001:db8::1" and a port in host byte order. Returns its
 * length, or -EINVAL. */
int tcp_sockaddr(const char *addr, uint16_t port, struct sockaddr_storage *ret);

struct kept {
	bool known;	  /* there was a connection to look at */
	uint32_t snd_mss; /* bytes of payload per segment, options deducted */
	uint32_t rcv_mss;
	uint8_t snd_wscale; /* the peer's window scale, and ours; 0 also where none was agreed */
	uint8_t rcv_wscale;
	bool wscale;
	bool sack;
	bool timestamps;
	bool ecn;
};

/* Of a connected TCP socket (or an MPTCP one: of its first subflow). 0 or -errno. */
int kept_read(int fd, struct kept *ret);

/* "mss 1448, wscale 7/7, sack, ts", or "-"; returns @buf. */
const char *kept_format(const struct kept *k, char *buf, size_t size);
