/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard mitigation [undo [STEP]]: what is adjusted on the host, and back. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/mitigation.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/verb.h"

static const char *mitigation_text(const json_t *step, const char *key)
{
	return json_string_value(json_object_get(step, key)) ?: "";
}

static bool mitigation_flag(const json_t *step, const char *key)
{
	return json_is_true(json_object_get(step, key));
}

static const char *mitigation_word(const json_t *step)
{
	if (mitigation_flag(step, "conflict"))
		return "conflict";
	if (mitigation_flag(step, "taken"))
		return "taken";
	if (mitigation_flag(step, "would"))
		return "would be taken";
	return mitigation_flag(step, "allowed") ? "not taken" : "not allowed";
}

/* Values are of kernel settings; listeners have rows of their own, with theirs. */
static void mitigation_print_step(const json_t *step, bool has_value)
{
	const char *since = mitigation_text(step, "since");

	printf("%-16s %s%s%s\n", mitigation_text(step, "step"), mitigation_word(step),
	       *since ? " since " : "", since);
	printf("%-16s %s", "", mitigation_text(step, "target"));
	if (has_value)
		printf(" %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(step, "old")));
	if (has_value && (mitigation_flag(step, "taken") || mitigation_flag(step, "would")))
		printf(" -> %" JSON_INTEGER_FORMAT,
		       json_integer_value(json_object_get(step, "new")));
	printf("\n%-16s %s\n", "", mitigation_text(step, "why"));
}

static void mitigation_print_listener(const json_t *listener)
{
	printf("%-16s   %s %" JSON_INTEGER_FORMAT, "", mitigation_text(listener, "target"),
	       json_integer_value(json_object_get(listener, "old")));
	if (mitigation_flag(listener, "conflict"))
		printf(", conflict: somebody else has set it, and that stays\n");
	else
		printf(" -> %" JSON_INTEGER_FORMAT "\n",
		       json_integer_value(json_object_get(listener, "new")));
}

#define MITIGATION_ROW_(name, word_, target_, kind_, ...) { word_, SG_MITIGATION_##kind_ },
static const struct {
	const char *word;
	enum sg_mitigation_kind kind;
} mitigation_rows[] = { SG_MITIGATION(MITIGATION_ROW_) };

static bool mitigation_has_value(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mitigation_rows); i++)
		if (!strcmp(mitigation_rows[i].word, word))
			return mitigation_rows[i].kind == SG_MITIGATION_VALUE;
	return false;
}

/* Every step, each followed by its listeners. */
static json_t *mitigation_steps(const json_t *report)
{
	json_t *steps = json_array(), *step, *listener;
	size_t i, j;

	json_array_foreach(json_object_get(report, "mitigation"), i, step) {
		json_array_append(steps, step);
		json_array_foreach(json_object_get(report, "mitigation_listeners"), j, listener)
			if (!strcmp(mitigation_text(listener, "step"),
				    mitigation_text(step, "step")))
				json_array_append(steps, listener);
	}
	return steps;
}

static void mitigation_print(const struct cli *cli, const json_t *report)
{
	json_t *root = json_pack("{so}", "steps", mitigation_steps(report)), *step;
	const char *before = "", *word;
	size_t i;

	if (cli->json) {
		json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(root);
		return;
	}
	json_array_foreach(json_object_get(root, "steps"), i, step) {
		word = mitigation_text(step, "step");
		if (strcmp(word, before) != 0)
			mitigation_print_step(step, mitigation_has_value(word));
		else
			mitigation_print_listener(step);
		before = word;
	}
	json_decref(root);
}

int verb_mitigation(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc > 1 && strcmp(argv[1], "undo"))
		return arguments_wrong(cli->verb, "\"%s\" is no action; there is undo", argv[1]);
	/* an empty variable in somebody's script does not mean all of them */
	if (argc > 2 && !*argv[2])
		return arguments_wrong(cli->verb, "\"\" is no step; without one, all are undone");
	if (argc > 1) {
		r = client_undo_mitigation(cli->runtime_dir, argc > 2 ? argv[2] : "");
		if (r != SG_EXIT_OK)
			return r;
	}
	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	mitigation_print(cli, report);
	json_decref(report);
	return SG_EXIT_OK;
}
