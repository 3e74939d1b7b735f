/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synguard exporter: runs the program synguard-exporter, so that this one needs no HTTP library. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "verbs.h"

#define EXPORTER_PROGRAM "synguard-exporter"

/* Beside this program in a build tree, else where it was installed. */
static void exporter_path(char path[PATH_MAX])
{
	char self[PATH_MAX - sizeof("/exporter/" EXPORTER_PROGRAM)];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		snprintf(path, PATH_MAX, "%s/exporter/" EXPORTER_PROGRAM, dirname(self));
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, PATH_MAX, "%s", SG_LIBEXECDIR "/" EXPORTER_PROGRAM);
}

int verb_exporter(const struct cli *cli, int argc, char **argv)
{
	_cleanup_free_ const char **with_dir = calloc(argc + 3, sizeof(*with_dir));
	char path[PATH_MAX];

	if (!with_dir) {
		fprintf(stderr, "synguard: %s\n", strerror(ENOMEM));
		return SG_EXIT_FAILED;
	}
	exporter_path(path);
	/* the directory may have stood before the verb; one behind it comes later and counts */
	with_dir[0] = path;
	with_dir[1] = "--runtime-dir";
	with_dir[2] = cli->runtime_dir;
	memcpy(&with_dir[3], &argv[1], argc * sizeof(*argv)); /* the final NULL, too */
	execv(path, (char *const *)with_dir);
	fprintf(stderr, "synguard: %s: %s\n", path, strerror(errno));
	return SG_EXIT_FAILED;
}
