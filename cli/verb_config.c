/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard config: runs the program synguard-config, which knows the daemon's settings. */
#include "execute.h"

int verb_config(const struct cli *cli, int argc, char **argv)
{
	return execute_program(cli, "../daemon", "synguard-config", argc, argv);
}
