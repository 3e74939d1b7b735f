/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on stderr, with the priority prefix of sd-daemon(3) where stderr is the journal. State
 * changes are events (daemon/report/events.h); this is for errors that end the daemon, and the
 * fallback of an event that cannot be recorded.
 *
 * Never waits for a reader: a line that stderr cannot take at once is dropped.
 */
#pragma once

#include <stdbool.h>
#include <syslog.h>

void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether stderr leads to the journal (JOURNAL_STREAM, sd-daemon(3)). */
bool log_is_journal(void);

#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
