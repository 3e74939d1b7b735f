/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the tables of the code into a template of packaging/: stdin to stdout, when things are
 * built. The argument names the template.
 *
 * A field is a name between two "@". It is replaced by its text; where it stands alone in its line,
 * by lines of the same indentation. Each field of the template has to be there, and no other.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/mitigation.h"
#include "synguard/report.h"
#include "synguard/verdict.h"

#include "cli/base/args.h"
#include "cli/print/metrics.h"
#include "cli/print/views.h"
#include "daemon/base/text.h"
#include "daemon/settings/settings.h"

/* ---- bash ---------------------------------------------------------------------------------- */

static void verb_words(const char *indent)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		printf("%s%s", v == verbs ? "" : " ", v->name);
}

/* The options of a verb, NULL: those that may stand before one. */
static void option_words(const struct verb *verb)
{
	const char *separator = "";
	const struct verb_option *o;

	for (o = verb ? verb->options : NULL; o && o->name; o++, separator = " ")
		printf("%s--%s", separator, o->name);
	for (o = common_options; o->name; o++) {
		if (verb && !verb_takes(verb, o) && strcmp(o->name, "help"))
			continue;
		printf("%s--%s", separator, o->name);
		separator = " ";
	}
}

/* "--a | --b": common options that the next word belongs to, too. */
static void common_with_value(const char *indent)
{
	const char *separator = "";
	const struct verb_option *o;

	for (o = common_options; o->name; o++) {
		if (!o->argument)
			continue;
		printf("%s--%s", separator, o->name);
		separator = " | ";
	}
}

/* "[MODE]" is called MODE. Of several arguments the first one counts. */
static void print_bare(const char *arguments)
{
	arguments += strspn(arguments, "[");
	printf("%.*s", (int)strcspn(arguments, " ].|"), arguments);
}

/* The words of the options behind which a word is none of the verb's arguments. */
static void with_value(const struct verb_option *o, const struct verb *verb)
{
	for (; o && o->name; o++)
		if (o->argument && (!o->common || verb_takes(verb, o)))
			printf("--%s ", o->name);
}

static void completion_verbs(const char *indent)
{
	const struct verb *v;

	printf("%s'')\n%s\toptions='", indent, indent);
	option_words(NULL);
	printf("'\n%s\twords=$verbs\n%s\t;;\n", indent, indent);
	for (v = verbs; v->name; v++) {
		printf("%s%s)\n%s\toptions='", indent, v->name, indent);
		option_words(v);
		printf("'\n%s\tvalued=' ", indent);
		with_value(v->options, v);
		with_value(common_options, v);
		printf("'\n");
		if (*v->arguments) {
			printf("%s\targument=", indent);
			print_bare(v->arguments);
			putchar('\n');
		}
		if (v->words)
			printf("%s\twords='%s'\n", indent, v->words);
		else if (strstr(v->arguments, "VERB"))
			printf("%s\twords=$verbs\n", indent);
		printf("%s\t;;\n", indent);
	}
}

/* "VERB:WORD)" for each pair of .then, and for every other word nothing. */
static void completion_then(const char *indent)
{
	const struct verb *v;
	const char *at;
	int word, called;

	for (v = verbs; v->name; v++) {
		for (at = v->then ?: ""; *at; at += called, at += strspn(at, " ")) {
			word = strcspn(at, " ");
			printf("%s%s:%.*s) argument=", indent, v->name, word, at);
			at += word;
			at += strspn(at, " ");
			called = strcspn(at, " ");
			printf("%.*s ;;\n", called, at);
		}
	}
}

static void mitigation_steps(const char *indent)
{
	static const char *const steps[] = {
#define FILL_STEP_(name, word, ...) word,
		SG_MITIGATION(FILL_STEP_)
#undef FILL_STEP_
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		printf("%s%s", i ? " " : "", steps[i]);
}

static void completion_option(const char *indent, const char *verb, const struct verb_option *o)
{
	if (o->argument)
		printf("%s%s--%s)\n%s\t_synguard_argument %s '%s'\n%s\treturn\n%s\t;;\n", indent,
		       verb, o->name, indent, o->argument, o->words ?: "", indent, indent);
}

static void completion_options(const char *indent)
{
	const struct verb_option *o;
	const struct verb *v;

	for (v = verbs; v->name; v++)
		for (o = v->options; o && o->name; o++)
			completion_option(indent, v->name, o);
	for (o = common_options; o->name; o++)
		completion_option(indent, "*", o);
}

/* ---- scdoc --------------------------------------------------------------------------------- */

/* Without what scdoc would take for markup. */
static void put_part(const char *text, size_t length)
{
	for (; length && *text; text++, length--) {
		if (strchr("*_\\#[]|~`<>", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void put(const char *text)
{
	put_part(text, strlen(text));
}

/* "*TERM* (NOTE)" and what it means. */
static void put_definition(const char *term, const char *note, const char *meaning)
{
	putchar('*');
	put(term);
	fputs("* (", stdout);
	put(note);
	fputs(")\n\t", stdout);
	put(meaning);
	puts("\n");
}

/* Each word in italics, brackets and dots around it plain. */
static void put_arguments(const char *arguments)
{
	size_t length;

	for (; *arguments; arguments += length) {
		length = strspn(arguments, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
		if (length)
			printf("_%.*s_", (int)length, arguments);
		else
			put_part(arguments, length = 1);
	}
}

static void put_option(const struct verb_option *o, const char *indent)
{
	printf("%s*--%s*%s", indent, o->name, o->argument ? " " : "");
	put_arguments(o->argument ?: "");
	printf("\n%s\t%c", indent, toupper((unsigned char)*o->help));
	put(o->help + 1);
	puts(".\n");
}

static void man_verbs(const char *indent)
{
	const struct verb_option *o;
	const struct verb *v;
	bool any;

	for (v = verbs; v->name; v++) {
		printf("*%s*%s", v->name, *v->arguments ? " " : "");
		put_arguments(v->arguments);
		fputs("\n\t", stdout);
		put(v->about);
		puts("\n");
		for (o = common_options, any = false; o->name; o++) {
			if (!verb_takes(v, o))
				continue;
			printf("%s*--%s*", any ? ", " : "\tTakes ", o->name);
			any = true;
		}
		if (any)
			puts(".\n");
		for (o = v->options; o && o->name; o++)
			put_option(o, "\t");
	}
}

static void man_options(const char *indent)
{
	const struct verb_option *o;

	for (o = common_options; o->name; o++)
		put_option(o, "");
}

static void man_settings(const char *indent)
{
	const char *section = "";
	enum setting_id id;
	char facts[256], meaning[1024], note[128], key[64];

	for (id = 0; id < SETTINGS_COUNT; id++) {
		const struct setting *row = &settings_table[id];

		if (strcmp(section, row->section))
			printf("## [%s]\n\n", row->section);
		section = row->section;
		settings_facts(id, facts, sizeof(facts));
		snprintf(meaning, sizeof(meaning), "%s %s", row->help, facts);
		snprintf(note, sizeof(note), "default %s",
			 *row->by_default ? row->by_default : "none");
		snprintf(key, sizeof(key), "%s=", row->key);
		put_definition(key, note, meaning);
	}
}

#define MITIGATION_ROW_(name, word_, target_, kind, queue, what_, cost_, undo_, when_)             \
	{ word_, target_, what_, { "Cost: " cost_, "Undone: " undo_, "Taken: " when_ } },
static const struct {
	const char *word, *target, *what;
	const char *parts[3];
} mitigation[] = { SG_MITIGATION(MITIGATION_ROW_) };

static void man_mitigation(const char *indent)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(mitigation); i++) {
		put_definition(mitigation[i].word, mitigation[i].target, mitigation[i].what);
		for (j = 0; j < ARRAY_SIZE(mitigation[i].parts); j++) {
			putchar('\t');
			put(mitigation[i].parts[j]);
			puts("\n");
		}
	}
}

/* Named as a field is, in capitals; {somaxconn...} stands there only where it has to. */
static const char *trouble_field(void *userdata, const char *field)
{
	static char name[64];
	size_t i;

	if (!strncmp(field, "somaxconn", 9))
		return NULL;
	snprintf(name, sizeof(name), "%s", field);
	for (i = 0; name[i]; i++)
		name[i] = toupper((unsigned char)name[i]);
	return name;
}

static void man_troubles(const char *indent)
{
	char note[64], meaning[1024];
	size_t i;

	for (i = SG_TROUBLE_FLASH_CROWD; i < SG_TROUBLE_COUNT; i++) {
		snprintf(note, sizeof(note), "in tables: %s", trouble_words[i].label);
		text_fill(meaning, sizeof(meaning), trouble_words[i].sentence, trouble_field, NULL);
		put_definition(trouble_words[i].word, note, meaning);
	}
}

/* ---- the metrics --------------------------------------------------------------------------- */

static bool is_same_family(const struct metrics_row *row, const struct metrics_row *other)
{
	return other->family && !strcmp(row->family, other->family);
}

/* "label: a, b, c": the row's values, as "a|b", and those of the other rows of its family. */
static void label_values(char *ret, size_t size, const struct metrics_table *table,
			 const struct metrics_row *row)
{
	const struct metrics_row *other;
	size_t n = snprintf(ret, size, "; %s", row->label);
	const char *value, *before = ": ";

	for (other = row; other < table->rows + table->count && is_same_family(row, other);
	     other++) {
		for (value = other->value; *value; value += strspn(value, "|"), before = ", ") {
			n += snprintf(ret + n, size - n, "%s%.*s", before, (int)strcspn(value, "|"),
				      value);
			value += strcspn(value, "|");
		}
	}
}

/* Each family with its kind and labels. */
static void put_families(enum metrics_table_of of)
{
	const struct metrics_table *table = &metrics_tables[of];
	const struct metrics_row *row;
	char note[1024];
	size_t n;

	for (row = table->rows; row < table->rows + table->count; row++) {
		if (!row->family || (row != table->rows && is_same_family(row, row - 1)))
			continue;
		n = snprintf(note, sizeof(note), "%s%s%s", metrics_kind_name(row->kind),
			     table->label ? "; " : "", table->label ?: "");
		if (row->label)
			label_values(note + n, sizeof(note) - n, table, row);
		put_definition(row->family, note, row->meaning);
	}
}

static void metrics_report(const char *indent)
{
	put_definition(SG_REPORT_UP_FAMILY, "gauge", SG_REPORT_UP_MEANING);
	put_families(METRICS_REPORT);
	put_definition(SG_REPORT_VERDICTS_FAMILY, "counter; program; verdict",
		       SG_REPORT_VERDICTS_MEANING);
}

static void properties(const char *indent)
{
	const struct metrics_table *table = &metrics_tables[METRICS_REPORT];
	const struct metrics_row *row;

	for (row = table->rows; row < table->rows + table->count; row++)
		if (row->property)
			put_definition(row->property, row->path, row->meaning);
}

static void put_verdict(unsigned int programs, const char *label, const char *meaning)
{
	static const char *const names[] = { "xdp", "ingress", "egress" };
	char note[32] = "";
	size_t i, n = 0;

	for (i = 0; i < SG_PROGRAM_COUNT; i++)
		if (programs & (1u << i))
			n += snprintf(note + n, sizeof(note) - n, "%s%s", n ? ", " : "", names[i]);
	put_definition(label, note, meaning);
}

static void verdicts(const char *indent)
{
#define VERDICT_(in, name, action, label, meaning) put_verdict(in, label, meaning ".");
	SG_VERDICTS(VERDICT_)
#undef VERDICT_
}

/* ---- templates ----------------------------------------------------------------------------- */

#define COMPLETION "completion"

static struct {
	const char *template, *name;
	void (*print)(const char *indent); /* NULL: the families of this table */
	enum metrics_table_of families;
	bool seen;
} fields[] = {
	{ COMPLETION, "VERB_WORDS", verb_words },
	{ COMPLETION, "COMMON_WITH_VALUE", common_with_value },
	{ COMPLETION, "COMPLETION_VERBS", completion_verbs },
	{ COMPLETION, "COMPLETION_THEN", completion_then },
	{ COMPLETION, "COMPLETION_OPTIONS", completion_options },
	{ COMPLETION, "MITIGATION_STEPS", mitigation_steps },
	{ "synguard.1", "VERBS", man_verbs },
	{ "synguard.1", "OPTIONS", man_options },
	{ "synguard.conf.5", "SETTINGS", man_settings },
	{ "synguardd.8", "MITIGATION", man_mitigation },
	{ "synguardd.8", "TROUBLES", man_troubles },
	{ "synguard-metrics.7", "REPORT", metrics_report },
	{ "synguard-metrics.7", "INTERFACES", .families = METRICS_INTERFACES },
	{ "synguard-metrics.7", "SERVICES", .families = METRICS_SERVICES },
	{ "synguard-metrics.7", "MITIGATION", .families = METRICS_MITIGATION },
	{ "synguard-metrics.7", "VERDICTS", verdicts },
	{ "synguard-metrics.7", "PROPERTIES", properties },
};

static bool fill_field(const char *template, const char *name, size_t length, const char *indent)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].template, template) || strlen(fields[i].name) != length ||
		    strncmp(fields[i].name, name, length))
			continue;
		if (fields[i].print)
			fields[i].print(indent);
		else
			put_families(fields[i].families);
		fields[i].seen = true;
		return true;
	}
	return false;
}

static bool fill_line(const char *template, const char *line)
{
	size_t indent = strspn(line, "\t");
	char tabs[16] = "";
	const char *name, *end;

	memset(tabs, '\t', indent < sizeof(tabs) ? indent : sizeof(tabs) - 1);
	if (line[indent] == '@' && (end = strchr(line + indent + 1, '@')) && end[1] == '\n')
		return fill_field(template, line + indent + 1, end - line - indent - 1, tabs);
	while ((name = strchr(line, '@')) && (end = strchr(name + 1, '@'))) {
		fwrite(line, 1, name - line, stdout);
		if (!fill_field(template, name + 1, end - name - 1, ""))
			return false;
		line = end + 1;
	}
	fputs(line, stdout);
	return true;
}

int main(int argc, char **argv)
{
	const char *template = argc > 1 ? argv[1] : "";
	_cleanup_free_ char *line = NULL;
	size_t size = 0, i;

	while (getline(&line, &size, stdin) > 0) {
		if (fill_line(template, line))
			continue;
		fprintf(stderr, "fill: %s has a field that nothing fills: %s", template, line);
		return EXIT_FAILURE;
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].seen || strcmp(fields[i].template, template))
			continue;
		fprintf(stderr, "fill: %s has no @%s@\n", template, fields[i].name);
		return EXIT_FAILURE;
	}
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
