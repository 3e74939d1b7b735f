/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report/events.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#define EVENTS_ROW_(name, word_, id, priority_, sentence_, fields_)                                \
	[SG_EVENT_##name] = {                                                                      \
		.word = word_,                                                                     \
		.message_id = id,                                                                  \
		.priority = priority_,                                                             \
		.sentence = sentence_,                                                             \
		.fields = fields_,                                                                 \
	},
static const struct sg_event_row events_rows[] = { SG_EVENTS(EVENTS_ROW_) };
static_assert(ARRAY_SIZE(events_rows) == SG_EVENT_COUNT, "every event has a row");

struct events_slot {
	uint64_t number; /* 0: empty */
	char *json;
};

struct events {
	uint64_t last; /* number of the newest record */
	struct events_slot slots[EVENTS_KEPT];
	/* of the record that events_add() made last */
	struct event_record record;
	char sentence[EVENTS_SENTENCE_MAX];
	char fields[EVENTS_FIELDS_MAX][32];
	char values[EVENTS_FIELDS_MAX][EVENTS_VALUE_MAX];
	bool numeric[EVENTS_FIELDS_MAX];
};

const struct sg_event_row *events_row(enum sg_event event)
{
	return event < SG_EVENT_COUNT ? &events_rows[event] : NULL;
}

int events_new(struct events **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

struct events *events_free(struct events *events)
{
	size_t i;

	if (!events)
		return NULL;
	for (i = 0; i < EVENTS_KEPT; i++)
		free(events->slots[i].json);
	free(events);
	return NULL;
}

/* ---- values -------------------------------------------------------------------------------- */

/* No control character, and no byte that is not UTF-8, leaves this function. */
static void events_clean(char *to, size_t size, const char *text)
{
	size_t n;

	snprintf(to, size, "%s", text);
	n = strlen(to);
	if (text[n]) /* cut: between characters */
		while (n && ((unsigned char)to[n - 1] & 0x80))
			to[--n] = 0;
	text_clean(to);
}

static const struct event_value *events_given(const char *field, const struct event_value *values,
					      size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(values[i].field, field))
			return &values[i];
	return NULL;
}

/* Fills fields, values and the record's list of them, in the order of the row. */
static void events_fill_values(struct events *e, const struct sg_event_row *row,
			       const struct event_value *given, size_t count)
{
	const char *at = row->fields;
	size_t n = 0;

	while (*at && n < EVENTS_FIELDS_MAX) {
		size_t length = strcspn(at, " ");
		const struct event_value *v;

		snprintf(e->fields[n], sizeof(e->fields[n]), "%.*s", (int)length, at);
		v = events_given(e->fields[n], given, count);
		e->numeric[n] = v && !v->text;
		if (e->numeric[n])
			snprintf(e->values[n], sizeof(e->values[n]), "%llu",
				 (unsigned long long)v->number);
		else
			events_clean(e->values[n], sizeof(e->values[n]), v ? v->text : "");
		e->record.values[n] = (struct event_value){ .field = e->fields[n],
							    .text = e->values[n],
							    .number = v ? v->number : 0 };
		n++;
		at += length;
		at += strspn(at, " ");
	}
	e->record.value_count = n;
}

static const char *events_field(void *userdata, const char *field)
{
	const struct event_record *r = userdata;
	const struct event_value *v = events_given(field, r->values, r->value_count);

	return v ? v->text : NULL;
}

/* ---- records ------------------------------------------------------------------------------- */

/* RFC 3339, UTC, to the microsecond: "2001-02-03T04:05:06.000007Z". */
static void events_time(char *to, size_t size, uint64_t usec)
{
	struct time_text whole = time_text(usec);

	whole.text[strcspn(whole.text, "Z")] = '\0';
	snprintf(to, size, "%s.%06uZ", whole.text, (unsigned int)(usec % 1000000));
}

static char *events_to_json(const struct events *e, uint64_t usec)
{
	const struct event_record *r = &e->record;
	char time[64], *text;
	json_t *root;
	size_t i;

	events_time(time, sizeof(time), usec);
	root = json_pack("{s:s, s:I, s:s, s:i, s:s}", "time", time, "number", (json_int_t)e->last,
			 "event", r->row->word, "priority", r->row->priority, "sentence",
			 e->sentence);
	for (i = 0; root && i < r->value_count; i++)
		json_object_set_new(root, r->values[i].field,
				    e->numeric[i] ? json_integer(r->values[i].number) :
						    json_string(r->values[i].text));
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return text;
}

const struct event_record *events_add(struct events *e, uint64_t realtime_usec, enum sg_event event,
				      const struct event_value *values, size_t value_count)
{
	struct events_slot *slot = &e->slots[++e->last % EVENTS_KEPT];
	const struct sg_event_row *row = events_row(event);

	free(TAKE_PTR(slot->json));
	slot->number = 0;
	if (!row)
		return NULL;
	e->record = (struct event_record){ .event = event, .row = row, .sentence = e->sentence };
	events_fill_values(e, row, values, value_count);
	text_fill(e->sentence, sizeof(e->sentence), row->sentence, events_field, &e->record);
	slot->json = events_to_json(e, realtime_usec);
	if (!slot->json)
		return NULL;
	slot->number = e->last;
	e->record.json = slot->json;
	return &e->record;
}

/* Writes the answer's records and returns how many; *at becomes the last number that was considered. */
static size_t events_write(const struct events *e, FILE *to, uint64_t *at)
{
	size_t count = 0;

	for (; *at < e->last && count < EVENTS_ANSWER_MAX; (*at)++) {
		const struct events_slot *slot = &e->slots[(*at + 1) % EVENTS_KEPT];

		if (slot->number != *at + 1)
			continue;
		fprintf(to, "%s%s", count ? "," : "", slot->json);
		count++;
	}
	return count;
}

char *events_since(const struct events *e, uint64_t since)
{
	uint64_t at, count;
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);
	bool failed;

	if (!to)
		return NULL;
	if (since > e->last)
		since = 0;
	at = since;
	if (e->last - since > EVENTS_KEPT)
		at = e->last - EVENTS_KEPT;
	fputs("{\"events\":[", to);
	count = events_write(e, to, &at);
	fprintf(to, "],\"missed\":%llu,\"last\":%llu,\"more\":%s}",
		(unsigned long long)(at - since - count), (unsigned long long)at,
		at < e->last ? "true" : "false");
	failed = ferror(to);
	failed = fclose(to) || failed;
	if (failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- how often ----------------------------------------------------------------------------- */

bool event_limit_pass(struct event_limit *l, uint64_t now_ns, uint64_t *suppressed)
{
	uint64_t quiet_ns = EVENTS_QUIET_NS;

	if (now_ns - l->last_ns < l->quiet_ns) {
		l->suppressed++;
		return false;
	}
	if (l->suppressed)
		quiet_ns = l->quiet_ns < EVENTS_QUIET_MAX_NS ? 2 * l->quiet_ns : l->quiet_ns;
	*suppressed = l->suppressed;
	*l = (struct event_limit){ .quiet_ns = quiet_ns, .last_ns = now_ns };
	return true;
}
