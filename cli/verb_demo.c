/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard demo: runs the program synguard-demo, so that this one needs no libbpf. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
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
	_cleanup_free_ char **with_json = calloc(argc + 2, sizeof(*with_json));
	char path[PATH_MAX];

	if (!with_json) {
		fprintf(stderr, "synguard: %s\n", strerror(ENOMEM));
		return SG_EXIT_FAILED;
	}
	demo_path(path);
	/* --json may have stood before the verb */
	with_json[0] = path;
	with_json[1] = "--json";
	memcpy(&with_json[2], &argv[1], argc * sizeof(*argv)); /* the final NULL, too */
	argv[0] = path;
	execv(path, cli->json ? with_json : argv);
	fprintf(stderr, "synguard: %s: %s\n", path, strerror(errno));
	return SG_EXIT_FAILED;
}
