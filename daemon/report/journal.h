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

struct journal;

/* The caller owns *ret. -ENOMEM. */
int journal_new(struct journal **ret);
struct journal *journal_free(struct journal *journal);

void journal_write(struct journal *journal, const struct event_record *record);
