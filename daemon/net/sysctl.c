/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"

static int sysctl_open(const char *name, int flags)
{
	char path[256], *c;
	int fd;

	if (snprintf(path, sizeof(path), "/proc/sys/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (c = path; *c && !strchr(name, '/'); c++)
		if (*c == '.')
			*c = '/';
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = sysctl_open(name, O_RDONLY);
	char text[64], *end;
	unsigned long long value;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text)
		return -EINVAL;
	*ret = value;
	return 0;
}

int sysctl_write(const char *name, uint64_t value)
{
	_cleanup_close_ int fd = sysctl_open(name, O_WRONLY);
	uint64_t now;
	int r;

	if (fd < 0)
		return fd;
	if (dprintf(fd, "%llu", (unsigned long long)value) < 0)
		return -errno;
	r = sysctl_read(name, &now);
	return r < 0 ? r : now == value ? 0 : -EIO;
}
