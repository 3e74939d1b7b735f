/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/file.h"

#define INSTANCE_NAME "\0synguard/daemon"

/* A daemon that has the name and does not listen yet will do so in a moment. */
#define INSTANCE_TRIES	   20
#define INSTANCE_WAIT_USEC 10000

/* So that no client can keep a tick busy. */
#define INSTANCE_CLIENTS_A_TICK 256

/* Whether this user could run the daemon. */
static bool instance_is_ours(uid_t uid)
{
	/* the service's user has the name of its group */
	const struct passwd *user = getpwnam(SG_GROUP);

	return !uid || uid == geteuid() || (user && uid == user->pw_uid);
}

/* ---- the directories ----------------------------------------------------------------------- */

int instance_check_dir(const char *dir, const char *what, const char *option, struct complaint *c)
{
	struct stat st;
	int i, r;

	/* a link belongs to somebody, too: first what the name is, then what it leads to */
	for (i = 0; i < 2; i++) {
		r = fstatat(AT_FDCWD, dir, &st, i ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
		if (r == -ENOENT)
			return 0;
		if (r < 0) {
			complain(c, "the %s %s: %s", what, dir, strerror(-r));
			return r;
		}
		if (!instance_is_ours(st.st_uid)) {
			complain(c,
				 "the %s %s belongs to user %u, who can put files into it that "
				 "synguardd would believe. Where synguardd is to run as that user, "
				 "be that user; else remove it, or name another with %s",
				 what, dir, st.st_uid, option);
			return -EPERM;
		}
		if (!S_ISLNK(st.st_mode) && st.st_mode & S_IWOTH) {
			complain(c,
				 "anybody can put files into the %s %s that synguardd would "
				 "believe. Take that right away (chmod o-w), or name another with "
				 "%s",
				 what, dir, option);
			return -EPERM;
		}
	}
	return 0;
}

int instance_path(const char *dir, const char *name, struct instance_path *ret, struct complaint *c)
{
	int n = snprintf(ret->text, sizeof(ret->text), "%s/%s", dir, name);

	if (n < (int)sizeof(ret->text))
		return 0;
	complain(c, "the runtime directory's name is too long for a socket in it");
	return -ENAMETOOLONG;
}

static int instance_make_dir(const char *dir, struct complaint *c)
{
	int r = mkdir(dir, 0755) < 0 ? -errno : 0;

	if (r == -EEXIST)
		return instance_check_dir(dir, "runtime directory", "--runtime-dir", c);
	if (r < 0) {
		complain(c,
			 "the runtime directory \"%s\" cannot be made: %s; make it for the user "
			 "that synguardd runs as, or name another with --runtime-dir",
			 dir, strerror(-r));
		return r;
	}
	/* whatever the umask: anybody may ask for the status */
	chmod(dir, 0755);
	return 0;
}

int instance_lock(const char *dir, struct complaint *c)
{
	struct instance_path path;
	int r = instance_path(dir, "lock", &path, c);

	if (r >= 0)
		r = instance_make_dir(dir, c);
	if (r < 0)
		return r;
	r = file_lock(path.text);
	if (r == -EWOULDBLOCK) {
		complain(c,
			 "another synguardd is running with the runtime directory %s; stop it, or "
			 "give this one its own with --runtime-dir",
			 dir);
		return -EBUSY;
	}
	if (r == -ELOOP)
		complain(c, "%s is a symbolic link, which synguardd never makes; remove it",
			 path.text);
	else if (r < 0)
		complain(c, "%s: %s", path.text, strerror(-r));
	return r;
}

/* ---- the network namespace ----------------------------------------------------------------- */

static const struct sockaddr_un instance_address = { AF_UNIX, INSTANCE_NAME };
#define INSTANCE_ADDRESS_BYTES (offsetof(struct sockaddr_un, sun_path) + sizeof(INSTANCE_NAME) - 1)

static int instance_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* -EADDRINUSE: somebody has it. */
static int instance_bind(void)
{
	_cleanup_close_ int fd = instance_socket();

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&instance_address, INSTANCE_ADDRESS_BYTES) < 0)
		return -errno;
	/* who we are (SO_PEERCRED) is asked by connecting, which takes a backlog and no answer */
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/*
 * Who has the name, by the credentials of its listen(2). -ECONNREFUSED: it does not listen, or is
 * gone; -EAGAIN: too many have asked in the last second.
 */
static int instance_ask(struct ucred *ret)
{
	_cleanup_close_ int fd = instance_socket();
	socklen_t length = sizeof(*ret);

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&instance_address, INSTANCE_ADDRESS_BYTES) < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &length) < 0 ? -errno : 0;
}

int instance_mark(struct complaint *c, struct complaint *warning)
{
	struct ucred holder = {};
	int tries, fd, r = 0;

	for (tries = 0; tries < INSTANCE_TRIES; tries++) {
		fd = instance_bind();
		if (fd >= 0)
			return fd;
		if (fd != -EADDRINUSE) {
			complain(c, "the socket that marks this network namespace: %s",
				 strerror(-fd));
			return fd;
		}
		r = instance_ask(&holder);
		if (r >= 0)
			break;
		usleep(INSTANCE_WAIT_USEC);
	}
	if (r >= 0 && instance_is_ours(holder.uid)) {
		complain(c,
			 "another synguardd (process %d) runs in this network namespace; stop it "
			 "first",
			 holder.pid);
		return -EBUSY;
	}
	if (r >= 0)
		complain(warning,
			 "process %d of user %u has taken the mark of synguardd in this network "
			 "namespace; a second synguardd would not be noticed. End that process",
			 holder.pid, holder.uid);
	else
		complain(warning,
			 "somebody has taken the mark of synguardd in this network namespace; a "
			 "second synguardd would not be noticed. \"ss -xlp\" may show who");
	return -EADDRINUSE;
}

void instance_tick(int fd)
{
	int i, client = 0;

	for (i = 0; fd >= 0 && client >= 0 && i < INSTANCE_CLIENTS_A_TICK; i++) {
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		close_fd(client);
	}
}
