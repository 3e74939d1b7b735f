/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files the configuration is read from, and in which order: see config.h for the rule.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "synguard/cleanup.h"

#define CONFIG_PATHS_FILE     "synguard.conf"
#define CONFIG_PATHS_DROP_INS "synguard.conf.d"

/* More drop-ins are a mistake, such as a folder that some program fills. */
#define CONFIG_PATHS_MAX 256

struct config_path {
	char *name; /* without its folder; NULL for the main file */
	char *path; /* a reader may take it and leave NULL */
};

struct config_paths {
	struct config_path of[1 + CONFIG_PATHS_MAX];
	size_t count;
	bool too_many;
	char *closed; /* a folder that is there and cannot be listed, or NULL; a reader may take it */
	int error;    /* why, as errno has it */
};

/* NULL for the usual folders, else a list with a final NULL. The caller owns *ret. -ENOMEM. */
int config_paths_new(struct config_paths **ret, const char *const *folders);
struct config_paths *config_paths_free(struct config_paths *p);
DEFINE_CLEANUP(struct config_paths, config_paths_free)

/* Whether there is anything, or nobody can tell; unlike access(), of what may not be read too. */
bool config_paths_exists(const char *path);
