/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talk, on stderr: for the journal with its priority prefix, for a terminal without. */
#pragma once

#include <syslog.h>

void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
