/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard: the table of verbs and what is common to them.
 *
 * stdout is data, stderr is talk. Options may stand before or after the verb; what a verb does not
 * know it refuses.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/names.h"

#include "verbs.h"

struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(const struct cli *cli, int argc, char **argv);
	bool json;
	bool own_options; /* takes all that follows it as it is */
};

/* clang-format off */
static const struct verb verbs[] = {
	{ "status",  "[--json]", "what is going on, in a sentence and in tables (the default)", verb_status,  true,  false },
	{ "mode",    "[MODE]",   "print the mode, or set it: off, observe, auto, always",       verb_mode,    false, false },
	{ "metrics", "",         "the figures as Prometheus text",                              verb_metrics, false, false },
	{ "exporter", "[OPTION]", "serve them over HTTP to Prometheus",                         verb_exporter, false, true  },
	{ "demo",    "[--json]", "a real flood against a real listener, in namespaces of its own", verb_demo, true,  true  },
	{}
};
/* clang-format on */

static void usage(FILE *to)
{
	const struct verb *v;

	fputs("Usage: synguard [--runtime-dir DIR] [VERB] [ARGUMENT]...\n"
	      "Asks and steers synguardd, which defends this host against SYN floods.\n\n",
	      to);
	for (v = verbs; v->name; v++)
		fprintf(to, "  %-8s %-10s %s\n", v->name, v->arguments, v->help);
	fputs("\n"
	      "  --runtime-dir DIR    where the daemon's socket lives (default " SG_RUNTIME_DIR
	      ")\n"
	      "  --json               JSON instead of text\n"
	      "  --version            print the version\n"
	      "  --help               print this help\n"
	      "\n"
	      "Exit status: 0 ok (also under attack), 1 failed, 2 usage, 3 the daemon is not\n"
	      "running, 4 not allowed, 5 refused for safety.\n",
	      to);
}

int cli_usage_error(const char *format, ...)
{
	va_list args;

	fputs("synguard: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry \"synguard --help\".\n", stderr);
	return SG_EXIT_USAGE;
}

static const struct verb *verb_find(const char *name)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* Takes the common options out of argv; returns the exit code that ends the program, or -1. */
static int take_options(struct cli *cli, int *argc, char **argv)
{
	int i, kept = 1;

	for (i = 1; i < *argc; i++) {
		const struct verb *v = kept > 1 ? verb_find(argv[1]) : NULL;

		if (v && v->own_options) {
			argv[kept++] = argv[i];
		} else if (!strcmp(argv[i], "--runtime-dir")) {
			if (++i == *argc)
				return cli_usage_error("--runtime-dir needs a directory");
			cli->runtime_dir = argv[i];
		} else if (!strncmp(argv[i], "--runtime-dir=", 14)) {
			cli->runtime_dir = argv[i] + 14;
		} else if (!strcmp(argv[i], "--json")) {
			cli->json = true;
		} else if (!strcmp(argv[i], "--version")) {
			puts("synguard " SG_VERSION);
			return SG_EXIT_OK;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			usage(stdout);
			return SG_EXIT_OK;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return cli_usage_error("unknown option \"%s\"", argv[i]);
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return -1;
}

/* What could not be written to stdout is a failure, but a closed pipe is somebody's head -1. */
static int finish(int code)
{
	if (!fflush(stdout) || errno == EPIPE)
		return code;
	perror("synguard: stdout");
	return SG_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct cli cli = { .runtime_dir = SG_RUNTIME_DIR };
	const struct verb *v;
	int code;

	code = take_options(&cli, &argc, argv);
	if (code >= 0)
		return finish(code);
	if (argc < 2) {
		char *status[] = { "status", NULL };

		return finish(verb_status(&cli, 1, status));
	}
	v = verb_find(argv[1]);
	if (!v)
		return cli_usage_error("unknown verb \"%s\"", argv[1]);
	if (cli.json && !v->json)
		return cli_usage_error("\"%s\" knows no --json", v->name);
	return finish(v->run(&cli, argc - 1, argv + 1));
}
