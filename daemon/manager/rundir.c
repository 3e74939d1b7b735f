/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "synguard/cleanup.h"

int rundir_path(const char *dir, const char *name, struct rundir_path *ret, struct complaint *c)
{
	int n = snprintf(ret->text, sizeof(ret->text), "%s/%s", dir, name);

	if (n < (int)sizeof(ret->text))
		return 0;
	complain(c, "the runtime directory's name is too long for a socket in it");
	return -ENAMETOOLONG;
}

static int rundir_make(const char *dir, struct complaint *c)
{
	int r = mkdir(dir, 0755) < 0 ? -errno : 0;

	/* whatever the umask: anybody may ask what is */
	if (!r)
		chmod(dir, 0755);
	if (!r || r == -EEXIST)
		return 0;
	complain(c,
		 "the runtime directory \"%s\" cannot be made: %s; make it for the user that "
		 "synguardd runs as, or name another with --runtime-dir",
		 dir, strerror(-r));
	return r;
}

int rundir_take(const char *dir, struct complaint *c)
{
	_cleanup_close_ int fd = -EBADF;
	struct rundir_path path;
	int r;

	r = rundir_path(dir, "lock", &path, c);
	if (r >= 0)
		r = rundir_make(dir, c);
	if (r < 0)
		return r;
	fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		complain(c, "%s: %s", path.text, strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		complain(c,
			 "another synguardd is running with the runtime directory %s; stop it, or "
			 "give this one its own with --runtime-dir",
			 dir);
		return -EBUSY;
	}
	return TAKE_FD(fd);
}
