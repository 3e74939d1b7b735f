/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: the settings as the files have them, where each value comes from, and what is
 * wrong with the files.
 *
 * Only the first synguard.conf that the folders have is read. Then synguard.conf.d/NAME.conf of all
 * folders are read in the order of their names; of files with the same name only the one in the
 * first folder, so that a link to /dev/null in /etc switches off what a package brings.
 *
 * Lines are "[Section]", "Key=value", comments or blank. The reader is strict, because a line that
 * is read otherwise than it was meant does harm without a word: it refuses indented lines, comments
 * behind a value, ":" for "=", lines that are too long, and what is not UTF-8. A faulty line is
 * reported and left out; every other line counts. What to do then is left to the caller: keep the
 * former settings, or let each section that has a fault fall back to its defaults.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "synguard/cleanup.h"

#include "daemon/settings/settings.h"

#define CONFIG_PROBLEMS_KEPT 20

struct config_source {
	const char *file;	    /* read this one only; NULL: look through folders */
	const char *const *folders; /* NULL: the usual three; else up to 3 and a final NULL */
	const char *const
		*command_line; /* "Section", "Key", "value", ... and a final NULL, or NULL */
};

/* Where a value comes from; of a list, the last line that changed it. */
struct config_origin {
	const char *file; /* NULL: the default; CONFIG_COMMAND_LINE: given there */
	unsigned int line;
};
extern const char *const CONFIG_COMMAND_LINE;

struct config_problem {
	const char *file;  /* borrowed from the configuration */
	unsigned int line; /* 0: the file as a whole */
	char text[256];
};

struct config_problems {
	size_t count; /* also of those that were not kept */
	struct config_problem kept[CONFIG_PROBLEMS_KEPT];
};

struct config {
	struct settings settings;
	struct config_origin origins[SETTINGS_COUNT];
	const char **files; /* those read, in this order */
	size_t file_count;
	struct config_problems faults;
	struct config_problems warnings; /* lines that count, and should be written otherwise */
	bool faulty[SETTINGS_COUNT];	 /* whether the section of this setting has a fault */
};

/*
 * Reads all of it. Faults of the files are no failure. The caller owns *ret. -ENOENT: source->file
 * does not exist; -ENOMEM.
 */
int config_load(struct config **ret, const struct config_source *source);
/* The same from a text in memory, which faults call `name`. It ends in a NUL. */
int config_load_text(struct config **ret, const char *name, const char *text, size_t bytes);
struct config *config_free(struct config *c);
DEFINE_CLEANUP(struct config, config_free)

/* Resets the settings of every section with a fault. */
void config_fall_back(struct config *c);

/* "FILE:LINE: what is wrong"; "FILE: ..." where it is not about a line. */
struct config_line {
	char text[640];
};
void config_problem_text(const struct config_problem *p, struct config_line *ret);

/* ---- what `synguard config` prints (print.c); a configuration reads the same again ---- */

/* Every setting; with the file and the line of each where `origin`. */
void config_print(FILE *to, const struct config *c, bool origin);
/* -ENOMEM, or -EIO. */
int config_print_json(FILE *to, const struct config *c);
/* Those that are not as by default, with the default in a comment. Returns how many. */
size_t config_print_difference(FILE *to, const struct config *c);
/* A file of comments, from which a line is taken by removing its first letter. */
void config_print_sample(FILE *to);
