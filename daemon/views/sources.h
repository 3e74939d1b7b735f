/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sends the SYNs, written as JSON: the heavy hitters, with estimates of what they sent, and all who
 * have half-open connections, with the exact number of these.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dataplane;

/*
 * By prefix or by source, `top` rows at the most (0: all). dp may be NULL: then only half-open
 * connections are known. Takes as long as the walk of the half-open ones does. -errno.
 */
int sources_write(FILE *to, struct dataplane *dp, bool prefixes, uint32_t top);
