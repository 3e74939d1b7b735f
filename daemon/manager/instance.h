/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon per network namespace.
 *
 * The mark is an abstract unix socket's name: the kernel keeps those per network namespace, frees
 * them with the process however it ends, and tells who holds one. Nothing else that the kernel
 * offers has all three: a lock file belongs to a mount namespace, and so does pinning; XDP is taken
 * once per interface, but mode "observe" has none; and the name of a program that is on an
 * interface can be read with CAP_SYS_ADMIN only.
 *
 * Any user may take such a name, and must not be able to keep the daemon from starting. So the
 * holder is believed only where it is one that could run the daemon: root, the service's user, or
 * our own. Anybody else is named in a warning, and the start goes on, without this protection
 * against a second daemon (the one per runtime directory remains).
 */
#pragma once

#include "daemon/base/complaint.h"

/*
 * The descriptor to be kept as long as the daemon lives. -EBUSY: there is another one, and *c says
 * which. -EADDRINUSE with *warning filled: somebody else has the name; start without. Other -errno,
 * *c filled.
 */
int instance_take(struct complaint *c, struct complaint *warning);

/* Each second: makes room for those who ask who holds the mark. fd < 0 is fine. */
void instance_tick(int fd);
