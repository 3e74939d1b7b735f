/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What status says of reports that a test makes up: the sentence is true for every engine, mode and
 * state, and whatever the report holds it fits the screen.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print/status.h"
#include "suite.h"

#define LONG_ADDRESS "2001:db8:1111:2222:3333:4444:5555:6666"

static json_t *report_with(const char *engine, const char *mode, const char *state)
{
	json_t *report = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, "
				   "s:{s:i, s:i, s:i, s:i}, "
				   "s:[{s:s, s:s, s:s, s:b, s:s}], s:[]}",
				   "engine", engine, "engine_reason",
				   "this kernel takes no cookies from programs", "mode", mode,
				   "mode_by", "start", "state", state, "uptime_seconds", 75,
				   "half_open", 3, "rates", "syns_per_second", 12345,
				   "handshakes_per_second", 50, "challenges_per_second", 11,
				   "acceptances_per_second", 1, "interfaces", "name", "eth0",
				   "driver", "virtio_net", "attach", "native", "answers", 1,
				   "attach_reason", "", "services");

	ck_assert_ptr_nonnull(report);
	return report;
}

static json_t *add_service(json_t *report, const char *address, json_int_t figure)
{
	json_t *service =
		json_pack("{s:s, s:i, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			  "address", address, "port", 65535, "defending", 0, "blocked", 0, "proven",
			  1, "syns", figure, "challenged", figure, "accepted", figure,
			  "established", figure, "syn_queue", figure, "syn_queue_max", figure,
			  "accept_queue", figure, "accept_queue_max", figure);

	json_array_append_new(json_object_get(report, "services"), service);
	return service;
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

#define NAT_REASON "defended with the kernel's cookies: NAT is in the way of ours"

static void set_engine(json_t *service, bool defending, const char *reason)
{
	set(service, "defending", json_boolean(defending));
	set(service, "engine", json_string("listener"));
	set(service, "engine_reason", json_string(reason));
}

/* Takes the report. */
static char *printed(json_t *report, struct screen s)
{
	char *text = NULL;
	size_t size;

	s.to = open_memstream(&text, &size);
	ck_assert_int_eq(status_print(report, &s), 0);
	fclose(s.to);
	json_decref(report);
	return text;
}

static void expect_line(json_t *report, const char *line)
{
	char *text = printed(report, (struct screen){ .columns = 80 });

	ck_assert_msg(!strncmp(text, line, strlen(line)) && text[strlen(line)] == '\n',
		      "\"%.*s\", not \"%s\"", (int)strcspn(text, "\n"), text, line);
	free(text);
}

/* ---- the sentence -------------------------------------------------------------------------- */

START_TEST(status_sentences)
{
	static const struct {
		const char *engine, *mode, *state, *sentence;
	} rows[] = {
		{ "reqsk", "auto", "calm", "All calm: 2 services, 12.3k SYN/s, 3 half-open." },
		{ "reqsk", "observe", "calm",
		  "All calm, only observing: 2 services, 12.3k SYN/s, 3 half-open." },
		{ "reqsk", "off", "attack",
		  "Switched off: SYNs are neither counted nor challenged." },
		{ "reqsk", "auto", "attack",
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s pass." },
		{ "reqsk", "observe", "attack",
		  "A SYN flood, 12.3k SYN/s, that is only observed: nothing is defended." },
		{ "reqsk", "always", "cooling",
		  "A SYN flood has just ebbed: 12.3k SYN/s, defending 0 of 2 services." },
		{ "kernel", "auto", "attack",
		  "Watching only: this kernel takes no cookies from programs." },
	};
	json_t *report;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		report = report_with(rows[i].engine, rows[i].mode, rows[i].state);
		add_service(report, "192.0.2.1", 1);
		add_service(report, "192.0.2.2", 1);
		expect_line(report, rows[i].sentence);
	}
}
END_TEST

/* A flood's sources, and what is no attack, below the sentence or in place of it. */
START_TEST(status_says_why)
{
	static const struct {
		const char *state, *sources, *troubles[2], *sentence, *deny_reason;
	} rows[] = {
		{ "attack",
		  "spoofed",
		  { "none", "none" },
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s pass.\n"
		  "Its sources are forged at random: to deny any of them is of no use.\n" },
		{ "attack",
		  "concentrated",
		  { "none", "none" },
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s pass.\n"
		  "A few sources send 97 % of it: \"synguard sources --prefix\" names them, and\n"
		  "\"synguard deny add PREFIX\" stops them.\n",
		  "silent" },
		{ "attack",
		  "concentrated",
		  { "none", "none" },
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s pass.\n"
		  "It is forged from a network of your clients: they complete handshakes, and to\n"
		  "deny it would stop them.\n",
		  "completed" },
		{ "attack",
		  "concentrated",
		  { "none", "none" },
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s pass.\n"
		  "Its source is forged, since its owner resets what it is sent: to deny it would\n"
		  "stop the owner.\n",
		  "resets" },
		{ "attack",
		  "mixed",
		  { "slow_accept", "none" },
		  "A SYN flood, 12.3k SYN/s: defending 0 of 2 services, 50 clients/s "
		  "pass.\nmode " },
		{ "calm",
		  "none",
		  { "flash_crowd", "none" },
		  "No attack, but a crowd at 1 of 2 services, see below.\nmode " },
		{ "calm",
		  "none",
		  { "small_backlog", "small_backlog" },
		  "No attack, but a small backlog at 2 of 2 services, see below.\nmode " },
		{ "calm",
		  "none",
		  { "flash_crowd", "slow_accept" },
		  "No attack, but connections that nobody accepts at 1 of 2 services, see "
		  "below.\n" },
		{ "calm", "none", { "none", "none" }, "All calm: 2 services, " },
	};
	json_t *report, *service;
	char *text, told[32];
	size_t i, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		report = report_with("reqsk", "auto", rows[i].state);
		set(report, "flood_sources", json_string(rows[i].sources));
		set(report, "sources",
		    json_pack("{s:f, s:s}", "few_share", 0.9749, "deny_reason",
			      rows[i].deny_reason ?: "few_syns"));
		for (at = 0; at < 2; at++) {
			service = add_service(report, at ? "2001:db8::2" : "192.0.2.1", 1);
			set(service, "trouble", json_string(rows[i].troubles[at]));
			snprintf(told, sizeof(told), "what to do, %zu.", at);
			set(service, "trouble_text", json_string(told));
		}
		text = printed(report, (struct screen){ .columns = 80 });
		ck_assert_msg(!strncmp(text, rows[i].sentence, strlen(rows[i].sentence)),
			      "\"%s\", not \"%s\"", text, rows[i].sentence);
		ck_assert(!strstr(text, "\n192.0.2.1:65535: what to do, 0.\n") ==
			  !strcmp(rows[i].troubles[0], "none"));
		ck_assert(!strstr(text, "\n[2001:db8::2]:65535: what to do, 1.\n") ==
			  !strcmp(rows[i].troubles[1], "none"));
		free(text);
	}
}
END_TEST

/* Of many services with a trouble a few are told in full, and with --wide all. */
START_TEST(status_of_many_troubles)
{
	json_t *report = report_with("reqsk", "auto", "calm");
	char *text, *at;
	int i, count;

	for (i = 0; i < 9; i++) {
		json_t *service = add_service(report, "192.0.2.1", 1);

		set(service, "trouble", json_string("flash_crowd"));
		set(service, "trouble_text", json_string("A crowd."));
	}
	json_incref(report);
	text = printed(report, (struct screen){ .columns = 80 });
	ck_assert_msg(strstr(text, "and 5 more (\"synguard listeners\" has them all)"), "%s", text);
	for (count = 0, at = text; (at = strstr(at, ": A crowd.")); at++)
		count++;
	ck_assert_int_eq(count, 4);
	free(text);
	text = printed(report, (struct screen){ .columns = 80, .wide = true });
	for (count = 0, at = text; (at = strstr(at, ": A crowd.")); at++)
		count++;
	ck_assert_int_eq(count, 9);
	free(text);
}
END_TEST

/* ACKs: what becomes of them, beside a flood of SYNs as well. */
START_TEST(status_ack_flood)
{
	static const struct {
		const char *state, *kind;
		int dropped;
		const char *sentence;
	} rows[] = {
		{ "attack", "ack_flood", 49000,
		  "An ACK flood, 50.0k ACK/s: 49.0k/s dropped, connections go on." },
		{ "attack", "ack_flood", 0,
		  "An ACK flood, 50.0k ACK/s, that is only observed: none is dropped." },
		{ "attack", "syn_flood", 49000,
		  "A SYN flood, 12.3k SYN/s: defending 0 of 1 service, 50 clients/s pass.\nmode " },
		{ "attack", "syn_and_ack_flood", 49000,
		  "A SYN flood, 12.3k SYN/s: defending 0 of 1 service, 50 clients/s pass.\n"
		  "An ACK flood as well, 50.0k ACK/s: 49.0k/s dropped, connections go on." },
		{ "cooling", "ack_flood", 0,
		  "An ACK flood has just ebbed: 50.0k ACK/s belong to no connection." },
		{ "cooling", "syn_and_ack_flood", 0,
		  "A SYN flood has just ebbed: 12.3k SYN/s, defending 0 of 1 service." },
	};
	json_t *report, *rates;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		report = report_with("reqsk", "auto", rows[i].state);
		rates = json_object_get(report, "rates");
		set(report, "kind", json_string(rows[i].kind));
		set(rates, "bogus_acks_per_second", json_integer(50000));
		set(rates, "dropped_acks_per_second", json_integer(rows[i].dropped));
		add_service(report, "192.0.2.1", 1);
		text = printed(report, (struct screen){ .columns = 80 });
		ck_assert_msg(!strncmp(text, rows[i].sentence, strlen(rows[i].sentence)),
			      "\"%s\", not \"%s\"", text, rows[i].sentence);
		free(text);
	}
}
END_TEST

START_TEST(status_defending)
{
	json_t *report = report_with("reqsk", "auto", "calm");

	set(add_service(report, "192.0.2.1", 1), "defending", json_true());
	expect_line(report, "A SYN queue has filled: defending 1 of 1 service.");
	report = report_with("reqsk", "always", "calm");
	set(add_service(report, "192.0.2.1", 1), "defending", json_true());
	expect_line(report,
		    "All calm, challenging all the same: 1 service, 12.3k SYN/s, 3 half-open." + 0);
}
END_TEST

/* A calm that nobody looks at is none. */
START_TEST(status_attached_to_nothing)
{
	const char *const sentence = "Nothing is defended: synguard is attached to no interface.";
	json_t *report = report_with("reqsk", "auto", "calm");
	char *text;

	set(report, "interfaces", json_array());
	expect_line(json_incref(report), sentence);
	text = printed(report, (struct screen){ .columns = 80 });
	ck_assert_ptr_nonnull(strstr(text, "--interface"));
	free(text);

	report = report_with("reqsk", "auto", "calm");
	set(json_array_get(json_object_get(report, "interfaces"), 0), "attach",
	    json_string("none"));
	expect_line(report, sentence);
}
END_TEST

/* What is only looked at is not defended, in the modes that would; by tcx it is as good as by XDP. */
START_TEST(status_attached_by_tcx)
{
	const char *const modes[] = { "auto", "always" };
	json_t *report, *interface;
	char *text;

	report = report_with("reqsk", modes[_i], "attack");
	interface = json_array_get(json_object_get(report, "interfaces"), 0);
	set(interface, "attach", json_string("tcx"));
	text = printed(json_incref(report), (struct screen){ .columns = 80 });
	ck_assert_msg(!strncmp(text, "A SYN flood, 12.3k SYN/s: defending", 35), "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "tcx, answers"));
	free(text);
	set(interface, "answers", json_false());
	expect_line(json_incref(report),
		    "Nothing is defended: SYNs are only observed, see the interfaces.");
	set(report, "mode", json_string("observe"));
	expect_line(report,
		    "A SYN flood, 12.3k SYN/s, that is only observed: nothing is defended.");
}
END_TEST

/* ---- reasons ------------------------------------------------------------------------------- */

/* Each reason once, with those that it is of; and of none that is not defended, or has our cookies. */
START_TEST(status_engines)
{
	json_t *report = report_with("reqsk", "auto", "attack"), *ours;
	char *text;

	set_engine(add_service(report, "192.0.2.1", 1), false, NAT_REASON);
	set_engine(add_service(report, "192.0.2.2", 1), true, NAT_REASON);
	set_engine(add_service(report, "192.0.2.3", 1), true, "something else");
	set_engine(add_service(report, "192.0.2.4", 1), true, NAT_REASON);
	ours = add_service(report, "192.0.2.5", 1);
	set_engine(ours, true, "nothing is in the way");
	set(ours, "engine", json_string("reqsk"));
	text = printed(report, (struct screen){ .columns = 200 });
	ck_assert_ptr_nonnull(strstr(text, "\n192.0.2.2:65535 and 1 other: " NAT_REASON ".\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n192.0.2.3:65535: something else.\n"));
	ck_assert_ptr_null(strstr(text, "nothing is in the way"));
	ck_assert_ptr_null(strstr(strstr(text, NAT_REASON) + 1, NAT_REASON));
	free(text);
}
END_TEST

START_TEST(status_reasons)
{
	json_t *report = report_with("reqsk", "auto", "calm"), *service, *interface;
	char *text;

	set(report, "mode_by", json_string("request"));
	interface = json_array_get(json_object_get(report, "interfaces"), 0);
	set(interface, "attach", json_string("tcx"));
	set(interface, "answers", json_false());
	set(interface, "attach_reason", json_string("another XDP program is there"));
	service = add_service(report, "192.0.2.1", 500);
	set(service, "blocked", json_true());
	set(service, "established", json_integer(7));
	set(service, "hindrance", json_string("blocked"));
	set(service, "lost_text", json_string("look for ct state new"));
	set(add_service(report, "192.0.2.2", 1), "hindrance", json_string("mptcp_listener"));
	set(add_service(report, "192.0.2.3", 1), "hindrance", json_string("mptcp_listener"));
	set(add_service(report, "192.0.2.4", 1), "hindrance", json_string("unproven"));
	service = add_service(report, "192.0.2.5", 1);
	set(service, "filtered", json_integer(3));
	set(service, "lost_text", json_string("look for a rule"));
	text = printed(report, (struct screen){ .columns = 200 });
	ck_assert_ptr_nonnull(strstr(text, "\n1 service BLOCKED, see below.\n"));
	ck_assert_ptr_nonnull(strstr(text, "mode auto (set with \"synguard mode\"), state calm"));
	ck_assert_ptr_nonnull(strstr(text, "tcx, observes\n  another XDP program is there\n"));
	ck_assert_ptr_nonnull(strstr(text, "192.0.2.1:65535 is BLOCKED"));
	ck_assert_ptr_nonnull(strstr(text, "of 500 acceptances 7 became connections"));
	ck_assert_ptr_nonnull(strstr(text, "look for ct state new"));
	ck_assert_ptr_nonnull(strstr(text,
				     "192.0.2.5:65535: clients of 3 sources answer challenges "
				     "and get no connection. They are left to the kernel; "
				     "look for a rule."));
	/* once, however many services there are; and what BLOCKED means has been said */
	ck_assert_ptr_nonnull(strstr(text, " yet.\nmptcp_listener: The listener speaks MPTCP"));
	ck_assert_ptr_nonnull(strstr(text, "\n\nunproven: "));
	ck_assert_ptr_null(strstr(strstr(text, "\nmptcp_listener: ") + 1, "\nmptcp_listener: "));
	ck_assert_ptr_null(strstr(text, "\nblocked: "));
	free(text);
}
END_TEST

/* ---- lists ---------------------------------------------------------------------------------- */

/* That they have no effect is said wherever it is so, and nowhere else. */
START_TEST(status_says_which_lists_have_no_effect)
{
	static const struct {
		const char *engine, *mode;
		int allowed, denied;
		const char *says;
	} cases[] = {
		{ "reqsk", "auto", 5, 7, NULL },
		{ "reqsk", "always", 5, 7, NULL },
		{ "reqsk", "observe", 5, 0, NULL },
		{ "reqsk", "observe", 5, 7, "to deny (7) has no effect: mode observe drops" },
		{ "reqsk", "off", 0, 0, NULL },
		{ "reqsk", "off", 5, 0,
		  "(5 to allow, 0 to deny) are loaded but have no effect: mode off" },
		{ "kernel", "auto", 0, 0, NULL },
		{ "kernel", "auto", 5, 7, "no effect: engine kernel runs no BPF" },
	};
	char *text;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *report = report_with(cases[i].engine, cases[i].mode, "calm");

		set(report, "maps",
		    json_pack("{s:{s:i}, s:{s:i}}", "allow", "entries", cases[i].allowed, "deny",
			      "entries", cases[i].denied));
		text = printed(report, (struct screen){ .columns = 400 });
		if (cases[i].says)
			ck_assert_msg(strstr(text, cases[i].says), "%zu: %s", i, text);
		else
			ck_assert_msg(!strstr(text, "no effect"), "%zu: %s", i, text);
		free(text);
	}
}
END_TEST

/* ---- screens ------------------------------------------------------------------------------- */

static json_t *report_that_is_large(void)
{
	json_t *report = report_with("reqsk", "observe", "attack"), *rates, *interface;

	rates = json_object_get(report, "rates");
	set(rates, "syns_per_second", json_integer(9223372036854775807));
	set(rates, "challenges_per_second", json_integer(9223372036854775807));
	set(rates, "acceptances_per_second", json_integer(9223372036854775807));
	set(rates, "handshakes_per_second", json_integer(9223372036854775807));
	set(report, "half_open", json_integer(-1)); /* 2^64 - 1, as JSON has no more */
	set(report, "uptime_seconds", json_integer(9223372036854775807));
	interface = json_array_get(json_object_get(report, "interfaces"), 0);
	set(interface, "name", json_string("enp0s31f6np15x1"));
	set(interface, "driver", json_string("a_driver_of_31_letters_of_a_name"));
	set(interface, "attach_reason",
	    json_string("the driver refuses XDP with the present settings (MTU, LRO or queues)"));
	add_service(report, LONG_ADDRESS, -1);
	set(add_service(report, LONG_ADDRESS, 1), "hindrance", json_string("syncookies_off"));
	set(add_service(report, "255.255.255.255", -1), "defending", json_true());
	set(add_service(report, LONG_ADDRESS, -1), "blocked", json_true());
	return report;
}

START_TEST(status_fits_every_screen)
{
	static const unsigned int columns[] = { 40, 80, 81, 120, 400 };
	static const char *const modes[] = { "off", "observe", "auto", "always" };
	static const char *const states[] = { "calm", "attack", "cooling" };
	char *text, *line, *state;
	json_t *report;
	size_t i;

	for (i = 0; i < 5 * 4 * 3; i++) {
		const struct screen s = { .columns = columns[i / 12], .utf8 = true };

		report = report_that_is_large();
		set(report, "mode", json_string(modes[i / 3 % 4]));
		set(report, "state", json_string(states[i % 3]));
		text = printed(report, s);
		for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
			/* a word may be longer than 40 columns, an address in a sentence */
			ck_assert_msg(screen_width(&s, line) <= s.columns ||
					      (s.columns == 40 && strchr(line, '[')),
				      "%u columns: %s", s.columns, line);
		free(text);
	}
}
END_TEST

/* On 80 columns the first line is the whole sentence. */
START_TEST(status_sentence_is_a_line)
{
	static const char *const modes[] = { "off", "observe", "auto", "always" };
	static const char *const states[] = { "calm", "attack", "cooling" };
	json_t *report;
	char *text;
	size_t i;
	int n;

	for (i = 0; i < 4 * 3; i++) {
		report = report_with("reqsk", modes[i / 3], states[i % 3]);
		set(report, "half_open", json_integer(99999));
		set(json_object_get(report, "rates"), "handshakes_per_second", json_integer(99999));
		for (n = 0; n < 1024; n++)
			set(add_service(report, "192.0.2.1", 1), "defending", json_true());
		text = printed(report, (struct screen){ .columns = 80 });
		ck_assert_msg(text[strcspn(text, "\n") - 1] == '.', "%s, %s: %.*s", modes[i / 3],
			      states[i % 3], (int)strcspn(text, "\n"), text);
		free(text);
	}
}
END_TEST

START_TEST(status_wide_is_exact)
{
	char *text = printed(report_that_is_large(),
			     (struct screen){ .columns = 40, .wide = true, .utf8 = true });

	ck_assert_ptr_nonnull(strstr(text, "[" LONG_ADDRESS "]:65535"));
	ck_assert_ptr_nonnull(strstr(text, "18446744073709551615/18446744073709551615"));
	ck_assert_ptr_nonnull(strstr(text, "9223372036854775807 SYN/s"));
	ck_assert_ptr_nonnull(strstr(text, "ACCEPT QUEUE"));
	ck_assert_ptr_nonnull(strstr(text, "ESTAB"));
	ck_assert_ptr_nonnull(strstr(text, "PROVEN"));
	ck_assert_ptr_null(strstr(text, "…"));
	free(text);
}
END_TEST

/* ---- the kernel alone ---------------------------------------------------------------------- */

static char *kernel_printed(const struct kernel_view *view, unsigned int columns)
{
	struct screen s = { .columns = columns, .utf8 = true };
	char *text = NULL;
	size_t size;

	s.to = open_memstream(&text, &size);
	ck_assert_int_eq(status_print_kernel(view, &s), 0);
	fclose(s.to);
	return text;
}

/* What is not known is not said to be 0. */
START_TEST(status_kernel_unknown)
{
	const struct kernel_view view = { .syncookies = -1 };
	json_t *root = status_of_kernel(&view);
	char *text = kernel_printed(&view, 80);

	ck_assert(json_is_false(json_object_get(root, "running")));
	ck_assert_ptr_null(json_object_get(root, "half_open"));
	ck_assert_ptr_null(json_object_get(root, "tcp_syncookies"));
	ck_assert_uint_eq(json_object_size(json_object_get(root, "counters")), 0);
	ck_assert_ptr_null(strstr(text, "half-open"));
	ck_assert_ptr_nonnull(strstr(text, "tcp_syncookies is not known"));
	json_decref(root);
	free(text);
}
END_TEST

START_TEST(status_kernel_fits)
{
	struct kernel_view view = {
		.sockets = true,
		.half_open = UINT64_MAX,
		.listeners = UINT64_MAX,
		.full = UINT64_MAX,
	};
	static const unsigned int columns[] = { 40, 80, 400 };
	char *text, *line, *state;
	size_t i;
	int counter;

	for (counter = 0; counter < KERNEL_VIEW_COUNTER_COUNT; counter++) {
		view.counted[counter] = true;
		view.counters[counter] = UINT64_MAX;
	}
	for (i = 0; i < 3; i++) {
		const struct screen s = { .utf8 = true };

		text = kernel_printed(&view, columns[i]);
		for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
			ck_assert_msg(screen_width(&s, line) <= columns[i], "%u columns: %s",
				      columns[i], line);
		free(text);
	}
	/* nothing of it is cut where there are 80 */
	text = kernel_printed(&view, 80);
	ck_assert_ptr_null(strstr(text, "…"));
	free(text);
}
END_TEST

/* The processes that run the tests inherit it. */
static const char *lacks_utf8(void)
{
	return setlocale(LC_CTYPE, "C.UTF-8") ? NULL : "there is no locale C.UTF-8";
}

SUITE_NEEDS(lacks_utf8)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(status_says_why, 10),
	SUITE_TEST(status_of_many_troubles, 10),
	SUITE_TEST(status_ack_flood, 10),
	SUITE_TEST(status_sentences, 5),
	SUITE_TEST(status_defending, 5),
	SUITE_TEST(status_attached_to_nothing, 5),
	SUITE_LOOP(status_attached_by_tcx, 2, 5),
	SUITE_TEST(status_engines, 5),
	SUITE_TEST(status_reasons, 5),
	SUITE_TEST(status_says_which_lists_have_no_effect, 10),
	SUITE_TEST(status_fits_every_screen, 10),
	SUITE_TEST(status_sentence_is_a_line, 20),
	SUITE_TEST(status_wide_is_exact, 5),
	SUITE_TEST(status_kernel_unknown, 5),
	SUITE_TEST(status_kernel_fits, 5),
	{}
};
/* clang-format on */
