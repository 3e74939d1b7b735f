/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/forward.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

/* --json and --runtime-dir DIR. */
#define FORWARD_MORE 3

/* Where the build puts such programs, as seen from this one. */
static const char *const forward_places[] = { "../tests/lab", "exporter", "../daemon" };

/* In a build tree beside this program, else where it was installed. */
static void forward_path(char path[PATH_MAX], const char *program)
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;
	size_t i;

	if (n > 0) {
		self[n] = '\0';
		folder = dirname(self);
		for (i = 0; i < ARRAY_SIZE(forward_places); i++) {
			snprintf(path, PATH_MAX, "%s/%s/%s", folder, forward_places[i], program);
			if (!access(path, X_OK))
				return;
		}
	}
	snprintf(path, PATH_MAX, "%s/%s", SG_LIBEXECDIR, program);
}

static bool forward_has(const struct verb *verb, const char *name)
{
	const struct verb_option *o;

	for (o = verb->options; o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

int forward(const struct cli *cli, int argc, char **argv)
{
	_cleanup_free_ char **args = calloc(argc + FORWARD_MORE + 1, sizeof(*args));
	char path[PATH_MAX];
	int n = 0;

	if (!args) {
		fprintf(stderr, "synguard: %s\n", strerror(ENOMEM));
		return SG_EXIT_FAILED;
	}
	forward_path(path, cli->verb->program);
	args[n++] = path;
	if (cli->json)
		args[n++] = "--json";
	if (strcmp(cli->runtime_dir, SG_RUNTIME_DIR) && forward_has(cli->verb, "runtime-dir")) {
		args[n++] = "--runtime-dir";
		args[n++] = (char *)cli->runtime_dir;
	}
	memcpy(&args[n], &argv[1], argc * sizeof(*argv)); /* the final NULL, too */
	execv(path, args);
	fprintf(stderr, "synguard: %s: %s\n", path, strerror(errno));
	return SG_EXIT_FAILED;
}
