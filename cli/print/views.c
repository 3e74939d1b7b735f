/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/views.h"

#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "cli/print/table.h"

DEFINE_CLEANUP(struct table, table_free)
#define _cleanup_table_ _cleanup_(table_free_at)

struct view_cell view_where(const json_t *row, const char *address, const char *port)
{
	const char *text = json_string_value(json_object_get(row, address)) ?: "";
	struct view_cell cell;

	snprintf(cell.text, sizeof(cell.text), strchr(text, ':') ? "[%.46s]:%u" : "%.46s:%u", text,
		 (unsigned int)json_integer_value(json_object_get(row, port)));
	return cell;
}

struct view_cell view_number(const json_t *row, const char *key, const struct screen *s)
{
	const json_t *value = json_object_get(row, key);
	struct view_cell cell = { "-" };

	if (json_is_integer(value))
		snprintf(cell.text, sizeof(cell.text), "%s",
			 screen_number(s, json_integer_value(value)).text);
	return cell;
}

/* ---- half-open connections ----------------------------------------------------------------- */

static void view_add_entry(struct table *t, const json_t *entry)
{
	table_cell(t, "%s", view_where(entry, "source", "source_port").text);
	table_cell(t, "%s", view_where(entry, "address", "port").text);
	table_cell(t, "%.1f", json_number_value(json_object_get(entry, "age_seconds")));
	table_cell(t, "%lld", (long long)json_integer_value(json_object_get(entry, "retransmits")));
}

static void view_add_group(struct table *t, const json_t *group, const struct screen *s)
{
	table_cell(t, "%s", json_string_value(json_object_get(group, "key")) ?: "");
	table_cell(t, "%s", view_number(group, "count", s).text);
	table_cell(t, "%.1f", json_number_value(json_object_get(group, "oldest_seconds")));
}

static const struct table_column view_group_columns[] = {
	{ "FROM", .cut = 15 }, { "HALF-OPEN", .right = true }, { "OLDEST (S)", .right = true }, {}
};
static const struct table_column view_listener_columns[] = { { "LISTENER", .cut = 15,
							       .middle = true },
							     { "HALF-OPEN", .right = true },
							     { "OLDEST (S)", .right = true },
							     {} };
static const struct table_column view_entry_columns[] = { { "FROM", .cut = 15, .middle = true },
							  { "TO", .cut = 15, .middle = true },
							  { "AGE (S)", .right = true },
							  { "SENT AGAIN", .right = true },
							  {} };

int view_print_halfopen(const json_t *halfopen, bool of_listeners, const struct screen *s)
{
	const json_t *entries = json_object_get(halfopen, "entries");
	const json_t *rows = entries ?: json_object_get(halfopen, "groups");
	_cleanup_table_ struct table *t = table_new(entries	 ? view_entry_columns :
						    of_listeners ? view_listener_columns :
								   view_group_columns);
	json_int_t total = json_integer_value(json_object_get(halfopen, "total"));
	size_t i, shown = json_array_size(rows);
	int r;

	if (!t)
		return -ENOMEM;
	screen_wrap(s, 0, "%lld half-open connection%s%s", (long long)total, total == 1 ? "" : "s",
		    json_is_true(json_object_get(halfopen, "partial")) ?
			    ", as far as the kernel told them: they changed meanwhile." :
			    ".");
	if (!shown)
		return 0;
	if (!s->wide && shown > VIEW_ROWS)
		shown = VIEW_ROWS;
	for (i = 0; i < shown; i++)
		if (entries)
			view_add_entry(t, json_array_get(rows, i));
		else
			view_add_group(t, json_array_get(rows, i), s);
	putc('\n', s->to);
	r = table_print(t, s);
	if (shown < json_array_size(rows))
		screen_wrap(s, 0, "and %zu more (--wide shows all)", json_array_size(rows) - shown);
	return r;
}

/* ---- states -------------------------------------------------------------------------------- */

/* Not so few that it may be chance, and a good part of all. */
#define VIEW_ODD_MIN  32
#define VIEW_ODD_PART 4

static const struct {
	const char *states[2];
	const char *meaning;
} view_oddities[] = {
	{ { "SYN_RECV" },
	  "Many SYN_RECV: clients do not answer the SYN-ACK. \"synguard halfopen\" "
	  "says whose." },
	{ { "CLOSE_WAIT" },
	  "Many CLOSE_WAIT: the clients have closed and the application does not "
	  "close its end." },
	{ { "LAST_ACK", "FIN_WAIT1" },
	  "Many LAST_ACK or FIN_WAIT1: the peers have vanished and do "
	  "not answer the end of the connection." },
	{ { "FIN_WAIT2" },
	  "Many FIN_WAIT2: this end has closed and the peers have not closed "
	  "theirs." },
	{ { "SYN_SENT" }, "Many SYN_SENT: this host connects to somebody who does not answer." },
	{ { "TIME_WAIT" },
	  "Many TIME_WAIT: this end closed first. That is normal and costs "
	  "little." },
};

static json_int_t view_state(const json_t *states, const char *name)
{
	return name ? json_integer_value(json_object_get(states, name)) : 0;
}

const char *view_oddity(const json_t *states)
{
	json_int_t all = 0, odd;
	const char *name;
	json_t *count;
	size_t i;

	json_object_foreach((json_t *)states, name, count)
		all += json_integer_value(count);
	for (i = 0; i < ARRAY_SIZE(view_oddities); i++) {
		odd = view_state(states, view_oddities[i].states[0]) +
		      view_state(states, view_oddities[i].states[1]);
		if (odd >= VIEW_ODD_MIN && odd > all / VIEW_ODD_PART)
			return view_oddities[i].meaning;
	}
	return NULL;
}

static void view_add_states(struct table *t, const char *where, const json_t *states,
			    const struct screen *s)
{
	struct screen_number closing;

	table_cell(t, "%s", where);
	table_cell(t, "%s", screen_number(s, view_state(states, "SYN_SENT")).text);
	table_cell(t, "%s", screen_number(s, view_state(states, "SYN_RECV")).text);
	table_cell(t, "%s", screen_number(s, view_state(states, "ESTABLISHED")).text);
	closing =
		screen_number(s, view_state(states, "FIN_WAIT1") + view_state(states, "FIN_WAIT2") +
					 view_state(states, "CLOSING"));
	table_cell(t, "%s", closing.text);
	table_cell(t, "%s", screen_number(s, view_state(states, "TIME_WAIT")).text);
	table_cell(t, "%s", screen_number(s, view_state(states, "CLOSE_WAIT")).text);
	table_cell(t, "%s", screen_number(s, view_state(states, "LAST_ACK")).text);
	table_remark(t, view_oddity(states) ?: "");
}

int view_print_states(const json_t *root, const struct screen *s)
{
	static const struct table_column columns[] = { { "LISTENER", .cut = 12, .middle = true },
						       { "SYNSENT", .right = true, .rank = 2 },
						       { "SYNRECV", .right = true },
						       { "ESTAB", .right = true },
						       { "FINWAIT", .right = true, .rank = 1 },
						       { "TIMEWAIT", .right = true },
						       { "CLOSEWAIT", .right = true },
						       { "LASTACK", .right = true },
						       {} };
	_cleanup_table_ struct table *t = table_new(columns);
	json_t *listener;
	size_t i;

	if (!t)
		return -ENOMEM;
	json_array_foreach(json_object_get(root, "listeners"), i, listener)
		view_add_states(t, view_where(listener, "address", "port").text,
				json_object_get(listener, "states"), s);
	view_add_states(t, "all sockets", json_object_get(root, "total"), s);
	return table_print(t, s);
}
