/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view of the sources: in a sentence what they look like, then those who send most. */
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "cli/print/table.h"
#include "cli/print/views.h"

DEFINE_CLEANUP(struct table, table_free)
#define _cleanup_table_ _cleanup_(table_free_at)

/* Fewer SYNs than these look like nothing. */
#define VIEW_MANY_SYNS 1000

static json_int_t number(const json_t *of, const char *key)
{
	return json_integer_value(json_object_get(of, key));
}

const char *view_sources_pattern(const json_t *sources)
{
	const char *look = json_string_value(json_object_get(sources, "pattern")) ?: "";
	json_int_t syns = number(sources, "syns"), completed = number(sources, "completed");

	if (syns < VIEW_MANY_SYNS)
		return "";
	if (completed > syns / 2)
		return ": clients, who complete their handshakes";
	if (!strcmp(look, "spoofed"))
		return ": forged at random";
	if (!strcmp(look, "concentrated"))
		return ": a few send them";
	return "";
}

/* Where a few send most of a flood it helps to deny them. */
static void view_advise(const json_t *sources, const struct screen *s)
{
	const char *who = json_string_value(json_object_get(sources, "heaviest"));
	double share = json_number_value(json_object_get(sources, "heaviest_share"));

	if (who && !strcmp(view_sources_pattern(sources), ": a few send them"))
		screen_wrap(s, 0,
			    "%s sends %d %% of what nobody completes: \"synguard deny add %s\" "
			    "stops it, with whoever else is there.",
			    who, (int)(share * 100), who);
}

static void view_say(const json_t *sources, const struct screen *s)
{
	long long seconds = number(sources, "seconds");
	json_int_t distinct = number(sources, "distinct_estimate"), syns = number(sources, "syns");

	if (!json_is_number(json_object_get(sources, "distinct_estimate")))
		screen_wrap(s, 0,
			    "The programs are not loaded, so only who has half-open "
			    "connections is known.");
	else if (!syns)
		screen_wrap(s, 0, "No SYN came for a service in the last %lld s.", seconds);
	else
		screen_wrap(
			s, 0,
			"About %s distinct source%s in the last %lld s, %.2f of %s SYN%s from a "
			"new one%s.",
			screen_number(s, distinct).text, distinct == 1 ? "" : "s", seconds,
			json_number_value(json_object_get(sources, "randomness")),
			screen_number(s, syns).text, syns == 1 ? "" : "s",
			view_sources_pattern(sources));
	view_advise(sources, s);
	if (json_is_true(json_object_get(sources, "partial")))
		screen_wrap(s, 0,
			    "Half-open connections are told as far as the kernel told them: "
			    "they changed meanwhile.");
}

/* An estimate is marked. */
static void view_estimate(struct table *t, const json_t *row, const char *key,
			  const struct screen *s)
{
	struct view_cell cell = view_number(row, key, s);

	table_cell(t, strcmp(cell.text, "-") ? "~%s" : "%s", cell.text);
}

/* "2001-02-03T04:05:06Z": the time of day, on a wide screen all of it. */
static void view_time(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	const char *text = json_string_value(json_object_get(row, key)) ?: "-";

	table_cell(t, "%s", !s->wide && strlen(text) > 11 ? text + 11 : text);
}

/* clang-format off */
static const struct table_column columns[] = {
	{ "SOURCE",     .cut = 18 },
	{ "SYNS",       .right = true },
	{ "CHALLENGED", .right = true },
	{ "COMPLETED",  .right = true },
	{ "RESETS",     .right = true, .rank = 2 },
	{ "HALF-OPEN",  .right = true },
	{ "FIRST SEEN", .rank = 3 },
	{ "LAST SEEN",  .rank = 1 },
	{}
};
/* clang-format on */

int view_print_sources(const json_t *sources, const struct screen *s)
{
	const json_t *rows = json_object_get(sources, "sources");
	_cleanup_table_ struct table *t = table_new(columns);
	json_int_t more = number(sources, "more");
	json_t *row;
	size_t i;
	int r;

	if (!t)
		return -ENOMEM;
	view_say(sources, s);
	if (!json_array_size(rows))
		return 0;
	json_array_foreach(rows, i, row) {
		table_cell(t, "%s", json_string_value(json_object_get(row, "source")) ?: "");
		view_estimate(t, row, "syns", s);
		view_estimate(t, row, "challenged", s);
		table_cell(t, "%s", view_number(row, "completed", s).text);
		table_cell(t, "%s", view_number(row, "resets", s).text);
		table_cell(t, "%s", view_number(row, "half_open", s).text);
		view_time(t, row, "first_seen", s);
		view_time(t, row, "last_seen", s);
	}
	putc('\n', s->to);
	r = table_print(t, s);
	if (more)
		screen_wrap(s, 0, "and %lld more (--wide shows all)", (long long)more);
	return r;
}
