/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events in the journal: MESSAGE, MESSAGE_ID, PRIORITY and a SYNGUARD_ field for each field of the
 * event.
 *
 * Where stderr is the journal's stream, records go to its socket in the native protocol; anywhere
 * else the sentence goes to stderr. sd_journal_sendv(3) speaks the same protocol, but waits for a
 * journald that hangs, and a defence must not: a record that cannot be sent at once goes to stderr
 * as its sentence, which does not wait either. The ring of events keeps it in any case.
 */
#pragma once

#include "daemon/report/events.h"

/* The socket, to be closed by the caller; < 0: records go to stderr. */
int journal_open(void);
void journal_write(int fd, const struct event_record *record);
