/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and spans of time, as the settings write them: "4s", "1min 30s". */
#pragma once

#include <stdint.h>

#include "daemon/settings/settings_value.h"

/*
 * Takes the digits at *text, which then is what follows them. -EINVAL: there is none; -ERANGE: more
 * than 64 bits, and *text has moved all the same.
 */
int settings_take_number(const char **text, uint64_t *ret);

/* "1min 30s", as systemd.time(7): a number without a unit is seconds. -EINVAL; -ERANGE: too long. */
int settings_parse_span(const char *text, uint64_t *ret_ns);
void settings_print_span(uint64_t ns, struct settings_text *ret);
