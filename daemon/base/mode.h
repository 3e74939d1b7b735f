/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the admin allows, as a word and as a number. */
#pragma once

#include "synguard/abi.h"

const char *mode_name(enum sg_mode mode);
/* -EINVAL if it is none. */
int mode_parse(const char *name);
