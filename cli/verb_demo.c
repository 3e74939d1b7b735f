/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard demo: runs the program synguard-demo, so that this one needs no libbpf. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/names.h"

#include "verbs.h"

#define DEMO_PROGRAM "synguard-demo"

/* Beside this program in a build tree, else where it was installed. */
static void demo_path(char path[PATH_MAX])
{
	char self[PATH_MAX - sizeof("/lab/" DEMO_PROGRAM)];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		snprintf(path, PATH_MAX, "%s/lab/" DEMO_PROGRAM, dirname(self));
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, PATH_MAX, "%s", SG_LIBEXECDIR "/" DEMO_PROGRAM);
}

int verb_demo(const struct cli *cli, int argc, char **argv)
{
	char path[PATH_MAX];

	demo_path(path);
	argv[0] = path;
	execv(path, argv);
	fprintf(stderr, "synguard: %s: %s\n", path, strerror(errno));
	return SG_EXIT_FAILED;
}
