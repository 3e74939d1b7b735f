/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report as Prometheus text (exposition format 0.0.4), by the tables of synguard/report.h.
 *
 * Labels come from a closed set and never name a source of packets. Of a long list the first
 * SG_REPORT_MAX_SERIES rows have series, the others are summed up in one.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

enum metrics_type {
	METRICS_COUNT,
	METRICS_FLAG,
	METRICS_INT,
	METRICS_PORT,
	METRICS_RATIO,
	METRICS_TEXT,
	METRICS_CHARS,
	METRICS_WORD,
	METRICS_ADDRESS,
};

enum metrics_kind {
	METRICS_NONE,
	METRICS_COUNTER,
	METRICS_GAUGE,
};

/* A row of synguard/report.h without what only the daemon needs. */
struct metrics_row {
	enum metrics_type type;
	enum metrics_kind kind;
	const char *path;
	const char *family; /* NULL: none */
	const char *unit;
	const char *label;
	const char *value;
	const char *property;
	const char *meaning;
};

/* A table: of the report itself, or of the rows of a list in it. */
enum metrics_table_of {
	METRICS_REPORT,
	METRICS_INTERFACES,
	METRICS_SERVICES,
	METRICS_MITIGATION,
	METRICS_TABLE_COUNT,
};

struct metrics_table {
	const char *path;  /* of the list in the report; NULL: the report */
	const char *label; /* that tells its rows apart; NULL: there is one */
	const struct metrics_row *rows;
	size_t count;
};

extern const struct metrics_table metrics_tables[METRICS_TABLE_COUNT];

/* "counter" or "gauge". */
const char *metrics_kind_name(enum metrics_kind kind);

/* report NULL: the daemon does not answer. Errors of `to` are left in it. */
void metrics_print(FILE *to, const json_t *report);
