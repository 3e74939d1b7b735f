/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime directory: made where it is missing, and locked, so that there is one daemon for it.
 */
#pragma once

#include "daemon/base/complaint.h"

/* What must fit into a socket's address (sun_path) anyway. */
struct rundir_path {
	char text[108];
};

/* dir/name. -ENAMETOOLONG, with *c filled. */
int rundir_path(const char *dir, const char *name, struct rundir_path *ret, struct complaint *c);

/*
 * The descriptor that holds the lock, which dies with the process. -EBUSY: another daemon has it.
 * Other -errno; *c says what, and the remedy.
 */
int rundir_take(const char *dir, struct complaint *c);
