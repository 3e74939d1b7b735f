/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files as a whole: read, replaced so that a crash leaves the old or the new one, sealed, locked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

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

/*
 * Text that is read back ends with the line "sum HEX", which is of all bytes before it.
 *
 * file_seal() writes the line, and ends the stream, which is one of open_memstream(text, length).
 * -ENOMEM: *text is the caller's to free all the same. file_unseal() takes the line off. False: it is
 * not there, not the last one, or not right: the file was cut, or somebody else has written it.
 */
int file_seal(FILE *to, char **text, size_t *length);
bool file_unseal(char *text);

/* Creates the file where it is missing (mode 0600) and locks it for as long as the descriptor
 * returned is open. -EWOULDBLOCK: somebody else has locked it; other -errno. */
int file_lock(const char *path);
