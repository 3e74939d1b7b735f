/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: the settings as the files have them, where each value comes from, and what is
 * wrong with the files.
 *
 * Of synguard.conf the first of the folders that has one counts. Then all of synguard.conf.d/NAME.conf
 * are read in the order of their names; of the same name the first folder's counts alone, so that
 * a link to /dev/null in /etc switches off what a package brings.
 *
 * A faulty line is said and left out. What to do then is the caller's: keep the former settings,
 * or let each section that has a fault fall back to its defaults.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "synguard/cleanup.h"

#include "daemon/settings/settings.h"

#define CONFIG_PROBLEMS_KEPT 20

struct config_source {
	const char *file;	    /* only this one; NULL: look through folders */
	const char *const *folders; /* NULL: the usual three; a final NULL, the first wins */
	const char *const
		*command_line; /* "Section", "Key", "value", ... and a final NULL, or NULL */
};

/* Where a value comes from; of a list, the last line that changed it. */
struct config_origin {
	const char *file; /* NULL: by default; CONFIG_COMMAND_LINE: given there */
	unsigned int line;
};
extern const char *const CONFIG_COMMAND_LINE;

struct config_problem {
	const char *file;  /* borrowed from the configuration */
	unsigned int line; /* 0: the file as a whole */
	char text[256];
};

struct config {
	struct settings settings;
	struct config_origin origins[SETTINGS_COUNT];
	const char **files; /* that were read, in this order */
	size_t file_count;
	struct config_problem problems[CONFIG_PROBLEMS_KEPT];
	size_t problem_count;	     /* also of those that were not kept */
	bool faulty[SETTINGS_COUNT]; /* whether the section of this setting has a problem */
};

/*
 * Reads all of it. Faults of the files are no failure: see problems. The caller owns *ret. -ENOENT:
 * source->file does not exist; -ENOMEM.
 */
int config_load(struct config **ret, const struct config_source *source);
/* The same of a text in memory that a file called `name` would have; there is a NUL behind it. */
int config_load_text(struct config **ret, const char *name, const char *text, size_t bytes);
struct config *config_free(struct config *c);
DEFINE_CLEANUP(struct config, config_free)

/* Makes the settings of every faulty section what they are by default. */
void config_fall_back(struct config *c);

/* "FILE:LINE: what is wrong"; "FILE: ..." where it is not about a line. */
struct config_line {
	char text[640];
};
void config_problem_text(const struct config_problem *p, struct config_line *ret);
