/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/help.h"

#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/screen.h"

/* Where the second column begins. */
#define HELP_COLUMN 26

static void help_row(FILE *to, const char *first, const char *second)
{
	int width = fprintf(to, "  %s", first);

	if (width > HELP_COLUMN - 2) {
		putc('\n', to);
		width = 0;
	}
	fprintf(to, "%*s%s\n", HELP_COLUMN - width, "", second);
}

static void help_option(FILE *to, const struct verb_option *o)
{
	char first[64];

	snprintf(first, sizeof(first), "--%s%s%s", o->name, o->argument ? " " : "",
		 o->argument ?: "");
	help_row(to, first, o->help);
}

void help_all(FILE *to)
{
	const struct verb_option *o;
	const struct verb *v;
	char first[64];

	fputs("Usage: synguard [OPTION]... [VERB] [ARGUMENT]...\n"
	      "Asks and steers synguardd, which defends this host against SYN floods.\n\n",
	      to);
	for (v = verbs; v->name; v++) {
		snprintf(first, sizeof(first), "%s%s%s", v->name, *v->arguments ? " " : "",
			 v->arguments);
		help_row(to, first, v->help);
	}
	putc('\n', to);
	for (o = common_options; o->name; o++)
		help_option(to, o);
	fputs("\n"
	      "\"synguard help VERB\" tells more about a verb and its own options.\n"
	      "\n"
	      "Exit status: 0 ok (also under attack), 1 failed, 2 usage, 3 the daemon is not\n"
	      "running, 4 not allowed, 5 refused for safety.\n",
	      to);
}

void help_verb(FILE *to, const struct verb *verb)
{
	const struct screen screen = { .to = to, .columns = SCREEN_COLUMNS };
	const struct verb_option *o;
	bool any = verb->options || verb->takes;

	fprintf(to, "Usage: synguard %s%s%s%s\n", verb->name, any ? " [OPTION]..." : "",
		*verb->arguments ? " " : "", verb->arguments);
	screen_wrap(&screen, 0, "%s", verb->about);
	if (any)
		putc('\n', to);
	for (o = verb->options; o && o->name; o++)
		help_option(to, o);
	for (o = common_options; o->name; o++)
		if (verb_takes(verb, o))
			help_option(to, o);
}

int verb_help(const struct cli *cli, int argc, char **argv)
{
	const struct verb *v;

	if (argc < 2) {
		help_all(stdout);
		return SG_EXIT_OK;
	}
	v = verb_find(argv[1]);
	if (!v)
		return arguments_wrong(NULL, "there is no verb \"%s\" to help with", argv[1]);
	help_verb(stdout, v);
	return SG_EXIT_OK;
}
