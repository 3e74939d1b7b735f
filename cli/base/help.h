/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, made from the table of verbs. Fits 80 columns. */
#pragma once

#include "cli/base/verb.h"

void help_all(FILE *to);
void help_verb(FILE *to, const struct verb *verb);
