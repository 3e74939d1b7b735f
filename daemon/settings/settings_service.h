/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses with ports, as the settings write them: "192.0.2.1:80", "[2001:db8::/32]:443", "*:25". */
#pragma once

#include "daemon/settings/settings_value.h"

/*
 * An address or a prefix with a port, an address or a prefix alone, or a port alone ("*:25").
 * -EINVAL, with what is wrong and its remedy in *c (may be NULL).
 */
int settings_service_parse(struct settings_service *ret, const char *word, struct complaint *c);
void settings_service_print(const struct settings_service *s, struct settings_text *ret);

/* Whether it is every service of a family, or of both. */
bool settings_service_is_all(const struct settings_service *s);
/* Whether it is one address, or every one, and a port: something to listen on. */
bool settings_service_is_place(const struct settings_service *s);
