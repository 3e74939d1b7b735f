/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view of the listeners: what is wrong with each, the worst first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/trouble.h"

#include "cli/print/table.h"
#include "cli/print/views.h"

DEFINE_CLEANUP(struct table, table_free)
#define _cleanup_table_ _cleanup_(table_free_at)

/* So many SYNs a second have to come before it means something that few of them complete. */
#define VIEW_SYNS_MIN 50

static json_int_t number(const json_t *l, const char *key)
{
	return json_integer_value(json_object_get(l, key));
}

static bool known(const json_t *l, const char *key)
{
	return json_is_number(json_object_get(l, key));
}

#define VIEW_TROUBLE_(name, word_, label_, sentence_)                                              \
	{ .word = word_, .label = label_, .sentence = sentence_ },
static const struct {
	const char *word, *label, *sentence;
} troubles[] = { SG_TROUBLES(VIEW_TROUBLE_) };

/* What the daemon has found, in its words. */
static bool view_told(const json_t *l, struct view_diagnosis *ret)
{
	/* a full accept queue comes before anything, and a crowd only before "fine" */
	static const int how_bad[SG_TROUBLE_COUNT] = {
		[SG_TROUBLE_FLASH_CROWD] = 1,
		[SG_TROUBLE_SMALL_BACKLOG] = 4,
		[SG_TROUBLE_SLOW_ACCEPT] = 5,
	};
	const char *word = json_string_value(json_object_get(l, "trouble")) ?: "";
	size_t i;

	for (i = SG_TROUBLE_FLASH_CROWD; i < SG_TROUBLE_COUNT; i++)
		if (!strcmp(word, troubles[i].word)) {
			*ret = (struct view_diagnosis){
				how_bad[i], troubles[i].label,
				json_string_value(json_object_get(l, "trouble_text")) ?: ""
			};
			return true;
		}
	return false;
}

struct view_diagnosis view_diagnose(const json_t *l)
{
	struct view_diagnosis told;
	bool is_told = view_told(l, &told);
	json_int_t used = number(l, "syn_queue"), limit = number(l, "syn_queue_max");
	bool defending = json_is_true(json_object_get(l, "defending"));

	if (is_told && told.trouble > 1)
		return told;
	/* before it is told: sk_acceptq_is_full(), one more than the backlog fits */
	if (number(l, "accept_queue") > number(l, "accept_queue_max"))
		return (struct view_diagnosis){ 5, troubles[SG_TROUBLE_SLOW_ACCEPT].label,
						troubles[SG_TROUBLE_SLOW_ACCEPT].sentence };
	if (known(l, "syn_queue") && used >= limit && !defending)
		return (struct view_diagnosis){
			4, "SYN queue full",
			"The SYN queue is full and nothing defends it: the kernel drops SYNs or, "
			"with "
			"net.ipv4.tcp_syncookies, answers with cookies of its own."
		};
	if (defending)
		return (struct view_diagnosis){
			3, "defended",
			"Its SYNs are challenged: real clients connect, forged ones cost nothing."
		};
	if (is_told)
		return told;
	if (known(l, "syn_queue") && used * 2 > limit)
		return (struct view_diagnosis){ 2, "filling",
						"The SYN queue is more than half full." };
	if (known(l, "completing_ratio") && number(l, "syns_per_second") >= VIEW_SYNS_MIN &&
	    json_number_value(json_object_get(l, "completing_ratio")) < 0.5)
		return (struct view_diagnosis){ 1, "few complete",
						"Less than half of the SYNs became connections." };
	return (struct view_diagnosis){ 0, "fine", "" };
}

static int view_compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int trouble = view_diagnose(y).trouble - view_diagnose(x).trouble;
	json_int_t more;

	if (trouble)
		return trouble;
	more = number(y, "syn_queue") - number(x, "syn_queue");
	if (!more)
		more = number(y, "syns_per_second") - number(x, "syns_per_second");
	if (!more)
		more = number(x, "port") - number(y, "port");
	return more < 0 ? -1 : more > 0;
}

void view_sort_listeners(json_t *listeners)
{
	size_t i, count = json_array_size(listeners);
	_cleanup_free_ json_t **rows = calloc(count ?: 1, sizeof(*rows));

	if (!rows)
		return;
	for (i = 0; i < count; i++)
		rows[i] = json_incref(json_array_get(listeners, i));
	qsort(rows, count, sizeof(*rows), view_compare);
	for (i = 0; i < count; i++)
		json_array_set_new(listeners, i, rows[i]);
}

json_t *view_promised_listeners(const json_t *listeners)
{
	static const char *const keys[] = {
		"address",
		"port",
		"syn_queue",
		"syn_queue_max",
		"accept_queue",
		"accept_queue_max",
		"half_open",
		"syns_per_second",
		"challenges_per_second",
		"acceptances_per_second",
		"completing_ratio",
		"defending",
		"trouble",
		"trouble_text",
		"synack_retries",
		"drops",
		"pid",
		"process",
		"unit",
	};
	json_t *all = json_array(), *listener, *row;
	size_t i, k;

	json_array_foreach(listeners, i, listener) {
		row = json_object();
		for (k = 0; k < ARRAY_SIZE(keys); k++)
			json_object_set(row, keys[k], json_object_get(listener, keys[k]));
		json_object_set_new(row, "diagnosis", json_string(view_diagnose(listener).word));
		json_array_append_new(all, row);
	}
	return all;
}

/* clang-format off */
static const struct table_column columns[] = {
	{ "LISTENER",   .cut = 15, .middle = true },
	{ "SYN QUEUE",  .right = true },
	{ "ACCEPT",     .right = true },
	{ "SYN/S",      .right = true },
	{ "DONE",       .right = true, .from = 100, .rank = 1 },
	{ "CHALL/S",    .right = true },
	{ "ACCEPTED/S", .right = true, .from = 100, .rank = 2 },
	{ "HALF-OPEN",  .right = true },
	{ "DROPS",      .right = true, .from = 100, .rank = 3 },
	{ "UNIT",       .cut = 12, .from = 100, .rank = 4 },
	{ "PROCESS",    .cut = 12, .from = 100, .rank = 5 },
	{ "DIAGNOSIS",  .cut = 9 },
	{}
};
/* clang-format on */

static void add_percent(struct table *t, const json_t *l)
{
	if (known(l, "completing_ratio"))
		table_cell(t, "%.0f%%",
			   100 * json_number_value(json_object_get(l, "completing_ratio")));
	else
		table_cell(t, "-");
}

static void add_process(struct table *t, const json_t *l)
{
	const char *process = json_string_value(json_object_get(l, "process"));

	if (process)
		table_cell(t, "%s(%lld)", process, (long long)number(l, "pid"));
	else
		table_cell(t, "-");
}

static void add_listener(struct table *t, const json_t *l, const struct screen *s)
{
	static const enum screen_colour colours[] = { SCREEN_PLAIN, SCREEN_WARN, SCREEN_WARN,
						      SCREEN_WARN,  SCREEN_BAD,	 SCREEN_BAD };
	struct view_diagnosis d = view_diagnose(l);

	table_cell(t, "%s", view_where(l, "address", "port").text);
	table_cell(t, "%s/%s", view_number(l, "syn_queue", s).text,
		   view_number(l, "syn_queue_max", s).text);
	table_cell(t, "%s/%s", view_number(l, "accept_queue", s).text,
		   view_number(l, "accept_queue_max", s).text);
	table_cell(t, "%s", view_number(l, "syns_per_second", s).text);
	add_percent(t, l);
	table_cell(t, "%s", view_number(l, "challenges_per_second", s).text);
	table_cell(t, "%s", view_number(l, "acceptances_per_second", s).text);
	table_cell(t, "%s", view_number(l, "half_open", s).text);
	table_cell(t, "%s", view_number(l, "drops", s).text);
	table_cell(t, "%s", json_string_value(json_object_get(l, "unit")) ?: "-");
	add_process(t, l);
	table_cell_coloured(t, colours[d.trouble], d.word);
	table_remark(t, d.sentence);
}

int view_print_listeners(const json_t *listeners, const struct screen *s)
{
	_cleanup_table_ struct table *t = table_new(columns);
	json_t *listener;
	size_t i;

	if (!json_array_size(listeners)) {
		screen_wrap(s, 0, "Nothing listens on TCP in this network namespace.");
		return 0;
	}
	if (!t)
		return -ENOMEM;
	json_array_foreach(listeners, i, listener)
		add_listener(t, listener, s);
	return table_print(t, s);
}
