/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of events, the ring that keeps them, how often something is told, and the message
 * catalog, which has to be about the same events.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/judge/episodes.h"
#include "daemon/report/events.h"
#include "suite.h"

#define SECOND_NS 1000000000ULL

/* 2001-02-03 04:05:06.000007 UTC */
#define SOME_TIME 981173106000007ULL

static struct events *ring(void)
{
	struct events *e = NULL;

	ck_assert_int_eq(events_new(&e), 0);
	return e;
}

static json_t *parsed(char *text)
{
	json_error_t error;
	json_t *root;

	ck_assert_ptr_nonnull(text);
	root = json_loads(text, 0, &error);
	ck_assert_msg(root, "%s in %.200s", error.text, text);
	free(text);
	return root;
}

static json_t *since(const struct events *e, uint64_t number)
{
	return parsed(events_since(e, number));
}

static json_int_t integer(const json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "no number \"%s\"", key);
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	ck_assert_msg(json_is_string(json_object_get(object, key)), "no text \"%s\"", key);
	return json_string_value(json_object_get(object, key));
}

static const struct event_record *mode_event(struct events *e, const char *mode)
{
	const struct event_value values[] = {
		EVENT_TEXT("mode", mode),
		EVENT_TEXT("before", "off"),
	};
	const struct event_record *r = events_add(e, SOME_TIME, SG_EVENT_MODE_CHANGED, values, 2);

	ck_assert_ptr_nonnull(r);
	return r;
}

/* ---- the table ----------------------------------------------------------------------------- */

static bool has_word(const char *list, const char *word, size_t length)
{
	const char *at = list;

	while (*at) {
		size_t n = strcspn(at, " ");

		if (n == length && !strncmp(at, word, n))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

static size_t words_in(const char *list)
{
	size_t n = !!*list;

	for (; *list; list++)
		n += *list == ' ';
	return n;
}

START_TEST(table_is_whole)
{
	static const char *const taken[] = { "time", "number", "event", "priority", "sentence" };
	int i, j;

	for (i = 0; i < SG_EVENT_COUNT; i++) {
		const struct sg_event_row *row = events_row(i);
		const char *at;

		ck_assert_msg(strspn(row->message_id, "0123456789abcdef") == 32 &&
				      !row->message_id[32],
			      "%s: MESSAGE_ID \"%s\"", row->word, row->message_id);
		ck_assert_msg(strspn(row->word, "abcdefghijklmnopqrstuvwxyz_") == strlen(row->word),
			      "%s", row->word);
		ck_assert_int_ge(row->priority, LOG_ERR);
		ck_assert_int_le(row->priority, LOG_INFO);
		ck_assert_uint_le(words_in(row->fields), EVENTS_FIELDS_MAX);
		for (j = 0; j < 5; j++)
			ck_assert_msg(!has_word(row->fields, taken[j], strlen(taken[j])),
				      "%s: field %s", row->word, taken[j]);
		for (at = strchr(row->sentence, '{'); at; at = strchr(at, '{')) {
			at += 1 + (at[1] == ':');
			ck_assert_msg(has_word(row->fields, at, strcspn(at, "}")),
				      "%s: no field {%.*s}", row->word, (int)strcspn(at, "}"), at);
		}
		for (j = 0; j < i; j++) {
			ck_assert_str_ne(row->word, events_row(j)->word);
			ck_assert_str_ne(row->message_id, events_row(j)->message_id);
		}
	}
	ck_assert_ptr_null(events_row(SG_EVENT_COUNT));
}
END_TEST

/* ---- the catalog --------------------------------------------------------------------------- */

/* Every @SYNGUARD_X@ of the text of an entry is a field x of its event. */
static void entry_uses_fields(const struct sg_event_row *row, const char *line)
{
	const char *at, *end;
	char field[64];
	size_t i;

	for (at = strchr(line, '@'); at; at = strchr(end + 1, '@')) {
		end = strchr(at + 1, '@');
		ck_assert_msg(end && !strncmp(at + 1, "SYNGUARD_", 9), "%s: %s", row->word, line);
		snprintf(field, sizeof(field), "%.*s", (int)(end - at - 10), at + 10);
		for (i = 0; field[i]; i++)
			field[i] = tolower(field[i]);
		ck_assert_msg(has_word(row->fields, field, strlen(field)), "%s: no field %s",
			      row->word, field);
	}
}

static int row_of_id(const char *id)
{
	int i;

	for (i = 0; i < SG_EVENT_COUNT; i++)
		if (!strncmp(events_row(i)->message_id, id, 32))
			return i;
	ck_abort_msg("the catalog has an entry %.32s of no event", id);
	return -1;
}

START_TEST(catalog_matches_the_table)
{
	int entries[SG_EVENT_COUNT] = { 0 }, words[SG_EVENT_COUNT] = { 0 }, row = -1, i;
	FILE *f = fopen(SG_CATALOG, "re");
	char line[512];

	ck_assert_msg(f, "%s is missing", SG_CATALOG);
	while (fgets(line, sizeof(line), f)) {
		ck_assert_msg(strlen(line) <= 80, "too long: %s", line);
		if (!strncmp(line, "-- ", 3)) {
			row = row_of_id(line + 3);
			entries[row]++;
			continue;
		}
		if (row < 0)
			continue; /* comments on top */
		if (!strncmp(line, "Defined-By:", 11) || !strncmp(line, "Support:", 8))
			continue;
		words[row] += strlen(line) > 20;
		entry_uses_fields(events_row(row), line);
	}
	fclose(f);
	for (i = 0; i < SG_EVENT_COUNT; i++) {
		ck_assert_msg(entries[i] == 1, "%d entries of %s, MESSAGE_ID %s", entries[i],
			      events_row(i)->word, events_row(i)->message_id);
		ck_assert_msg(words[i] >= 2, "the entry of %s says nothing", events_row(i)->word);
	}
}
END_TEST

/* ---- records ------------------------------------------------------------------------------- */

START_TEST(record_says_what_happened)
{
	const struct event_value values[] = {
		EVENT_NUMBER("seconds", 62),	  EVENT_TEXT("service", "192.0.2.1:80"),
		EVENT_NUMBER("syns", UINT32_MAX), EVENT_NUMBER("challenges", 7),
		EVENT_NUMBER("acceptances", 0),	  EVENT_TEXT("stranger", "left out"),
	};
	struct events *e = ring();
	const struct event_record *r = events_add(e, SOME_TIME, SG_EVENT_DEFENCE_ENDED, values, 6);
	json_t *json = parsed(strdup(r->json));

	ck_assert_str_eq(r->sentence,
			 "192.0.2.1:80 is no longer defended, after 62 s: 4294967295 SYNs, "
			 "7 challenges, 0 acceptances");
	ck_assert_str_eq(string(json, "sentence"), r->sentence);
	ck_assert_str_eq(string(json, "time"), "2001-02-03T04:05:06.000007Z");
	ck_assert_str_eq(string(json, "event"), "defence_ended");
	ck_assert_int_eq(integer(json, "number"), 1);
	ck_assert_int_eq(integer(json, "priority"), LOG_NOTICE);
	ck_assert_int_eq(integer(json, "seconds"), 62);
	ck_assert_int_eq(integer(json, "syns"), UINT32_MAX);
	ck_assert_str_eq(string(json, "service"), "192.0.2.1:80");
	ck_assert_ptr_null(json_object_get(json, "stranger"));
	ck_assert_uint_eq(r->value_count, 5);
	ck_assert_str_eq(r->values[1].field, "seconds");
	ck_assert_str_eq(r->values[1].text, "62");
	json_decref(json);
	events_free(e);
}
END_TEST

/* {:reason} brings its colon only with a reason; what is not given is empty and in the record. */
START_TEST(record_without_a_reason)
{
	const struct event_value values[] = { EVENT_TEXT("interface", "eth0"),
					      EVENT_TEXT("attach", "native"),
					      EVENT_TEXT("reason", "why") };
	struct events *e = ring();
	const struct event_record *r = events_add(e, SOME_TIME, SG_EVENT_ATTACHED, values, 2);
	json_t *json = parsed(strdup(r->json));

	ck_assert_str_eq(r->sentence, "The programs are attached to eth0 (native)");
	ck_assert_str_eq(string(json, "reason"), "");
	json_decref(json);
	r = events_add(e, SOME_TIME, SG_EVENT_ATTACHED, values, 3);
	ck_assert_str_eq(r->sentence, "The programs are attached to eth0 (native): why");
	events_free(e);
}
END_TEST

/* What comes from outside neither steers a terminal nor breaks JSON or the journal's lines. */
START_TEST(record_of_hostile_text)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{ "eth0\033[31m", "eth0?[31m" },
		{ "a\nMESSAGE=forged", "a?MESSAGE=forged" },
		{ "\x7f\r\t", "???" },
		{ "\"\\", "\"\\" },
		{ "latin \xe9", "latin ?" },
		{ "overlong \xc0\xaf", "overlong ??" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "c1 \xc2\x9b"
		  "31m",
		  "c1 ??31m" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "", "" },
	};
	struct events *e = ring();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct event_record *r = mode_event(e, cases[i].text);
		json_t *json = parsed(strdup(r->json));

		ck_assert_str_eq(r->values[0].text, cases[i].clean);
		ck_assert_str_eq(string(json, "mode"), cases[i].clean);
		ck_assert_ptr_null(strchr(r->json, '\n'));
		json_decref(json);
	}
	events_free(e);
}
END_TEST

/* A value of any length makes a record of bounded length, cut between characters. */
START_TEST(record_is_bounded)
{
	struct events *e = ring();
	char text[4096];
	int odd;

	for (odd = 0; odd < 2; odd++) {
		const struct event_record *r;
		json_t *json;
		int i;

		memset(text, 'x', sizeof(text));
		for (i = odd; i + 1 < (int)sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xbc", 2);
		text[sizeof(text) - 1] = 0;
		r = mode_event(e, text);
		json = parsed(strdup(r->json));
		ck_assert_uint_lt(strlen(r->values[0].text), EVENTS_VALUE_MAX);
		ck_assert_uint_lt(strlen(r->sentence), EVENTS_SENTENCE_MAX);
		ck_assert_uint_lt(strlen(r->json), 8192);
		json_decref(json);
	}
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = 0;
	ck_assert_uint_eq(strlen(mode_event(e, text)->values[0].text), EVENTS_VALUE_MAX - 1);
	events_free(e);
}
END_TEST

/* ---- the ring ------------------------------------------------------------------------------ */

/* Reads on from `from` to the end; returns how many records there were, and asserts their order. */
static size_t read_all(const struct events *e, uint64_t from, json_int_t *missed, int *answers)
{
	size_t count = 0, i;
	bool more = true;

	*missed = 0;
	for (*answers = 0; more; (*answers)++) {
		json_t *answer = since(e, from), *record;

		ck_assert_uint_le(json_array_size(json_object_get(answer, "events")),
				  EVENTS_ANSWER_MAX);
		*missed += integer(answer, "missed");
		from = integer(answer, "last") < from ? 0 : from; /* it was of another daemon */
		json_array_foreach(json_object_get(answer, "events"), i, record) {
			ck_assert_uint_gt(integer(record, "number"), from);
			from = integer(record, "number");
			count++;
		}
		from = integer(answer, "last");
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
		ck_assert_int_lt(*answers, 100);
	}
	return count;
}

START_TEST(ring_empty)
{
	struct events *e = ring();
	json_int_t missed;
	int answers;

	ck_assert_uint_eq(read_all(e, 0, &missed, &answers), 0);
	ck_assert_int_eq(missed, 0);
	ck_assert_uint_eq(read_all(e, 77, &missed, &answers), 0);
	ck_assert_int_eq(missed, 0);
	events_free(e);
}
END_TEST

/* What was overwritten is told as a gap, to the number. */
START_TEST(ring_tells_gaps)
{
	static const struct {
		int added;
		uint64_t from;
		size_t count;
		json_int_t missed;
	} cases[] = {
		{ 1, 0, 1, 0 },
		{ 10, 4, 6, 0 },
		{ 10, 10, 0, 0 },
		{ 10, 11, 10, 0 }, /* a number of another daemon */
		{ EVENTS_KEPT, 0, EVENTS_KEPT, 0 },
		{ EVENTS_KEPT + 1, 0, EVENTS_KEPT, 1 },
		{ EVENTS_KEPT + 1, 1, EVENTS_KEPT, 0 },
		{ 3 * EVENTS_KEPT + 5, 2, EVENTS_KEPT, 2 * EVENTS_KEPT + 3 },
		{ 3 * EVENTS_KEPT, 3 * EVENTS_KEPT - 1, 1, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct events *e = ring();
		json_int_t missed;
		int n, answers;

		for (n = 0; n < cases[i].added; n++)
			mode_event(e, "auto");
		ck_assert_uint_eq(read_all(e, cases[i].from, &missed, &answers), cases[i].count);
		ck_assert_int_eq(missed, cases[i].missed);
		ck_assert_int_ge(answers, cases[i].count / EVENTS_ANSWER_MAX);
		events_free(e);
	}
}
END_TEST

/* An event that is none uses up a number, so that whoever counts sees that there was something. */
START_TEST(ring_of_a_stranger)
{
	struct events *e = ring();
	json_int_t missed;
	int answers;

	mode_event(e, "auto");
	ck_assert_ptr_null(events_add(e, SOME_TIME, SG_EVENT_COUNT, NULL, 0));
	mode_event(e, "off");
	ck_assert_uint_eq(read_all(e, 0, &missed, &answers), 2);
	ck_assert_int_eq(missed, 1);
	events_free(e);
}
END_TEST

/* ---- how often ----------------------------------------------------------------------------- */

/* A day of the same trouble each second is told after 10 s, 20 s, 40 s ..., and nothing is lost. */
START_TEST(limit_of_what_goes_on)
{
	struct event_limit limit = {};
	uint64_t now, at = 0, quiet = 5, suppressed = 99, lines = 0, all = 0;

	for (now = 0; now < 86400; now++) {
		if (!event_limit_pass(&limit, now * SECOND_NS, &suppressed))
			continue;
		ck_assert_uint_eq(now, at);
		ck_assert_uint_eq(suppressed, now ? quiet - 1 : 0);
		quiet = quiet < 640 ? 2 * quiet : quiet;
		at += quiet;
		lines++;
		all += 1 + suppressed;
	}
	ck_assert_uint_le(lines, 145);
	ck_assert_uint_eq(all + limit.suppressed, 86400);
	/* it has paused for long enough: as at first */
	now += 640;
	ck_assert(event_limit_pass(&limit, now * SECOND_NS, &suppressed));
	now += 640;
	ck_assert(event_limit_pass(&limit, now * SECOND_NS, &suppressed));
	ck_assert_uint_eq(suppressed, 0);
	ck_assert(!event_limit_pass(&limit, (now + 9) * SECOND_NS, &suppressed));
	ck_assert(event_limit_pass(&limit, (now + 10) * SECOND_NS, &suppressed));
}
END_TEST

/*
 * Trap FW82: a flood of 1 s in 10 that lasts a day is told by some dozens of events; what was told
 * last never says less than there is.
 */
START_TEST(fw82_pulses_of_a_day)
{
	struct detect_sample sample = {};
	struct state_news news = {};
	struct detector d = {};
	int second, lines = 0;

	for (second = 0; second < 86400; second++) {
		sample.now_ns += SECOND_NS;
		sample.syns = second && second % 10 == 0 ? 50000 : 0;
		detect_step(&d, &detect_defaults, &sample);
		lines += state_news_step(&news, sample.now_ns, d.state);
		ck_assert(news.told == d.state ||
			  (news.told == DETECT_ATTACK && d.state == DETECT_COOLING));
	}
	ck_assert_int_eq(d.state, DETECT_COOLING);
	ck_assert_uint_eq(d.pulses, 86400 / 10 - 2);
	ck_assert_int_gt(lines, 10);
	ck_assert_int_lt(lines, 300);
	sample.syns = 0;
	for (second = 0; d.state != DETECT_CALM; second++) {
		sample.now_ns += SECOND_NS;
		detect_step(&d, &detect_defaults, &sample);
		state_news_step(&news, sample.now_ns, d.state);
	}
	ck_assert_int_le(second, 30);
	ck_assert_int_eq(news.told, DETECT_CALM);
	/* the next attack is another one */
	ck_assert_uint_eq(d.pulses, 86400 / 10 - 2);
	sample.syns = 50000;
	sample.now_ns += SECOND_NS;
	detect_step(&d, &detect_defaults, &sample);
	ck_assert(state_news_step(&news, sample.now_ns, d.state));
	ck_assert_uint_eq(d.pulses, 0);
	sample.syns = 0;
	sample.now_ns += SECOND_NS;
	detect_step(&d, &detect_defaults, &sample);
	ck_assert(state_news_step(&news, sample.now_ns, d.state));
	ck_assert_int_eq(news.told, DETECT_COOLING);
}
END_TEST

/* One second of a service: is it defended, and what is to be told. */
struct moment {
	const char *name;
	int seconds;
	bool defending, deaf;
	enum defence_news first; /* of the first second of it; none in the others */
	uint64_t syns;		 /* of the end */
	uint64_t lasted;	 /* seconds, of the end */
};

static void play(const struct moment *m)
{
	struct defence d = {};
	struct defence_totals grew = { .syns = 100, .challenges = 90, .acceptances = 1 };
	uint64_t now_ns = 0;
	int second;

	for (; m->name; m++) {
		for (second = 0; second < m->seconds; second++) {
			enum defence_news news =
				defence_step(&d, now_ns, m->defending, &grew, !m->deaf);

			ck_assert_msg(news == (second ? DEFENCE_NO_NEWS : m->first),
				      "\"%s\", second %d: news %d", m->name, second, news);
			if (news == DEFENCE_ENDED) {
				ck_assert_uint_eq(d.totals.syns, m->syns);
				ck_assert_uint_eq(d.totals.challenges, m->syns / 100 * 90);
				ck_assert_uint_eq(d.totals.acceptances, m->syns / 100);
				ck_assert_uint_eq((d.ended_ns - d.began_ns) / SECOND_NS, m->lasted);
			}
			now_ns += SECOND_NS;
		}
	}
}

/* clang-format off */
START_TEST(defence_long)
{
	play((struct moment[]) {
		{ "idle",            5, false },
		{ "a flood",        60, true,  .first = DEFENCE_BEGAN },
		/* 60 ticks and the one that sees the end */
		{ "it is over",    100, false, .first = DEFENCE_ENDED, .syns = 6100, .lasted = 60 },
		{ "the next",       20, true,  .first = DEFENCE_BEGAN },
		{ "it is over",    100, false, .first = DEFENCE_ENDED, .syns = 2100, .lasted = 20 },
		{}
	});
}
END_TEST

/* A lease of 4 s and pauses of 3 s are one defence; its end waits until it is one. */
START_TEST(defence_flapping)
{
	play((struct moment[]) {
		{ "a lease",         4, true,  .first = DEFENCE_BEGAN },
		{ "a pause",         3, false },
		{ "a lease",         4, true  },
		{ "an end, told at once, for 10 s have passed", 2, false, .first = DEFENCE_ENDED, .syns = 1000, .lasted = 11 },
		{ "it comes back, within 10 s of that", 4, true },
		{ "and ends",        4, false },
		{ "10 s later that is told, by its end alone", 100, false, .first = DEFENCE_ENDED, .syns = 500, .lasted = 4 },
		{}
	});
}
END_TEST

/* While there is too much to tell, a service waits for its turn and tells what still holds. */
START_TEST(defence_waits_for_its_turn)
{
	play((struct moment[]) {
		{ "a flood, untold",  3, true, .deaf = true },
		{ "told",            20, true, .first = DEFENCE_BEGAN },
		{ "an end, untold",   3, false, .deaf = true },
		{ "told",            20, false, .first = DEFENCE_ENDED, .syns = 2400, .lasted = 23 },
		{}
	});
}
END_TEST
/* clang-format on */

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(table_is_whole, 10),
	SUITE_TEST(catalog_matches_the_table, 10),
	SUITE_TEST(record_says_what_happened, 10),
	SUITE_TEST(record_without_a_reason, 10),
	SUITE_TEST(record_of_hostile_text, 10),
	SUITE_TEST(record_is_bounded, 10),
	SUITE_TEST(ring_empty, 10),
	SUITE_TEST(ring_tells_gaps, 10),
	SUITE_TEST(ring_of_a_stranger, 10),
	SUITE_TEST(limit_of_what_goes_on, 10),
	SUITE_TEST(fw82_pulses_of_a_day, 10),
	SUITE_TEST(defence_long, 10),
	SUITE_TEST(defence_flapping, 10),
	SUITE_TEST(defence_waits_for_its_turn, 10),
	{}
};
/* clang-format on */
