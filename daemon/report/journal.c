/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* More than the longest record: a sentence and EVENTS_FIELDS_MAX values. */
#define JOURNAL_RECORD_MAX 8192

int journal_open(void)
{
	return log_is_journal() ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) :
				  -EBADF;
}

static void journal_put_field(FILE *to, const struct event_value *v)
{
	const char *c;

	fputs("SYNGUARD_", to);
	for (c = v->field; *c; c++)
		fputc(toupper(*c), to);
	fprintf(to, "=%s\n", v->text);
}

/* "NAME=value" lines; no value of a record holds a line break. Returns the length, 0: too long. */
static size_t journal_format(char *text, size_t size, const struct event_record *r)
{
	FILE *to = fmemopen(text, size, "w");
	long length;
	size_t i;

	if (!to)
		return 0;
	fprintf(to,
		"MESSAGE=%s\nMESSAGE_ID=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=synguardd\n"
		"SYNGUARD_EVENT=%s\n",
		r->sentence, r->row->message_id, r->row->priority, r->row->word);
	for (i = 0; i < r->value_count; i++)
		journal_put_field(to, &r->values[i]);
	length = fflush(to) || ferror(to) ? 0 : ftell(to);
	fclose(to);
	return length > 0 ? length : 0;
}

/* With the address each time: journald may have been restarted. */
static bool journal_send(int fd, const char *text, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

	return sendto(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
		      sizeof(address)) == (ssize_t)length;
}

void journal_write(int fd, const struct event_record *r)
{
	char text[JOURNAL_RECORD_MAX];
	size_t length;

	if (fd >= 0) {
		length = journal_format(text, sizeof(text), r);
		if (length && journal_send(fd, text, length))
			return;
	}
	log_line(r->row->priority, "%s", r->sentence);
}
