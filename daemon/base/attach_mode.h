/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How interfaces are to be attached to, as a word and as a number. */
#pragma once

enum attach_mode {
	ATTACH_MODE_AUTO,    /* native XDP; where that cannot be had, tcx answers */
	ATTACH_MODE_NATIVE,  /* native XDP, and nothing is answered where that cannot be had */
	ATTACH_MODE_TCX,     /* tcx answers */
	ATTACH_MODE_GENERIC, /* XDP in the stack, and nothing is answered where that cannot be had */
	ATTACH_MODE_COUNT,
	/* no word: tcx counts and accepts, because the mode challenges nobody */
	ATTACH_MODE_WATCH = ATTACH_MODE_COUNT,
};

const char *attach_mode_name(enum attach_mode way);
/* -EINVAL if it is none. */
int attach_mode_parse(const char *name);
