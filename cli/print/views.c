/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/views.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/json.h"
#include "cli/print/table.h"
#include "synguard/cleanup.h"

#define TROUBLE_WORDS_(name, word_, label_, sentence_) { word_, label_, sentence_ },
const struct trouble_words trouble_words[SG_TROUBLE_COUNT] = { SG_TROUBLES(TROUBLE_WORDS_) };

/* ---- listeners ----------------------------------------------------------------------------- */

/* From so many SYNs a second on it means something that few of them complete. */
#define VIEW_SYNS_MIN 50

/* sk_acceptq_is_full(): one more than the backlog fits. */
static bool is_accept_queue_full(const json_t *l)
{
	return get_number(l, "accept_queue") > get_number(l, "accept_queue_max");
}

static bool is_syn_queue_full(const json_t *l)
{
	return has_number(l, "syn_queue") && !get_flag(l, "defending") &&
	       get_number(l, "syn_queue") >= get_number(l, "syn_queue_max");
}

static bool is_defended(const json_t *l)
{
	return get_flag(l, "defending");
}

bool view_is_by_kernel_cookies(const json_t *l)
{
	return is_defended(l) && get_is(l, "engine", "listener");
}

static bool is_filling(const json_t *l)
{
	return has_number(l, "syn_queue") &&
	       get_number(l, "syn_queue") * 2 > get_number(l, "syn_queue_max");
}

static bool is_incomplete(const json_t *l)
{
	return has_number(l, "completing_ratio") && get_real(l, "completing_ratio") < 0.5 &&
	       get_number(l, "syns_per_second") >= VIEW_SYNS_MIN;
}

/*
 * The worst first. The daemon judges over time: its trouble counts before what can be seen in one
 * moment, except that a flash crowd is no worse than a defended flood.
 */
/* clang-format off */
static const struct {
	enum sg_trouble trouble;       /* as the daemon has judged; NONE: it does not judge this */
	bool (*is)(const json_t *l);   /* where the daemon does not say so (yet) */
	const char *label, *sentence;  /* NULL: those of the trouble */
	enum screen_colour colour;
} diagnoses[] = {
	{ SG_TROUBLE_SLOW_ACCEPT, .colour = SCREEN_BAD },
	{ SG_TROUBLE_SMALL_BACKLOG, .colour = SCREEN_BAD },
	{ SG_TROUBLE_SLOW_ACCEPT, is_accept_queue_full, .colour = SCREEN_BAD },
	{ SG_TROUBLE_NONE, is_syn_queue_full, "SYN queue full",
	  "The SYN queue is full and nothing defends it: the kernel drops SYNs or, with "
	  "net.ipv4.tcp_syncookies, answers with cookies of its own.", SCREEN_BAD },
	{ SG_TROUBLE_NONE, view_is_by_kernel_cookies, "defended",
	  "Its SYNs are challenged with the kernel's own cookies, as NAT, br_netfilter or MPTCP is in the way of "
	  "synguard's: real clients connect, forged ones cost nothing.", SCREEN_WARN },
	{ SG_TROUBLE_NONE, is_defended, "defended",
	  "Its SYNs are challenged: real clients connect, forged ones cost nothing.", SCREEN_WARN },
	{ SG_TROUBLE_FLASH_CROWD, .colour = SCREEN_WARN },
	{ SG_TROUBLE_NONE, is_filling, "filling", "The SYN queue is more than half full.", SCREEN_WARN },
	{ SG_TROUBLE_NONE, is_incomplete, "few complete",
	  "Less than half of the SYNs became connections.", SCREEN_WARN },
};
/* clang-format on */

struct diagnosis view_diagnose(const json_t *l)
{
	const struct trouble_words *words;
	unsigned int i;
	bool judged;

	for (i = 0; i < ARRAY_SIZE(diagnoses); i++) {
		words = &trouble_words[diagnoses[i].trouble];
		judged = !diagnoses[i].is;
		if (judged ? !get_is(l, "trouble", words->word) : !diagnoses[i].is(l))
			continue;
		return (struct diagnosis){
			.rank = i,
			.label = diagnoses[i].label ?: words->label,
			.sentence = judged		  ? get_text(l, "trouble_text") :
				    diagnoses[i].sentence ?:
							    words->sentence,
			.colour = diagnoses[i].colour,
		};
	}
	words = &trouble_words[SG_TROUBLE_NONE];
	return (struct diagnosis){ i, words->label, words->sentence, SCREEN_PLAIN };
}

static int view_compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t less = (json_int_t)view_diagnose(x).rank - view_diagnose(y).rank;

	if (!less)
		less = get_number(y, "syn_queue") - get_number(x, "syn_queue");
	if (!less)
		less = get_number(y, "syns_per_second") - get_number(x, "syns_per_second");
	if (!less)
		less = get_number(x, "port") - get_number(y, "port");
	return less < 0 ? -1 : less > 0;
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
	/* clang-format off */
	static const char *const keys[] = {
		"address", "port", "syn_queue", "syn_queue_max", "accept_queue", "accept_queue_max",
		"half_open", "syns_per_second", "challenges_per_second", "acceptances_per_second",
		"completing_ratio", "defending", "engine", "trouble", "trouble_text", "synack_retries", "drops",
		"pid", "process", "unit",
	};
	/* clang-format on */
	json_t *all = json_array(), *listener, *row;
	size_t i, k;

	json_array_foreach(listeners, i, listener) {
		row = json_object();
		for (k = 0; k < ARRAY_SIZE(keys); k++)
			json_object_set(row, keys[k], json_object_get(listener, keys[k]));
		json_object_set_new(row, "diagnosis", json_string(view_diagnose(listener).label));
		json_array_append_new(all, row);
	}
	return all;
}

static void show_percent(struct table *t, const json_t *l, const char *key, const struct screen *s)
{
	if (has_number(l, key))
		table_cell(t, "%.0f%%", 100 * get_real(l, key));
	else
		table_cell(t, "-");
}

static void show_process(struct table *t, const json_t *l, const char *key, const struct screen *s)
{
	if (*get_text(l, key))
		table_cell(t, "%s(%lld)", get_text(l, key), (long long)get_number(l, "pid"));
	else
		table_cell(t, "-");
}

static void show_diagnosis(struct table *t, const json_t *l, const char *key,
			   const struct screen *s)
{
	struct diagnosis d = view_diagnose(l);

	table_cell_coloured(t, d.colour, d.label);
	table_remark(t, d.sentence);
}

int view_print_listeners(const json_t *listeners, const struct screen *s)
{
	/* clang-format off */
	static const struct table_column columns[] = {
		{ "LISTENER",   show_endpoint, "address", .cut = 15, .middle = true },
		{ "SYN QUEUE",  show_queue, "syn_queue", .right = true },
		{ "ACCEPT",     show_queue, "accept_queue", .right = true },
		{ "SYN/S",      show_number, "syns_per_second", .right = true },
		{ "DONE",       show_percent, "completing_ratio", .right = true, .from = 100, .rank = 1 },
		{ "CHALL/S",    show_number, "challenges_per_second", .right = true },
		{ "ACCEPTED/S", show_number, "acceptances_per_second", .right = true, .from = 100, .rank = 2 },
		{ "HALF-OPEN",  show_number, "half_open", .right = true },
		{ "DROPS",      show_number, "drops", .right = true, .from = 100, .rank = 3 },
		{ "UNIT",       show_text, "unit", .cut = 12, .from = 100, .rank = 4 },
		{ "PROCESS",    show_process, "process", .cut = 12, .from = 100, .rank = 5 },
		{ "DIAGNOSIS",  show_diagnosis, .cut = 9 },
		{}
	};
	/* clang-format on */

	if (json_array_size(listeners))
		return table_print_rows(columns, listeners, SIZE_MAX, s);
	screen_wrap(s, 0, "Nothing listens on TCP in this network namespace.");
	return 0;
}

/* ---- half-open connections ----------------------------------------------------------------- */

static void print_more(const struct screen *s, json_int_t more)
{
	if (more > 0)
		screen_wrap(s, 0, "and %lld more (--wide shows all)", (long long)more);
}

int view_print_halfopen(const json_t *halfopen, bool of_listeners, const struct screen *s)
{
	/* clang-format off */
	static const struct table_column entry_columns[] = {
		{ "FROM",       show_endpoint, "source", .cut = 15, .middle = true },
		{ "TO",         show_endpoint, "address", .cut = 15, .middle = true },
		{ "AGE (S)",    show_seconds, "age_seconds", .right = true },
		{ "SENT AGAIN", show_number, "retransmits", .right = true },
		{}
	};
	const struct table_column group_columns[] = {
		{ of_listeners ? "LISTENER" : "FROM", show_text, "key", .cut = 15, .middle = of_listeners },
		{ "HALF-OPEN",  show_number, "count", .right = true },
		{ "OLDEST (S)", show_seconds, "oldest_seconds", .right = true },
		{}
	};
	/* clang-format on */
	const json_t *entries = json_object_get(halfopen, "entries");
	const json_t *rows = entries ?: json_object_get(halfopen, "groups");
	json_int_t total = get_number(halfopen, "total");
	json_int_t answered = get_number(halfopen, "answered");
	size_t count = json_array_size(rows), shown = count;
	int r;

	screen_wrap(s, 0, "%lld half-open connection%s%s", (long long)total, total == 1 ? "" : "s",
		    get_flag(halfopen, "partial") ?
			    ", at least: they changed while the kernel listed them." :
			    ".");
	if (answered)
		screen_wrap(
			s, 0,
			"Clients have answered %lld of them: there the listener waits, for data "
			"(TCP_DEFER_ACCEPT) or for room in its accept queue.",
			(long long)answered);
	if (!count)
		return 0;
	if (!s->wide && shown > VIEW_ROWS)
		shown = VIEW_ROWS;
	putc('\n', s->to);
	r = table_print_rows(entries ? entry_columns : group_columns, rows, shown, s);
	print_more(s, count - shown);
	return r;
}

/* ---- sources ------------------------------------------------------------------------------- */

/* Fewer SYNs than these show no pattern, but that a few send them, as in a slow flood. */
#define VIEW_MANY_SYNS 1000

enum sources_pattern view_sources_pattern(const json_t *sources)
{
	json_int_t syns = get_number(sources, "syns");

	bool clients = get_number(sources, "completed") > syns / 2;

	if (get_is(sources, "pattern", "concentrated") && !clients)
		return SOURCES_FEW;
	if (syns < VIEW_MANY_SYNS)
		return SOURCES_UNCLEAR;
	if (clients)
		return SOURCES_CLIENTS;
	return get_is(sources, "pattern", "spoofed") ? SOURCES_FORGED : SOURCES_UNCLEAR;
}

static bool sources_are_clients(const json_t *sources)
{
	return get_is(sources, "heaviest_deny_reason", "completed");
}

/* Where a few send most of a flood: what the daemon says of denying the heaviest. */
static void print_heaviest(const json_t *sources, const struct screen *s)
{
	const char *heaviest = get_text(sources, "heaviest");
	int percent = 100 * get_real(sources, "heaviest_share");

	if (!*heaviest || view_sources_pattern(sources) != SOURCES_FEW)
		return;
	if (get_flag(sources, "heaviest_deny"))
		screen_wrap(s, 0,
			    "%s sends %d %% of what nobody completes: \"synguard deny add %s\" "
			    "stops it, and every client in there.",
			    heaviest, percent, heaviest);
	else if (sources_are_clients(sources))
		screen_wrap(s, 0,
			    "%s seems to send %d %% of what nobody completes, but clients in there "
			    "completed %s handshakes: its addresses are forged, and to shut it out "
			    "would stop those clients.",
			    heaviest, percent,
			    screen_number(s, get_number(sources, "heaviest_completed")).text);
	else if (get_is(sources, "heaviest_deny_reason", "resets"))
		screen_wrap(
			s, 0,
			"%s seems to send %d %% of what nobody completes, but it resets what it "
			"is sent (%s resets): its address is forged, and to shut it out would "
			"stop its owner.",
			heaviest, percent,
			screen_number(s, get_number(sources, "heaviest_resets")).text);
}

static void print_distinct(const json_t *sources, const struct screen *s)
{
	static const char *const patterns[] = {
		[SOURCES_UNCLEAR] = "",
		[SOURCES_CLIENTS] = ": clients, who complete their handshakes",
		[SOURCES_FORGED] = ": forged at random",
		[SOURCES_FEW] = ": a few send them",
	};
	enum sources_pattern pattern = view_sources_pattern(sources);
	json_int_t distinct = get_number(sources, "distinct_estimate");
	json_int_t syns = get_number(sources, "syns");
	long long seconds = get_number(sources, "seconds");

	if (!has_number(sources, "distinct_estimate"))
		screen_wrap(s, 0,
			    "The programs are not loaded: only sources of half-open connections "
			    "are known.");
	else if (!syns)
		screen_wrap(s, 0, "No SYN came for a service in the last %lld s.", seconds);
	else
		screen_wrap(
			s, 0,
			"About %s distinct source%s in the last %lld s, %.2f of %s SYN%s from a "
			"new one%s.",
			screen_number(s, distinct).text, distinct == 1 ? "" : "s", seconds,
			get_real(sources, "randomness"), screen_number(s, syns).text,
			syns == 1 ? "" : "s",
			pattern == SOURCES_FEW && sources_are_clients(sources) ?
				": forged from a network of your clients" :
				patterns[pattern]);
}

/* An estimate is marked. */
static void show_estimate(struct table *t, const json_t *row, const char *key,
			  const struct screen *s)
{
	if (has_number(row, key))
		table_cell(t, "~%s", screen_number(s, get_number(row, key)).text);
	else
		table_cell(t, "-");
}

/* "2001-02-03T04:05:06Z": the time of day, on a wide screen all of it. */
static void show_time(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	const char *text = json_string_value(json_object_get(row, key)) ?: "-";

	table_cell(t, "%s", !s->wide && strlen(text) > 11 ? text + 11 : text);
}

int view_print_sources(const json_t *sources, const struct screen *s)
{
	/* clang-format off */
	static const struct table_column columns[] = {
		{ "SOURCE",     show_text, "source", .cut = 18 },
		{ "SYNS",       show_estimate, "syns", .right = true },
		{ "CHALLENGED", show_estimate, "challenged", .right = true },
		{ "COMPLETED",  show_number, "completed", .right = true },
		{ "RESETS",     show_number, "resets", .right = true, .rank = 2 },
		{ "HALF-OPEN",  show_number, "half_open", .right = true },
		{ "FIRST SEEN", show_time, "first_seen", .rank = 3 },
		{ "LAST SEEN",  show_time, "last_seen", .rank = 1 },
		{}
	};
	/* clang-format on */
	const json_t *rows = json_object_get(sources, "sources");
	int r;

	print_distinct(sources, s);
	print_heaviest(sources, s);
	if (get_flag(sources, "partial"))
		screen_wrap(
			s, 0,
			"The half-open connections are incomplete: they changed while the kernel "
			"listed them.");
	if (!json_array_size(rows))
		return 0;
	putc('\n', s->to);
	r = table_print_rows(columns, rows, SIZE_MAX, s);
	print_more(s, get_number(sources, "more"));
	return r;
}

/* ---- states -------------------------------------------------------------------------------- */

/* Not so few that it may be chance, and a good part of all. */
#define VIEW_ODD_MIN  32
#define VIEW_ODD_PART 4

static const struct {
	const char *states[2];
	const char *meaning;
} oddities[] = {
	{ { "SYN_RECV" },
	  "Many SYN_RECV: clients do not answer the SYN-ACK. \"synguard halfopen\" says whose." },
	{ { "CLOSE_WAIT" },
	  "Many CLOSE_WAIT: the clients have closed and the application does not close its end." },
	{ { "LAST_ACK", "FIN_WAIT1" },
	  "Many LAST_ACK or FIN_WAIT1: the peers have vanished and do not answer the end of the "
	  "connection." },
	{ { "FIN_WAIT2" },
	  "Many FIN_WAIT2: this end has closed and the peers have not closed theirs." },
	{ { "SYN_SENT" }, "Many SYN_SENT: this host connects to somebody who does not answer." },
	{ { "TIME_WAIT" },
	  "Many TIME_WAIT: this end closed first. That is normal and costs little." },
};

static json_int_t count_of(const json_t *states, const char *name)
{
	return name ? get_number(states, name) : 0;
}

static bool is_odd(json_int_t odd, json_int_t all)
{
	return odd >= VIEW_ODD_MIN && odd > all / VIEW_ODD_PART;
}

const char *view_oddity(const json_t *states, json_int_t answered)
{
	json_int_t all = 0, odd;
	const char *name;
	json_t *count;
	size_t i;

	json_object_foreach((json_t *)states, name, count)
		all += json_integer_value(count);
	if (is_odd(answered, all))
		return "Many SYN_RECV that the clients have answered: the listener waits, for data "
		       "(TCP_DEFER_ACCEPT) or for room in its accept queue.";
	for (i = 0; i < ARRAY_SIZE(oddities); i++) {
		odd = count_of(states, oddities[i].states[0]) +
		      count_of(states, oddities[i].states[1]);
		if (!i)
			odd -= answered;
		if (is_odd(odd, all))
			return oddities[i].meaning;
	}
	return NULL;
}

/* The last row is no listener, and has the sockets of all. */
static void show_where(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	if (json_object_get(row, key))
		show_endpoint(t, row, key, s);
	else
		table_cell(t, "all sockets");
}

/* The sum of the states that the key names: "A B". */
static void show_states(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	const json_t *states = json_object_get(row, "states");
	char name[32];
	json_int_t sum = 0;

	for (; *key; key += strcspn(key, " "), key += strspn(key, " ")) {
		snprintf(name, sizeof(name), "%s", key);
		name[strcspn(name, " ")] = '\0';
		sum += get_number(states, name);
	}
	table_cell(t, "%s", screen_number(s, sum).text);
}

static void show_last_state(struct table *t, const json_t *row, const char *key,
			    const struct screen *s)
{
	show_states(t, row, key, s);
	table_remark(t, view_oddity(json_object_get(row, "states"), get_number(row, "answered")) ?:
				"");
}

int view_print_states(const json_t *root, const struct screen *s)
{
	/* clang-format off */
	static const struct table_column columns[] = {
		{ "LISTENER",  show_where, "address", .cut = 12, .middle = true },
		{ "SYNSENT",   show_states, "SYN_SENT", .right = true, .rank = 2 },
		{ "SYNRECV",   show_states, "SYN_RECV", .right = true },
		{ "ESTAB",     show_states, "ESTABLISHED", .right = true },
		{ "FINWAIT",   show_states, "FIN_WAIT1 FIN_WAIT2 CLOSING", .right = true, .rank = 1 },
		{ "TIMEWAIT",  show_states, "TIME_WAIT", .right = true },
		{ "CLOSEWAIT", show_states, "CLOSE_WAIT", .right = true },
		{ "LASTACK",   show_last_state, "LAST_ACK", .right = true },
		{}
	};
	/* clang-format on */
	json_auto_t *rows = json_copy(json_object_get(root, "listeners"));

	if (json_array_append_new(rows, json_pack("{s:O, s:I}", "states",
						  json_object_get(root, "total"), "answered",
						  (json_int_t)get_number(root, "answered"))) < 0)
		return out_of_memory();
	return table_print_rows(columns, rows, SIZE_MAX, s);
}
