/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `synguard status` prints for people: the daemon's report, or without a daemon what the kernel
 * knows. */
#pragma once

#include <jansson.h>

#include "cli/base/kernel_view.h"
#include "cli/base/screen.h"

/* One sentence that can be read out on the phone, then figures, tables and reasons. Returns the exit
 * code of table_print_rows(). */
int status_print(const json_t *report, const struct screen *s);

/* {"running": false, ...}; the caller owns it, NULL without memory. */
json_t *status_of_kernel(const struct kernel_view *view);
int status_print_kernel(const struct kernel_view *view, const struct screen *s);
