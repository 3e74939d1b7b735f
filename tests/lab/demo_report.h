/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the demo prints on stdout: a table for people, or the same as JSON.
 */
#pragma once

#include "tests/lab/phase.h"

/* Phases that did not run are left out. */
void report_table(const struct phase_result results[PHASE_COUNT]);

/* One object, keys stable, units in their names; what does not apply is null. 0 or -errno. */
int report_json(const struct phase_settings *s, const struct phase_result results[PHASE_COUNT]);

/* One line on a phase that ran, for progress; returns @buf. */
const char *report_line(const struct phase_result *r, char *buf, size_t size);
