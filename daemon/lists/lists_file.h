/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of lists: reading one whole, and replacing one so that there is always either the old or
 * the new one, also where the machine goes down in between.
 *
 * Nothing here waits for a disk but lists_file_settle(), which is for a thread, and reading.
 */
#pragma once

#include "daemon/base/complaint.h"

/* So long is no list. */
#define LISTS_FILE_MAX (2 * 1024 * 1024)

struct lists_file {
	char path[256];
	char fresh[256]; /* what will replace it */
	char folder[256];
};

/* NAME in FOLDER. -ENAMETOOLONG. */
int lists_file_init(struct lists_file *f, const char *folder, const char *name);

/* A text without NUL in it; the caller frees *ret. -errno, with FILE and the reason in *c. A fifo or
 * a device is refused, not waited for. */
int lists_file_read(char **ret, const char *path, struct complaint *c);

/* Writes the fresh one, and makes the folder where it is missing. -errno with *c filled, and then
 * nothing has changed. */
int lists_file_write(const struct lists_file *f, const char *text, struct complaint *c);
/* Makes the fresh one durable and puts it in its place. Waits for the disk. -errno. */
int lists_file_settle(const struct lists_file *f);

/* Puts what cannot be read aside, under another name, so that nobody overwrites it. -errno. */
int lists_file_put_aside(const struct lists_file *f);
