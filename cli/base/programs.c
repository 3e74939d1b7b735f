/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/programs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

/* Folders of the build tree, from that of the CLI and from that of the exporter. */
static const char *const program_places[] = { "../tests/lab", "exporter", "../daemon", ".",
					      "../../daemon" };

void program_find(char *path, size_t size, const char *name)
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	self[n > 0 ? n : 0] = '\0';
	for (i = 0; n > 0 && i < ARRAY_SIZE(program_places); i++) {
		snprintf(path, size, "%.*s/%s/%s", (int)(strrchr(self, '/') - self), self,
			 program_places[i], name);
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, size, "%s/%s", SG_LIBEXECDIR, name);
}

static bool hint_exists(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s%s%s", root, folder, name) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

/* The folders of systemd.unit(5) that hold units of the system. */
static bool hint_unit_is_known(const char *root)
{
	static const char *const folders[] = {
		"/etc/systemd/system",	   "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system",
	};
	size_t i;

	if (!hint_exists(root, "/run/systemd/system", ""))
		return false;
	for (i = 0; i < ARRAY_SIZE(folders); i++)
		if (hint_exists(root, folders[i], "/synguard.service"))
			return true;
	return false;
}

const char *start_hint(const char *root, const char *runtime_dir, char *buffer, size_t size)
{
	if (strcmp(runtime_dir, SG_RUNTIME_DIR))
		snprintf(buffer, size, "synguardd --runtime-dir %s", runtime_dir);
	else
		snprintf(buffer, size, "%s",
			 hint_unit_is_known(root) ? "systemctl start synguard" : "synguardd");
	return buffer;
}
