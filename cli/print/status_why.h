/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `synguard status` says of why: what a flood's sources look like, and what looks like a flood
 * and is none. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cli/base/screen.h"

/* Below the sentence of an attack: what its sources look like, where that is known. */
void status_print_sources(const json_t *report, const struct screen *s);

/* In place of "All calm": false where no service has a trouble. */
bool status_print_no_attack(const json_t *report, const struct screen *s);

/* Of each service that has one its trouble, in the daemon's words, and what to change. */
void status_print_troubles(const json_t *report, const struct screen *s);

/* "192.0.2.1:80", "[2001:db8::1]:80" */
const char *status_service_name(const json_t *service, char *buffer, size_t size);
