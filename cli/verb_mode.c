/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard mode [MODE] */
#include <stdio.h>

#include "synguard/names.h"

#include "client.h"
#include "verbs.h"

int verb_mode(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc > 2)
		return cli_usage_error("\"mode\" takes one mode");
	if (argc == 2)
		return client_set_mode(cli->runtime_dir, argv[1]);
	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	puts(json_string_value(json_object_get(report, "mode")));
	json_decref(report);
	return SG_EXIT_OK;
}
