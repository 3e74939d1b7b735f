/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to the journal: an event with MESSAGE, MESSAGE_ID, PRIORITY and a SYNGUARD_ field for
 * each of its own.
 *
 * Where stderr is the journal's stream, records go to its socket in the native protocol; anywhere
 * else the sentence goes to stderr. sd_journal_sendv(3) speaks the same protocol, but waits for a
 * journald that hangs, and a defence must not: here what cannot be sent at once is said on stderr,
 * which does not wait either. It stays in the ring in any case.
 */
#pragma once

#include "daemon/report/events.h"

struct journal;

/* The caller owns *ret. -ENOMEM. */
int journal_new(struct journal **ret);
struct journal *journal_free(struct journal *journal);

void journal_tell(struct journal *journal, const struct event_record *record);
