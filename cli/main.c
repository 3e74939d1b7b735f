/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard: reads the arguments, runs the verb, and checks that the output was written.
 *
 * Data goes to stdout, messages to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/screen.h"

/* A socket must not get the descriptor of a standard stream that was closed, or messages would be
 * written into it. Writing to such a stream still fails: what takes its place is open for reading. */
static void guard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

/* The reader of stdout has gone. Asked of the descriptor: a write that failed earlier leaves no errno. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* Output that could not be written is a failure, except to a closed pipe: that is `| head -1`. */
static int finish(int code)
{
	int error = fflush(stdout) ? errno : ferror(stdout) ? EIO : 0;

	if (!error || error == EPIPE || reader_is_gone())
		return code;
	return print_error(SG_EXIT_FAILED, "stdout: %s", strerror(error));
}

/* --json and --runtime-dir DIR. */
#define FORWARD_MORE 3

/*
 * Becomes the program of cli->verb, with argv as it arrived (argv[0] is the verb), and before it
 * those common options from before the verb that the verb's row has. Returns, with an exit code,
 * only where it cannot.
 */
static int forward(const struct cli *cli, int argc, char **argv)
{
	_cleanup_free_ char **args = calloc(argc + FORWARD_MORE + 1, sizeof(*args));
	char path[PATH_MAX];
	int n = 0;

	if (!args)
		return print_error(SG_EXIT_FAILED, "%s", strerror(ENOMEM));
	program_find(path, sizeof(path), cli->verb->program);
	args[n++] = path;
	if (cli->json)
		args[n++] = "--json";
	if (strcmp(cli->runtime_dir, SG_RUNTIME_DIR) &&
	    option_find(cli->verb->options, "runtime-dir")) {
		args[n++] = "--runtime-dir";
		args[n++] = (char *)cli->runtime_dir;
	}
	memcpy(&args[n], &argv[1], argc * sizeof(*argv)); /* the final NULL, too */
	execv(path, args);
	return print_error(SG_EXIT_FAILED, "%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	struct cli cli = { .runtime_dir = SG_RUNTIME_DIR };
	char *status[] = { "status", NULL };
	int code;

	guard_streams();
	/* the letters of the terminal; numbers keep their format */
	setlocale(LC_CTYPE, "");
	code = args_parse(&cli, &argc, argv);
	if (code >= 0)
		return finish(code);
	if (!cli.verb) {
		cli.verb = verb_find("status");
		return finish(cli.verb->run(&cli, 1, status));
	}
	if (cli.verb->program)
		return forward(&cli, argc - 1, argv + 1);
	return finish(cli.verb->run(&cli, argc - 1, argv + 1));
}
