/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a TCP connection kept of what its ends can do: the part of TCP_INFO that a SYN cookie may
 * lose.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Did both keep the same? Left out is rcv_mss, an estimate that depends on traffic. */
bool kept_equal(const struct kept *a, const struct kept *b);

/* "mss 1448, wscale 7/7, sack, ts", or "-"; returns @buf. */
const char *kept_format(const struct kept *k, char *buf, size_t size);
