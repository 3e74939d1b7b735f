/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What synguard.conf(5) says to the exporter, which asks the program synguard-config for it. */
#pragma once

#include <stddef.h>

/*
 * [Exporter] Listen=, of the usual files or (not NULL) this one. What is wrong with them that
 * program says on stderr. -errno, where there is no answer: -ENOENT without that program, -ENODATA.
 */
int configured_listen(const char *file, char *ret, size_t size);
