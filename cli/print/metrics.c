/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/json.h"
#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/report.h"

#define METRICS_ROW_(type, member, path, kind, family, unit, label, value, property, meaning)      \
	{ METRICS_##type, METRICS_##kind, path, family, unit, label, value, property, meaning },

static const struct metrics_row metrics_report_rows[] = { SG_REPORT(METRICS_ROW_) };
static const struct metrics_row metrics_interface_rows[] = { SG_REPORT_INTERFACES(METRICS_ROW_) };
static const struct metrics_row metrics_service_rows[] = { SG_REPORT_SERVICES(METRICS_ROW_) };
static const struct metrics_row metrics_step_rows[] = { SG_REPORT_MITIGATION(METRICS_ROW_) };

/* clang-format off */
const struct metrics_table metrics_tables[] = {
	[METRICS_REPORT]     = { NULL,         NULL,        metrics_report_rows,    ARRAY_SIZE(metrics_report_rows) },
	[METRICS_INTERFACES] = { "interfaces", "interface", metrics_interface_rows, ARRAY_SIZE(metrics_interface_rows) },
	[METRICS_SERVICES]   = { "services",   "listener",  metrics_service_rows,   ARRAY_SIZE(metrics_service_rows) },
	[METRICS_MITIGATION] = { "mitigation", "step",      metrics_step_rows,      ARRAY_SIZE(metrics_step_rows) },
};
/* clang-format on */

const char *metrics_kind_name(enum metrics_kind kind)
{
	return kind == METRICS_COUNTER ? "counter" : "gauge";
}

/* ---- one line ------------------------------------------------------------------------------ */

static void metrics_head(FILE *to, const char *family, enum metrics_kind kind, const char *meaning)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", family, meaning, family,
		metrics_kind_name(kind));
}

struct metrics_label {
	const char *name; /* NULL: there is none */
	const char *value;
	size_t length; /* of the value */
};

static struct metrics_label metrics_label(const char *name, const char *value)
{
	return (struct metrics_label){ name, value, value ? strlen(value) : 0 };
}

/* An interface may be called almost anything. */
static void metrics_escaped(FILE *to, const struct metrics_label *label)
{
	_cleanup_free_ char *value = strndup(label->value, label->length);
	const char *at;

	if (value)
		text_clean(value);
	for (at = value ?: ""; *at; at++) {
		if (*at == '\\' || *at == '"')
			putc('\\', to);
		putc(*at, to);
	}
}

static void metrics_sample(FILE *to, const char *family, const struct metrics_label labels[2],
			   json_int_t value)
{
	const char *before = "{";
	int i;

	fputs(family, to);
	for (i = 0; i < 2; i++) {
		if (!labels[i].name)
			continue;
		fprintf(to, "%s%s=\"", before, labels[i].name);
		metrics_escaped(to, &labels[i]);
		putc('"', to);
		before = ",";
	}
	fprintf(to, "%s %" JSON_INTEGER_FORMAT "\n", *before == ',' ? "}" : "", value);
}

/* ---- one row ------------------------------------------------------------------------------- */

static const json_t *metrics_find(const json_t *object, const char *path)
{
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		object = json_object_getn(object, path, dot - path);
		path = dot + 1;
	}
	return json_object_get(object, path);
}

/* What is in the report at this row; of a WORD whether it is the one given. */
static json_int_t metrics_value(const struct metrics_row *row, const json_t *of, const char *word,
				size_t length)
{
	const json_t *value = metrics_find(of, row->path);

	if (row->type == METRICS_WORD)
		return json_string_length(value) == length &&
		       !memcmp(json_string_value(value), word, length);
	return json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
}

/* The next word of "a|b|c", or NULL behind the last. */
static const char *metrics_next_word(const char *word, size_t *length)
{
	word += *length;
	if (!*word)
		return NULL;
	word += *word == '|';
	*length = strcspn(word, "|");
	return word;
}

/* Adds up the row over the objects from, ... end - 1 of the list; `key` is the label that they share. */
static void metrics_row(FILE *to, const struct metrics_row *row, struct metrics_label key,
			const json_t *list, size_t from, size_t end)
{
	struct metrics_label labels[] = { key, metrics_label(row->label, row->value) };
	bool words = row->type == METRICS_WORD;
	const char *word = row->value;
	json_int_t sum;
	size_t i;

	if (words) {
		labels[1].length = 0;
		word = metrics_next_word(word, &labels[1].length);
	}
	do {
		labels[1].value = word;
		for (i = from, sum = 0; i < end; i++)
			sum += metrics_value(row, json_array_get(list, i), word, labels[1].length);
		metrics_sample(to, row->family, labels, sum);
	} while (words && (word = metrics_next_word(word, &labels[1].length)));
}

/* ---- tables -------------------------------------------------------------------------------- */

/* The label that tells a row of the list from the others; its value is in *text. */
static struct metrics_label metrics_key(enum metrics_table_of of, const json_t *object,
					struct endpoint *text)
{
	const char *label = metrics_tables[of].label;

	if (of == METRICS_INTERFACES)
		return metrics_label(label, get_text(object, "name"));
	if (of == METRICS_MITIGATION)
		return metrics_label(label, get_text(object, "step"));
	*text = get_endpoint(object, "address", "port");
	return metrics_label(label, text->text);
}

/* Those beyond the first ones share a row. */
static void metrics_list_row(FILE *to, enum metrics_table_of of, const struct metrics_row *row,
			     const json_t *list)
{
	size_t count = json_array_size(list), i;
	struct endpoint text;

	for (i = 0; i < count && i < SG_REPORT_MAX_SERIES; i++)
		metrics_row(to, row, metrics_key(of, json_array_get(list, i), &text), list, i,
			    i + 1);
	if (i < count)
		metrics_row(to, row, metrics_label(metrics_tables[of].label, "other"), list, i,
			    count);
}

static void metrics_table(FILE *to, enum metrics_table_of of, const json_t *report)
{
	const struct metrics_table *table = &metrics_tables[of];
	json_auto_t *list = table->path ? json_incref(json_object_get(report, table->path)) :
					  json_pack("[O]", report);
	const struct metrics_row *row;
	const char *before = "";

	for (row = table->rows; row < table->rows + table->count; row++) {
		if (!row->family)
			continue;
		if (strcmp(row->family, before) != 0)
			metrics_head(to, row->family, row->kind, row->meaning);
		before = row->family;
		if (table->path)
			metrics_list_row(to, of, row, list);
		else
			metrics_row(to, row, metrics_label(NULL, NULL), list, 0, 1);
	}
}

static void metrics_verdicts(FILE *to, const json_t *report)
{
	json_t *by_program, *value;
	const char *program, *verdict;

	metrics_head(to, SG_REPORT_VERDICTS_FAMILY, METRICS_COUNTER, SG_REPORT_VERDICTS_MEANING);
	json_object_foreach(json_object_get(report, "verdicts"), program, by_program) {
		json_object_foreach(by_program, verdict, value) {
			const struct metrics_label labels[] = {
				metrics_label("program", program),
				metrics_label("verdict", verdict),
			};

			metrics_sample(to, SG_REPORT_VERDICTS_FAMILY, labels,
				       json_integer_value(value));
		}
	}
}

void metrics_print(FILE *to, const json_t *report)
{
	const struct metrics_label none[2] = {};
	int of;

	metrics_head(to, SG_REPORT_UP_FAMILY, METRICS_GAUGE, SG_REPORT_UP_MEANING);
	metrics_sample(to, SG_REPORT_UP_FAMILY, none, report != NULL);
	if (!report)
		return;
	for (of = 0; of < METRICS_TABLE_COUNT; of++)
		metrics_table(to, of, report);
	metrics_verdicts(to, report);
}
