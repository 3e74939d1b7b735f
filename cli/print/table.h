/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/print: output for people and for Prometheus, made from the daemon's JSON: tables (here), status,
 * the views of sockets, metrics. Pure but for the printing; who fetches the JSON is left to the verbs.
 *
 * A table has columns as wide as their cells. Where that is too much for the screen, columns are first
 * cut, then left out.
 *
 *	static const struct table_column columns[] = {
 *		{ "SERVICE", show_endpoint, "address", .cut = 10, .middle = true },
 *		{ "SYNS", show_number, "syns", .right = true, .rank = 2 },
 *		{ "PROVEN", show_yes, "proven", .wide = true },
 *		{}
 *	};
 *
 * The mark of a cut is "…", or "~" where the locale has no such letter. On a wide screen nothing is
 * cut nor left out.
 */
#pragma once

#include <jansson.h>

#include "cli/base/screen.h"

#define TABLE_COLUMNS_MAX 16

struct table;

/* Adds the cell of a column, which is about this member of the row. */
typedef void (*table_show)(struct table *t, const json_t *row, const char *key,
			   const struct screen *s);

struct table_column {
	const char *title;
	table_show show; /* of a table that table_print_rows() fills */
	const char *key;
	bool right;	   /* numbers */
	bool middle;	   /* is cut in its middle: an address keeps its port */
	bool wide;	   /* shown on a wide screen only */
	unsigned int from; /* shown on screens of so many columns and more, and on a wide one */
	unsigned int cut;  /* may be cut to this many columns; 0: never */
	unsigned int rank; /* the highest is left out first; 0: never */
};

/* columns ends with a row without a title, and outlives the table. NULL without memory. */
struct table *table_new(const struct table_column *columns);
struct table *table_free(struct table *t);

/* The next cell, row by row. Without memory nothing happens, and table_print() says so. */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_cell_coloured(struct table *t, enum screen_colour colour, const char *text);

/* A sentence below the row that was filled last, indented and wrapped; "" is none. */
void table_remark(struct table *t, const char *text);

/* -ENOMEM: not all of the cells could be kept, and nothing was printed. */
int table_print(const struct table *t, const struct screen *s);

/* Prints the first `count` of these rows (or all there are), a cell for each column by its show().
 * Returns an exit code; that memory is short has been printed. */
int table_print_rows(const struct table_column *columns, const json_t *rows, size_t count,
		     const struct screen *s);

/* Cells of the kinds that there are in several tables. What the row does not have is "-". */
void show_text(struct table *t, const json_t *row, const char *key, const struct screen *s);
void show_number(struct table *t, const json_t *row, const char *key, const struct screen *s);
/* "3/128", key and key_max */
void show_queue(struct table *t, const json_t *row, const char *key, const struct screen *s);
/* seconds with a digit of their parts */
void show_seconds(struct table *t, const json_t *row, const char *key, const struct screen *s);
/* an address and its port, which is "port" for the key "address", and KEY_port for others */
void show_endpoint(struct table *t, const json_t *row, const char *key, const struct screen *s);
