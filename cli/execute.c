/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "execute.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

/* Room for the folder's and the program's name. */
#define EXECUTE_NAMES 64

static void execute_path(char path[PATH_MAX], const char *folder, const char *program)
{
	char self[PATH_MAX - EXECUTE_NAMES];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		snprintf(path, PATH_MAX, "%s/%s/%s", dirname(self), folder, program);
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, PATH_MAX, "%s/%s", SG_LIBEXECDIR, program);
}

int execute_program(const struct cli *cli, const char *folder, const char *program, int argc,
		    char **argv)
{
	_cleanup_free_ char **with_json = calloc(argc + 2, sizeof(*with_json));
	char path[PATH_MAX];

	if (!with_json) {
		fprintf(stderr, "synguard: %s\n", strerror(ENOMEM));
		return SG_EXIT_FAILED;
	}
	execute_path(path, folder, program);
	with_json[0] = path;
	with_json[1] = "--json";
	memcpy(&with_json[2], &argv[1], argc * sizeof(*argv)); /* the final NULL, too */
	argv[0] = path;
	execv(path, cli->json ? with_json : argv);
	fprintf(stderr, "synguard: %s: %s\n", path, strerror(errno));
	return SG_EXIT_FAILED;
}
