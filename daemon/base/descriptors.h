/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors are bounded (RLIMIT_NOFILE), and each interface takes three for as long as it is
 * attached to. Of what there may be, the daemon keeps some for itself: without any it could neither
 * look at the host's sockets nor let anybody in who asks, which is worse than an interface less.
 */
#pragma once

/* 64 peers of the bus with four each, views and files of theirs, and what a tick opens. */
#define DESCRIPTORS_KEPT 384

/* Asks for as many as the hard limit has; the soft one (1024, by custom) is for those who select(). */
void descriptors_raise(void);

/*
 * For the descriptor of what the daemon can do without. Descriptors are given out from below, so a
 * high one tells that few are left: of the last DESCRIPTORS_KEPT, or of the upper half where the
 * limit is less than two times that, it is closed and -EMFILE returned; else itself. A negative
 * descriptor is returned as it is.
 */
int descriptors_spare(int fd);

/* What a negative errno means, and what helps where descriptors are missing. Not to be freed. */
const char *descriptors_error(int error);
