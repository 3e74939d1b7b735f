/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard ladder [undo [STEP]]: what is adjusted on the host, and back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "synguard/names.h"

#include "arguments.h"
#include "client.h"
#include "verbs.h"

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

static void ladder_print_step(const json_t *step)
{
	const char *since = ladder_text(step, "since");

	printf("%-16s%s%s%s\n", ladder_text(step, "step"), ladder_word(step),
	       *since ? " since " : "", since);
	printf("%-16s%s %" JSON_INTEGER_FORMAT, "", ladder_text(step, "target"),
	       json_integer_value(json_object_get(step, "old")));
	if (ladder_flag(step, "taken") || ladder_flag(step, "would"))
		printf(" -> %" JSON_INTEGER_FORMAT,
		       json_integer_value(json_object_get(step, "new")));
	printf("\n%-16s%s\n", "", ladder_text(step, "why"));
}

static void ladder_print(const struct cli *cli, const json_t *report)
{
	json_t *steps = json_object_get(report, "ladder"), *step;
	size_t i;

	if (cli->json) {
		json_t *root = json_pack("{sO}", "steps", steps);

		json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(root);
		return;
	}
	json_array_foreach(steps, i, step)
		ladder_print_step(step);
}

int verb_ladder(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc > 1 && strcmp(argv[1], "undo"))
		return arguments_wrong(cli->verb, "\"%s\" is no action; there is undo", argv[1]);
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
