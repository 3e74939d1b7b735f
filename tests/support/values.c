/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "values.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const char *but;
	char *text;
};

static void values_print(const char *path, FILE *to)
{
	FILE *from = fopen(path, "re");
	char line[256] = "";

	if (!from)
		return;
	if (!fgets(line, sizeof(line), from))
		line[0] = '\0';
	fclose(from);
	line[strcspn(line, "\n")] = '\0';
	fprintf(to, "%s %s\n", path, line);
}

static int values_read(void *arg)
{
	struct values *v = arg;
	glob_t found = {};
	size_t size, i;
	FILE *to = open_memstream(&v->text, &size);

	if (!to)
		return -ENOMEM;
	glob("/proc/sys/net/ipv4/tcp_*", 0, NULL, &found);
	glob("/proc/sys/net/core/somaxconn", GLOB_APPEND, NULL, &found);
	for (i = 0; i < found.gl_pathc; i++)
		/* a key that is made when it is read is another each time */
		if (!strstr(found.gl_pathv[i], "fastopen_key") &&
		    (!v->but || !strstr(found.gl_pathv[i], v->but)))
			values_print(found.gl_pathv[i], to);
	globfree(&found);
	return fclose(to) ? -ENOMEM : 0;
}

char *values_of(struct lab *lab, int host, const char *but)
{
	struct values v = { .but = but };

	if (lab_call(lab, host, values_read, &v) < 0) {
		free(v.text);
		return NULL;
	}
	return v.text;
}
