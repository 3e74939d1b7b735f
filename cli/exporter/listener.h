/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets to listen on: from an address as people write it, or from systemd. */
#pragma once

#include <stddef.h>

/*
 * "ADDRESS:PORT", numeric, IPv6 in brackets. Returns a listening socket; -EINVAL: that is no
 * address; other -errno from binding it.
 */
int listener_open(const char *text);

/*
 * The sockets that systemd handed over (sd_listen_fds(3)): their number, 0 for none; they are the
 * descriptors from SD_LISTEN_FDS_START on. -ENOTSOCK: one is no listening TCP socket.
 */
int listener_inherited(void);
