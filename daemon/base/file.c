/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/hash.h"

#define FILE_FIRST_BYTES 4096

int file_read_fd(int fd, size_t max, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0, have = 0;
	ssize_t n;
	char *grown;

	do {
		if (have > max)
			return -EFBIG;
		/* room for one byte too many, which tells, and for the NUL */
		if (have + 1 >= room) {
			room = room ? 2 * room : FILE_FIRST_BYTES;
			room = room > max + 2 ? max + 2 : room;
			grown = realloc(text, room);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + have, room - 1 - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? n : 0;
	} while (n);
	text[have] = '\0';
	if (!ret_bytes && strlen(text) != have)
		return -EBADMSG;
	if (ret_bytes)
		*ret_bytes = have;
	*ret = TAKE_PTR(text);
	return 0;
}

int file_read(const char *path, int flags, size_t max, char **ret, size_t *ret_bytes)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return file_read_fd(fd, max, ret, ret_bytes);
}

/* ---- replacing ----------------------------------------------------------------------------- */

/* Names in a folder have 255 bytes at most (NAME_MAX). */
#define FILE_NAME_BYTES 256

/* Opens the folder, and gives the name under which the new file is written first. */
static int file_open_folder(const char *folder, const char *name, char staged[FILE_NAME_BYTES])
{
	int fd;

	if (snprintf(staged, FILE_NAME_BYTES, "%s.new", name) >= FILE_NAME_BYTES)
		return -ENAMETOOLONG;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int file_write_all(int fd, const char *bytes, size_t length)
{
	ssize_t n;

	for (; length; bytes += n, length -= n) {
		n = write(fd, bytes, length);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return -errno;
	}
	return 0;
}

int file_stage(const char *folder, const char *name, const char *bytes, size_t length)
{
	char staged[FILE_NAME_BYTES];
	_cleanup_close_ int dir = file_open_folder(folder, name, staged), fd = -EBADF;
	int r;

	if (dir < 0)
		return dir;
	unlinkat(dir, staged, 0); /* what a crash has left */
	fd = openat(dir, staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_all(fd, bytes, length);
	/* a disk that is full is not to hold half a file, too */
	if (r < 0)
		unlinkat(dir, staged, 0);
	return r;
}

static int file_commit_staged(int dir, const char *staged, const char *name)
{
	_cleanup_close_ int fd = openat(dir, staged, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0 || renameat(dir, staged, dir, name) < 0)
		return -errno;
	return 0;
}

int file_commit(const char *folder, const char *name)
{
	char staged[FILE_NAME_BYTES];
	_cleanup_close_ int dir = file_open_folder(folder, name, staged);
	int r;

	if (dir < 0)
		return dir;
	r = file_commit_staged(dir, staged, name);
	if (r < 0) {
		unlinkat(dir, staged, 0);
		return r;
	}
	return fsync(dir) < 0 ? -errno : 0;
}

int file_remove(const char *folder, const char *name)
{
	char staged[FILE_NAME_BYTES];
	_cleanup_close_ int dir = file_open_folder(folder, name, staged);

	if (dir < 0)
		return dir;
	unlinkat(dir, staged, 0);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

/* ---- sealing ------------------------------------------------------------------------------- */

#define FILE_SUM "sum %016" PRIx64 "\n"

int file_seal(FILE *to, char **text, size_t *length)
{
	if (!fflush(to))
		fprintf(to, FILE_SUM, hash_bytes(HASH_START, *text, *length));
	return fclose(to) ? -ENOMEM : 0;
}

bool file_unseal(char *text)
{
	char expected[32], *sum = strstr(text, "\nsum ");

	if (!sum++)
		return false;
	snprintf(expected, sizeof(expected), FILE_SUM, hash_bytes(HASH_START, text, sum - text));
	if (strcmp(sum, expected) != 0)
		return false;
	*sum = '\0';
	return true;
}

/* ---- locking ------------------------------------------------------------------------------- */

int file_lock(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return TAKE_FD(fd);
}
