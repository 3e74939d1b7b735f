/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard ladder [undo [STEP]]: what is adjusted on the host, and back. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/mitigation.h"
#include "synguard/names.h"

#include "cli/base/arguments.h"
#include "cli/base/client.h"
#include "cli/base/verb.h"

static const char *ladder_text(const json_t *step, const char *key)
{
	return json_string_value(json_object_get(step, key)) ?: "";
}

static bool ladder_flag(const json_t *step, const char *key)
{
	return json_is_true(json_object_get(step, key));
}

static const char *ladder_word(const json_t *step)
{
	if (ladder_flag(step, "conflict"))
		return "conflict";
	if (ladder_flag(step, "taken"))
		return "taken";
	if (ladder_flag(step, "would"))
		return "would be taken";
	return ladder_flag(step, "allowed") ? "not taken" : "not allowed";
}

/* Values are of kernel settings; listeners have rows of their own, with theirs. */
static void ladder_print_step(const json_t *step, bool has_value)
{
	const char *since = ladder_text(step, "since");

	printf("%-16s %s%s%s\n", ladder_text(step, "step"), ladder_word(step),
	       *since ? " since " : "", since);
	printf("%-16s %s", "", ladder_text(step, "target"));
	if (has_value)
		printf(" %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(step, "old")));
	if (has_value && (ladder_flag(step, "taken") || ladder_flag(step, "would")))
		printf(" -> %" JSON_INTEGER_FORMAT,
		       json_integer_value(json_object_get(step, "new")));
	printf("\n%-16s %s\n", "", ladder_text(step, "why"));
}

static void ladder_print_listener(const json_t *listener)
{
	printf("%-16s   %s %" JSON_INTEGER_FORMAT, "", ladder_text(listener, "target"),
	       json_integer_value(json_object_get(listener, "old")));
	if (ladder_flag(listener, "conflict"))
		printf(", conflict: somebody else has set it, and that stays\n");
	else
		printf(" -> %" JSON_INTEGER_FORMAT "\n",
		       json_integer_value(json_object_get(listener, "new")));
}

#define LADDER_ROW_(name, word_, target_, kind_, ...) { word_, SG_LADDER_##kind_ },
static const struct {
	const char *word;
	enum sg_ladder_kind kind;
} ladder_rows[] = { SG_LADDER(LADDER_ROW_) };

static bool ladder_has_value(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ladder_rows); i++)
		if (!strcmp(ladder_rows[i].word, word))
			return ladder_rows[i].kind == SG_LADDER_VALUE;
	return false;
}

/* Every step, each followed by its listeners. */
static json_t *ladder_steps(const json_t *report)
{
	json_t *steps = json_array(), *step, *listener;
	size_t i, j;

	json_array_foreach(json_object_get(report, "ladder"), i, step) {
		json_array_append(steps, step);
		json_array_foreach(json_object_get(report, "ladder_listeners"), j, listener)
			if (!strcmp(ladder_text(listener, "step"), ladder_text(step, "step")))
				json_array_append(steps, listener);
	}
	return steps;
}

static void ladder_print(const struct cli *cli, const json_t *report)
{
	json_t *root = json_pack("{so}", "steps", ladder_steps(report)), *step;
	const char *before = "", *word;
	size_t i;

	if (cli->json) {
		json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(root);
		return;
	}
	json_array_foreach(json_object_get(root, "steps"), i, step) {
		word = ladder_text(step, "step");
		if (strcmp(word, before) != 0)
			ladder_print_step(step, ladder_has_value(word));
		else
			ladder_print_listener(step);
		before = word;
	}
	json_decref(root);
}

int verb_ladder(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc > 1 && strcmp(argv[1], "undo"))
		return arguments_wrong(cli->verb, "\"%s\" is no action; there is undo", argv[1]);
	/* an empty variable in somebody's script does not mean all of them */
	if (argc > 2 && !*argv[2])
		return arguments_wrong(cli->verb, "\"\" is no step; without one, all are undone");
	if (argc > 1) {
		r = client_undo_ladder(cli->runtime_dir, argc > 2 ? argv[2] : "");
		if (r != SG_EXIT_OK)
			return r;
	}
	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	ladder_print(cli, report);
	json_decref(report);
	return SG_EXIT_OK;
}
