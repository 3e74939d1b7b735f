/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int descriptors_spare(int fd)
{
	struct rlimit limit;
	rlim_t kept;

	/* each time: prlimit(1) may have lowered it */
	if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fd;
	kept = limit.rlim_cur / 2 < DESCRIPTORS_KEPT ? limit.rlim_cur / 2 : DESCRIPTORS_KEPT;
	if ((rlim_t)fd < limit.rlim_cur - kept)
		return fd;
	close(fd);
	return -EMFILE;
}

const char *descriptors_error(int error)
{
	if (error == -EMFILE)
		return "too few descriptors are left; start synguardd with more (LimitNOFILE=, "
		       "ulimit -n)";
	return strerror(-error);
}
