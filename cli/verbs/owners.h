/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a socket is: the process that has it open, from /proc, with the rights of the caller, and
 * the unit of systemd in whose control group it was made. What cannot be seen is not known.
 */
#pragma once

#include <jansson.h>

/* Sets pid, process and unit of each listener, null where they are not known, and takes off the
 * numbers by which they were found. */
void owners_add(json_t *listeners);

/* The unit that a control group's path is of, or NULL: the last part of it that names one. Shortens
 * the path. */
const char *owners_unit(char *path);
