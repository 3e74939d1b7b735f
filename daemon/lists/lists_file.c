/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/lists_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "synguard/cleanup.h"

int lists_file_init(struct lists_file *f, const char *folder, const char *name)
{
	if (snprintf(f->folder, sizeof(f->folder), "%s", folder) >= (int)sizeof(f->folder) ||
	    snprintf(f->path, sizeof(f->path), "%s/%s", folder, name) >= (int)sizeof(f->path) ||
	    snprintf(f->fresh, sizeof(f->fresh), "%s/%s.new", folder, name) >=
		    (int)sizeof(f->fresh))
		return -ENAMETOOLONG;
	return 0;
}

/* Of a regular file that is not too large; the bytes, or -errno with *c filled. */
static ssize_t lists_file_slurp(char *text, int fd, const char *path, struct complaint *c)
{
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, text + n, LISTS_FILE_MAX + 1 - n);
		n += got > 0 ? got : 0;
	} while (got > 0 && n <= LISTS_FILE_MAX);
	if (got < 0) {
		got = -errno;
		complain(c, "%s: %s", path, strerror(-got));
		return got;
	}
	if (n > LISTS_FILE_MAX || memchr(text, '\0', n)) {
		complain(c, "%s: %s", path,
			 n > LISTS_FILE_MAX ? "too long for a list" : "no text, there is a NUL");
		return -EINVAL;
	}
	return n;
}

int lists_file_read(char **ret, const char *path, struct complaint *c)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		complain(c, "%s: %s", path, strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		complain(c, "%s: not a regular file", path);
		return -EINVAL;
	}
	text = malloc(LISTS_FILE_MAX + 2);
	if (!text)
		return -ENOMEM;
	n = lists_file_slurp(text, fd, path, c);
	if (n < 0)
		return n;
	text[n] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

int lists_file_write(const struct lists_file *f, const char *text, struct complaint *c)
{
	_cleanup_close_ int fd = -EBADF;
	size_t length = strlen(text), done = 0;
	ssize_t n = 0;
	int r;

	if (mkdir(f->folder, 0700) < 0 && errno != EEXIST)
		n = -1;
	if (!n)
		fd = open(f->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (fd >= 0 && n >= 0 && done < length) {
		n = write(fd, text + done, length - done);
		done += n > 0 ? n : 0;
	}
	if (fd >= 0 && n >= 0)
		return 0;
	r = -errno;
	/* a disk that is full is not to hold half a list, too */
	if (fd >= 0)
		unlink(f->fresh);
	complain(
		c,
		"%s: %s; name a directory that synguardd may write to with --state-dir, or keep it "
		"until the daemon stops with --runtime",
		f->fresh, strerror(-r));
	return r;
}

static int lists_file_sync(const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, flags | O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int lists_file_settle(const struct lists_file *f)
{
	int r = lists_file_sync(f->fresh, 0);

	if (!r && rename(f->fresh, f->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(f->fresh);
	return r ?: lists_file_sync(f->folder, O_DIRECTORY);
}

int lists_file_put_aside(const struct lists_file *f)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.unreadable", f->path);
	return rename(f->path, path) < 0 ? -errno : 0;
}
