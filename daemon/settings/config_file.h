/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One configuration file: lines "[Section]", "Key=value" and comments. The only user of libinih.
 *
 * A guard of ours reads in front of it and refuses what it would silently change: a line that it
 * would cut, an indented one that it would append to the one before, a comment behind a value that
 * it would take off, ":" that it would take for "=". What is refused is said and left out; every
 * other line counts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What comes out, line by line. */
struct config_lines {
	/* key NULL: a section begins. Returns whether what follows it is wanted. */
	int (*take)(void *userdata, unsigned int line, const char *section, const char *key,
		    const char *value);
	/* A refused line; section is the one that it stands in, or "". */
	void (*refuse)(void *userdata, unsigned int line, const char *section, const char *why);
	void *userdata;
};

/* No allocation, no failure: what is wrong with the text is handed to refuse(). */
void config_file_parse(const char *text, size_t bytes, const struct config_lines *lines);

/*
 * The text of a regular file of at most CONFIG_FILE_MAX_BYTES; never waits, whatever it is. The
 * caller frees *ret. A link to /dev/null is an empty file. -ENOENT, -EISDIR, -EACCES, -EFBIG, ...;
 * -EINVAL: neither file nor directory.
 */
#define CONFIG_FILE_MAX_BYTES (4u << 20)
int config_file_read(const char *path, char **ret, size_t *bytes);
