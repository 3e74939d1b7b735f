/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output for people: how wide the screen is, which letters and colours it has; short numbers and
 * wrapped sentences.
 *
 * All text that is not the program's own (arguments, names of interfaces and processes, the daemon's
 * messages) reaches a terminal through these functions, which print control bytes and what is no
 * letter of the locale as "?".
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Of a pipe or a file. */
#define SCREEN_COLUMNS 80

struct screen {
	FILE *to;
	unsigned int columns; /* any number: a window can have one column */
	bool wide;	      /* nothing is cut, wrapped or rounded */
	bool utf8;
	bool colour;
};

/* Colours only for a terminal that has them, and not where NO_COLOR is set. The caller has set the
 * locale (LC_CTYPE). */
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

/* Columns that a text takes as screen_print() prints it. */
size_t screen_width(const struct screen *s, const char *text);

/* Prints the text, or as much as fits into this many columns, and returns those that it took. */
size_t screen_print(const struct screen *s, const char *text, size_t columns);

/* Prints a paragraph and a newline, wrapped between words, every line indented. A word that is longer
 * than a line is left whole. */
#define screen_wrap(s, indent, ...) screen_wrap_item(s, "", indent, __VA_ARGS__)

/* The same behind a label, which takes the place of the first indent. */
void screen_wrap_item(const struct screen *s, const char *label, unsigned int indent,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Prints "synguard: " and the message as a line on stderr. Returns the exit code that it is given. */
int print_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int out_of_memory(void);
void print_error_v(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* Prints a line below an error: what to do. */
void print_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
