/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#include "daemon/base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* More than the longest record: a sentence and EVENTS_FIELDS_MAX values. */
#define JOURNAL_RECORD_MAX 8192

struct journal {
	int fd; /* -EBADF where stderr is not the journal's */
};

int journal_new(struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->fd = -EBADF;
	if (log_is_journal())
		j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*ret = j;
	return 0;
}

struct journal *journal_free(struct journal *journal)
{
	if (!journal)
		return NULL;
	close_fd(journal->fd);
	free(journal);
	return NULL;
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
static bool journal_send(const struct journal *j, const char *text, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

	return sendto(j->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
		      sizeof(address)) == (ssize_t)length;
}

void journal_write(struct journal *j, const struct event_record *r)
{
	char text[JOURNAL_RECORD_MAX];
	size_t length;

	if (j->fd >= 0) {
		length = journal_format(text, sizeof(text), r);
		if (length && journal_send(j, text, length))
			return;
	}
	log_line(r->row->priority, "%s", r->sentence);
}
