/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the table of verbs into a template: stdin to stdout, when things are built.
 *
 * A name between two "@" is replaced; where it stands alone in its line by lines of the same
 * indentation. What is between two "@" and is no name of ours is a mistake, and ends it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/mitigation.h"
#include "synguard/trouble.h"

#include "cli/base/verb.h"

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

/* "_", "*" and "\" are marks, where they stand between others. */
static void man_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\[", *text))
			putchar('\\');
		putchar(*text);
	}
}

/* Each word in italics, brackets and dots around it plain. */
static void man_arguments(const char *arguments)
{
	size_t length;

	for (; *arguments; arguments += length) {
		length = strspn(arguments, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
		if (length) {
			printf("_%.*s_", (int)length, arguments);
			continue;
		}
		length = 1;
		printf("%s%c", *arguments == '[' ? "\\" : "", *arguments);
	}
}

static void man_option(const struct verb_option *o, const char *indent)
{
	printf("%s*--%s*", indent, o->name);
	if (o->argument) {
		putchar(' ');
		man_arguments(o->argument);
	}
	printf("\n%s\t%c", indent, toupper((unsigned char)*o->help));
	man_text(o->help + 1);
	puts(".\n");
}

static void man_verbs(const char *indent)
{
	const struct verb_option *o;
	const struct verb *v;
	bool any;

	for (v = verbs; v->name; v++) {
		printf("*%s*", v->name);
		if (*v->arguments)
			putchar(' ');
		man_arguments(v->arguments);
		printf("\n\t");
		man_text(v->about);
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
			man_option(o, "\t");
	}
}

static void man_options(const char *indent)
{
	const struct verb_option *o;

	for (o = common_options; o->name; o++)
		man_option(o, "");
}

/* ---- the mitigation ---------------------------------------------------------------------------- */

#define MITIGATION_ROW_(name, word_, target_, kind, queue, what_, cost_, undo_, when_)             \
	{ word_, target_, what_, cost_, undo_, when_ },
static const struct {
	const char *word, *target, *what, *cost, *undo, *when;
} mitigation[] = { SG_MITIGATION(MITIGATION_ROW_) };

static void man_mitigation_part(const char *name, const char *text)
{
	printf("\t%s", name);
	man_text(text);
	puts("\n");
}

static void man_mitigation(const char *indent)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mitigation); i++) {
		putchar('*');
		man_text(mitigation[i].word);
		fputs("* (", stdout);
		man_text(mitigation[i].target);
		puts(")");
		man_mitigation_part("", mitigation[i].what);
		man_mitigation_part("Cost: ", mitigation[i].cost);
		man_mitigation_part("Undone: ", mitigation[i].undo);
		man_mitigation_part("Taken: ", mitigation[i].when);
	}
}

/* ---- troubles ------------------------------------------------------------------------------- */

#define TROUBLE_ROW_(name, word_, label_, sentence_)                                               \
	{ .word = word_, .label = label_, .sentence = sentence_ },
static const struct {
	const char *word, *label, *sentence;
} troubles[] = { SG_TROUBLES(TROUBLE_ROW_) };

/* A figure in a sentence is its name, underlined. */
static void man_sentence(const char *sentence)
{
	char part[512];

	while (*sentence) {
		size_t plain = strcspn(sentence, "{");

		snprintf(part, sizeof(part), "%.*s", (int)plain, sentence);
		man_text(part);
		sentence += plain;
		if (!*sentence)
			return;
		plain = strcspn(sentence, "}");
		/* what stands there only where it has to */
		if (strncmp(sentence, "{somaxconn", 10) != 0)
			printf("_%.*s_", (int)plain - 1, sentence + 1);
		sentence += plain + 1;
	}
}

static void man_troubles(const char *indent)
{
	size_t i;

	for (i = SG_TROUBLE_FLASH_CROWD; i < SG_TROUBLE_COUNT; i++) {
		putchar('*');
		man_text(troubles[i].word);
		fputs("* (in tables: ", stdout);
		man_text(troubles[i].label);
		fputs(")\n\t", stdout);
		man_sentence(troubles[i].sentence);
		puts("\n");
	}
}

/* ---- templates ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*print)(const char *indent);
} blanks[] = {
	{ "VERB_WORDS", verb_words },
	{ "COMMON_WITH_VALUE", common_with_value },
	{ "COMPLETION_VERBS", completion_verbs },
	{ "COMPLETION_THEN", completion_then },
	{ "COMPLETION_OPTIONS", completion_options },
	{ "MITIGATION_STEPS", mitigation_steps },
	{ "MAN_VERBS", man_verbs },
	{ "MAN_OPTIONS", man_options },
	{ "MITIGATION", man_mitigation },
	{ "TROUBLES", man_troubles },
};

static bool fill_blank(const char *name, size_t length, const char *indent)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blanks); i++) {
		if (strlen(blanks[i].name) != length || strncmp(blanks[i].name, name, length))
			continue;
		blanks[i].print(indent);
		return true;
	}
	return false;
}

static bool fill_line(const char *line)
{
	size_t indent = strspn(line, "\t");
	char tabs[16] = "";
	const char *name, *end;

	memset(tabs, '\t', indent < sizeof(tabs) ? indent : sizeof(tabs) - 1);
	if (line[indent] == '@' && (end = strchr(line + indent + 1, '@')) && end[1] == '\n')
		return fill_blank(line + indent + 1, end - line - indent - 1, tabs);
	while ((name = strchr(line, '@')) && (end = strchr(name + 1, '@'))) {
		fwrite(line, 1, name - line, stdout);
		if (!fill_blank(name + 1, end - name - 1, ""))
			return false;
		line = end + 1;
	}
	fputs(line, stdout);
	return true;
}

int main(void)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		if (fill_line(line))
			continue;
		fprintf(stderr, "fill: a blank that nothing fills: %s", line);
		return EXIT_FAILURE;
	}
	return fflush(stdout) || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
