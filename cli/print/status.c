/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/status.h"

#include <string.h>

#include "cli/base/json.h"
#include "cli/print/table.h"
#include "cli/print/views.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "synguard/verdict.h"

#define VERDICT_MEANING_(in, name, action, label_, meaning_)                                       \
	{ .label = label_, .meaning = meaning_ },
static const struct {
	const char *label, *meaning;
} verdict_rows[] = { SG_VERDICTS(VERDICT_MEANING_) };

/* "12.3k", until the end of the expression. */
#define SHORT(n) (screen_number(s, n).text)

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "syns_per_second" and others. */
static uint64_t get_rate(const json_t *report, const char *key)
{
	return get_number(json_object_get(report, "rates"), key);
}

/* How many of a list have the flag set. */
static size_t count_flag(const json_t *list, const char *key)
{
	size_t i, n = 0;
	json_t *row;

	json_array_foreach(list, i, row)
		n += get_flag(row, key);
	return n;
}

/* How many of a list have the word as their value. */
static size_t count_word(const json_t *list, const char *key, const char *word)
{
	size_t i, n = 0;
	json_t *row;

	json_array_foreach(list, i, row)
		n += get_is(row, key, word);
	return n;
}

/* ---- the sentence -------------------------------------------------------------------------- */

static void print_sources(const json_t *report, const struct screen *s)
{
	const json_t *sources = json_object_get(report, "sources");

	if (get_is(report, "flood_sources", "spoofed"))
		screen_wrap(s, 0,
			    "Its sources are forged at random: to deny any of them is of no use.");
	else if (!get_is(report, "flood_sources", "concentrated"))
		return;
	else if (get_is(sources, "deny_reason", "completed"))
		screen_wrap(s, 0,
			    "It is forged from a network of your clients: they complete "
			    "handshakes, and "
			    "to deny it would stop them.");
	else if (get_is(sources, "deny_reason", "resets"))
		screen_wrap(
			s, 0,
			"Its source is forged, since its owner resets what it is sent: to deny it "
			"would stop the owner.");
	else
		screen_wrap(s, 0,
			    "A few sources send %d %% of it: \"synguard sources --prefix\" names "
			    "them, and \"synguard deny add PREFIX\" stops them.",
			    (int)(get_real(sources, "few_share") * 100));
}

static void print_syn_flood(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	size_t count = json_array_size(services);
	uint64_t syns = get_rate(report, "syns_per_second") +
			get_rate(report, "undefended_syns_per_second");
	/* challenged or not: also verified clients, and those with a cookie of the kernel's */
	uint64_t passing = get_rate(report, "handshakes_per_second");
	const char *what = get_flag(report, "slow_flood") ? "A slow SYN flood" : "A SYN flood";

	if (get_is(report, "mode", "observe"))
		screen_wrap(s, 0, "%s, %s SYN/s, that is only observed: nothing is defended.", what,
			    SHORT(syns));
	else
		screen_wrap(s, 0, "%s, %s SYN/s: defending %zu of %zu service%s, %s %s.", what,
			    SHORT(syns), count_flag(services, "defending"), count, plural(count),
			    SHORT(passing), passing == 1 ? "client/s passes" : "clients/s pass");
	if (count_word(services, "hindrance", "synproxy"))
		screen_wrap(s, 0, "SYNPROXY of this host's firewall answers for %zu of them.",
			    count_word(services, "hindrance", "synproxy"));
	if (get_flag(report, "slow_flood"))
		screen_wrap(s, 0,
			    "Few SYNs come, but nobody answers, and they fill a SYN queue: "
			    "\"synguard halfopen --by prefix\" says whose wait in it.");
	print_sources(report, s);
}

/* ACKs that are not dropped the kernel answers with a reset each. */
static void print_ack_flood(const json_t *report, const struct screen *s, const char *beside)
{
	uint64_t bogus = get_rate(report, "bogus_acks_per_second");
	uint64_t dropped = get_rate(report, "dropped_acks_per_second");

	if (dropped)
		screen_wrap(s, 0, "An ACK flood%s, %s ACK/s: %s/s dropped, connections go on.",
			    beside, SHORT(bogus), SHORT(dropped));
	else
		screen_wrap(s, 0,
			    "An ACK flood%s, %s ACK/s, that is only observed: none is dropped.",
			    beside, SHORT(bogus));
}

/* Of an attack, or one that is cooling. */
static void print_pulses(const json_t *report, const struct screen *s)
{
	uint64_t pulses = get_number(report, "pulses");

	if (pulses)
		screen_wrap(s, 0, "It comes in pulses: it has ebbed and come back %s time%s.",
			    SHORT(pulses), plural(pulses));
}

static void print_attack(const json_t *report, const struct screen *s)
{
	if (get_is(report, "kind", "ack_flood"))
		print_ack_flood(report, s, "");
	else
		print_syn_flood(report, s);
	if (get_is(report, "kind", "syn_and_ack_flood"))
		print_ack_flood(report, s, " as well");
	print_pulses(report, s);
}

static void print_cooling(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	size_t count = json_array_size(services);

	if (get_is(report, "kind", "ack_flood"))
		screen_wrap(s, 0, "An ACK flood has just ebbed: %s ACK/s belong to no connection.",
			    SHORT(get_rate(report, "bogus_acks_per_second")));
	else
		screen_wrap(s, 0,
			    "A SYN flood has just ebbed: %s SYN/s, defending %zu of %zu service%s.",
			    SHORT(get_rate(report, "syns_per_second")),
			    count_flag(services, "defending"), count, plural(count));
	print_pulses(report, s);
}

/* The worst trouble that any service has. False: none has one. */
static bool print_no_attack(const json_t *services, const struct screen *s)
{
	static const char *const what[SG_TROUBLE_COUNT] = {
		[SG_TROUBLE_FLASH_CROWD] = "a crowd",
		[SG_TROUBLE_SMALL_BACKLOG] = "a small backlog",
		[SG_TROUBLE_SLOW_ACCEPT] = "connections that nobody accepts",
	};
	size_t trouble, n, count = json_array_size(services);

	for (trouble = SG_TROUBLE_COUNT - 1; trouble > SG_TROUBLE_NONE; trouble--) {
		n = count_word(services, "trouble", trouble_words[trouble].word);
		if (!n)
			continue;
		screen_wrap(s, 0, "No attack, but %s at %zu of %zu service%s, see below.",
			    what[trouble], n, count, plural(count));
		return true;
	}
	return false;
}

/* False: nothing suffers that is not defended. */
static bool print_not_calm(const json_t *report, const struct screen *s)
{
	const json_t *undefended = json_object_get(report, "undefended");
	const char *name = get_text(json_array_get(undefended, 0), "name");
	size_t count = json_array_size(undefended);

	if (count > 1)
		screen_wrap(s, 0, "%s and others suffer and are not defended, see below.", name);
	else if (count)
		screen_wrap(s, 0, "%s suffers and is not defended, see below.", name);
	return count;
}

/* Each in the daemon's words. */
static void print_undefended(const json_t *report, const struct screen *s)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "undefended"), i, row) {
		putc('\n', s->to);
		screen_wrap(s, 0, "NOT DEFENDED: %s: %s", get_text(row, "name"),
			    get_text(row, "text"));
	}
}

static void print_calm(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	size_t count = json_array_size(services), defending = count_flag(services, "defending");
	const char *how = get_is(report, "mode", "observe") ? ", only observing" :
			  get_is(report, "mode", "always")  ? ", challenging all the same" :
							      "";

	if (print_not_calm(report, s) || print_no_attack(services, s))
		return;
	if (defending && get_is(report, "mode", "auto"))
		screen_wrap(s, 0, "A SYN queue has filled: defending %zu of %zu service%s.",
			    defending, count, plural(count));
	else
		screen_wrap(s, 0, "All calm%s: %zu service%s, %s SYN/s, %s half-open.", how, count,
			    plural(count), SHORT(get_rate(report, "syns_per_second")),
			    SHORT(get_number(report, "half_open")));
}

static void print_sentence(const json_t *report, const struct screen *s)
{
	const json_t *interfaces = json_object_get(report, "interfaces");
	size_t blocked = count_flag(json_object_get(report, "services"), "blocked");

	if (get_is(report, "engine", "kernel"))
		screen_wrap(s, 0, "Watching only: %s.", get_text(report, "engine_reason"));
	else if (get_is(report, "mode", "off"))
		screen_wrap(s, 0, "Switched off: SYNs are neither counted nor challenged.");
	else if (count_word(interfaces, "attach", "none") == json_array_size(interfaces))
		screen_wrap(s, 0, "Nothing is defended: synguard is attached to no interface.");
	else if (!get_is(report, "mode", "observe") && !count_flag(interfaces, "answers"))
		screen_wrap(s, 0,
			    "Nothing is defended: SYNs are only observed, see the interfaces.");
	else if (get_is(report, "state", "attack"))
		print_attack(report, s);
	else if (get_is(report, "state", "cooling"))
		print_cooling(report, s);
	else
		print_calm(report, s);
	if (blocked)
		fprintf(s->to, "%s%zu service%s BLOCKED, see below.%s\n",
			screen_colour(s, SCREEN_BAD), blocked, plural(blocked),
			screen_colour(s, SCREEN_PLAIN));
}

/* ---- the figures --------------------------------------------------------------------------- */

static const char *uptime(unsigned long long n, char *buffer, size_t size)
{
	if (n >= 86400)
		snprintf(buffer, size, "%llu d %llu h", n / 86400, n % 86400 / 3600);
	else if (n >= 3600)
		snprintf(buffer, size, "%llu h %llu min", n / 3600, n % 3600 / 60);
	else if (n >= 60)
		snprintf(buffer, size, "%llu min %llu s", n / 60, n % 60);
	else
		snprintf(buffer, size, "%llu s", n);
	return buffer;
}

static void print_figures(const json_t *report, const struct screen *s)
{
	char up[64];

	screen_wrap(s, 0, "mode %s%s, state %s, engine %s, up %s", get_text(report, "mode"),
		    get_is(report, "mode_by", "request") ? " (set with \"synguard mode\")" : "",
		    get_text(report, "state"), get_text(report, "engine"),
		    uptime(get_number(report, "uptime_seconds"), up, sizeof(up)));
	if (json_is_false(json_object_get(report, "config_ok")))
		screen_wrap(s, 0,
			    "The configuration has an error and is not in force as written: "
			    "\"synguard config check\" says where.");
	screen_wrap(s, 0, "per second: %s SYNs, %s challenges, %s acceptances; half-open now: %s",
		    SHORT(get_rate(report, "syns_per_second")),
		    SHORT(get_rate(report, "challenges_per_second")),
		    SHORT(get_rate(report, "acceptances_per_second")),
		    SHORT(get_number(report, "half_open")));
}

static uint64_t list_entries(const json_t *report, const char *list)
{
	return get_number(json_object_get(json_object_get(report, "maps"), list), "entries");
}

static void print_ways(const json_t *report, const struct screen *s)
{
	uint64_t left_out = get_number(report, "ways_left_out");

	if (left_out)
		screen_wrap(s, 0,
			    "The table of ways back has no room for %s prefixes: their SYNs are "
			    "answered by the interface that they come in by.",
			    SHORT(left_out));
}

/* The allow and deny lists, where they have no effect. */
static void print_idle_lists(const json_t *report, const struct screen *s)
{
	uint64_t allowed = list_entries(report, "allow"), denied = list_entries(report, "deny");
	bool no_programs = get_is(report, "engine", "kernel");

	if (allowed + denied && (no_programs || get_is(report, "mode", "off")))
		screen_wrap(s, 0,
			    "The lists of sources (%s to allow, %s to deny) are loaded but have no "
			    "effect: %s.",
			    SHORT(allowed), SHORT(denied),
			    no_programs ? "engine kernel runs no BPF programs" :
					  "mode off passes all packets");
	else if (denied && get_is(report, "mode", "observe"))
		screen_wrap(s, 0,
			    "The list of sources to deny (%s) has no effect: mode observe drops "
			    "nothing.",
			    SHORT(denied));
}

/* ---- the tables ---------------------------------------------------------------------------- */

static void show_attached(struct table *t, const json_t *interface, const char *key,
			  const struct screen *s)
{
	const char *attach = get_text(interface, key);

	if (!strcmp(attach, "tcx"))
		attach = get_flag(interface, "answers") ? "tcx, answers" : "tcx, observes";
	table_cell_coloured(t, strcmp(attach, "none") ? SCREEN_PLAIN : SCREEN_BAD, attach);
	table_remark(t, get_text(interface, "attach_reason"));
}

static int print_interfaces(const json_t *report, const struct screen *s)
{
	static const struct table_column columns[] = { { "INTERFACE", show_text, "name" },
						       { "DRIVER", show_text, "driver", .cut = 6,
							 .rank = 1 },
						       { "ATTACHED", show_attached, "attach" },
						       {} };
	const json_t *list = json_object_get(report, "interfaces");

	putc('\n', s->to);
	if (json_array_size(list))
		return table_print_rows(columns, list, SIZE_MAX, s);
	screen_wrap(s, 0, "no interface is attached to; name one with synguardd --interface");
	return 0;
}

static void show_state(struct table *t, const json_t *service, const char *key,
		       const struct screen *s)
{
	const char *hindrance = get_text(service, key);

	if (get_flag(service, "defending"))
		table_cell_coloured(t, SCREEN_WARN, "defending");
	else if (get_flag(service, "blocked"))
		table_cell_coloured(t, SCREEN_BAD, "BLOCKED");
	else /* what would prevent a challenge, if there were a reason for one */
		table_cell(t, "%s", *hindrance ? hindrance : "idle");
}

static void show_yes(struct table *t, const json_t *row, const char *key, const struct screen *s)
{
	table_cell(t, "%s", get_flag(row, key) ? "yes" : "no");
}

static int print_services(const json_t *report, const struct screen *s)
{
	/* clang-format off */
	static const struct table_column columns[] = {
		{ "SERVICE",      show_endpoint, "address", .cut = 15, .middle = true },
		{ "STATE",        show_state, "hindrance", .cut = 9 },
		{ "SYN QUEUE",    show_queue, "syn_queue", .right = true, .rank = 1 },
		{ "ACCEPT QUEUE", show_queue, "accept_queue", .right = true, .wide = true },
		{ "SYNS",         show_number, "syns", .right = true, .rank = 4 },
		{ "CHALLENGED",   show_number, "challenged", .right = true, .rank = 3 },
		{ "ACCEPTED",     show_number, "accepted", .right = true, .rank = 2 },
		{ "ESTAB",        show_number, "established", .right = true, .wide = true },
		{ "PROVEN",       show_yes, "proven", .wide = true },
		{}
	};
	/* clang-format on */
	const json_t *list = json_object_get(report, "services");

	if (!json_array_size(list))
		return 0;
	putc('\n', s->to);
	return table_print_rows(columns, list, SIZE_MAX, s);
}

/* ---- the reasons --------------------------------------------------------------------------- */

/* So many troubles are printed in full; "synguard listeners" has all of them. */
#define STATUS_TROUBLES 4

/* In the daemon's words, with what to change. */
static void print_troubles(const json_t *services, const struct screen *s)
{
	const char *none = trouble_words[SG_TROUBLE_NONE].word;
	size_t i, printed = 0, more = 0;
	json_t *service;

	json_array_foreach(services, i, service) {
		if (!*get_text(service, "trouble") || get_is(service, "trouble", none))
			continue;
		if (printed == STATUS_TROUBLES && !s->wide) {
			more++;
			continue;
		}
		if (!printed++)
			putc('\n', s->to);
		screen_wrap(s, 0, "%s: %s", get_endpoint(service, "address", "port").text,
			    get_text(service, "trouble_text"));
	}
	if (more)
		screen_wrap(s, 0, "and %zu more (\"synguard listeners\" has them all)", more);
}

static void print_lost(const json_t *services, const struct screen *s)
{
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		json_int_t filtered = get_number(service, "filtered");

		if (!get_flag(service, "blocked") && !filtered)
			continue;
		putc('\n', s->to);
		if (get_flag(service, "blocked"))
			screen_wrap(
				s, 0,
				"%s is BLOCKED, and left to the kernel for seconds, or for up "
				"to three minutes: of %s acceptances %s became connections; %s.",
				get_endpoint(service, "address", "port").text,
				SHORT(get_number(service, "accepted")),
				SHORT(get_number(service, "established")),
				get_text(service, "lost_text"));
		else
			screen_wrap(s, 0,
				    "%s: clients of %s source%s answer challenges and get no "
				    "connection. They are left to the kernel; %s.",
				    get_endpoint(service, "address", "port").text, SHORT(filtered),
				    plural(filtered), get_text(service, "lost_text"));
	}
}

/* Of those that are defended with another cookie than ours: why, each reason once. */
static void print_engines(const json_t *services, const struct screen *s)
{
	json_t *service, *other;
	size_t i, j, same;

	json_array_foreach(services, i, service) {
		const char *reason = get_text(service, "engine_reason");

		if (!view_is_by_kernel_cookies(service))
			continue;
		same = 0;
		json_array_foreach(services, j, other) {
			if (!view_is_by_kernel_cookies(other) ||
			    !get_is(other, "engine_reason", reason))
				continue;
			if (j < i)
				break;
			same++;
		}
		if (j < i)
			continue;
		putc('\n', s->to);
		if (same > 1)
			screen_wrap(s, 0, "%s and %zu other%s: %s.",
				    get_endpoint(service, "address", "port").text, same - 1,
				    plural(same - 1), reason);
		else
			screen_wrap(s, 0, "%s: %s.", get_endpoint(service, "address", "port").text,
				    reason);
	}
}

/* What the words in the column STATE mean, each once. */
static void print_hindrances(const json_t *services, const struct screen *s)
{
	bool first = true;
	json_t *service;
	size_t i, row;

	for (row = 0; row < ARRAY_SIZE(verdict_rows); row++) {
		json_array_foreach(services, i, service)
			if (!get_flag(service, "defending") && !get_flag(service, "blocked") &&
			    get_is(service, "hindrance", verdict_rows[row].label))
				break;
		if (i == json_array_size(services))
			continue;
		if (first)
			putc('\n', s->to);
		first = false;
		screen_wrap(s, 0, "%s: %s.", verdict_rows[row].label, verdict_rows[row].meaning);
	}
}

int status_print(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	int r;

	print_sentence(report, s);
	print_figures(report, s);
	print_ways(report, s);
	print_idle_lists(report, s);
	r = print_interfaces(report, s);
	if (r == SG_EXIT_OK)
		r = print_services(report, s);
	if (r != SG_EXIT_OK)
		return r;
	print_undefended(report, s);
	print_troubles(services, s);
	print_lost(services, s);
	print_engines(services, s);
	print_hindrances(services, s);
	return SG_EXIT_OK;
}

/* ---- without a daemon ---------------------------------------------------------------------- */

json_t *status_of_kernel(const struct kernel_view *view)
{
	json_t *root = json_pack("{s:b}", "running", 0), *counters = json_object();
	int i;

	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++)
		if (view->counted[i])
			json_object_set_new(counters, kernel_view_rows[i].name,
					    json_integer(view->counters[i]));
	if (view->sockets) {
		json_object_set_new(root, "half_open", json_integer(view->half_open));
		json_object_set_new(root, "listeners", json_integer(view->listeners));
		json_object_set_new(root, "listeners_accept_full", json_integer(view->full));
	}
	if (view->syncookies >= 0)
		json_object_set_new(root, "tcp_syncookies", json_integer(view->syncookies));
	if (json_object_set_new(root, "counters", counters) < 0) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static const char *syncookies_meaning(int value)
{
	switch (value) {
	case -1:
		return "is not known here";
	case 0:
		return "= 0: a full SYN queue drops SYNs";
	case 1:
		return "= 1: the kernel sends cookies from a full SYN queue";
	default:
		return "= 2: the kernel answers every SYN with a cookie";
	}
}

int status_print_kernel(const struct kernel_view *view, const struct screen *s)
{
	static const struct table_column columns[] = {
		{ "COUNTER", show_text, "name" },
		{ "TOTAL", show_number, "total", .right = true },
		{ "WHAT IT COUNTS", show_text, "help", .cut = 14, .rank = 1 },
		{}
	};
	const char *what = view->silent ? "What the kernel alone says" : "Not defended by synguard";
	json_auto_t *rows = json_array();
	int i, r;

	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++)
		if (view->counted[i])
			json_array_append_new(rows, json_pack("{s:s, s:I, s:s}", "name",
							      kernel_view_rows[i].name, "total",
							      (json_int_t)view->counters[i], "help",
							      kernel_view_rows[i].help));
	if (view->sockets)
		screen_wrap(s, 0, "%s: %s half-open connection%s at %s listener%s.", what,
			    SHORT(view->half_open), plural(view->half_open), SHORT(view->listeners),
			    plural(view->listeners));
	else
		screen_wrap(s, 0, "%s: nothing about sockets.", what);
	if (view->full)
		screen_wrap(s, 0,
			    "%s of them with a full accept queue: the application does not accept, "
			    "which is no SYN flood.",
			    SHORT(view->full));
	screen_wrap(s, 0, "tcp_syncookies %s.", syncookies_meaning(view->syncookies));
	putc('\n', s->to);
	r = table_print_rows(columns, rows, SIZE_MAX, s);
	putc('\n', s->to);
	screen_wrap(s, 0,
		    "These are sums of this network namespace. They do not show which service, "
		    "whose SYNs, nor whether it goes on: run it twice.");
	return r;
}
