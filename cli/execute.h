/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that are programs of their own, so that this one needs none of their libraries. */
#pragma once

#include "verbs.h"

/*
 * Becomes the program, which is in `folder` (from this one's) of a build tree, else where it was
 * installed. argv as the verb got it; --json that stood before the verb is handed on. Returns an
 * exit code where that fails.
 */
int execute_program(const struct cli *cli, const char *folder, const char *program, int argc,
		    char **argv);
