/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/base: what every verb needs: the command line (here), the connection to the daemon (client),
 * the terminal (screen), members of JSON (json), the programs beside this one (programs). What is
 * printed, and which verbs there are, is left to the folders above.
 *
 * The table of verbs. A verb is one row and one function: the row drives dispatch, the reading of
 * arguments, --help, bash completion and the verb's part of synguard(1).
 *
 *	{
 *		.name = "sources",
 *		.arguments = "[PREFIX]",
 *		.help = "who sends the SYNs",
 *		.about = "Prints ...",
 *		.takes = VERB_JSON | VERB_WIDE,
 *		.options = (const struct verb_option[]){ { "limit", "N", "at most N rows" }, {} },
 *		.run = verb_sources,
 *	},
 *
 * A verb that is a program of its own has .program instead of .run, and gets the rest of the command
 * line unread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Common options, a verb takes some of them. */
enum {
	VERB_JSON = 1 << 0,
	VERB_WIDE = 1 << 1,
	VERB_DAEMON = 1 << 2, /* needs the daemon, so takes --runtime-dir */
};

/* No verb has more options than this; a unit test checks the table. */
#define VERB_OPTIONS_MAX 8

struct verb_option {
	const char *name;     /* the long one, without its dashes */
	const char *argument; /* its name in --help; NULL: a flag */
	const char *help;     /* no full stop, at most 48 columns */
	const char *words;    /* values, for completion; NULL as below */
	unsigned int common;  /* of a common option: the bit above; 0: only before any verb */
};

struct cli;

struct verb {
	const char *name;
	const char *alias; /* an earlier name, still accepted and shown nowhere; NULL: none */
	/* "A [B] [C]...": A is needed, B optional, C may be repeated. args_parse() counts by it. */
	const char *arguments;
	/* Values of the first argument, for completion. NULL: its name says it, DIR, FILE or VERB;
	 * others are not completed. */
	const char *words;
	/* What may follow some of these words, for completion: pairs, the word and the name of the
	 * next argument, FILE, STEP of the mitigation or SETTING. NULL: nothing. */
	const char *then;
	const char *help;  /* no full stop, at most 48 columns */
	const char *about; /* sentences, for the man page and `synguard help VERB` */
	unsigned int takes;
	const struct verb_option *options; /* its own; NULL: none */
	int (*run)(const struct cli *cli, int argc, char **argv);
	const char *program; /* in LIBEXECDIR, executed with all that follows the verb */
};

struct cli {
	const char *runtime_dir;
	bool json;
	bool wide;
	const struct verb *verb;
	const char *values[VERB_OPTIONS_MAX]; /* of verb->options; "" for a flag */
};

extern const struct verb verbs[];
extern const struct verb_option common_options[];

/* By name or alias; NULL: there is none. */
const struct verb *verb_find(const char *name);

/* The least and the most arguments of a row; *max < 0: any number. */
void verb_arity(const struct verb *verb, int *min, int *max);

/* Whether this common option is one of the verb's. */
bool verb_takes(const struct verb *verb, const struct verb_option *common);

/* The option of this name in a list that ends with an empty row (or is NULL). NULL: there is none. */
const struct verb_option *option_find(const struct verb_option *options, const char *name);

/* The value of one of the verb's own options, "" for a flag that was given, NULL: not given. */
const char *cli_option(const struct cli *cli, const char *name);

/*
 * Common options may stand before the verb, all options behind it; an unknown one is refused, with
 * the nearest name that there is. "--" ends the options.
 *
 * Fills cli and leaves in argv the verb (or nothing: NULL) and its arguments. Returns -1 to go on, or
 * the exit code of a program that is done: help was printed, or an error.
 */
int args_parse(struct cli *cli, int *argc, char **argv);

/* Prints the error and which help to read: the verb's, or the general one where it is NULL. Returns
 * the exit code for it. */
int args_wrong(const struct verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --help, for 80 columns; NULL: of the program. */
void help_print(FILE *to, const struct verb *verb);

/* argv[0] is the verb, no option is left in it. Each returns an exit code. */
int verb_events(const struct cli *cli, int argc, char **argv);
int verb_halfopen(const struct cli *cli, int argc, char **argv);
int verb_help(const struct cli *cli, int argc, char **argv);
int verb_list(const struct cli *cli, int argc, char **argv);
int verb_listeners(const struct cli *cli, int argc, char **argv);
int verb_metrics(const struct cli *cli, int argc, char **argv);
int verb_mitigation(const struct cli *cli, int argc, char **argv);
int verb_mode(const struct cli *cli, int argc, char **argv);
int verb_sources(const struct cli *cli, int argc, char **argv);
int verb_states(const struct cli *cli, int argc, char **argv);
int verb_status(const struct cli *cli, int argc, char **argv);
