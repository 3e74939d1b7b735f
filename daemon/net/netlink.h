/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doors to netlink share about dumps. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the kernel says (NLM_F_DUMP_INTR) that the dump was overtaken by a change. The flag is
 * taken out of the messages, since libmnl would stop at it in the middle of the dump and leave the
 * rest in the socket.
 */
static inline bool netlink_was_interrupted(void *buffer, size_t bytes)
{
	struct nlmsghdr *message = buffer;
	bool interrupted = false;
	int left = bytes;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR);
		message->nlmsg_flags &= ~NLM_F_DUMP_INTR;
	}
	return interrupted;
}
