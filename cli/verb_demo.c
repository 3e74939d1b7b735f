/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard demo: runs the program synguard-demo, so that this one needs no libbpf. */
#include "execute.h"

int verb_demo(const struct cli *cli, int argc, char **argv)
{
	return execute_program(cli, "lab", "synguard-demo", argc, argv);
}
