/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard mode [MODE]: what it prints is what the daemon says afterwards. */
#include <stdio.h>
#include <string.h>

#include "synguard/names.h"

#include "cli/base/client.h"
#include "cli/base/verb.h"

static void mode_print(const struct cli *cli, const json_t *report, bool set)
{
	const char *mode = json_string_value(json_object_get(report, "mode")) ?: "";

	if (cli->json)
		printf("{\"mode\": \"%s\"}\n", mode); /* a word of a closed set */
	else if (set)
		printf("mode is %s until the daemon stops\n", mode);
	else
		puts(mode);
}

int verb_mode(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc == 2) {
		r = client_set_mode(cli->runtime_dir, argv[1]);
		if (r != SG_EXIT_OK)
			return r;
	}
	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	mode_print(cli, report, argc == 2);
	json_decref(report);
	return SG_EXIT_OK;
}
