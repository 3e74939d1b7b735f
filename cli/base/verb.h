/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of verbs. A verb is one row, and its file: the row drives dispatch, the reading of
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
 * A verb that is a program of its own has .program instead of .run, and gets what follows it as it
 * is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Common options that a verb may take, or not. */
enum {
	VERB_JSON = 1 << 0,
	VERB_WIDE = 1 << 1,
	VERB_DAEMON = 1 << 2, /* needs the daemon, so takes --runtime-dir */
};

/* More options than this no verb has; a unit test holds the table to it. */
#define VERB_OPTIONS_MAX 8

struct verb_option {
	const char *name;     /* the long one, without its dashes */
	const char *argument; /* what --help calls it, NULL: a flag */
	const char *help;     /* no full stop, at most 48 columns */
	const char *words;    /* that the argument may be, for completion; NULL as below */
	unsigned int common;  /* of a common option: the bit above; 0: stands before any verb */
};

struct cli;

struct verb {
	const char *name;
	const char *alias; /* a name that it had before; NULL: none. Taken, and shown nowhere */
	/* "A [B] [C]...": the words count them, too: A must be there, B may, of C any number. */
	const char *arguments;
	/* That an argument may be, for completion. NULL: what it is called says it, DIR, FILE or
	 * VERB; others are not completed. */
	const char *words;
	/* What may follow some of these words, for completion: pairs, the word and what it is called,
	 * FILE, STEP of the mitigation or SETTING. NULL: nothing that is completed. */
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

/* NULL: there is none of this name. */
const struct verb *verb_find(const char *name);

/* The least and the most arguments of a row; *max < 0: any number. */
void verb_arity(const struct verb *verb, int *min, int *max);

/* Whether this common option is one of the verb's. */
bool verb_takes(const struct verb *verb, const struct verb_option *common);

/* The value of one of the verb's own options, "" for a flag that was given, NULL: not given. */
const char *cli_option(const struct cli *cli, const char *name);

/* argv[0] is the verb, no option is left in it. Each returns an exit code. */
int verb_events(const struct cli *cli, int argc, char **argv);
int verb_halfopen(const struct cli *cli, int argc, char **argv);
int verb_help(const struct cli *cli, int argc, char **argv);
int verb_mitigation(const struct cli *cli, int argc, char **argv);
int verb_list(const struct cli *cli, int argc, char **argv);
int verb_listeners(const struct cli *cli, int argc, char **argv);
int verb_metrics(const struct cli *cli, int argc, char **argv);
int verb_mode(const struct cli *cli, int argc, char **argv);
int verb_sources(const struct cli *cli, int argc, char **argv);
int verb_states(const struct cli *cli, int argc, char **argv);
int verb_status(const struct cli *cli, int argc, char **argv);
