/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/status.h"

#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/verdict.h"

#include "cli/print/status_why.h"
#include "cli/print/table.h"

DEFINE_CLEANUP(struct table, table_free)
#define _cleanup_table_ _cleanup_(table_free_at)

#define VERDICT_MEANING_(in, name, action, label_, meaning_)                                       \
	{ .label = label_, .meaning = meaning_ },
static const struct {
	const char *label, *meaning;
} verdict_rows[] = { SG_VERDICTS(VERDICT_MEANING_) };

/* ---- reading the report -------------------------------------------------------------------- */

static uint64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key, const char *word)
{
	return !strcmp(text(object, key), word);
}

/* "12.3k", for one use in the same expression. */
#define SHORT(n) (screen_number(s, n).text)

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* How many services have the flag set. */
static size_t services_with(const json_t *report, const char *key)
{
	size_t i, n = 0;
	json_t *service;

	json_array_foreach(json_object_get(report, "services"), i, service)
		n += flag(service, key);
	return n;
}

static bool is_attached(const json_t *report)
{
	json_t *interface;
	size_t i;

	json_array_foreach(json_object_get(report, "interfaces"), i, interface)
		if (!is(interface, "attach", "none"))
			return true;
	return false;
}

/* Whether a SYN that should be challenged could be, on any of the interfaces. */
static bool answers(const json_t *report)
{
	json_t *interface;
	size_t i;

	json_array_foreach(json_object_get(report, "interfaces"), i, interface)
		if (flag(interface, "answers"))
			return true;
	return false;
}

/* ---- the sentence -------------------------------------------------------------------------- */

static void print_attack(const json_t *report, const struct screen *s, size_t services)
{
	const json_t *rates = json_object_get(report, "rates");
	uint64_t syns = number(rates, "syns_per_second");
	/* those whose ACK carried a valid cookie */
	uint64_t passing = number(rates, "acceptances_per_second");

	if (is(report, "mode", "observe"))
		screen_wrap(s, 0,
			    "A SYN flood, %s SYN/s, that is only observed: nothing is defended.",
			    SHORT(syns));
	else
		screen_wrap(s, 0, "A SYN flood, %s SYN/s: defending %zu of %zu service%s, %s %s.",
			    SHORT(syns), services_with(report, "defending"), services,
			    plural(services), SHORT(passing),
			    passing == 1 ? "client/s passes" : "clients/s pass");
}

/* What becomes of it; the rest is answered by the kernel, each with a reset. */
static void print_ack_flood(const json_t *report, const struct screen *s, const char *beside)
{
	const json_t *rates = json_object_get(report, "rates");
	uint64_t bogus = number(rates, "bogus_acks_per_second");
	uint64_t dropped = number(rates, "dropped_acks_per_second");

	if (dropped)
		screen_wrap(s, 0, "An ACK flood%s, %s ACK/s: %s/s dropped, connections go on.",
			    beside, SHORT(bogus), SHORT(dropped));
	else
		screen_wrap(s, 0,
			    "An ACK flood%s, %s ACK/s, that is only observed: none is dropped.",
			    beside, SHORT(bogus));
}

/* The state is attack. */
static void print_floods(const json_t *report, const struct screen *s, size_t services)
{
	bool ack_flood = is(report, "kind", "ack_flood"),
	     both = is(report, "kind", "syn_and_ack_flood");

	if (!ack_flood) {
		print_attack(report, s, services);
		status_print_sources(report, s);
	}
	if (ack_flood || both)
		print_ack_flood(report, s, both ? " as well" : "");
}

static void print_calm(const json_t *report, const struct screen *s, size_t services)
{
	uint64_t half_open = number(report, "half_open");
	uint64_t syns = number(json_object_get(report, "rates"), "syns_per_second");
	const char *how = is(report, "mode", "observe") ? ", only observing" :
			  is(report, "mode", "always")	? ", challenging all the same" :
							  "";

	screen_wrap(s, 0, "All calm%s: %zu service%s, %s SYN/s, %s half-open.", how, services,
		    plural(services), SHORT(syns), SHORT(half_open));
}

static void print_sentence(const json_t *report, const struct screen *s)
{
	size_t services = json_array_size(json_object_get(report, "services"));
	size_t defending = services_with(report, "defending");
	size_t blocked = services_with(report, "blocked");
	uint64_t syns = number(json_object_get(report, "rates"), "syns_per_second");

	if (is(report, "engine", "kernel"))
		screen_wrap(s, 0, "Watching only: %s.", text(report, "engine_reason"));
	else if (is(report, "mode", "off"))
		screen_wrap(s, 0, "Switched off: SYNs are neither counted nor challenged.");
	else if (!is_attached(report))
		screen_wrap(s, 0, "Nothing is defended: synguard is attached to no interface.");
	else if (!is(report, "mode", "observe") && !answers(report))
		screen_wrap(s, 0,
			    "Nothing is defended: SYNs are only observed, see the interfaces.");
	else if (is(report, "state", "attack"))
		print_floods(report, s, services);
	else if (is(report, "state", "cooling") && is(report, "kind", "ack_flood"))
		screen_wrap(
			s, 0, "An ACK flood has just ebbed: %s ACK/s belong to no connection.",
			SHORT(number(json_object_get(report, "rates"), "bogus_acks_per_second")));
	else if (is(report, "state", "cooling"))
		screen_wrap(s, 0,
			    "A SYN flood has just ebbed: %s SYN/s, defending %zu of %zu service%s.",
			    SHORT(syns), defending, services, plural(services));
	else if (status_print_no_attack(report, s))
		; /* that was it */
	else if (defending && is(report, "mode", "auto"))
		screen_wrap(s, 0, "A SYN queue has filled: defending %zu of %zu service%s.",
			    defending, services, plural(services));
	else
		print_calm(report, s, services);
	if (blocked) {
		fputs(screen_colour(s, SCREEN_BAD), s->to);
		fprintf(s->to, "%zu service%s BLOCKED, see below.", blocked, plural(blocked));
		fprintf(s->to, "%s\n", screen_colour(s, SCREEN_PLAIN));
	}
}

/* ---- the figures --------------------------------------------------------------------------- */

static const char *uptime(uint64_t seconds, char *buffer, size_t size)
{
	unsigned long long n = seconds;

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
	const json_t *rates = json_object_get(report, "rates");
	char up[64];

	screen_wrap(s, 0, "mode %s%s, state %s, engine %s, up %s", text(report, "mode"),
		    is(report, "mode_by", "request") ? " (set with \"synguard mode\")" : "",
		    text(report, "state"), text(report, "engine"),
		    uptime(number(report, "uptime_seconds"), up, sizeof(up)));
	if (json_is_false(json_object_get(report, "config_ok")))
		screen_wrap(s, 0,
			    "The configuration has a fault and is not in force as it stands; "
			    "\"synguard config check\" says where.");
	screen_wrap(s, 0, "per second: %s SYNs, %s challenges, %s acceptances; half-open now: %s",
		    SHORT(number(rates, "syns_per_second")),
		    SHORT(number(rates, "challenges_per_second")),
		    SHORT(number(rates, "acceptances_per_second")),
		    SHORT(number(report, "half_open")));
}

static void print_attach(struct table *t, const json_t *interface)
{
	const char *attach = text(interface, "attach");

	if (!strcmp(attach, "tcx"))
		attach = flag(interface, "answers") ? "tcx, answers" : "tcx, observes";
	table_cell_coloured(t, strcmp(attach, "none") ? SCREEN_PLAIN : SCREEN_BAD, attach);
}

static int print_interfaces(const json_t *report, const struct screen *s)
{
	static const struct table_column columns[] = {
		{ "INTERFACE" }, { "DRIVER", .cut = 6, .rank = 1 }, { "ATTACHED" }, {}
	};
	_cleanup_table_ struct table *t = table_new(columns);
	const json_t *list = json_object_get(report, "interfaces");
	json_t *interface;
	size_t i;

	putc('\n', s->to);
	if (!json_array_size(list)) {
		screen_wrap(s, 0,
			    "no interface is attached to; name one with synguardd --interface");
		return 0;
	}
	if (!t)
		return -ENOMEM;
	json_array_foreach(list, i, interface) {
		table_cell(t, "%s", text(interface, "name"));
		table_cell(t, "%s", text(interface, "driver"));
		print_attach(t, interface);
		table_remark(t, text(interface, "attach_reason"));
	}
	return table_print(t, s);
}

/* clang-format off */
static const struct table_column service_columns[] = {
	{ "SERVICE",      .cut = 15, .middle = true },
	{ "STATE",        .cut = 9 },
	{ "SYN QUEUE",    .right = true, .rank = 1 },
	{ "ACCEPT QUEUE", .right = true, .wide = true },
	{ "SYNS",         .right = true, .rank = 4 },
	{ "CHALLENGED",   .right = true, .rank = 3 },
	{ "ACCEPTED",     .right = true, .rank = 2 },
	{ "BORN",         .right = true, .wide = true },
	{ "PROVEN",       .wide = true },
	{}
};
/* clang-format on */

static void add_state(struct table *t, const json_t *service)
{
	const char *hindrance = text(service, "hindrance");

	if (flag(service, "defending"))
		table_cell_coloured(t, SCREEN_WARN, "defending");
	else if (flag(service, "blocked"))
		table_cell_coloured(t, SCREEN_BAD, "BLOCKED");
	else /* what would stand against a challenge, if there were a reason for one */
		table_cell(t, "%s", *hindrance ? hindrance : "idle");
}

static void add_service(struct table *t, const struct screen *s, const json_t *service)
{
	char name[80];

	table_cell(t, "%s", status_service_name(service, name, sizeof(name)));
	add_state(t, service);
	table_cell(t, "%s/%s", SHORT(number(service, "syn_queue")),
		   SHORT(number(service, "syn_queue_max")));
	table_cell(t, "%s/%s", SHORT(number(service, "accept_queue")),
		   SHORT(number(service, "accept_queue_max")));
	table_cell(t, "%s", SHORT(number(service, "syns")));
	table_cell(t, "%s", SHORT(number(service, "challenged")));
	table_cell(t, "%s", SHORT(number(service, "accepted")));
	table_cell(t, "%s", SHORT(number(service, "born")));
	table_cell(t, "%s", flag(service, "proven") ? "yes" : "no");
}

static int print_services(const json_t *report, const struct screen *s)
{
	const json_t *list = json_object_get(report, "services");
	_cleanup_table_ struct table *t = table_new(service_columns);
	json_t *service;
	size_t i;

	if (!json_array_size(list))
		return 0;
	if (!t)
		return -ENOMEM;
	json_array_foreach(list, i, service)
		add_service(t, s, service);
	putc('\n', s->to);
	return table_print(t, s);
}

/* ---- lists that nothing heeds ---------------------------------------------------------------- */

static json_int_t list_entries(const json_t *report, const char *list)
{
	return json_integer_value(
		json_object_get(json_object_get(json_object_get(report, "maps"), list), "entries"));
}

static void print_not_applied(const json_t *report, const struct screen *s)
{
	json_int_t allowed = list_entries(report, "allow"), denied = list_entries(report, "deny");
	bool no_engine = is(report, "engine", "kernel"), off = is(report, "mode", "off");

	if (!(allowed + denied))
		return;
	if (no_engine || off)
		screen_wrap(s, 0,
			    "The lists of sources (%s to allow, %s to deny) are kept, and nothing "
			    "heeds them in %s.",
			    SHORT(allowed), SHORT(denied),
			    no_engine ? "engine kernel" : "mode off");
	else if (denied && is(report, "mode", "observe"))
		screen_wrap(s, 0, "The list of sources to deny (%s) is not heeded in mode observe.",
			    SHORT(denied));
}

/* ---- what stands against a defence --------------------------------------------------------- */

static void print_blocked(const json_t *report, const struct screen *s)
{
	json_t *service;
	char name[80];
	size_t i;

	json_array_foreach(json_object_get(report, "services"), i, service) {
		if (!flag(service, "blocked"))
			continue;
		putc('\n', s->to);
		screen_wrap(
			s, 0,
			"%s is BLOCKED, and left to the kernel for minutes: of %s acceptances %s "
			"became connections. Look for a firewall rule that drops ACKs without a "
			"SYN before them, or for nf_conntrack_tcp_loose=0.",
			status_service_name(service, name, sizeof(name)),
			SHORT(number(service, "accepted")), SHORT(number(service, "born")));
	}
}

/* What the words in the column STATE mean, each once. */
static void print_hindrances(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	bool first = true;
	json_t *service;
	size_t i, row;

	for (row = 0; row < ARRAY_SIZE(verdict_rows); row++) {
		json_array_foreach(services, i, service)
			if (!flag(service, "defending") && !flag(service, "blocked") &&
			    is(service, "hindrance", verdict_rows[row].label))
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
	int r;

	print_sentence(report, s);
	print_figures(report, s);
	print_not_applied(report, s);
	r = print_interfaces(report, s);
	if (r >= 0)
		r = print_services(report, s);
	if (r < 0)
		return r;
	status_print_troubles(report, s);
	print_blocked(report, s);
	print_hindrances(report, s);
	return 0;
}
