/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs, one file each; main.c has the table of them. */
#pragma once

#include <stdbool.h>

struct cli {
	const char *runtime_dir;
	bool json;
};

/* argv[0] is the verb. Each returns an exit code. */
int verb_status(const struct cli *cli, int argc, char **argv);
int verb_mode(const struct cli *cli, int argc, char **argv);
int verb_events(const struct cli *cli, int argc, char **argv);
int verb_metrics(const struct cli *cli, int argc, char **argv);
int verb_demo(const struct cli *cli, int argc, char **argv);

/* Says on stderr that an argument is not known and returns the exit code for it. */
int cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
