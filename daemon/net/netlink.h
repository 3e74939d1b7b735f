/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon/net speaks with the kernel about the network: rtnetlink, sock_diag, /proc and sysctls, all
 * of the network namespace that the thread is in. It keeps no policy: what follows from an answer
 * is for its callers, which the CLI and the tests' laboratory are, too.
 *
 * This is what rtnl.c and sockdiag.c share: dumps over netlink.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

/* What the kernel fills at most in one dump message (NLMSG_GOODSIZE up to 32 KiB). */
#define NETLINK_BUFFER_BYTES 32768

/*
 * Sends the request on a socket of its own and hands each part of the answer to take(), which may
 * write to it and returns 1: more is to come, 0: that was the end, or -errno. -errno.
 */
int netlink_dump(int protocol, const struct nlmsghdr *request,
		 int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata);

/* The same, and the kernel takes the request at its word (NETLINK_GET_STRICT_CHK): it filters by it. */
int netlink_dump_strictly(int protocol, const struct nlmsghdr *request,
			  int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata);

/*
 * Whether the kernel says (NLM_F_DUMP_INTR) that a change interrupted the dump. The flag is cleared
 * in the messages: libmnl would stop at it in the middle of the dump and leave the rest in the
 * socket.
 */
bool netlink_was_interrupted(void *buffer, size_t bytes);
