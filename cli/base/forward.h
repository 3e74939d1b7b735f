/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that are programs of their own, so that this one needs none of their libraries. */
#pragma once

#include "cli/base/verb.h"

/* Becomes the program of cli->verb, with argv as arrived (argv[0] is the verb), and before it the
 * common options that stood before the verb, where the verb's row has them. Returns, with an exit
 * code, only where it cannot. */
int forward(const struct cli *cli, int argc, char **argv);
