/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/text.h"

/* JOURNAL_STREAM is "DEVICE:INODE" of the journal's stream. A child may inherit the variable
 * without the stream. */
bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

/* A pipe that polls writable takes PIPE_BUF bytes. O_NONBLOCK would change it for its other
 * holders, too. */
static void log_write(const char *text, size_t length)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (send(STDERR_FILENO, text, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	    errno != ENOTSOCK)
		return;
	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT && write(STDERR_FILENO, text, length) < 0)
		return; /* nowhere to report it */
}

void log_line(int priority, const char *format, ...)
{
	char text[2048];
	size_t length;
	va_list args;

	/* sd-daemon(3): "<N>" in front of a line is its priority */
	if (log_is_journal())
		length = snprintf(text, sizeof(text), "<%d>", priority);
	else
		length = snprintf(text, sizeof(text), "synguardd: ");
	va_start(args, format);
	vsnprintf(text + length, sizeof(text) - length - 1, format, args);
	va_end(args);
	/* names and contents of files, arguments, words of the kernel: whoever they are of */
	text_clean(text);
	length = strlen(text);
	text[length++] = '\n';
	log_write(text, length);
}
