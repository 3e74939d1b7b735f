/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode= and Attach= as words and as numbers. */
#pragma once

#include "synguard/abi.h"

const char *mode_name(enum sg_mode mode);
/* -EINVAL if it is none. */
int mode_parse(const char *name);

enum attach_mode {
	ATTACH_MODE_AUTO,    /* native XDP; where there is none, tcx answers */
	ATTACH_MODE_NATIVE,  /* native XDP; where there is none, nothing is answered */
	ATTACH_MODE_TCX,     /* tcx answers */
	ATTACH_MODE_GENERIC, /* XDP in the stack; where there is none, nothing is answered */
	ATTACH_MODE_COUNT,
	/* no word: tcx counts and accepts, because the mode challenges nobody */
	ATTACH_MODE_WATCH = ATTACH_MODE_COUNT,
};

const char *attach_mode_name(enum attach_mode mode);
/* -EINVAL if it is none. */
int attach_mode_parse(const char *name);
