/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output for people: numbers that are short and never too high, paragraphs, and tables on screens of
 * every width.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/screen.h"
#include "cli/print/table.h"
#include "suite.h"

/* A screen that keeps what is printed; text is the caller's from taken() on. */
struct paper {
	struct screen screen;
	char *text;
	size_t size;
};

static void paper_new(struct paper *p, unsigned int columns, bool utf8)
{
	*p = (struct paper){ .screen = { .columns = columns, .utf8 = utf8 } };
	p->screen.to = open_memstream(&p->text, &p->size);
	ck_assert_ptr_nonnull(p->screen.to);
}

static char *taken(struct paper *p)
{
	fclose(p->screen.to);
	return p->text;
}

START_TEST(screen_numbers)
{
	/* clang-format off */
	static const struct { uint64_t n; const char *is; } rows[] = {
		{ 0, "0" }, { 7, "7" }, { 9999, "9999" }, { 10000, "10.0k" }, { 10049, "10.0k" },
		{ 12345, "12.3k" }, { 99999, "99.9k" }, { 100000, "100k" }, { 999999, "999k" },
		{ 1000000, "1.00M" }, { 1009999, "1.00M" }, { 4567890, "4.56M" },
		{ 12345678, "12.3M" }, { 999999999, "999M" }, { 1000000000, "1.00G" },
		{ 999999999999, "999G" }, { 1000000000000, "1.00T" }, { 1000000000000000, "1.00P" },
		{ 1000000000000000000, "1.00E" }, { UINT64_MAX, "18.4E" },
	};
	/* clang-format on */
	const struct screen narrow = { .columns = 80 }, wide = { .columns = 80, .wide = true };
	char exact[32];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_str_eq(screen_number(&narrow, rows[i].n).text, rows[i].is);
		snprintf(exact, sizeof(exact), "%llu", (unsigned long long)rows[i].n);
		ck_assert_str_eq(screen_number(&wide, rows[i].n).text, exact);
	}
}
END_TEST

START_TEST(screen_paragraphs)
{
	struct paper p;
	char *text;

	paper_new(&p, 20, false);
	screen_wrap(&p.screen, 2, "%s", "twenty columns, no more; a_word_that_is_longer_than_that");
	text = taken(&p);
	ck_assert_str_eq(text,
			 "  twenty columns, no\n  more;\n  a_word_that_is_longer_than_that\n");
	free(text);

	paper_new(&p, 20, false);
	p.screen.wide = true;
	screen_wrap(&p.screen, 0, "%s", "twenty columns, but it is wide");
	text = taken(&p);
	ck_assert_str_eq(text, "twenty columns, but it is wide\n");
	free(text);
}
END_TEST

/* An interface may have any name without a slash, a colon and a space: also one that would steer the
 * terminal. */
START_TEST(screen_steers_no_terminal)
{
	struct paper p;
	char *text;

	paper_new(&p, 80, true);
	screen_print(&p.screen, "a\033[2Jb\x7f\n\xff\xc3", SIZE_MAX);
	text = taken(&p);
	ck_assert_str_eq(text, "a?[2Jb????");
	free(text);

	paper_new(&p, 80, false);
	screen_print(&p.screen, "h\xc3\xa4", SIZE_MAX);
	text = taken(&p);
	ck_assert_str_eq(text, "h??");
	free(text);
}
END_TEST

/* ---- tables -------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "NAME", .cut = 5, .middle = true },
	{ "WORD", .cut = 3 },
	{ "NUMBER", .right = true, .rank = 1 },
	{ "LAST", .right = true, .rank = 2 },
	{ "MORE", .wide = true },
	{},
};

static char *printed(unsigned int width, bool utf8, bool wide)
{
	struct table *t = table_new(columns);
	struct paper p;

	paper_new(&p, width, utf8);
	p.screen.wide = wide;
	ck_assert_ptr_nonnull(t);
	table_cell(t, "%s", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
	table_cell(t, "%s", "a_long_word");
	table_cell(t, "%d", 1);
	table_cell(t, "%s", "20000");
	table_cell(t, "%s", "more");
	table_remark(t, "");
	table_remark(t, "something about the first row");
	table_cell(t, "%s", "b");
	table_cell(t, "%s", "w");
	table_cell(t, "%d", 300000);
	table_cell(t, "%d", 4);
	table_cell(t, "%s", "m");
	ck_assert_int_eq(table_print(t, &p.screen), 0);
	table_free(t);
	return taken(&p);
}

static void expect_table(unsigned int width, bool utf8, bool wide, const char *is)
{
	char *text = printed(width, utf8, wide);

	ck_assert_str_eq(text, is);
	free(text);
}

START_TEST(table_fits)
{
	/* nothing to cut: two spaces between columns */
	expect_table(
		80, true, false,
		"NAME                                            WORD         NUMBER   LAST\n"
		"[2001:db8:1111:2222:3333:4444:5555:6666]:65535  a_long_word       1  20000\n"
		"  something about the first row\n"
		"b                                               w            300000      4\n");
	/* all columns, whatever the width */
	expect_table(
		20, true, true,
		"NAME                                            WORD         NUMBER   LAST  MORE\n"
		"[2001:db8:1111:2222:3333:4444:5555:6666]:65535  a_long_word       1  20000  more\n"
		"  something about the first row\n"
		"b                                               w            300000      4  m\n");
}
END_TEST

/* The widest is cut first, an address in its middle, and then what matters least goes. */
START_TEST(table_cuts)
{
	expect_table(40, true, false,
		     "NAME            WORD        NUMBER  LAST\n"
		     "[2001:d…]:65535 a_long_word      1 20000\n"
		     "  something about the first row\n"
		     "b               w           300000     4\n");
	expect_table(40, false, false,
		     "NAME            WORD        NUMBER  LAST\n"
		     "[2001:d~]:65535 a_long_word      1 20000\n"
		     "  something about the first row\n"
		     "b               w           300000     4\n");
	/* LAST is left out, and what it had is given back */
	expect_table(20, true, false,
		     "NAME   WORD   NUMBER\n"
		     "[20…35 a_lon…      1\n"
		     "  something about\n"
		     "  the first row\n"
		     "b      w      300000\n");
	expect_table(12, true, false,
		     "NAME  WORD\n"
		     "[2…35 a_lon…\n"
		     "  something\n"
		     "  about the\n"
		     "  first row\n"
		     "b     w\n");
}
END_TEST

START_TEST(table_at_every_width)
{
	size_t length;
	char *text, *line;
	unsigned int width;

	for (width = 1; width <= 400; width++) {
		text = printed(width, true, false);
		for (line = text; *line; line += length + 1) {
			const struct screen s = { .utf8 = true };
			char copy[512];

			length = strcspn(line, "\n");
			ck_assert_uint_lt(length, sizeof(copy));
			snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
			ck_assert_msg(!length || copy[length - 1] != ' ', "a space ends \"%s\"",
				      copy);
			/* two columns are always there, and words of a remark stay whole */
			if (width >= 12)
				ck_assert_msg(screen_width(&s, copy) <= width, "%u: \"%s\"", width,
					      copy);
		}
		free(text);
	}
}
END_TEST

/* Colours take no columns, and nothing is left coloured. */
START_TEST(table_colours)
{
	static const struct table_column two[] = { { "A" }, { "B", .right = true }, {} };
	int i;

	for (i = 0; i < 2; i++) {
		struct table *t = table_new(two);
		struct paper p;
		char *text;

		paper_new(&p, 80, false);
		p.screen.colour = i;
		table_cell_coloured(t, SCREEN_BAD, "bad");
		table_cell(t, "1");
		ck_assert_int_eq(table_print(t, &p.screen), 0);
		table_free(t);
		text = taken(&p);
		ck_assert_str_eq(text,
				 i ? "A    B\n\033[1;31mbad\033[0m  1\n" : "A    B\nbad  1\n");
		free(text);
	}
}
END_TEST

/* Half a row is none. */
START_TEST(table_unfinished)
{
	static const struct table_column two[] = { { "A" }, { "B" }, {} };
	struct table *t = table_new(two);
	struct paper p;
	char *text;

	paper_new(&p, 80, false);
	table_cell(t, "1");
	ck_assert_int_eq(table_print(t, &p.screen), 0);
	table_free(t);
	text = taken(&p);
	ck_assert_str_eq(text, "A  B\n");
	free(text);
}
END_TEST

/* The processes that run the tests inherit it. */
static const char *lacks_utf8(void)
{
	return setlocale(LC_CTYPE, "C.UTF-8") ? NULL : "there is no locale C.UTF-8";
}

SUITE_NEEDS(lacks_utf8)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(screen_numbers, 5),
	SUITE_TEST(screen_paragraphs, 5),
	SUITE_TEST(screen_steers_no_terminal, 5),
	SUITE_TEST(table_fits, 5),
	SUITE_TEST(table_cuts, 5),
	SUITE_TEST(table_at_every_width, 10),
	SUITE_TEST(table_colours, 5),
	SUITE_TEST(table_unfinished, 5),
	{}
};
/* clang-format on */
