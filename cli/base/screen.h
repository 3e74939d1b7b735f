/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What output for people may assume of where it goes: how wide, which letters, colours or none;
 * and the little that follows from it, numbers that are short and sentences that are broken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where nobody says how wide it is. */
#define SCREEN_COLUMNS 80

struct screen {
	FILE *to;
	unsigned int columns; /* may be any number: a window can have one column */
	bool wide;	      /* nothing is cut, broken or rounded */
	bool utf8;
	bool colour;
};

/* Colours only for a terminal that has them, and not where NO_COLOR is set. The locale has been
 * set (LC_CTYPE). */
struct screen screen_of(FILE *to, bool wide);

enum screen_colour {
	SCREEN_PLAIN,
	SCREEN_GOOD,
	SCREEN_WARN,
	SCREEN_BAD,
};

/* The sequence that begins the colour, SCREEN_PLAIN ends it; "" on a screen without. */
const char *screen_colour(const struct screen *s, enum screen_colour colour);

/* Long enough for any number, exact or short. */
struct screen_number {
	char text[24];
};

/* 9999, 12.3k, 4.56M, 18.4E: never more than five columns, cut and not rounded, so that it never
 * says more than there was. Exact on a wide screen. */
struct screen_number screen_number(const struct screen *s, uint64_t n);

/* Columns that a text takes. What is no letter of the locale takes one, as it is printed as "?". */
size_t screen_width(const struct screen *s, const char *text);

/* Prints the text, or as much as fits into this many columns, and returns those that it took. What
 * would steer a terminal, and what is no letter of the locale, is printed as "?". */
size_t screen_print(const struct screen *s, const char *text, size_t columns);

/* Prints a paragraph and a newline, broken between words, every line indented. A word that is longer
 * than a line is left whole. */
void screen_wrap(const struct screen *s, unsigned int indent, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
