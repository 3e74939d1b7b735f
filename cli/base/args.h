/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of synguard, read by the table of verbs: which verb, with which of its options.
 *
 * Common options may stand before the verb; everything may stand behind it. What a verb does not
 * know is refused, with the nearest name that it knows. "--" ends the options.
 */
#pragma once

#include "cli/base/verb.h"

/*
 * Fills cli and leaves in argv the verb (or nothing: NULL) and its arguments. Returns the exit code
 * that ends the program, where that is all there is to do, or -1 to go on.
 */
int arguments_parse(struct cli *cli, int *argc, char **argv);

/* Says on stderr what is wrong, and which help to ask for: the verb's, or the general one where it
 * is NULL. Returns the exit code for it. */
int arguments_wrong(const struct verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
