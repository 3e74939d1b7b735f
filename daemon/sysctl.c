/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "synguard/cleanup.h"

int sysctl_read(const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = -EBADF;
	char path[256], text[64], *end, *c;
	unsigned long long value;
	ssize_t n;

	if (snprintf(path, sizeof(path), "/proc/sys/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (c = path; *c; c++)
		if (*c == '.')
			*c = '/';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
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
