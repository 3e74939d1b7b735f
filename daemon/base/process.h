/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel lets this process do: its capabilities, and how many descriptors it may open.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/complaint.h"

/*
 * Whether this process lacks a capability that loading the programs takes. Then the complaint is
 * replaced by one that names the missing ones, else it stays.
 */
bool caps_missing_to_load(struct complaint *c);

/* The same for CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, which daemon/net/proc.h needs. */
bool caps_missing_for_processes(struct complaint *c);

/*
 * Drops all but CAP_NET_ADMIN for good, from the permitted, effective, bounding and ambient sets,
 * and sets no_new_privs. With processes, keeps those of caps_missing_for_processes() that there
 * are. The bounding set stays where CAP_SETPCAP is missing, and the rest is done. -errno.
 */
int caps_keep(bool processes);

/* ---- descriptors ---- */

/*
 * Each interface takes three while it is attached. Some are reserved: without a free one the daemon
 * could neither read the host's sockets nor accept a client of the bus, which is worse than one
 * interface less. This is 64 peers of the bus with four each, views and files of theirs, and what a
 * tick opens.
 */
#define DESCRIPTORS_KEPT 384

/* Raises the soft limit (1024 by default, for users of select()) to the hard one. */
void descriptors_raise(void);

/*
 * For a descriptor that the daemon can do without. The kernel gives out the lowest free number, so
 * a high one means that few are left: one of the last DESCRIPTORS_KEPT, or of the upper half where
 * the limit is less than twice that, is closed and -EMFILE returned. Else returns the descriptor,
 * and a negative one as it is.
 */
int descriptors_spare(int fd);

/* strerror() of a negative errno; of -EMFILE with the remedy. Not to be freed. */
const char *descriptors_error(int error);
