/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error in words, with the remedy, where an errno is not enough. The caller owns it (or passes
 * NULL), the callee fills it, main and manager print it.
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
