/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share, and what their unit tests look at. */
#pragma once

#include <jansson.h>

/* Prints it indented, NULL as out of memory. Returns an exit code. */
int print_json(const json_t *root);

/* The systemd unit that a control group's path belongs to: its last part that names one. NULL: none
 * does. Shortens the path. */
const char *unit_of_cgroup(char *path);
