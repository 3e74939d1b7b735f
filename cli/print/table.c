/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/json.h"

DEFINE_CLEANUP(struct table, table_free)

/* Between columns; one is enough where two do not fit. */
#define TABLE_GAP 2

struct table_item {
	char *text;
	enum screen_colour colour;
	bool remark;
};

struct table {
	const struct table_column *columns;
	unsigned int column_count;
	struct table_item *items; /* cells row by row, remarks between the rows */
	size_t count;
	bool failed;
};

/* The columns on one screen. */
struct table_layout {
	size_t widths[TABLE_COLUMNS_MAX]; /* 0: left out */
	unsigned int gap;
};

struct table *table_new(const struct table_column *columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->columns = columns;
	while (t->column_count < TABLE_COLUMNS_MAX && columns[t->column_count].title)
		t->column_count++;
	return t;
}

struct table *table_free(struct table *t)
{
	size_t i;

	if (!t)
		return NULL;
	for (i = 0; i < t->count; i++)
		free(t->items[i].text);
	free(t->items);
	free(t);
	return NULL;
}

/* Takes the text. */
static void table_add(struct table *t, struct table_item item)
{
	struct table_item *items = NULL;

	if (item.text)
		items = realloc(t->items, (t->count + 1) * sizeof(*items));
	if (!items) {
		t->failed = true;
		free(item.text);
		return;
	}
	t->items = items;
	items[t->count++] = item;
}

void table_cell(struct table *t, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	table_add(t, (struct table_item){ .text = n < 0 ? NULL : text });
}

void table_cell_coloured(struct table *t, enum screen_colour colour, const char *text)
{
	table_add(t, (struct table_item){ .text = strdup(text), .colour = colour });
}

void table_remark(struct table *t, const char *text)
{
	if (*text)
		table_add(t, (struct table_item){ .text = strdup(text), .remark = true });
}

/* ---- the layout ---------------------------------------------------------------------------- */

static void table_measure(const struct table *t, const struct screen *s, struct table_layout *l)
{
	unsigned int column = 0;
	size_t i, width;

	for (i = 0; i < t->column_count; i++)
		l->widths[i] = screen_width(s, t->columns[i].title);
	for (i = 0; i < t->count; i++) {
		if (t->items[i].remark)
			continue;
		width = screen_width(s, t->items[i].text);
		if (width > l->widths[column])
			l->widths[column] = width;
		column = (column + 1) % t->column_count;
	}
	for (i = 0; i < t->column_count; i++)
		if ((t->columns[i].wide || s->columns < t->columns[i].from) && !s->wide)
			l->widths[i] = 0;
}

static size_t table_width(const struct table *t, const struct table_layout *l)
{
	size_t i, width = 0;

	for (i = 0; i < t->column_count; i++)
		if (l->widths[i])
			width += (width ? l->gap : 0) + l->widths[i];
	return width;
}

/* Takes from the widest first, so that no column pays for another. False: nothing left to take. */
static bool table_cut(const struct table *t, struct table_layout *l)
{
	int widest = -1, i;

	for (i = 0; i < (int)t->column_count; i++)
		if (t->columns[i].cut && l->widths[i] > t->columns[i].cut &&
		    (widest < 0 || l->widths[i] > l->widths[widest]))
			widest = i;
	if (widest < 0)
		return false;
	l->widths[widest]--;
	return true;
}

static bool table_leave_out(const struct table *t, struct table_layout *l)
{
	int last = -1, i;

	for (i = 0; i < (int)t->column_count; i++)
		if (l->widths[i] && t->columns[i].rank &&
		    (last < 0 || t->columns[i].rank >= t->columns[last].rank))
			last = i;
	if (last < 0)
		return false;
	l->widths[last] = 0;
	return true;
}

/* A column that has been left out gives its room to those that had been cut. */
static void table_fit(const struct table *t, const struct screen *s, struct table_layout *l)
{
	struct table_layout whole;

	l->gap = TABLE_GAP;
	table_measure(t, s, l);
	if (s->wide || table_width(t, l) <= s->columns)
		return;
	l->gap = 1;
	whole = *l;
	for (;;) {
		while (table_width(t, l) > s->columns && table_cut(t, l))
			;
		if (table_width(t, l) <= s->columns || !table_leave_out(t, &whole))
			return;
		*l = whole;
	}
}

/* ---- printing ------------------------------------------------------------------------------ */

/* The last `columns` of a text. */
static const char *table_tail(const struct screen *s, const char *text, size_t columns)
{
	const char *end = text + strlen(text), *tail = end;

	while (tail > text && screen_width(s, tail - 1) <= columns)
		tail--;
	/* not in the middle of a letter */
	while (tail < end && s->utf8 && (*tail & 0xc0) == 0x80)
		tail++;
	return tail;
}

static size_t table_print_cut(const struct screen *s, const char *text, size_t width, bool middle)
{
	size_t tail = middle ? (width - 1) / 2 : 0, printed;

	printed = screen_print(s, text, width - 1 - tail);
	fputs(s->utf8 ? "…" : "~", s->to);
	printed++;
	if (tail)
		printed += screen_print(s, table_tail(s, text, tail), tail);
	return printed;
}

static void table_print_cell(const struct screen *s, const struct table_column *column,
			     const char *text, enum screen_colour colour, size_t width, bool last)
{
	size_t wanted = screen_width(s, text), printed;

	if (column->right && wanted < width)
		fprintf(s->to, "%*s", (int)(width - wanted), "");
	if (colour != SCREEN_PLAIN)
		fputs(screen_colour(s, colour), s->to);
	if (wanted > width)
		printed = table_print_cut(s, text, width, column->middle);
	else
		printed = screen_print(s, text, width);
	if (colour != SCREEN_PLAIN)
		fputs(screen_colour(s, SCREEN_PLAIN), s->to);
	if (!column->right && printed < width && !last)
		fprintf(s->to, "%*s", (int)(width - printed), "");
}

/* The titles where items is NULL. Spaces at the end of a line are left out. */
static void table_print_row(const struct table *t, const struct screen *s,
			    const struct table_layout *l, const struct table_item *items)
{
	unsigned int i, last = 0;
	bool first = true;

	for (i = 0; i < t->column_count; i++)
		if (l->widths[i])
			last = i;
	for (i = 0; i < t->column_count; i++) {
		if (!l->widths[i])
			continue;
		fprintf(s->to, "%*s", first ? 0 : (int)l->gap, "");
		table_print_cell(s, &t->columns[i], items ? items[i].text : t->columns[i].title,
				 items ? items[i].colour : SCREEN_PLAIN, l->widths[i], i == last);
		first = false;
	}
	putc('\n', s->to);
}

int table_print(const struct table *t, const struct screen *s)
{
	struct table_layout l;
	size_t i = 0;

	if (t->failed)
		return -ENOMEM;
	table_fit(t, s, &l);
	table_print_row(t, s, &l, NULL);
	while (i < t->count) {
		if (t->items[i].remark) {
			screen_wrap(s, 2, "%s", t->items[i++].text);
			continue;
		}
		if (i + t->column_count > t->count)
			break; /* a row that was not finished */
		table_print_row(t, s, &l, &t->items[i]);
		i += t->column_count;
	}
	return 0;
}

/* ---- rows of JSON -------------------------------------------------------------------------- */

int table_print_rows(const struct table_column *columns, const json_t *rows, size_t count,
		     const struct screen *s)
{
	_cleanup_(table_free_at) struct table *t = table_new(columns);
	const struct table_column *column;
	const json_t *row;
	size_t i;

	for (i = 0; t && i < count && (row = json_array_get(rows, i)); i++)
		for (column = columns; column->title; column++)
			column->show(t, row, column->key, s);
	return t && table_print(t, s) >= 0 ? SG_EXIT_OK : out_of_memory();
}

void show_text(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	table_cell(t, "%s", json_string_value(json_object_get(row, key)) ?: "-");
}

/* "-" where it is not known. */
static struct screen_number short_number(const json_t *row, const char *key, const struct screen *s)
{
	if (!has_number(row, key))
		return (struct screen_number){ "-" };
	return screen_number(s, get_number(row, key));
}

void show_number(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	table_cell(t, "%s", short_number(row, key, s).text);
}

void show_queue(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	char limit[64];

	snprintf(limit, sizeof(limit), "%s_max", key);
	table_cell(t, "%s/%s", short_number(row, key, s).text, short_number(row, limit, s).text);
}

void show_seconds(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	table_cell(t, "%.1f", get_real(row, key));
}

void show_endpoint(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	char port[64];

	snprintf(port, sizeof(port), strcmp(key, "address") ? "%s_port" : "port", key);
	table_cell(t, "%s", get_endpoint(row, key, port).text);
}
