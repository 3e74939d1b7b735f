/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard: reads the arguments, runs the verb, and sees to it that what was printed arrived.
 *
 * stdout is data, stderr is talk.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/forward.h"

/* A descriptor of ours must not get the number of a stream that was closed, or talk would end up in
 * it. Writing to such a stream still fails, as the one that is put there is for reading. */
static void guard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

/* Whoever read has gone. A write that failed earlier leaves no errno behind, and no data. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* What could not be written to stdout is a failure, but a closed pipe is somebody's head -1. */
static int finish(int code)
{
	int error = fflush(stdout) ? errno : ferror(stdout) ? EIO : 0;

	if (!error || error == EPIPE || reader_is_gone())
		return code;
	fprintf(stderr, "synguard: stdout: %s\n", strerror(error));
	return SG_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct cli cli = { .runtime_dir = SG_RUNTIME_DIR };
	char *status[] = { "status", NULL };
	int code;

	guard_streams();
	/* which letters a terminal shows; numbers stay as they are */
	setlocale(LC_CTYPE, "");
	code = arguments_parse(&cli, &argc, argv);
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
