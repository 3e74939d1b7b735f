/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The half-open connections of this network namespace, each or grouped, written as JSON.
 *
 * Exact: each is one that the kernel shows as SYN_RECV, those of TCP Fast Open too. Where the
 * kernel was overtaken by changes while it told them, the answer is used and says "partial".
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <linux/types.h>

enum halfopen_by {
	HALFOPEN_BY_NONE,
	HALFOPEN_BY_SOURCE,
	HALFOPEN_BY_PREFIX,
	HALFOPEN_BY_LISTENER,
};

/* -EINVAL: there is no such word. */
int halfopen_by_parse(const char *word);

/* Into a file that can be sought in. Only those of this local port; 0: all. Takes as long as the listing is. -errno. */
int halfopen_write(FILE *to, enum halfopen_by by, __be16 port);

/*
 * How long it has been half-open. The kernel tells how many times it has sent its SYN-ACK again,
 * after 1, 2, 4 seconds and so on, and when it will do so next.
 */
uint64_t halfopen_age_ms(unsigned int retransmits, uint32_t expires_ms);
