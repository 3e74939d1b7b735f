/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files as a whole: read, replaced so that a crash leaves the old or the new one, locked. */
#pragma once

#include <stddef.h>

/*
 * Reads to the end and allocates *ret, with a NUL behind what was read. *ret_bytes may be NULL:
 * then it has to be text, and a NUL in it is -EBADMSG. -EFBIG: there is more than max. Other
 * -errno.
 */
int file_read_fd(int fd, size_t max, char **ret, size_t *ret_bytes);

/* The same of a regular file, as those below /proc are; flags: O_NOFOLLOW, or 0. -EINVAL: it is a
 * directory, a pipe or a device. Never waits for a writer. */
int file_read(const char *path, int flags, size_t max, char **ret, size_t *ret_bytes);

/*
 * Replaces FOLDER/NAME, mode 0600, in two steps, of which the second waits for the disk:
 * file_stage() writes FOLDER/NAME.new, never through a link, and takes it away where it cannot be
 * written as a whole; file_commit() syncs it, gives it the name, and syncs the folder. -errno.
 */
int file_stage(const char *folder, const char *name, const char *bytes, size_t length);
int file_commit(const char *folder, const char *name);

/* Removes it and what was staged, and syncs the folder. 0 also where there was none; -errno. */
int file_remove(const char *folder, const char *name);

/* Creates the file where it is missing (mode 0600) and locks it for as long as the descriptor
 * returned is open. -EWOULDBLOCK: somebody else has locked it; other -errno. */
int file_lock(const char *path);
