/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard metrics: the report as Prometheus text. */
#include <stdio.h>

#include "synguard/names.h"

#include "cli/base/client.h"
#include "cli/base/verb.h"
#include "cli/print/metrics.h"

int verb_metrics(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	metrics_print(stdout, report);
	json_decref(report);
	return SG_EXIT_OK;
}
