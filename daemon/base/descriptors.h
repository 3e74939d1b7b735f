/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit of open descriptors (RLIMIT_NOFILE). Each interface takes three while it is attached.
 * Some are reserved: without a free one the daemon could neither read the host's sockets nor accept
 * a client of the bus, which is worse than one interface less.
 */
#pragma once

/* 64 peers of the bus with four each, views and files of theirs, and what a tick opens. */
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
