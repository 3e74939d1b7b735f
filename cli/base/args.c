/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/args.h"

#include <stdarg.h>
#include <string.h>

#include "synguard/names.h"

#include "cli/base/help.h"
#include "daemon/base/text.h"

#define GO_ON (-1)

int arguments_wrong(const struct verb *verb, const char *format, ...)
{
	va_list args;

	fputs("synguard: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (verb)
		fprintf(stderr, "\nTry \"synguard help %s\".\n", verb->name);
	else
		fputs("\nTry \"synguard --help\".\n", stderr);
	return SG_EXIT_USAGE;
}

static int wrong_name(const struct verb *verb, const char *what, const struct nearest *n)
{
	if (n->name)
		return arguments_wrong(verb, "unknown %s \"%s%s\"; did you mean \"%s%s\"?", what,
				       *what == 'o' ? "--" : "", n->wanted,
				       *what == 'o' ? "--" : "", n->name);
	return arguments_wrong(verb, "unknown %s \"%s%s\"", what, *what == 'o' ? "--" : "",
			       n->wanted);
}

static int unknown_verb(const char *name)
{
	struct nearest n = nearest_to(name);
	const struct verb *v;

	for (v = verbs; v->name; v++)
		nearest_offer(&n, v->name);
	return wrong_name(NULL, "verb", &n);
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
	return wrong_name(verb, "option", &n);
}

static const struct verb_option *option_find(const struct verb_option *o, const char *name)
{
	for (; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int take_common(struct cli *cli, const struct verb_option *o, const char *value)
{
	if (o->common == VERB_JSON) {
		cli->json = true;
	} else if (o->common == VERB_WIDE) {
		cli->wide = true;
	} else if (o->common == VERB_DAEMON) {
		cli->runtime_dir = value;
	} else if (!strcmp(o->name, "help")) {
		if (cli->verb)
			help_verb(stdout, cli->verb);
		else
			help_all(stdout);
		return SG_EXIT_OK;
	} else {
		puts("synguard " SG_VERSION);
		return SG_EXIT_OK;
	}
	return GO_ON;
}

/* argv[*i] is an option; takes its argument, too, and leaves *i at the last word of it. */
static int take_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	bool is_long = word[1] == '-';
	const char *equals = is_long ? strchr(word, '=') : NULL;
	char name[64];
	const struct verb_option *common, *own;
	const char *value = "";
	int length = equals ? (int)(equals - word - 2) : (int)strlen(word + 2);

	if (!is_long && strcmp(word, "-h"))
		return arguments_wrong(cli->verb, "unknown option \"%s\"", word);
	snprintf(name, sizeof(name), "%.*s", is_long ? length : 4, is_long ? word + 2 : "help");
	own = cli->verb ? option_find(cli->verb->options, name) : NULL;
	common = own ? NULL : option_find(common_options, name);
	if (common && common->common && cli->verb && !verb_takes(cli->verb, common))
		return arguments_wrong(cli->verb, "\"%s\" knows no --%s", cli->verb->name, name);
	if (!own && !common)
		return unknown_option(cli->verb, name);
	if (equals) {
		if (!(own ?: common)->argument)
			return arguments_wrong(cli->verb, "--%s takes no value", name);
		value = equals + 1;
	} else if ((own ?: common)->argument) {
		if (*i + 1 >= argc)
			return arguments_wrong(cli->verb, "--%s needs %s", name,
					       (own ?: common)->argument);
		value = argv[++*i];
	}
	if (common && common->argument && !*value)
		return arguments_wrong(cli->verb, "--%s needs %s", name, common->argument);
	if (common)
		return take_common(cli, common, value);
	cli->values[own - cli->verb->options] = value;
	return GO_ON;
}

static int check_count(const struct verb *verb, int arguments, char **argv)
{
	int min, max;

	verb_arity(verb, &min, &max);
	if (arguments < min)
		return arguments_wrong(verb, "\"%s\" needs %s", verb->name, verb->arguments);
	if (max < 0 || arguments <= max)
		return GO_ON;
	if (!max)
		return arguments_wrong(verb, "\"%s\" takes no argument", verb->name);
	return arguments_wrong(verb, "\"%s\" is one argument too many for \"%s\"", argv[max],
			       verb->name);
}

/* What stood before the verb was not known to be its own. The runtime directory is where somebody
 * works, an alias may always give it; a promise of JSON must be kept. */
static int check_before(const struct cli *cli)
{
	const struct verb *v = cli->verb;

	if (cli->json && !(v->takes & VERB_JSON) && !option_find(v->options, "json"))
		return arguments_wrong(v, "\"%s\" knows no --json", v->name);
	if (cli->wide && !(v->takes & VERB_WIDE) && !option_find(v->options, "wide"))
		return arguments_wrong(v, "\"%s\" knows no --wide", v->name);
	return GO_ON;
}

int arguments_parse(struct cli *cli, int *argc, char **argv)
{
	bool ended = false; /* by "--" */
	int i, kept = 1, code;

	for (i = 1; i < *argc; i++) {
		char *word = argv[i];

		if (cli->verb && cli->verb->program) {
			if (kept == 2 && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
				help_verb(stdout, cli->verb);
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
			if (!cli->verb) {
				cli->verb = verb_find(word);
				if (!cli->verb)
					return unknown_verb(word);
			}
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
