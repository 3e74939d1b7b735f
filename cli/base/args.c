/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, read by the table of verbs, and the help that is printed from the same table. */
#include "cli/base/args.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "synguard/names.h"

#include "cli/base/screen.h"
#include "daemon/base/text.h"

#define GO_ON (-1)

/* ---- the table ----------------------------------------------------------------------------- */

const struct verb *verb_find(const char *name)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		if (!strcmp(v->name, name) || (v->alias && !strcmp(v->alias, name)))
			return v;
	return NULL;
}

void verb_arity(const struct verb *verb, int *min, int *max)
{
	const char *word = verb->arguments;
	size_t length;

	*min = *max = 0;
	for (; *word; word += strspn(word, " ")) {
		length = strcspn(word, " ");
		*min += *word != '[';
		if (length > 3 && !strncmp(word + length - 3, "...", 3))
			*max = -1;
		else if (*max >= 0)
			(*max)++;
		word += length;
	}
}

bool verb_takes(const struct verb *verb, const struct verb_option *common)
{
	return verb->takes & common->common;
}

const struct verb_option *option_find(const struct verb_option *options, const char *name)
{
	for (; options && options->name; options++)
		if (!strcmp(options->name, name))
			return options;
	return NULL;
}

const char *cli_option(const struct cli *cli, const char *name)
{
	const struct verb_option *o = option_find(cli->verb->options, name);

	assert(o);
	return cli->values[o - cli->verb->options];
}

/* ---- help ---------------------------------------------------------------------------------- */

/* Where the second column begins. */
#define HELP_COLUMN 26

static void help_row(FILE *to, const char *dashes, const char *name, const char *arguments,
		     const char *help)
{
	int width = fprintf(to, "  %s%s%s%s", dashes, name, *arguments ? " " : "", arguments);

	if (width > HELP_COLUMN - 2) {
		putc('\n', to);
		width = 0;
	}
	fprintf(to, "%*s%s\n", HELP_COLUMN - width, "", help);
}

static void help_options(FILE *to, const struct verb_option *o)
{
	for (; o && o->name; o++)
		help_row(to, "--", o->name, o->argument ?: "", o->help);
}

static void help_program(FILE *to)
{
	const struct verb *v;

	fputs("Usage: synguard [OPTION]... [VERB] [ARGUMENT]...\n"
	      "Controls synguardd, which defends this host against SYN floods.\n\n",
	      to);
	for (v = verbs; v->name; v++)
		help_row(to, "", v->name, v->arguments, v->help);
	putc('\n', to);
	help_options(to, common_options);
	fputs("\n"
	      "\"synguard help VERB\" describes a verb and its own options.\n"
	      "\n"
	      "Exit status: 0 ok (also under attack), 1 failed, 2 usage, 3 the daemon is not\n"
	      "running, 4 not allowed, 5 refused for safety.\n",
	      to);
}

void help_print(FILE *to, const struct verb *verb)
{
	const struct screen screen = { .to = to, .columns = SCREEN_COLUMNS };
	const struct verb_option *o;

	if (!verb) {
		help_program(to);
		return;
	}
	fprintf(to, "Usage: synguard %s%s%s%s\n", verb->name,
		verb->options || verb->takes ? " [OPTION]..." : "", *verb->arguments ? " " : "",
		verb->arguments);
	screen_wrap(&screen, 0, "%s", verb->about);
	if (verb->options || verb->takes)
		putc('\n', to);
	help_options(to, verb->options);
	for (o = common_options; o->name; o++)
		if (verb_takes(verb, o))
			help_row(to, "--", o->name, o->argument ?: "", o->help);
}

int verb_help(const struct cli *cli, int argc, char **argv)
{
	const struct verb *v = argc > 1 ? verb_find(argv[1]) : NULL;

	if (argc > 1 && !v)
		return args_wrong(NULL, "there is no verb \"%s\" to help with", argv[1]);
	help_print(stdout, v);
	return SG_EXIT_OK;
}

/* ---- errors -------------------------------------------------------------------------------- */

int args_wrong(const struct verb *verb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error_v(format, args);
	va_end(args);
	if (verb)
		print_hint("Try \"synguard help %s\".", verb->name);
	else
		print_hint("Try \"synguard --help\".");
	return SG_EXIT_USAGE;
}

/* dashes: what a user writes before such a name. */
static int unknown(const struct verb *verb, const char *what, const char *dashes,
		   const struct nearest *n)
{
	if (n->name)
		return args_wrong(verb, "unknown %s \"%s%s\"; did you mean \"%s%s\"?", what, dashes,
				  n->wanted, dashes, n->name);
	return args_wrong(verb, "unknown %s \"%s%s\"", what, dashes, n->wanted);
}

static int unknown_verb(const char *name)
{
	struct nearest n = nearest_to(name);
	const struct verb *v;

	for (v = verbs; v->name; v++)
		nearest_offer(&n, v->name);
	return unknown(NULL, "verb", "", &n);
}

static int unknown_option(const struct verb *verb, const char *name)
{
	struct nearest n = nearest_to(name);
	const struct verb_option *o;

	for (o = common_options; o->name; o++)
		if (!verb || !o->common || verb_takes(verb, o))
			nearest_offer(&n, o->name);
	for (o = verb ? verb->options : NULL; o && o->name; o++)
		nearest_offer(&n, o->name);
	return unknown(verb, "option", "--", &n);
}

/* ---- parsing ------------------------------------------------------------------------------- */

static int take_common(struct cli *cli, const struct verb_option *o, const char *value)
{
	switch (o->common) {
	case VERB_JSON:
		cli->json = true;
		return GO_ON;
	case VERB_WIDE:
		cli->wide = true;
		return GO_ON;
	case VERB_DAEMON:
		cli->runtime_dir = value;
		return GO_ON;
	}
	if (!strcmp(o->name, "help"))
		help_print(stdout, cli->verb);
	else
		puts("synguard " SG_VERSION);
	return SG_EXIT_OK;
}

/* argv[*i] is an option. Where the next word is its argument, *i moves on to that. */
static int take_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *equals = strchr(word, '='), *value = "";
	const struct verb *verb = cli->verb;
	const struct verb_option *own, *common, *o;
	char name[64];

	if (!strcmp(word, "-h"))
		word = "--help";
	else if (word[1] != '-')
		return args_wrong(verb, "unknown option \"%s\"", word);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	own = option_find(verb ? verb->options : NULL, name);
	common = own ? NULL : option_find(common_options, name);
	o = own ?: common;
	if (!o)
		return unknown_option(verb, name);
	if (common && common->common && verb && !verb_takes(verb, common))
		return args_wrong(verb, "\"%s\" knows no --%s", verb->name, name);
	if (equals && !o->argument)
		return args_wrong(verb, "--%s takes no value", name);
	if (equals)
		value = equals + 1;
	else if (o->argument && *i + 1 < argc)
		value = argv[++*i];
	else if (o->argument)
		return args_wrong(verb, "--%s needs %s", name, o->argument);
	if (common && common->argument && !*value)
		return args_wrong(verb, "--%s needs %s", name, common->argument);
	if (common)
		return take_common(cli, common, value);
	cli->values[own - verb->options] = value;
	return GO_ON;
}

static int check_count(const struct verb *verb, int arguments, char **argv)
{
	int min, max;

	verb_arity(verb, &min, &max);
	if (arguments < min)
		return args_wrong(verb, "\"%s\" needs %s", verb->name, verb->arguments);
	if (max < 0 || arguments <= max)
		return GO_ON;
	if (!max)
		return args_wrong(verb, "\"%s\" takes no argument", verb->name);
	return args_wrong(verb, "\"%s\" is one argument too many for \"%s\"", argv[max],
			  verb->name);
}

/* Options before the verb were taken without knowing it. --runtime-dir may stand there for any verb,
 * so that a shell alias can always give it; --json and --wide only for one that honours them. */
static int check_before(const struct cli *cli)
{
	const struct verb *v = cli->verb;

	if (cli->json && !(v->takes & VERB_JSON) && !option_find(v->options, "json"))
		return args_wrong(v, "\"%s\" knows no --json", v->name);
	if (cli->wide && !(v->takes & VERB_WIDE) && !option_find(v->options, "wide"))
		return args_wrong(v, "\"%s\" knows no --wide", v->name);
	return GO_ON;
}

int args_parse(struct cli *cli, int *argc, char **argv)
{
	bool ended = false; /* by "--" */
	int i, kept = 1, code;

	for (i = 1; i < *argc; i++) {
		char *word = argv[i];

		if (cli->verb && cli->verb->program) {
			if (kept == 2 && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
				help_print(stdout, cli->verb);
				return SG_EXIT_OK;
			}
			argv[kept++] = word;
		} else if (!ended && !strcmp(word, "--")) {
			ended = true;
		} else if (!ended && word[0] == '-' && word[1]) {
			code = take_option(cli, *argc, argv, &i);
			if (code != GO_ON)
				return code;
		} else {
			if (!cli->verb && !(cli->verb = verb_find(word)))
				return unknown_verb(word);
			argv[kept++] = word;
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	if (!cli->verb)
		return GO_ON;
	code = check_before(cli);
	return code != GO_ON || cli->verb->program ? code :
						     check_count(cli->verb, kept - 2, argv + 2);
}
