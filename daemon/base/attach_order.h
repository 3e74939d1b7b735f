/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How interfaces are to be attached to, as a word and as a number. */
#pragma once

enum way {
	WAY_AUTO,    /* native XDP; where that cannot be had, tcx answers */
	WAY_NATIVE,  /* native XDP, and nothing is answered where that cannot be had */
	WAY_TCX,     /* tcx answers */
	WAY_GENERIC, /* XDP in the stack, and nothing is answered where that cannot be had */
	WAY_COUNT,
	/* no word: tcx counts and accepts, because the mode challenges nobody */
	WAY_WATCH = WAY_COUNT,
};

const char *way_name(enum way way);
/* -EINVAL if it is none. */
int way_parse(const char *name);
