/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump of interfaces and addresses, as bytes: taken in one thread, read in another. Part of
 * links.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct rtnl_dump {
	char *bytes; /* netlink messages; the caller frees them */
	size_t length;
	bool interrupted; /* a change overtook it, so something may be missing */
};

/* On a socket of its own. -errno; *ret is to be emptied by rtnl_dump_done() in any case. */
int rtnl_dump_fetch(struct rtnl_dump *ret);

void rtnl_dump_done(struct rtnl_dump *dump);
