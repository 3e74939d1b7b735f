/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of a host of the lab, to be compared with what they were. */
#pragma once

#include "tests/lab/lab.h"

/*
 * `sysctl -a` of the host as far as TCP goes, a line each, "/proc/sys/... VALUE"; what has `but` in
 * its name is left out (NULL: nothing). The caller frees it. NULL: it cannot be read.
 */
char *values_of(struct lab *lab, int host, const char *but);
