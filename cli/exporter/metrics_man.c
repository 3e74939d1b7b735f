/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Build time only: fills the tables of synguard-metrics(7), scdoc source, from those of the code.
 *
 * Copies stdin to stdout; a line "@NAME@" becomes the table of that name.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/report.h"
#include "synguard/verdict.h"

#include "cli/print/metrics.h"

/* Names have underscores, which scdoc would take for underlining. */
static void put_plain(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\|#[]<>", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void put_bold(const char *text)
{
	putchar('*');
	put_plain(text);
	putchar('*');
}

/* "a|b|c" as "a, b, c" */
static void put_words(const char *words)
{
	for (; *words; words++) {
		if (*words == '|')
			fputs(", ", stdout);
		else
			put_plain((const char[]){ *words, '\0' });
	}
}

static bool is_same_family(const struct metrics_row *row, const struct metrics_row *other)
{
	return other->family && !strcmp(row->family, other->family);
}

/* The label of the row, and its values: those of a family's rows are told with the first. */
static void put_label(const struct metrics_table *table, const struct metrics_row *row)
{
	const struct metrics_row *other = row;

	put_plain(row->label);
	fputs(": ", stdout);
	put_words(row->value);
	while (++other < table->rows + table->count && is_same_family(row, other)) {
		fputs(", ", stdout);
		put_words(other->value);
	}
}

/* A definition: name, kind and labels in a line, and the meaning below it. */
static void put_family(const struct metrics_table *table, const struct metrics_row *row)
{
	put_bold(row->family);
	printf(" (%s", metrics_kind_name(row->kind));
	if (table->label)
		printf("; %s", table->label);
	if (row->label) {
		fputs("; ", stdout);
		put_label(table, row);
	}
	fputs(")\n\t", stdout);
	put_plain(row->meaning);
	fputs("\n\n", stdout);
}

static void put_families(const struct metrics_table *table)
{
	const struct metrics_row *row;

	for (row = table->rows; row < table->rows + table->count; row++)
		if (row->family && (row == table->rows || !is_same_family(row, row - 1)))
			put_family(table, row);
}

static void families_report(void)
{
	put_bold(SG_REPORT_UP_FAMILY);
	fputs(" (gauge)\n\t", stdout);
	put_plain(SG_REPORT_UP_MEANING);
	fputs("\n\n", stdout);
	put_families(&metrics_tables[METRICS_REPORT]);
	put_bold(SG_REPORT_VERDICTS_FAMILY);
	fputs(" (counter; program; verdict)\n\t", stdout);
	put_plain(SG_REPORT_VERDICTS_MEANING);
	fputs("\n\n", stdout);
}

static void families_interfaces(void)
{
	put_families(&metrics_tables[METRICS_INTERFACES]);
}

static void families_services(void)
{
	put_families(&metrics_tables[METRICS_SERVICES]);
}

static void families_mitigation(void)
{
	put_families(&metrics_tables[METRICS_MITIGATION]);
}

static void properties(void)
{
	const struct metrics_table *table = &metrics_tables[METRICS_REPORT];
	const struct metrics_row *row;

	for (row = table->rows; row < table->rows + table->count; row++) {
		if (!row->property)
			continue;
		put_bold(row->property);
		fputs(" (", stdout);
		put_plain(row->path);
		fputs(")\n\t", stdout);
		put_plain(row->meaning);
		fputs("\n\n", stdout);
	}
}

#define VERDICT_(in, name, action, label_, meaning_) { in, label_, meaning_ },
static const struct {
	unsigned int programs;
	const char *label;
	const char *meaning;
} verdict_rows[] = { SG_VERDICTS(VERDICT_) };

static void verdicts(void)
{
	static const char *const names[] = { "xdp", "ingress", "egress" };
	size_t i, program;

	for (i = 0; i < ARRAY_SIZE(verdict_rows); i++) {
		const char *before = " (";

		put_bold(verdict_rows[i].label);
		for (program = 0; program < SG_PROGRAM_COUNT; program++) {
			if (!(verdict_rows[i].programs & (1u << program)))
				continue;
			printf("%s%s", before, names[program]);
			before = ", ";
		}
		fputs(")\n\t", stdout);
		put_plain(verdict_rows[i].meaning);
		fputs(".\n\n", stdout);
	}
}

static const struct {
	const char *name;
	void (*put)(void);
} tables[] = {
	{ "@REPORT@\n", families_report },     { "@INTERFACES@\n", families_interfaces },
	{ "@SERVICES@\n", families_services }, { "@MITIGATION@\n", families_mitigation },
	{ "@PROPERTIES@\n", properties },      { "@VERDICTS@\n", verdicts },
};

int main(void)
{
	_cleanup_free_ char *line = NULL;
	bool seen[ARRAY_SIZE(tables)] = {};
	size_t size = 0, i;

	while (getline(&line, &size, stdin) > 0) {
		for (i = 0; i < ARRAY_SIZE(tables); i++)
			if (!strcmp(line, tables[i].name))
				break;
		if (i == ARRAY_SIZE(tables)) {
			fputs(line, stdout);
			continue;
		}
		tables[i].put();
		seen[i] = true;
	}
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (seen[i])
			continue;
		fprintf(stderr, "the page has no line %s", tables[i].name);
		return 1;
	}
	return ferror(stdin) || fflush(stdout);
}
