/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/verbs: the verbs that need the daemon: each reads its own arguments, calls the daemon, and
 * hands the answer to cli/print or, with --json, prints it as it is.
 *
 * Here those that print the daemon's report: status, mode, mitigation, metrics.
 */
#include <stdio.h>
#include <string.h>

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/json.h"
#include "cli/base/kernel_view.h"
#include "cli/base/screen.h"
#include "cli/print/metrics.h"
#include "cli/print/status.h"
#include "cli/verbs/verbs.h"
#include "synguard/cleanup.h"
#include "synguard/mitigation.h"
#include "synguard/names.h"

int print_json(const json_t *root)
{
	if (!root)
		return out_of_memory();
	/* main() looks for errors of stdout */
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	return SG_EXIT_OK;
}

static int describe(const struct cli *cli, json_t **ret)
{
	return client_call(cli->runtime_dir, ret, "Describe", NULL);
}

/* ---- status -------------------------------------------------------------------------------- */

/* That the daemon is not running, or does not answer, has been printed. */
static void status_without_daemon(const struct cli *cli, bool silent)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *root = NULL;
	struct kernel_view view;

	kernel_view(&view);
	view.silent = silent;
	if (cli->json)
		print_json(root = status_of_kernel(&view));
	else
		status_print_kernel(&view, &screen);
}

int verb_status(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *report = NULL;
	int r = describe(cli, &report);

	/* a daemon that hangs is running: JSON of that only comes from the daemon */
	if (r == SG_EXIT_NO_DAEMON || (r != SG_EXIT_OK && !cli->json))
		status_without_daemon(cli, r != SG_EXIT_NO_DAEMON);
	if (r != SG_EXIT_OK)
		return r;
	if (!cli->json)
		return status_print(report, &screen);
	/* as in the JSON without a daemon: a script need not look at the exit code */
	json_object_set_new(report, "running", json_true());
	return print_json(report);
}

/* ---- mode ---------------------------------------------------------------------------------- */

/* Prints what the daemon says after the change. */
int verb_mode(const struct cli *cli, int argc, char **argv)
{
	json_auto_t *set = NULL, *report = NULL;
	const char *mode;
	int r = SG_EXIT_OK;

	if (argc == 2)
		r = client_call(cli->runtime_dir, &set, "SetMode", "s", argv[1]);
	if (r == SG_EXIT_OK)
		r = describe(cli, &report);
	if (r != SG_EXIT_OK)
		return r;
	mode = get_text(report, "mode");
	if (cli->json)
		printf("{\"mode\": \"%s\"}\n", mode); /* a word of a closed set */
	else
		printf(argc == 2 ? "mode is %s until the daemon stops\n" : "%s\n", mode);
	return SG_EXIT_OK;
}

/* ---- mitigation ---------------------------------------------------------------------------- */

/* Where the second column begins. */
#define MITIGATION_COLUMN 17

static const char *mitigation_state(const json_t *step)
{
	if (get_flag(step, "conflict"))
		return "conflict";
	if (get_flag(step, "taken"))
		return "taken";
	if (get_flag(step, "would"))
		return "would be taken";
	return get_flag(step, "allowed") ? "not taken" : "not allowed";
}

#define MITIGATION_KIND_(name, word_, target_, kind_, ...) { word_, SG_MITIGATION_##kind_ },
static const struct {
	const char *word;
	enum sg_mitigation_kind kind;
} mitigation_kinds[] = { SG_MITIGATION(MITIGATION_KIND_) };

/* " 5" or " 5 -> 1", of a step that sets one value of the kernel; otherwise "". */
static const char *mitigation_value(const json_t *step, char *buffer, size_t size)
{
	long long old = get_number(step, "old"), new = get_number(step, "new");
	size_t i;

	*buffer = '\0';
	for (i = 0; i < ARRAY_SIZE(mitigation_kinds); i++)
		if (get_is(step, "step", mitigation_kinds[i].word) &&
		    mitigation_kinds[i].kind == SG_MITIGATION_VALUE)
			snprintf(buffer, size,
				 get_flag(step, "taken") || get_flag(step, "would") ?
					 " %lld -> %lld" :
					 " %lld",
				 old, new);
	return buffer;
}

static void mitigation_print_step(const struct screen *s, const json_t *step)
{
	const char *since = get_text(step, "since");
	char value[64];

	screen_wrap_item(s, get_text(step, "step"), MITIGATION_COLUMN, "%s%s%s",
			 mitigation_state(step), *since ? " since " : "", since);
	screen_wrap(s, MITIGATION_COLUMN, "%s%s", get_text(step, "target"),
		    mitigation_value(step, value, sizeof(value)));
	screen_wrap(s, MITIGATION_COLUMN, "%s", get_text(step, "why"));
}

static void mitigation_print_listener(const struct screen *s, const json_t *listener)
{
	long long old = get_number(listener, "old");

	if (get_flag(listener, "conflict"))
		screen_wrap(s, MITIGATION_COLUMN + 2,
			    "%s %lld, conflict: another program has set it, and its value stays",
			    get_text(listener, "target"), old);
	else
		screen_wrap(s, MITIGATION_COLUMN + 2, "%s %lld -> %lld",
			    get_text(listener, "target"), old,
			    (long long)get_number(listener, "new"));
}

/* Every step, each followed by its listeners. */
static int mitigation_print(const struct cli *cli, const json_t *report)
{
	const struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *root = json_pack("{s:[]}", "steps");
	json_t *steps = json_object_get(root, "steps"), *step, *listener;
	size_t i, j;

	json_array_foreach(json_object_get(report, "mitigation"), i, step) {
		json_array_append(steps, step);
		if (!cli->json)
			mitigation_print_step(&screen, step);
		json_array_foreach(json_object_get(report, "mitigation_listeners"), j, listener) {
			if (!get_is(listener, "step", get_text(step, "step")))
				continue;
			json_array_append(steps, listener);
			if (!cli->json)
				mitigation_print_listener(&screen, listener);
		}
	}
	return cli->json ? print_json(root) : SG_EXIT_OK;
}

int verb_mitigation(const struct cli *cli, int argc, char **argv)
{
	json_auto_t *undone = NULL, *report = NULL;
	int r = SG_EXIT_OK;

	if (argc > 1 && strcmp(argv[1], "undo"))
		return args_wrong(cli->verb, "\"%s\" is no action; there is undo", argv[1]);
	/* a script's empty variable does not mean all steps */
	if (argc > 2 && !*argv[2])
		return args_wrong(cli->verb, "\"\" is no step; without one, all are undone");
	if (argc > 1)
		r = client_call(cli->runtime_dir, &undone, "UndoMitigation", "s",
				argc > 2 ? argv[2] : "");
	if (r == SG_EXIT_OK)
		r = describe(cli, &report);
	return r == SG_EXIT_OK ? mitigation_print(cli, report) : r;
}

/* ---- metrics ------------------------------------------------------------------------------- */

int verb_metrics(const struct cli *cli, int argc, char **argv)
{
	json_auto_t *report = NULL;
	int r = describe(cli, &report);

	if (r == SG_EXIT_OK)
		metrics_print(stdout, report);
	return r;
}
