/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reading of arguments, with a table of verbs of its own: options with and without values, own
 * and common, before and behind the verb; counts of arguments; programs that get all as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/args.h"
#include "suite.h"
#include "synguard/names.h"

#define ARGS_MAX 8

static int run(const struct cli *cli, int argc, char **argv)
{
	return 0;
}

/* clang-format off */
const struct verb_option common_options[] = {
	{ "json",        NULL,  "JSON",      NULL, VERB_JSON },
	{ "wide",        NULL,  "wide",      NULL, VERB_WIDE },
	{ "runtime-dir", "DIR", "directory", NULL, VERB_DAEMON },
	{ "help",        NULL,  "help" },
	{ "version",     NULL,  "version" },
	{}
};

static const struct verb_option list_options[] = {
	{ "limit",  "N",  "how many" },
	{ "follow", NULL, "go on" },
	{}
};

static const struct verb_option serve_options[] = { { "json", NULL, "JSON" }, { "port", "N", "port" }, {} };

const struct verb verbs[] = {
	{ .name = "list", .arguments = "[A] [B]", .help = "list", .about = "Lists.",
	  .takes = VERB_JSON | VERB_DAEMON, .options = list_options, .run = run },
	{ .name = "drop", .arguments = "A...", .help = "drop", .about = "Drops.", .run = run },
	{ .name = "serve", .arguments = "", .help = "serve", .about = "Serves.",
	  .options = serve_options, .program = "a-program" },
	{}
};
/* clang-format on */

/* What became of it, as one line: the verb with what is left in argv, the options that are set. */
static const char *parsed(const char *const words[ARGS_MAX], int *code)
{
	struct cli cli = { .runtime_dir = "-" };
	char *argv[ARGS_MAX + 2] = { "synguard" };
	static char line[512];
	int argc = 1, i, n = 0;

	for (i = 0; i < ARGS_MAX && words[i]; i++)
		argv[argc++] = (char *)words[i];
	*code = args_parse(&cli, &argc, argv);
	ck_assert_msg(*code >= 0 || !argv[argc], "argv does not end");
	for (i = 1; *code < 0 && i < argc; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s ", argv[i]);
	n += snprintf(line + n, sizeof(line) - n, "json=%d wide=%d dir=%s", cli.json, cli.wide,
		      cli.runtime_dir);
	if (cli.verb && cli.verb->options == list_options)
		snprintf(line + n, sizeof(line) - n, " limit=%s follow=%s",
			 cli_option(&cli, "limit") ?: "(not)",
			 cli_option(&cli, "follow") ?: "(not)");
	return line;
}

START_TEST(arguments_are_taken)
{
	static const struct {
		const char *words[ARGS_MAX], *is;
	} rows[] = {
		{ { NULL }, "json=0 wide=0 dir=-" },
		{ { "--wide" }, "json=0 wide=1 dir=-" },
		{ { "list" }, "list json=0 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "--json", "list" }, "list json=1 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "list", "--json" }, "list json=1 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "list", "a", "--json", "b" },
		  "list a b json=1 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "list", "--limit", "5" }, "list json=0 wide=0 dir=- limit=5 follow=(not)" },
		{ { "list", "--limit=5" }, "list json=0 wide=0 dir=- limit=5 follow=(not)" },
		{ { "list", "--limit=" }, "list json=0 wide=0 dir=- limit= follow=(not)" },
		{ { "list", "--limit", "--json" },
		  "list json=0 wide=0 dir=- limit=--json follow=(not)" },
		{ { "list", "--limit=1", "--limit=2" },
		  "list json=0 wide=0 dir=- limit=2 follow=(not)" },
		{ { "list", "--follow" }, "list json=0 wide=0 dir=- limit=(not) follow=" },
		{ { "--runtime-dir", "/x", "list" },
		  "list json=0 wide=0 dir=/x limit=(not) follow=(not)" },
		{ { "list", "--runtime-dir=/y=z" },
		  "list json=0 wide=0 dir=/y=z limit=(not) follow=(not)" },
		{ { "list", "--", "--json" },
		  "list --json json=0 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "list", "-" }, "list - json=0 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "list", "" }, "list  json=0 wide=0 dir=- limit=(not) follow=(not)" },
		{ { "drop", "a", "b", "c", "d" }, "drop a b c d json=0 wide=0 dir=-" },
		/* an alias may always name the directory */
		{ { "--runtime-dir", "/x", "drop", "a" }, "drop a json=0 wide=0 dir=/x" },
		/* a program gets what follows it, and its own mistakes */
		{ { "serve" }, "serve json=0 wide=0 dir=-" },
		{ { "--json", "serve" }, "serve json=1 wide=0 dir=-" },
		{ { "serve", "--bogus", "--", "x", "--help" },
		  "serve --bogus -- x --help json=0 wide=0 dir=-" },
	};
	size_t i;
	int code;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *is = parsed(rows[i].words, &code);

		ck_assert_msg(code == -1, "row %zu: exit code %d", i, code);
		ck_assert_msg(!strcmp(is, rows[i].is), "row %zu: \"%s\", not \"%s\"", i, is,
			      rows[i].is);
	}
}
END_TEST

/* What is said on stderr meanwhile is kept out of the results. */
static int quietly(const char *const words[ARGS_MAX], int fd, char *said, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(fd), code;
	size_t n;

	ck_assert_ptr_nonnull(file);
	fflush(NULL);
	dup2(fileno(file), fd);
	parsed(words, &code);
	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	rewind(file);
	n = fread(said, 1, size - 1, file);
	said[n] = '\0';
	fclose(file);
	return code;
}

START_TEST(arguments_are_refused)
{
	static const struct {
		const char *words[ARGS_MAX], *says;
	} rows[] = {
		{ { "lits" }, "did you mean \"list\"?" },
		/* what would steer the terminal does not reach it */
		{ { "li\033[2Jt" }, "unknown verb \"li?[2Jt\"" },
		{ { "list", "--folow" }, "did you mean \"--follow\"?" },
		{ { "list", "--wide" }, "\"list\" knows no --wide" },
		{ { "--wide", "list" }, "\"list\" knows no --wide" },
		{ { "--json", "drop", "a" }, "\"drop\" knows no --json" },
		{ { "drop", "a", "--runtime-dir=/x" }, "\"drop\" knows no --runtime-dir" },
		{ { "--follow", "list" }, "unknown option \"--follow\"" },
		{ { "list", "--limit" }, "--limit needs N" },
		{ { "list", "--follow=yes" }, "--follow takes no value" },
		{ { "list", "--json=" }, "--json takes no value" },
		{ { "list", "-j" }, "unknown option \"-j\"" },
		{ { "list", "---json" }, "unknown option" },
		{ { "list", "--=x" }, "unknown option" },
		{ { "list", "a", "b", "c" }, "\"c\" is one argument too many for \"list\"" },
		{ { "drop" }, "\"drop\" needs A..." },
		{ { "--wide", "serve" }, "\"serve\" knows no --wide" },
	};
	char said[4096];
	size_t i;
	int code;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		code = quietly(rows[i].words, STDERR_FILENO, said, sizeof(said));
		ck_assert_msg(code == SG_EXIT_USAGE, "row %zu: exit code %d", i, code);
		ck_assert_msg(strstr(said, rows[i].says), "row %zu: %s", i, said);
		ck_assert_msg(strstr(said, "Try \"synguard "), "row %zu: no remedy", i);
	}
}
END_TEST

START_TEST(arguments_that_end_it)
{
	static const struct {
		const char *words[ARGS_MAX], *says;
	} rows[] = {
		{ { "--help", "bogus" }, "Usage: synguard [OPTION]" },
		{ { "-h" }, "Usage: synguard [OPTION]" },
		{ { "list", "--help" }, "Usage: synguard list" },
		{ { "list", "--limit", "5", "-h" }, "Usage: synguard list" },
		{ { "serve", "--help" }, "Usage: synguard serve" },
		{ { "drop", "--version" }, "synguard " SG_VERSION },
	};
	char said[8192];
	size_t i;
	int code;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		code = quietly(rows[i].words, STDOUT_FILENO, said, sizeof(said));
		ck_assert_msg(code == SG_EXIT_OK, "row %zu: exit code %d", i, code);
		ck_assert_msg(!strncmp(said, rows[i].says, strlen(rows[i].says)), "row %zu: %s", i,
			      said);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(arguments_are_taken, 5),
	SUITE_TEST(arguments_are_refused, 5),
	SUITE_TEST(arguments_that_end_it, 5),
	{}
};
/* clang-format on */
