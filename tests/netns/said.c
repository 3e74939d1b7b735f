/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program said. See said.h. */
#include "said.h"

#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/base/screen.h"

#define ARGS_MAX 16

static char *text_of(int fd)
{
	struct stat st;
	char *text;

	ck_assert_int_eq(fstat(fd, &st), 0);
	text = calloc(1, st.st_size + 1);
	ck_assert_ptr_nonnull(text);
	lab_tail(fd, text, st.st_size + 1);
	close(fd);
	return text;
}

void said_done(struct said *said)
{
	free(said->out);
	free(said->err);
}

struct said said_run_with(struct stage *s, const char *const argv[], const char *const *env,
			  int stdout_fd)
{
	int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
	const struct lab_run_options o = {
		.stdout_fd = stdout_fd >= 0 ? stdout_fd : out,
		.stderr_fd = err,
		.env = env,
	};
	struct said said = { .exit_code = -1 };
	pid_t pid;

	ok(lab_spawn(s->lab, LAB_SERVER, argv, &o, &pid), argv[0]);
	if (lab_wait(pid, 10000, &said.status) < 0) {
		lab_stop(pid, SIGKILL, 1000, NULL);
		ck_abort_msg("%s does not end", argv[0]);
	}
	if (WIFEXITED(said.status))
		said.exit_code = WEXITSTATUS(said.status);
	said.out = text_of(out);
	said.err = text_of(err);
	return said;
}

struct said said_run(struct stage *s, const char *const argv[], int stdout_fd)
{
	return said_run_with(s, argv, NULL, stdout_fd);
}

const char *said_program(void)
{
	static char *path;

	if (!path)
		ok(lab_find_program("synguard", &path), "synguard");
	return path;
}

struct said said_cli(struct stage *s, const char *const args[])
{
	const char *argv[ARGS_MAX] = { said_program(), "--runtime-dir",
				       lab_daemon_runtime_dir(s->daemon) };
	int i;

	for (i = 0; args[i]; i++)
		argv[3 + i] = args[i];
	return said_run(s, argv, -1);
}

struct said said_as_nobody(struct stage *s, const char *a, const char *b)
{
	int fd = open(said_program(), O_RDONLY);
	char path[32];
	const char *argv[] = { "setpriv",
			       "--reuid",
			       "65534",
			       "--regid",
			       "65534",
			       "--clear-groups",
			       path,
			       "--runtime-dir",
			       lab_daemon_runtime_dir(s->daemon),
			       a,
			       b,
			       NULL };
	struct said said;

	ck_assert_int_ge(fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* mkdtemp(3) made it for root alone; where the daemon makes it it is 0755 */
	ck_assert_int_eq(chmod(lab_daemon_runtime_dir(s->daemon), 0755), 0);
	said = said_run(s, argv, -1);
	close(fd);
	return said;
}

void said_is_silent(const struct said *said, const char *what)
{
	ck_assert_msg(!*said->err, "%s: stderr is \"%s\"", what, said->err);
}

void said_is_narrow(const struct said *said, size_t columns, const char *what)
{
	const struct screen screen = { .utf8 = true };
	const char *line;

	for (line = said->out; *line; line += strcspn(line, "\n") + 1) {
		char copy[1024];

		snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
		ck_assert_msg(screen_width(&screen, copy) <= columns, "%s, %zu columns: %s", what,
			      screen_width(&screen, copy), copy);
		ck_assert_msg(line[strcspn(line, "\n")], "%s: no newline at the end", what);
	}
	ck_assert_msg(!strchr(said->out, '\033'), "%s: an escape sequence in %s", what, said->out);
}
