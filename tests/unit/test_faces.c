/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the table of verbs says is what help, bash completion and the man pages say: every verb and
 * every option in each, and none that does not exist. Also of programs that a verb stands for, and
 * of the daemon.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/args.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/mitigation.h"

/* Words, in order, each once. */
struct words {
	char word[128][64];
	size_t count;
};

static void words_add(struct words *w, const char *word, size_t length)
{
	size_t at;

	for (at = 0; at < w->count; at++) {
		int order = strncmp(w->word[at], word, length);

		if (!order && w->word[at][length])
			order = 1;
		if (!order)
			return;
		if (order > 0)
			break;
	}
	ck_assert_uint_lt(w->count, 128);
	ck_assert_uint_lt(length, sizeof(w->word[at]));
	memmove(w->word[at + 1], w->word[at], (w->count++ - at) * sizeof(w->word[at]));
	snprintf(w->word[at], sizeof(w->word[at]), "%.*s", (int)length, word);
}

static void words_expect(const struct words *are, const struct words *wanted, const char *where)
{
	size_t i;

	for (i = 0; i < are->count || i < wanted->count; i++) {
		const char *is = i < are->count ? are->word[i] : "(nothing)";
		const char *should = i < wanted->count ? wanted->word[i] : "(nothing)";

		ck_assert_msg(!strcmp(is, should), "%s: \"%s\" where \"%s\" is wanted", where, is,
			      should);
	}
}

static char *read_all(FILE *file)
{
	char *text = NULL;
	size_t size = 0, length = 0, n;

	do {
		text = realloc(text, size += 65536);
		ck_assert_ptr_nonnull(text);
		n = fread(text + length, 1, size - length - 1, file);
		length += n;
	} while (n);
	text[length] = '\0';
	return text;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text;

	ck_assert_msg(file, "%s is missing", path);
	text = read_all(file);
	fclose(file);
	return text;
}

static char *output_of(const char *format, const char *a, const char *b)
{
	char command[2048], *text;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), format, a, b);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	text = read_all(pipe);
	status = pclose(pipe);
	ck_assert_msg(!status, "%s: status %#x\n%s", command, status, text);
	return text;
}

/* "--name" of all options of one verb, NULL: the common ones. */
static void add_options(struct words *w, const struct verb *verb, bool with_common)
{
	const struct verb_option *o;
	char name[64];
	int n;

	for (o = verb ? verb->options : NULL; o && o->name; o++) {
		n = snprintf(name, sizeof(name), "--%s", o->name);
		words_add(w, name, n);
	}
	for (o = common_options; with_common && o->name; o++) {
		if (verb && !verb_takes(verb, o))
			continue;
		n = snprintf(name, sizeof(name), "--%s", o->name);
		words_add(w, name, n);
	}
}

static size_t option_length(const char *text)
{
	return strncmp(text, "--", 2) ? 0 : 2 + strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-");
}

/* Options that begin a line, behind spaces or marks. */
static void add_options_of_text(struct words *w, const char *text, const char *before)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t skipped = strspn(text, before);

		if (option_length(text + skipped) > 2)
			words_add(w, text + skipped, option_length(text + skipped));
	}
}

/* All options that a text mentions. */
static void add_options_within(struct words *w, const char *text)
{
	for (; (text = strstr(text, "--")); text += 2 + strspn(text + 2, "-"))
		if (isalpha((unsigned char)text[2]))
			words_add(w, text, option_length(text));
}

/* ---- the table itself ---------------------------------------------------------------------- */

START_TEST(verbs_rows_are_whole)
{
	const struct verb_option *o;
	const struct verb *v;
	int min, max;

	for (v = verbs; v->name; v++) {
		ck_assert_ptr_eq(verb_find(v->name), v); /* each once */
		ck_assert_msg(!v->run != !v->program, "%s: either run or program", v->name);
		ck_assert_msg(v->arguments && v->help && v->about, "%s: a text is missing",
			      v->name);
		ck_assert_msg(strlen(v->help) <= 48, "%s: help is too long", v->name);
		ck_assert_msg(v->help[strlen(v->help) - 1] != '.', "%s: help ends in .", v->name);
		ck_assert_msg(isupper((unsigned char)*v->about), "%s: about", v->name);
		ck_assert_msg(v->about[strlen(v->about) - 1] == '.', "%s: about", v->name);
		verb_arity(v, &min, &max);
		ck_assert_msg(max < 0 || min <= max, "%s: %s", v->name, v->arguments);
		for (o = v->options; o && o->name; o++) {
			ck_assert_int_lt(o - v->options, VERB_OPTIONS_MAX);
			ck_assert_msg(!o->common, "%s --%s: own options are not common", v->name,
				      o->name);
			ck_assert_msg(strlen(o->help) <= 52, "%s --%s: help is too long", v->name,
				      o->name);
		}
	}
}
END_TEST

START_TEST(verbs_arity)
{
	static const struct {
		const char *arguments;
		int min, max;
	} rows[] = {
		{ "", 0, 0 },	     { "A", 1, 1 },	{ "[A]", 0, 1 },     { "A [B]", 1, 2 },
		{ "A B [C]", 2, 3 }, { "A...", 1, -1 }, { "[A]...", 0, -1 }, { "A [B]...", 1, -1 },
	};
	int min, max;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct verb v = { .arguments = rows[i].arguments };

		verb_arity(&v, &min, &max);
		ck_assert_msg(min == rows[i].min && max == rows[i].max, "\"%s\": %d to %d",
			      rows[i].arguments, min, max);
	}
}
END_TEST

/* ---- help ---------------------------------------------------------------------------------- */

static char *help_of(const struct verb *verb)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	help_print(to, verb);
	fclose(to);
	return text;
}

static void expect_80(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		ck_assert_msg(strcspn(text, "\n") <= 80, "%.*s", (int)strcspn(text, "\n"), text);
}

START_TEST(faces_help)
{
	struct words are = {}, wanted = {};
	const struct verb *v;
	char line[128], *text = help_of(NULL);

	expect_80(text);
	add_options_of_text(&are, text, " ");
	add_options(&wanted, NULL, true);
	words_expect(&are, &wanted, "--help");
	for (v = verbs; v->name; v++) {
		snprintf(line, sizeof(line), "\n  %s%s%s", v->name, *v->arguments ? " " : "",
			 v->arguments);
		ck_assert_msg(strstr(text, line), "--help has no line for %s", v->name);
		ck_assert_msg(strstr(text, v->help), "--help does not tell what %s is", v->name);
	}
	free(text);
	for (v = verbs; v->name; v++) {
		are = wanted = (struct words){};
		text = help_of(v);
		expect_80(text);
		add_options_of_text(&are, text, " ");
		add_options(&wanted, v, true);
		words_expect(&are, &wanted, v->name);
		free(text);
	}
}
END_TEST

/* The earlier name of a verb works, and is shown nowhere. */
START_TEST(faces_earlier_names)
{
	const struct verb *v = verb_find("ladder");
	char *text = help_of(NULL), *of_verb = help_of(v);
	char *page = read_file(FACES_BUILD "/packaging/man/synguard.1.scd");
	char *completion = read_file(FACES_BUILD "/packaging/completions/synguard");

	ck_assert_ptr_nonnull(v);
	ck_assert_ptr_eq(v, verb_find("mitigation"));
	ck_assert_str_eq(v->name, "mitigation");
	ck_assert(strstr(text, "\n  mitigation ") && !strstr(text, "ladder"));
	ck_assert(strstr(of_verb, "synguard mitigation ") && !strstr(of_verb, "ladder"));
	ck_assert(strstr(page, "\n*mitigation*") && !strstr(page, "ladder"));
	ck_assert(strstr(completion, "mitigation") && !strstr(completion, "ladder"));
	free(text);
	free(of_verb);
	free(page);
	free(completion);
}
END_TEST

/* ---- completion ---------------------------------------------------------------------------- */

/* What a bash completes behind `synguard WORDS`, where the last one may be begun only. */
static void complete(struct words *w, const char *words)
{
	char *text = output_of(
		"bash --norc --noprofile -c 'set -u; source %s; "
		"f=$(complete -p synguard); f=${f#*-F }; f=${f%% *}; "
		"COMP_WORDS=(synguard %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
		"COMPREPLY=(); $f; printf \"%%s\\n\" ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}'",
		FACES_BUILD "/packaging/completions/synguard", words);
	char *line, *state;

	for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		words_add(w, line, strlen(line));
	free(text);
}

static void expect_completion(const char *words, const struct words *wanted)
{
	struct words are = {};

	complete(&are, words);
	words_expect(&are, wanted, words);
}

static void split(struct words *w, const char *text)
{
	for (; *text; text += strspn(text, " ")) {
		words_add(w, text, strcspn(text, " "));
		text += strcspn(text, " ");
	}
}

static void add_verbs(struct words *w)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		words_add(w, v->name, strlen(v->name));
}

START_TEST(faces_completion)
{
	struct words wanted = {}, all = {};
	const struct verb *v;
	char words[128];

	add_verbs(&all);
	expect_completion("\"\"", &all);
	expect_completion("--json \"\"", &all);
	expect_completion("--runtime-dir /tmp \"\"", &all);
	expect_completion("--runtime-dir = /tmp \"\"", &all);
	expect_completion("help \"\"", &all);
	add_options(&wanted, NULL, true);
	expect_completion("-", &wanted);
	for (v = verbs; v->name; v++) {
		wanted = (struct words){};
		add_options(&wanted, v, true);
		words_add(&wanted, "--help", 6);
		snprintf(words, sizeof(words), "%s -", v->name);
		expect_completion(words, &wanted);

		/* its arguments; what is called VERB has been asked for above */
		if (strstr(v->arguments, "VERB"))
			continue;
		wanted = (struct words){};
		split(&wanted, v->words ?: "");
		snprintf(words, sizeof(words), "%s \"\"", v->name);
		expect_completion(words, &wanted);
	}
}
END_TEST

/* What is begun is completed, of folders only folders, and where nothing fits nothing comes. */
START_TEST(faces_completion_of_parts)
{
	struct words wanted = {}, are = {};

	words_add(&wanted, "status", 6);
	expect_completion("statu", &wanted);
	wanted = (struct words){};
	words_add(&wanted, "--runtime-dir", 13);
	expect_completion("mode --r", &wanted);
	wanted = (struct words){};
	expect_completion("bogus \"\"", &wanted);
	expect_completion("status x", &wanted);
	words_add(&wanted, "/proc", 5);
	expect_completion("--runtime-dir /pro", &wanted);
	expect_completion("status --runtime-dir = /pro", &wanted);
	complete(&are, "--runtime-dir /proc/versio");
	ck_assert_uint_eq(are.count, 0);
}
END_TEST

/* Behind its first argument comes what belongs to that, whatever options stand between. */
START_TEST(faces_completion_of_what_follows)
{
	static const char *const files[] = {
		"allow import", "deny --comment x import", "deny --comment = x --force import",
		"config check", "--json config show",	   "config diff"
	};
	static const char *const nothing[] = { "mode off", "allow add", "allow --force list",
					       "config sample", "mitigation undo lease" };
	struct words steps = {}, wanted = {};
	char words[4096];
	size_t i;

#define STEP_(name, word, ...) words_add(&steps, word, strlen(word));
	SG_MITIGATION(STEP_)
#undef STEP_
	expect_completion("mitigation undo \"\"", &steps);
	expect_completion("mitigation --json undo \"\"", &steps);
	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		snprintf(words, sizeof(words), "%s \"\"", nothing[i]);
		expect_completion(words, &wanted);
	}
	/* the names are the program's own */
	snprintf(words, sizeof(words), "%s:%s", FACES_BUILD "/cli", getenv("PATH"));
	setenv("PATH", words, 1);
	words_add(&wanted, "Mitigation.Reap", 15);
	expect_completion("config get Mitigation.Rea", &wanted);
	wanted = (struct words){};
	words_add(&wanted, "/proc/version", 13);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(words, sizeof(words), "%s /proc/versio", files[i]);
		expect_completion(words, &wanted);
	}
}
END_TEST

/* ---- what others have written -------------------------------------------------------------- */

/* What a program says of a hostile argument, or of a file that has such a name, a section and a key. */
#define HOSTILE "$(printf 'a\\033[2Jb\\302\\2332J\\177')"

/* clang-format off */
static const char *const sayings[] = {
	"daemon/synguardd " HOSTILE,
	"daemon/synguardd --" HOSTILE,
	/* which does not start with that directory, whoever runs the test */
	"daemon/synguardd --runtime-dir /dev/null/x --attach=" HOSTILE,
	"daemon/synguardd --runtime-dir /dev/null/x --interface=" HOSTILE,
	"daemon/synguardd --runtime-dir /dev/null/x --config ./" HOSTILE,
	"daemon/synguardd --undo --runtime-dir /dev/null/" HOSTILE,
	"daemon/synguardd --runtime-dir /dev/null/" HOSTILE,
	"cli/exporter/synguard-exporter " HOSTILE,
	"cli/exporter/synguard-exporter --" HOSTILE,
	"cli/exporter/synguard-exporter --listen " HOSTILE,
	"daemon/synguard-config " HOSTILE,
	"daemon/synguard-config --" HOSTILE,
	"daemon/synguard-config get " HOSTILE,
	"daemon/synguard-config check ./" HOSTILE,
	"daemon/synguard-config show --origin ./" HOSTILE,
	"cli/synguard " HOSTILE,
	"cli/synguard --" HOSTILE,
	"cli/synguard --runtime-dir /dev/null/" HOSTILE " status",
	"cli/synguard status --" HOSTILE,
};
/* clang-format on */

START_TEST(fw85_hostile_words)
{
	char folder[] = "/tmp/synguard-faces-XXXXXX";
	char *text;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	text = output_of("f=" HOSTILE "; printf '[x\\033[2Jx]\\nx\\033[2Jx=1\\n' >$f; " FACES_BUILD
			 "/%s 2>&1; rm $f%s",
			 sayings[_i], "");
	ck_assert_msg(strchr(text, '?'), "%s: %s", sayings[_i], text);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_null(strchr(text, '\177'));
	ck_assert_ptr_null(strstr(text, "\302\233"));
	free(text);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- man pages ----------------------------------------------------------------------------- */

/* Every "*--name*" of a page's source. */
static void add_options_of_page(struct words *w, const char *text)
{
	for (; (text = strstr(text, "*--")); text++)
		words_add(w, text + 1, option_length(text + 1));
}

START_TEST(faces_man_page)
{
	char *page = read_file(FACES_BUILD "/packaging/man/synguard.1.scd"), *section, *end;
	struct words are = {}, wanted = {};
	const struct verb *v;
	char line[128];

	add_options_of_page(&are, page);
	add_options(&wanted, NULL, true);
	for (v = verbs; v->name; v++)
		add_options(&wanted, v, true);
	words_expect(&are, &wanted, "synguard(1)");

	/* the verbs are the paragraphs of their section that begin at its edge */
	section = strstr(page, "\n# VERBS\n");
	ck_assert_ptr_nonnull(section);
	end = strstr(section + 1, "\n# ");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	are = wanted = (struct words){};
	for (end = section; (end = strstr(end, "\n*")); end++)
		words_add(&are, end + 2, strcspn(end + 2, "*"));
	add_verbs(&wanted);
	words_expect(&are, &wanted, "synguard(1), VERBS");
	for (v = verbs; v->name; v++) {
		struct words options = {};

		snprintf(line, sizeof(line), "\n*%s*", v->name);
		end = strstr(section, line);
		are = (struct words){};
		add_options(&options, v, true);
		end = strndup(end, strcspn(end + 2, "\n") +
					   (strstr(end + 2, "\n*") ?: end + strlen(end)) - end);
		add_options_of_page(&are, end);
		words_expect(&are, &options, v->name);
		free(end);
	}
	free(page);
}
END_TEST

/* Programs that a verb stands for know the options of its row, and no others. */
START_TEST(faces_programs)
{
	static const char *const places[] = { "tests/lab", "cli/exporter", "daemon" };
	struct words are, wanted;
	const struct verb *v;
	char path[1024], *text;
	size_t i;

	for (v = verbs; v->name; v++) {
		if (!v->program)
			continue;
		for (i = 0; i < 3; i++) {
			snprintf(path, sizeof(path), FACES_BUILD "/%s/%s", places[i], v->program);
			if (!access(path, X_OK))
				break;
		}
		ck_assert_msg(i < 3, "%s has not been built", v->program);
		are = wanted = (struct words){};
		text = output_of("%s --help%s", path, "");
		add_options_within(&are, text);
		add_options(&wanted, v, false);
		/* which every program has */
		words_add(&are, "--help", 6);
		words_add(&wanted, "--help", 6);
		if (strstr(text, "--version"))
			words_add(&wanted, "--version", 9);
		words_expect(&are, &wanted, v->program);
		free(text);
	}
}
END_TEST

START_TEST(faces_daemon)
{
	char *page = read_file(FACES_BUILD "/packaging/man/synguardd.8.scd");
	char *text = output_of("%s --help%s", FACES_BUILD "/daemon/synguardd", "");
	struct words are = {}, wanted = {};

	add_options_of_page(&are, page);
	add_options_of_text(&wanted, text, " ");
	ck_assert_uint_ge(wanted.count, 4);
	words_expect(&are, &wanted, "synguardd(8)");
	free(page);
	free(text);
}
END_TEST

/* scdoc begins each paragraph twice, which is all that may be complained of. */
START_TEST(faces_man_lint)
{
	char *text;
	glob_t pages;
	size_t i;

	if (system("command -v mandoc >/dev/null"))
		SKIP("no mandoc in PATH");
	ck_assert_int_eq(glob(FACES_BUILD "/packaging/man/*.[1-8]", 0, NULL, &pages), 0);
	ck_assert_uint_ge(pages.gl_pathc, 2);
	for (i = 0; i < pages.gl_pathc; i++) {
		text = output_of("mandoc -Tlint -Wwarning %s 2>&1 | "
				 "grep -v \"skipping paragraph macro: PP \"%s || :",
				 pages.gl_pathv[i], "");
		ck_assert_msg(!*text, "%s", text);
		free(text);
		text = output_of("mandoc -Tutf8 %s | sed 's/.\\x08//g'%s", pages.gl_pathv[i], "");
		ck_assert_ptr_nonnull(strstr(text, "SEE ALSO"));
		/* marks that were not taken for marks */
		ck_assert_msg(!strstr(text, "*--"), "a mark is left in %s", pages.gl_pathv[i]);
		free(text);
	}
	globfree(&pages);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(verbs_rows_are_whole, 5),
	SUITE_TEST(verbs_arity, 5),
	SUITE_TEST(faces_help, 5),
	SUITE_TEST(faces_earlier_names, 5),
	SUITE_TEST(faces_completion, 60),
	SUITE_TEST(faces_completion_of_parts, 30),
	SUITE_TEST(faces_completion_of_what_follows, 60),
	SUITE_LOOP(fw85_hostile_words, ARRAY_SIZE(sayings), 5),
	SUITE_TEST(faces_man_page, 5),
	SUITE_TEST(faces_programs, 10),
	SUITE_TEST(faces_daemon, 10),
	SUITE_TEST(faces_man_lint, 30),
	{}
};
/* clang-format on */
