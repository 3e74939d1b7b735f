/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting synguardd in a host and waiting for READY=1. See lab_daemon.h.
 */
#include "tests/lab/lab_daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "tests/lab/run.h"

/* Long: machines that run several tests at once are slow to attach. */
#define READY_TIMEOUT_MS 60000
#define ARGS_MAX	 32

struct lab_daemon {
	pid_t pid;
	int stderr_fd;
	bool own_dir;
	char runtime_dir[128];
	char config[160]; /* "": none is named */
};

/* A datagram socket with an abstract name that the kernel picks. Abstract names belong to a network
 * namespace, so the socket is one of the daemon's host. */
static int notify_socket(struct lab *lab, int host, char *env, size_t size)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	socklen_t len = sizeof(sa);

	fd = lab_socket(lab, host, AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0)
		return fd;
	/* unix(7), autobind: an address that is only a family */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa.sun_family)) < 0)
		return -errno;
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	len -= offsetof(struct sockaddr_un, sun_path) + 1;
	snprintf(env, size, "NOTIFY_SOCKET=@%.*s", (int)len, sa.sun_path + 1);
	return TAKE_FD(fd);
}

/* The message is a list of lines; descriptors that come with it are closed by the kernel. */
static bool says_ready(int fd)
{
	char buf[4096], *line, *state;
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	buf[n] = 0;
	for (line = strtok_r(buf, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		if (!strcmp(line, "READY=1"))
			return true;
	return false;
}

static int ready_wait(pid_t pid, int notify_fd, int timeout_ms)
{
	int64_t deadline = (int64_t)(clock_now_usec() / 1000) + timeout_ms, left;
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[] = {
		{ .fd = notify_fd, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	if (pidfd < 0)
		return -errno;
	while ((left = deadline - (int64_t)(clock_now_usec() / 1000)) > 0) {
		if (poll(p, ARRAY_SIZE(p), left) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents && says_ready(notify_fd))
			return 0;
		if (p[1].revents)
			return -ECHILD;
	}
	return -ETIMEDOUT;
}

static int daemon_spawn(struct lab_daemon *d, struct lab *lab, int host,
			const struct lab_daemon_options *o, const char *notify)
{
	_cleanup_free_ char *found = NULL;
	const char *argv[ARGS_MAX] = { 0 }, *env[] = { notify, NULL };
	size_t n = 0, i;
	int err = 0;

	if (!o->program)
		err = lab_find_program("synguardd", &found);
	if (err)
		return err;

	argv[n++] = o->program ?: found;
	argv[n++] = "--runtime-dir";
	argv[n++] = d->runtime_dir;
	if (!o->interface || *o->interface) {
		argv[n++] = "--interface";
		argv[n++] = o->interface ?: LAB_IFNAME;
	}
	if (o->mode) {
		argv[n++] = "--mode";
		argv[n++] = o->mode;
	}
	if (d->config[0]) {
		argv[n++] = "--config";
		argv[n++] = d->config;
	}
	for (i = 0; o->args && o->args[i]; i++) {
		if (n == ARGS_MAX - 1)
			return -E2BIG;
		argv[n++] = o->args[i];
	}

	return lab_spawn(lab, host, argv,
			 &(struct lab_run_options){ .stdout_fd = d->stderr_fd,
						    .stderr_fd = d->stderr_fd,
						    .env = env,
						    .cpu_plus_1 = o->cpu_plus_1 },
			 &d->pid);
}

static int runtime_dir_make(struct lab_daemon *d, const char *given)
{
	size_t n;

	if (given) {
		n = snprintf(d->runtime_dir, sizeof(d->runtime_dir), "%s", given);
		return n < sizeof(d->runtime_dir) ? 0 : -ENAMETOOLONG;
	}
	strcpy(d->runtime_dir, "/tmp/synguard-lab-XXXXXX");
	if (!mkdtemp(d->runtime_dir))
		return -errno;
	d->own_dir = true;
	return 0;
}

/* In the runtime directory, with which it goes. */
static int config_write(struct lab_daemon *d, const char *text)
{
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(d->config, sizeof(d->config), "%s/lab.conf", d->runtime_dir);
	f = fopen(d->config, "we");
	if (!f)
		return -errno;
	return fputs(text, f) < 0 || fflush(f) ? -EIO : 0;
}

int lab_daemon_start(struct lab_daemon **ret, struct lab *lab, int host,
		     const struct lab_daemon_options *o, char *tail, size_t tail_size)
{
	_cleanup_(lab_daemon_freep) struct lab_daemon *d = NULL;
	_cleanup_close_ int notify_fd = -1;
	char notify[128];
	int err;

	if (tail && tail_size)
		*tail = 0;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->stderr_fd = memfd_create("synguardd-stderr", MFD_CLOEXEC);
	if (d->stderr_fd < 0)
		return -errno;
	/* A shared offset would make two writers overwrite each other. */
	fcntl(d->stderr_fd, F_SETFL, O_APPEND);

	err = runtime_dir_make(d, o->runtime_dir);
	if (!err && (o->config || d->own_dir))
		err = config_write(d, o->config ?: "");
	if (err)
		return err;
	notify_fd = notify_socket(lab, host, notify, sizeof(notify));
	if (notify_fd < 0)
		return notify_fd;

	err = daemon_spawn(d, lab, host, o, notify);
	if (!err)
		err = ready_wait(d->pid, notify_fd, READY_TIMEOUT_MS);
	if (err) {
		if (tail && tail_size)
			lab_tail(d->stderr_fd, tail, tail_size);
		return err;
	}
	*ret = TAKE_PTR(d);
	return 0;
}

int lab_daemon_stop(struct lab_daemon *daemon, int timeout_ms, int *ret_status)
{
	pid_t pid = daemon->pid;

	if (!pid)
		return -ESRCH;
	daemon->pid = 0;
	return lab_stop(pid, SIGTERM, timeout_ms, ret_status);
}

/* A socket, a lock, a state file: the directory is flat. */
static void runtime_dir_remove(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

struct lab_daemon *lab_daemon_free(struct lab_daemon *daemon)
{
	if (!daemon)
		return NULL;
	if (daemon->pid)
		lab_stop(daemon->pid, SIGTERM, 3000, NULL);
	if (daemon->own_dir)
		runtime_dir_remove(daemon->runtime_dir);
	close_fd(daemon->stderr_fd);
	free(daemon);
	return NULL;
}

pid_t lab_daemon_pid(const struct lab_daemon *daemon)
{
	return daemon->pid;
}

const char *lab_daemon_runtime_dir(const struct lab_daemon *daemon)
{
	return daemon->runtime_dir;
}

void lab_daemon_tail(const struct lab_daemon *daemon, char *buf, size_t size)
{
	lab_tail(daemon->stderr_fd, buf, size);
}
