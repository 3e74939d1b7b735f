/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard status: asks the daemon or, where there is none, the kernel. */
#include <stdio.h>
#include <string.h>

#include "synguard/names.h"

#include "cli/base/client.h"
#include "cli/base/kernel_view.h"
#include "cli/base/verb.h"
#include "cli/print/status.h"

static int status_tell_json(json_t *root)
{
	if (!root || json_dumpf(root, stdout, JSON_INDENT(2)) < 0)
		return SG_EXIT_FAILED;
	putchar('\n');
	return SG_EXIT_OK;
}

/* Whatever it finds: that the daemon is not running, or does not answer, has been said. */
static void status_without_daemon(const struct cli *cli, bool silent)
{
	struct screen screen = screen_of(stdout, cli->wide);
	struct kernel_view view;
	json_t *root;

	kernel_view(&view);
	view.silent = silent;
	if (cli->json) {
		root = status_of_kernel(&view);
		status_tell_json(root);
		json_decref(root);
	} else {
		status_print_kernel(&view, &screen);
	}
}

int verb_status(const struct cli *cli, int argc, char **argv)
{
	struct screen screen = screen_of(stdout, cli->wide);
	json_t *report = NULL;
	int r;

	r = client_describe(cli->runtime_dir, &report);
	/* one that hangs is running: of that there is no JSON but the daemon's own */
	if (r == SG_EXIT_NO_DAEMON || (r != SG_EXIT_OK && !cli->json))
		status_without_daemon(cli, r != SG_EXIT_NO_DAEMON);
	if (r != SG_EXIT_OK)
		return r;
	if (cli->json) {
		/* as the other answer has it: a script need not look at the exit code */
		json_object_set_new(report, "running", json_true());
		r = status_tell_json(report);
	} else if (status_print(report, &screen) < 0) {
		fputs("synguard: out of memory\n", stderr);
		r = SG_EXIT_FAILED;
	}
	json_decref(report);
	return r;
}
