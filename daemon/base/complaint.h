/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong in words, with the remedy, for the places where a number is not enough.
 * The caller owns it, the callee fills it, main and manager say it.
 */
#pragma once

#include <stdio.h>

struct complaint {
	char text[512];
};

#define complain(c, ...)                                                                           \
	do {                                                                                       \
		if (c)                                                                             \
			snprintf((c)->text, sizeof((c)->text), __VA_ARGS__);                       \
	} while (0)
