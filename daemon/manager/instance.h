/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon per runtime directory, and one per network namespace.
 *
 * The directory has a lock file. The mark of a network namespace is an abstract unix socket's name:
 * the kernel keeps those per network namespace, frees them with the process however it ends, and
 * tells who holds one. Nothing else has all three: a lock file belongs to a mount namespace, and so
 * does pinning; XDP is taken once per interface, but mode "observe" has none; and the name of a
 * program that is on an interface can be read with CAP_SYS_ADMIN only.
 *
 * Any user may take such a name, and must not be able to keep the daemon from starting. So the
 * holder is believed only where it is one that could run the daemon: root, the service's user, or
 * our own. Anybody else is named in a warning, and the start goes on without the mark.
 */
#pragma once

#include "daemon/base/complaint.h"

/* Fits into a socket's address (sun_path). */
struct instance_path {
	char text[108];
};

/* dir/name. -ENAMETOOLONG, with *c filled. */
int instance_path(const char *dir, const char *name, struct instance_path *ret,
		  struct complaint *c);

/*
 * What is in a directory is believed, so it has to belong to root, to the service's user or to our
 * own, and nobody else may write to it. `what` is its name in words, `option` names another. 0 also
 * where there is none; -EPERM and other -errno, with *c filled.
 */
int instance_check_dir(const char *dir, const char *what, const char *option, struct complaint *c);

/*
 * Makes the runtime directory where it is missing, checks it otherwise, and locks it. The descriptor
 * holds the lock. -EBUSY: another daemon has it. Other -errno; *c says what, and the remedy.
 */
int instance_lock(const char *dir, struct complaint *c);

/*
 * The descriptor holds the mark. -EBUSY: there is another daemon, and *c says which. -EADDRINUSE
 * with *warning filled: somebody else has the name; start without. Other -errno, *c filled.
 */
int instance_mark(struct complaint *c, struct complaint *warning);

/* Each second: makes room for others that ask who holds the mark. fd < 0 is fine. */
void instance_tick(int fd);
