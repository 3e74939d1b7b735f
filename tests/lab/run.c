/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting, awaiting and ending programs in a host. See run.h.
 */
#include "tests/lab/run.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "synguard/cleanup.h"

#include "daemon/base/file.h"

/* How far above the caller's executable the top of a build tree may be. */
#define BUILD_TREE_DEPTH 4

#define OUTPUT_MAX (1 << 30)

extern char **environ;

struct child {
	const char *const *argv;
	char **env;
	int netns_fd;
	int stdout_fd;
	int stderr_fd;
	int cpu;
	pid_t parent;
	int error_fd; /* closed by a successful exec; otherwise errno goes here */
};

int lab_child_begin(pid_t parent, int netns_fd, int cpu)
{
	sigset_t none;
	int sig;

	/* The parent may have died before the request was made. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	setpgid(0, 0);
	sigemptyset(&none);
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	return lab_pin(cpu);
}

static int child_exec(const struct child *c)
{
	int err = lab_child_begin(c->parent, c->netns_fd, c->cpu);

	if (err)
		return err;
	if (c->stdout_fd > 0 && dup2(c->stdout_fd, STDOUT_FILENO) < 0)
		return -errno;
	if (c->stderr_fd > 0 && dup2(c->stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	execvpe(c->argv[0], (char *const *)c->argv, c->env);
	return -errno;
}

static void child_run(const struct child *c)
{
	int err = child_exec(c);
	ssize_t n = write(c->error_fd, &err, sizeof(err));

	_exit(n == sizeof(err) ? 127 : 126);
}

/* The caller's environment with @more appended; the strings stay whose they are. */
static char **env_join(const char *const *more)
{
	size_t n = 0, extra = 0;
	char **env;

	while (environ[n])
		n++;
	while (more && more[extra])
		extra++;
	env = calloc(n + extra + 1, sizeof(*env));
	if (!env)
		return NULL;
	/* getenv() takes the first one of a name, so these replace the inherited ones. */
	if (extra)
		memcpy(env, more, extra * sizeof(*env));
	memcpy(env + extra, environ, n * sizeof(*env));
	return env;
}

void lab_cpus(int *ret_first, int *ret_last)
{
	int first = 0, last = CPU_SETSIZE - 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0) {
		CPU_ZERO(&set);
		CPU_SET(0, &set);
	}
	while (!CPU_ISSET(first, &set))
		first++;
	while (!CPU_ISSET(last, &set))
		last--;
	*ret_first = first;
	*ret_last = last;
}

int lab_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

int lab_spawn(struct lab *lab, int host, const char *const argv[], const struct lab_run_options *o,
	      pid_t *ret)
{
	_cleanup_close_ int error_read = -1, error_write = -1;
	_cleanup_free_ char **env = NULL;
	struct child child = { .argv = argv, .parent = getpid(), .cpu = -1 };
	int fds[2], err = 0;
	pid_t pid;

	env = env_join(o ? o->env : NULL);
	if (!env)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	error_read = fds[0];
	error_write = fds[1];

	child.env = env;
	child.error_fd = error_write;
	child.netns_fd = lab_netns_fd(lab, host);
	if (child.netns_fd < 0)
		return child.netns_fd;
	if (o) {
		child.stdout_fd = o->stdout_fd;
		child.stderr_fd = o->stderr_fd;
		child.cpu = o->cpu_plus_1 - 1;
	}

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child_run(&child);

	error_write = close_fd(error_write);
	if (read(error_read, &err, sizeof(err)) == sizeof(err)) {
		waitpid(pid, NULL, 0);
		return err;
	}
	*ret = pid;
	return 0;
}

int lab_wait(pid_t pid, int timeout_ms, int *ret_status)
{
	_cleanup_close_ int pidfd = -1;
	struct pollfd p = { .events = POLLIN };
	int n, status;

	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	p.fd = pidfd;
	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!n)
		return -ETIMEDOUT;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (ret_status)
		*ret_status = status;
	return 0;
}

int lab_stop(pid_t pid, int sig, int timeout_ms, int *ret_status)
{
	int err;

	if (pid <= 0)
		return 0;
	kill(pid, sig);
	err = lab_wait(pid, timeout_ms, ret_status);
	if (err != -ETIMEDOUT)
		return err;
	kill(pid, SIGKILL);
	return lab_wait(pid, -1, ret_status) ?: -ETIMEDOUT;
}

int lab_run(struct lab *lab, int host, const char *const argv[], int timeout_ms, char **ret_output)
{
	_cleanup_close_ int out = -1;
	struct lab_run_options o = { 0 };
	size_t length;
	int err, status;
	pid_t pid;

	out = memfd_create("lab-run", MFD_CLOEXEC);
	if (out < 0)
		return -errno;
	if (ret_output)
		o.stdout_fd = out;

	err = lab_spawn(lab, host, argv, &o, &pid);
	if (err)
		return err;
	err = lab_wait(pid, timeout_ms, &status);
	if (err) {
		lab_stop(pid, SIGKILL, -1, NULL);
		return err;
	}

	if (ret_output) {
		if (lseek(out, 0, SEEK_SET) < 0)
			return -errno;
		err = file_read_fd(out, OUTPUT_MAX, ret_output, &length);
		if (err)
			return err;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void lab_tail(int fd, char *buf, size_t size)
{
	struct stat st;
	ssize_t n = 0;
	off_t start;

	if (fstat(fd, &st) == 0) {
		start = st.st_size > (off_t)size - 1 ? st.st_size - ((off_t)size - 1) : 0;
		n = pread(fd, buf, size - 1, start);
	}
	buf[n > 0 ? n : 0] = 0;
}

/* "DIR/NAME", or -ENOENT. */
static int find_in(const char *dir, const char *below, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s/%s", dir, below, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (access(path, X_OK) < 0)
		return -ENOENT;
	*ret = TAKE_PTR(path);
	return 0;
}

int lab_find_program(const char *name, char **ret)
{
	/* how the build tree is laid out */
	static const char *const places[] = { "/daemon", "/cli", "/tests/lab", "/cli/exporter" };
	char exe[PATH_MAX], *dir;
	int depth, err = -ENOENT;
	ssize_t n;
	size_t i;

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return -errno;
	exe[n] = 0;
	dir = dirname(exe);
	/* What is installed runs what is installed, whatever lies around it. */
	if (!strcmp(dir, SG_LIBEXECDIR))
		return find_in(SG_SBINDIR, "", name, ret);
	for (depth = 0; depth < BUILD_TREE_DEPTH && strcmp(dir, "/"); depth++, dir = dirname(dir))
		for (i = 0; err == -ENOENT && i < ARRAY_SIZE(places); i++)
			err = find_in(dir, places[i], name, ret);
	return err == -ENOENT ? find_in(SG_SBINDIR, "", name, ret) : err;
}
