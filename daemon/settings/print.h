/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `synguard config` prints. What it prints of a configuration is one that reads the same. */
#pragma once

#include <stdio.h>

#include "daemon/settings/config.h"

/* Every setting; with the file and the line of each where `origin`. */
void config_print(FILE *to, const struct config *c, bool origin);
/* -ENOMEM, or -EIO. */
int config_print_json(FILE *to, const struct config *c);
/* Those that are not as by default, with the default in a comment. Returns how many. */
size_t config_print_difference(FILE *to, const struct config *c);

/* A file of comments, from which a line is taken by removing its first letter. */
void config_print_sample(FILE *to);
