/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that people write and read: decimal numbers, misspelt names, sentences with fields to fill
 * in, paragraphs broken into lines, and bytes that must not reach a terminal. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- decimal numbers ---- */

/*
 * A number as it would be printed: digits only, no sign, blank or leading zero. Bounds included.
 * -EINVAL: no such number; -ERANGE: out of bounds.
 */
int text_decimal(const char *text, uint64_t least, uint64_t most, uint64_t *ret);

/* The number at the front of *text, which is moved behind it. -EINVAL: no such number; -ERANGE:
 * more than 64 bits hold, *text is moved all the same. */
int text_take_decimal(const char **text, uint64_t *ret);

/* ---- names ---- */

/* The place of the name in the table, or -EINVAL. */
int text_find(const char *const *names, size_t count, const char *name);

/*
 *	struct nearest n = nearest_to("statsu");
 *	nearest_offer(&n, "status");
 *	... n.name, NULL where nothing that was offered is near
 */
struct nearest {
	const char *wanted;
	const char *name; /* as it was offered */
	unsigned int distance;
};

struct nearest nearest_to(const char *wanted);
void nearest_offer(struct nearest *n, const char *name);

/* Letters to change, to insert, to remove or to swap with the next one; case does not count. */
unsigned int nearest_distance(const char *a, const char *b);

/* ---- sentences ---- */

/* The value of a field; NULL or "": none. */
typedef const char *(*text_value_fn)(void *userdata, const char *field);

/*
 * Replaces each "{field}" by its value, "{:field}" by ": " and the value, or by nothing where there
 * is no value. Cuts between two characters of UTF-8 what has no room. Returns the length.
 */
size_t text_fill(char *ret, size_t size, const char *sentence, text_value_fn value, void *userdata);

/*
 * The bytes that the first letter of a text takes in the locale, at least 1; *columns: those that it
 * is printed in, less than 0 where it is no letter, or a control character.
 */
size_t text_letter(const char *text, size_t bytes, int *columns);

/*
 * Prints a paragraph: lines that begin with begin, broken at blanks and newlines to this many
 * columns (of the locale's letters). A word that is longer than a line is left whole.
 */
void text_wrap(FILE *to, const char *begin, size_t columns, const char *text);

/* ---- what must not reach a terminal ---- */

/* No control character (below U+0020, U+007F to U+009F) but those that are allowed ("\t"). */
bool text_is_plain(const char *text, const char *allowed);
/* RFC 3629: the shortest form, no surrogates, up to U+10FFFF. */
bool text_is_utf8(const char *text);
/* Puts "?" in place of each byte of a control character, and of each that is not ASCII where the text
 * is no UTF-8. */
void text_clean(char *text);
/* Prints what the format makes as one line, cleaned. */
void text_say(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
