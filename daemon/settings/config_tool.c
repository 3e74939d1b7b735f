/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard-config, which `synguard config` executes: what the files say, before a daemon reads
 * them. A program of its own, because the CLI knows nothing of the daemon's insides.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/text.h"
#include "daemon/settings/config.h"

struct tool {
	const char *file;    /* NULL: the usual ones */
	const char *setting; /* "Section.Key" of get */
	bool origin, json;
};

struct tool_verb {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(const struct tool *t);
	bool takes_file, shows, takes_setting;
};

static int usage_error(const char *format, const char *word)
{
	char text[512];

	snprintf(text, sizeof(text), format, word);
	text_say(stderr, "synguard config: %s", text);
	fputs("Try \"synguard config --help\".\n", stderr);
	return SG_EXIT_USAGE;
}

static int tool_fail(const char *what, int error)
{
	text_say(stderr, "synguard config: %s: %s", what, strerror(-error));
	return SG_EXIT_FAILED;
}

static void print_problems(const struct config_problems *p, const char *kind)
{
	struct config_line line;
	size_t i;

	for (i = 0; i < p->count && i < CONFIG_PROBLEMS_KEPT; i++) {
		config_problem_text(&p->kept[i], &line);
		text_say(stderr, "%s%s", kind, line.text);
	}
	if (i < p->count)
		fprintf(stderr, "%sand %zu more\n", kind, p->count - i);
}

/* As a daemon would have it that starts now. The caller owns *ret; the exit code is that of a
 * configuration with faults, which are printed. */
static int tool_load(const struct tool *t, struct config **ret)
{
	const struct config_source source = { .file = t->file };
	int r = config_load(ret, &source);

	if (r < 0)
		return tool_fail(t->file ?: "reading the configuration", r);
	print_problems(&(*ret)->faults, "");
	print_problems(&(*ret)->warnings, "warning: ");
	config_fall_back(*ret);
	return (*ret)->faults.count ? SG_EXIT_FAILED : SG_EXIT_OK;
}

static int tool_check(const struct tool *t)
{
	_cleanup_(config_free_at) struct config *c = NULL;
	int code = tool_load(t, &c);
	size_t i;

	if (code != SG_EXIT_OK)
		return code;
	for (i = 0; i < c->file_count; i++)
		text_say(stdout, "%s: fine", c->files[i]);
	if (!c->file_count)
		puts("there is no configuration file; every setting is as by default");
	return SG_EXIT_OK;
}

static int tool_show(const struct tool *t)
{
	_cleanup_(config_free_at) struct config *c = NULL;
	int code = tool_load(t, &c);

	if (!c)
		return code;
	if (!t->json)
		config_print(stdout, c, t->origin);
	else if (config_print_json(stdout, c) < 0)
		return SG_EXIT_FAILED;
	return code;
}

static int tool_diff(const struct tool *t)
{
	_cleanup_(config_free_at) struct config *c = NULL;
	int code = tool_load(t, &c);

	if (c)
		config_print_difference(stdout, c);
	return code;
}

/* The value of one, a line for each item of a list. */
static int tool_get(const struct tool *t)
{
	_cleanup_(config_free_at) struct config *c = NULL;
	struct settings_text text;
	char section[32];
	enum setting_id id;
	const char *dot = strchr(t->setting, '.');
	size_t i;
	int code;

	snprintf(section, sizeof(section), "%.*s", dot ? (int)(dot - t->setting) : 0, t->setting);
	id = settings_find(settings_renamed_section(section) ?: section, dot ? dot + 1 : "");
	if (id == SETTINGS_COUNT)
		return usage_error("there is no setting \"%s\"; write Section.Key", t->setting);
	code = tool_load(t, &c);
	for (i = 0; c && i < settings_lines(&c->settings, id); i++) {
		settings_text(&c->settings, id, i, &text);
		text_say(stdout, "%s", text.text);
	}
	return code;
}

static int tool_sample(const struct tool *t)
{
	config_print_sample(stdout);
	return SG_EXIT_OK;
}

/* clang-format off */
static const struct tool_verb verbs[] = {
	{ "check",  "[FILE]", "say what is wrong with the files, or with this one", tool_check, true, false },
	{ "show",   "[--origin] [--json] [FILE]", "every setting, and where it comes from", tool_show, true, true },
	{ "diff",   "[FILE]", "the settings that are not as by default", tool_diff, true, false },
	{ "get",    "SECTION.KEY [FILE]", "one of them", tool_get, true, false, true },
	{ "sample", "", "a commented file with the defaults", tool_sample, false, false },
	{}
};
/* clang-format on */

static void usage(FILE *to)
{
	const struct tool_verb *v;

	fputs("Usage: synguard config VERB [OPTION]... [FILE]\n"
	      "Reads /etc/synguard/synguard.conf and synguard.conf.d/*.conf, or FILE alone.\n\n",
	      to);
	for (v = verbs; v->name; v++)
		fprintf(to, "  %-6s %-26s %s\n", v->name, v->arguments, v->help);
	fputs("\nExit status: 0 fine, 1 the configuration is wrong, 2 usage.\n", to);
}

/* argv: the verb and what follows it. */
static int run(struct tool *t, int argc, char **argv)
{
	const struct tool_verb *v = verbs;

	if (!argc)
		return usage_error("which of check, show, diff, get and sample?%s", "");
	while (v->name && strcmp(v->name, argv[0]))
		v++;
	if (!v->name)
		return usage_error("there is no \"%s\"", argv[0]);
	if (argc < 1 + v->takes_setting)
		return usage_error("\"%s\" of which setting?", v->name);
	if (argc > 1 + v->takes_setting + v->takes_file)
		return usage_error("unexpected argument \"%s\"",
				   argv[1 + v->takes_setting + v->takes_file]);
	if ((t->json || t->origin) && !v->shows)
		return usage_error("\"%s\" knows neither --origin nor --json", v->name);
	t->setting = v->takes_setting ? argv[1] : NULL;
	t->file = argv[1 + v->takes_setting]; /* NULL at the end */
	return v->run(t);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "origin", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct tool t = {};
	int c, code;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case 'o':
			t.origin = true;
			break;
		case 'j':
			t.json = true;
			break;
		case 'h':
			usage(stdout);
			return SG_EXIT_OK;
		default:
			return usage_error("\"%s\" is no option", argv[optind - 1]);
		}
	}
	code = run(&t, argc - optind, argv + optind);
	if (fflush(stdout) && errno != EPIPE) {
		perror("synguard config: stdout");
		return SG_EXIT_FAILED;
	}
	return code;
}
