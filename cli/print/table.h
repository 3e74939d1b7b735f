/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: columns as wide as what is in them, and where that is too much for the screen
 * first cut, then left out.
 *
 *	static const struct table_column columns[] = {
 *		{ "SERVICE", .cut = 10, .middle = true },
 *		{ "SYNS", .right = true, .rank = 2 },
 *		{ "PROVEN", .wide = true },
 *		{}
 *	};
 *
 * A cell that was cut shows it by "…", or by "~" where the locale has no such letter. On a wide
 * screen nothing is cut nor left out.
 */
#pragma once

#include "cli/base/screen.h"

#define TABLE_COLUMNS_MAX 16

struct table_column {
	const char *title;
	bool right;	   /* numbers */
	bool middle;	   /* is cut in its middle: an address keeps its port */
	bool wide;	   /* only shown on a wide screen */
	unsigned int from; /* only shown from so many columns of the screen on, or on a wide one */
	unsigned int cut;  /* may be cut to this many columns; 0: never */
	unsigned int rank; /* the highest is left out first; 0: never */
};

struct table;

/* columns ends with a row without a title, and outlives the table. NULL without memory. */
struct table *table_new(const struct table_column *columns);
struct table *table_free(struct table *t);

/* The next cell, row by row. Without memory nothing happens, and table_print() says so. */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_cell_coloured(struct table *t, enum screen_colour colour, const char *text);

/* A sentence below the row that was filled last, indented and broken; "" is none. */
void table_remark(struct table *t, const char *text);

/* -ENOMEM: not all of the cells could be kept, and nothing was printed. */
int table_print(const struct table *t, const struct screen *s);
