/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/netstat.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/file.h"

#define NETSTAT_BYTES_MAX 65536

static bool netstat_is_group(const char *line, const char *group)
{
	size_t length = strlen(group);

	return !strncmp(line, group, length) && line[length] == ':';
}

/* The line behind this one, at least the NUL. */
static const char *netstat_next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

int netstat_counter(const char *text, const char *group, const char *name, uint64_t *ret)
{
	const char *names = text, *numbers;
	size_t length = strlen(name);

	while (*names && !netstat_is_group(names, group))
		names = netstat_next_line(netstat_next_line(names));
	numbers = netstat_next_line(names);
	if (!netstat_is_group(numbers, group))
		return -ENOENT;
	/* a word of each line further: the first one is the group */
	for (;;) {
		names += strcspn(names, " \n");
		numbers += strcspn(numbers, " \n");
		if (*names++ != ' ' || *numbers++ != ' ')
			return -ENOENT;
		if (!strncmp(names, name, length) && strchr(" \n", names[length]))
			break;
	}
	*ret = strtoull(numbers, NULL, 10);
	return 0;
}

int netstat_read_text(const char *path, char **ret)
{
	return file_read(path, 0, NETSTAT_BYTES_MAX, ret, NULL);
}

int netstat_parse(const char *text, struct netstat_syns *ret)
{
	uint64_t cookies, drops, overflows, received;

	if (netstat_counter(text, "TcpExt", "TCPReqQFullDoCookies", &cookies) < 0 ||
	    netstat_counter(text, "TcpExt", "ListenDrops", &drops) < 0 ||
	    netstat_counter(text, "TcpExt", "ListenOverflows", &overflows) < 0 ||
	    netstat_counter(text, "TcpExt", "SyncookiesRecv", &received) < 0)
		return -EBADMSG;
	/* an accept queue that overflows is counted as a drop as well */
	ret->overfull = cookies + (drops > overflows ? drops - overflows : 0);
	ret->answered = received;
	return 0;
}

int netstat_read(struct netstat_syns *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = netstat_read_text(NETSTAT_PATH, &text);

	return r < 0 ? r : netstat_parse(text, ret);
}
