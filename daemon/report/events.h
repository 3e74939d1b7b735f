/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of events: the latest records, bounded in size and number.
 *
 * Pure: the caller hands in the time, and nothing is written anywhere. Records are numbered from 1
 * upwards; a caller that passes the last number it knows learns how many records were overwritten
 * since, so that no gap is silent. Text from outside (names of interfaces, reasons) is made harmless
 * for a terminal and for JSON here, once.
 *
 * Left to the manager: sending a record to the journal and to followers of the bus.
 *
 * The folder: what the daemon reports. Events here and in the journal, and the report (report.h);
 * who may read them is the bus's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/event.h"

#define EVENTS_KEPT	    1024
#define EVENTS_VALUE_MAX    512 /* bytes of a value; a longer one is cut */
#define EVENTS_FIELDS_MAX   8
#define EVENTS_SENTENCE_MAX 1024

/* Records in an answer, which says where to continue. */
#define EVENTS_ANSWER_MAX 128

/* A value given for a field: text, or a number where that is NULL. */
struct event_value {
	const char *field;
	const char *text;
	uint64_t number;
};

#define EVENT_TEXT(field_, text_)                                                                  \
	{                                                                                          \
		.field = (field_), .text = (text_) ?: ""                                           \
	}
#define EVENT_NUMBER(field_, number_)                                                              \
	{                                                                                          \
		.field = (field_), .number = (number_)                                             \
	}

/* A row of the table in synguard/event.h. */
struct sg_event_row {
	const char *word;
	const char *message_id; /* 32 hex digits */
	int priority;		/* LOG_ERR ... LOG_INFO */
	const char *sentence;
	const char *fields;
};

/* A record as the journal and the bus need it; valid until the next events_add(). */
struct event_record {
	enum sg_event event;
	const struct sg_event_row *row;
	const char *sentence;
	const char *json; /* one object, no line break */
	size_t value_count;
	struct event_value values[EVENTS_FIELDS_MAX]; /* all with text */
};

struct events;

const struct sg_event_row *events_row(enum sg_event event);

/* -ENOMEM. */
int events_new(struct events **ret);
struct events *events_free(struct events *events);

/*
 * Adds a record at this time of the wall clock. A field of the row that is not given is empty; a
 * value that is no field of the row is left out. NULL without memory; the number is used up then,
 * so that the loss shows as a gap.
 */
const struct event_record *events_add(struct events *events, uint64_t realtime_usec,
				      enum sg_event event, const struct event_value *values,
				      size_t value_count);

/*
 * The records after number `since` (0: all) as a JSON object, to be freed by the caller:
 *
 *	{"events":[...],"missed":N,"last":N,"more":true|false}
 *
 * missed: how many after `since` are no longer there; last: the number to ask with next; more: the
 * answer was full. A number that has not been given yet is of another daemon and taken as 0. NULL
 * without memory.
 */
char *events_since(const struct events *events, uint64_t since);

/*
 * Limits an event that would repeat: to one in EVENTS_QUIET_NS, then, as long as it goes on, to one
 * in twice the time, and so on until EVENTS_QUIET_MAX_NS. Zeroed = new. True: report it; *suppressed
 * is how many were not reported since the last one.
 */
#define EVENTS_QUIET_NS	    (10 * 1000000000ULL)
#define EVENTS_QUIET_MAX_NS (640 * 1000000000ULL)
struct event_limit {
	uint64_t quiet_ns; /* 0: nothing reported yet */
	uint64_t last_ns;
	uint64_t suppressed;
};
bool event_limit_pass(struct event_limit *limit, uint64_t now_ns, uint64_t *suppressed);
