/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/netstat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

#define NETSTAT_BYTES_MAX 65536
#define NETSTAT_GROUP	  "TcpExt:"

/* Two lines: the names, and the numbers in the same order. */
static bool netstat_counter(const char *names, const char *numbers, const char *name, uint64_t *ret)
{
	size_t length = strlen(name);

	for (;;) {
		names += strcspn(names, " \n");
		numbers += strcspn(numbers, " \n");
		if (*names != ' ' || *numbers != ' ')
			return false;
		names++;
		numbers++;
		if (!strncmp(names, name, length) &&
		    (names[length] == ' ' || names[length] == '\n'))
			break;
	}
	*ret = strtoull(numbers, NULL, 10);
	return true;
}

int netstat_parse(const char *text, struct netstat_syns *ret)
{
	const char *names = text, *numbers;
	uint64_t cookies, drops, overflows, received;

	if (strncmp(names, NETSTAT_GROUP, strlen(NETSTAT_GROUP)))
		return -EBADMSG;
	numbers = strchr(names, '\n');
	if (!numbers++ || strncmp(numbers, NETSTAT_GROUP, strlen(NETSTAT_GROUP)))
		return -EBADMSG;
	if (!netstat_counter(names, numbers, "TCPReqQFullDoCookies", &cookies) ||
	    !netstat_counter(names, numbers, "ListenDrops", &drops) ||
	    !netstat_counter(names, numbers, "ListenOverflows", &overflows) ||
	    !netstat_counter(names, numbers, "SyncookiesRecv", &received))
		return -EBADMSG;
	/* an accept queue that overflows is counted as a drop as well */
	ret->overfull = cookies + (drops > overflows ? drops - overflows : 0);
	ret->answered = received;
	return 0;
}

int netstat_read(struct netstat_syns *ret)
{
	_cleanup_close_ int fd = open("/proc/self/net/netstat", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = malloc(NETSTAT_BYTES_MAX);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + have, NETSTAT_BYTES_MAX - 1 - have)) > 0)
		have += n;
	if (n < 0)
		return -errno;
	text[have] = '\0';
	return netstat_parse(text, ret);
}
