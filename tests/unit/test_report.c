/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report from its tables: that every row arrives in the JSON and in the metrics with its value,
 * that the tables keep to their own rules, and that the manual page lists what there is.
 *
 * The tables are expanded here once more, by hand and with the struct's members, so that a row that
 * a renderer leaves out or mixes up is seen.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/print/metrics.h"
#include "daemon/base/mode.h"
#include "daemon/judge/detect.h"
#include "daemon/judge/detect_service.h"
#include "daemon/report/report.h"
#include "daemon/services/services.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/report.h"

/* ---- a report in which no two figures are alike -------------------------------------------- */

#define SERVICES 3

struct play {
	struct report report;
	struct report_interface interfaces[2];
	struct report_service services[SERVICES];
};

static void fill_services(struct play *p)
{
	static const struct sg_addr v4 = { .bytes = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
	static const struct sg_addr v6 = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	size_t i;

	for (i = 0; i < SERVICES; i++)
		p->services[i] = (struct report_service){
			.addr = i ? v6 : v4,
			.port = 8080 + i,
			.defending = i == 0,
			.blocked = i == 1,
			.proven = i == 2,
			.engine = "reqsk",
			.hindrance = i ? "blocked" : NULL,
			.syns = 1000 + i,
			.challenged = 2000 + i,
			.accepted = 3000 + i,
			.established = 4000 + i,
			.syn_queue = 5000 + i,
			.syn_queue_max = 6000 + i,
			.accept_queue = 7000 + i,
			.accept_queue_max = 8000 + i,
			.baseline_syns_per_second = 9000 + i,
			.trouble = i ? "none" : "slow_accept",
			.trouble_text = "what to do",
		};
}

static struct play *play_new(void)
{
	struct play *p = calloc(1, sizeof(*p));
	size_t program, i;

	ck_assert_ptr_nonnull(p);
	p->report = (struct report){
		.version = "1.2.3",
		.engine = "reqsk",
		.engine_reason = "as it should be",
		.mode = "always",
		.state = "cooling",
		.kind = "ack_flood",
		.flood_sources = "spoofed",
		.few_share = 0.125,
		.deny_reason = "completed",
		.trouble = "flash_crowd",
		.uptime_seconds = 11,
		.config_ok = true,
		.ticks = 12,
		.heartbeat_age_seconds = 13,
		.half_open = 14,
		.socket_walks = 23,
		.allowed = 24,
		.denied = 25,
		.allow_capacity = 26,
		.deny_capacity = 27,
		.syns_per_second = 15,
		.challenges_per_second = 16,
		.acceptances_per_second = 17,
		.local_addrs = 18,
		.service_capacity = 19,
		.local_addr_capacity = (uint64_t)1 << 40,
		.interfaces = p->interfaces,
		.interface_count = 2,
		.services = p->services,
		.service_count = SERVICES,
		.mitigation_takes = 20,
		.mitigation_undos = 21,
		.mitigation_conflicts = 22,
		.bogus_acks_per_second = 23,
		.dropped_acks_per_second = 24,
		.bogus_acks = 25,
		.sources_distinct = 30,
		.sources_syns = 31,
		.sources_randomness = 0.75,
		.heavy_hitters = 32,
		.hitter_capacity = 33,
		.reaped = 26,
		.steps = { { "one", "net.one", true, true, false, false, "now", 5, 1, "because" },
			   { "two", "net.two", false, false, true, true, "", 6, 7, "" } },
		.step_count = 2,
	};
	p->interfaces[0] = (struct report_interface){ "lab0", 7, "veth", "native", true, "" };
	p->interfaces[1] =
		(struct report_interface){ "a\"b\\\xff", 8, "", "none", false, "no reason" };
	for (program = 0; program < SG_PROGRAM_COUNT; program++) {
		p->report.counters[program].packets = 100000 * (program + 1);
		for (i = 0; i < SG_VERDICT_COUNT; i++)
			p->report.counters[program].verdicts[i] = 10000 * (program + 1) + i;
	}
	fill_services(p);
	return p;
}

static json_t *play_json(struct play *p)
{
	char *text = report_to_json(&p->report);
	json_t *root;

	ck_assert_ptr_nonnull(text);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(root, "no JSON: %s", text);
	free(text);
	return root;
}

/* ---- what a row has to be in the JSON ------------------------------------------------------ */

static const json_t *at(const json_t *object, const char *path)
{
	char copy[128], *name, *state;

	snprintf(copy, sizeof(copy), "%s", path);
	for (name = strtok_r(copy, ".", &state); name; name = strtok_r(NULL, ".", &state))
		object = json_object_get(object, name);
	ck_assert_msg(object, "no \"%s\" in the JSON", path);
	return object;
}

static void is_integer(const json_t *value, uint64_t expected, const char *path)
{
	ck_assert_msg(json_is_integer(value), "%s is no integer", path);
	ck_assert_msg((uint64_t)json_integer_value(value) == expected,
		      "%s is %" JSON_INTEGER_FORMAT ", not %" PRIu64, path,
		      json_integer_value(value), expected);
}

static void is_text(const json_t *value, const char *expected, const char *path)
{
	if (!expected) {
		ck_assert_msg(json_is_null(value), "%s is not null", path);
		return;
	}
	ck_assert_msg(json_is_string(value), "%s is no string", path);
	ck_assert_msg(!strcmp(json_string_value(value), expected), "%s is \"%s\", not \"%s\"", path,
		      json_string_value(value), expected);
}

#define EXPECT_COUNT(value, member, path) is_integer(value, member, path)
#define EXPECT_INT(value, member, path)	  is_integer(value, member, path)
#define EXPECT_PORT(value, member, path)  is_integer(value, member, path)
#define EXPECT_RATIO(value, member, path)                                                          \
	ck_assert_msg(json_is_real(value) && json_real_value(value) == (member), "%s", path)
#define EXPECT_TEXT(value, member, path) is_text(value, member, path)
#define EXPECT_WORD(value, member, path) is_text(value, member, path)
#define EXPECT_FLAG(value, member, path)                                                           \
	ck_assert_msg((member) ? json_is_true(value) : json_is_false(value), "%s", path)
/* what is not ASCII cannot be the same; the names of this play say what becomes of it */
#define EXPECT_CHARS(value, member, path)                                                          \
	is_text(value, strchr(member, '\xff') ? "a\"b\\?" : (member), path)
#define EXPECT_ADDRESS(value, member, path)                                                        \
	is_text(value, (member).bytes[10] ? "192.0.2.1" : "2001:db8::1", path)

#define EXPECT_ROW(type, member, path, kind, family, unit, label, value, property, meaning)        \
	EXPECT_##type(at(object, path), of->member, path);

START_TEST(report_rows_are_in_the_json)
{
	struct play *p = play_new();
	json_t *root = play_json(p);
	size_t i;

	{
		const struct report *of = &p->report;
		const json_t *object = root;

		SG_REPORT(EXPECT_ROW)
	}
	ck_assert_uint_eq(json_array_size(json_object_get(root, "interfaces")), 2);
	for (i = 0; i < 2; i++) {
		const struct report_interface *of = &p->interfaces[i];
		const json_t *object = json_array_get(json_object_get(root, "interfaces"), i);

		SG_REPORT_INTERFACES(EXPECT_ROW)
	}
	ck_assert_uint_eq(json_array_size(json_object_get(root, "services")), SERVICES);
	for (i = 0; i < SERVICES; i++) {
		const struct report_service *of = &p->services[i];
		const json_t *object = json_array_get(json_object_get(root, "services"), i);

		SG_REPORT_SERVICES(EXPECT_ROW)
	}
	ck_assert_uint_eq(json_array_size(json_object_get(root, "mitigation")), 2);
	for (i = 0; i < 2; i++) {
		const struct report_step *of = &p->report.steps[i];
		const json_t *object = json_array_get(json_object_get(root, "mitigation"), i);

		SG_REPORT_MITIGATION(EXPECT_ROW)
	}
	json_decref(root);
	free(p);
}
END_TEST

#define VERDICT(in, name, action, label_, meaning_) { .programs = in, .label = label_ },
static const struct {
	unsigned int programs;
	const char *label;
} verdicts[] = { SG_VERDICTS(VERDICT) };

static const char *const programs[] = { "xdp", "ingress", "egress" };

START_TEST(report_verdicts_are_in_the_json)
{
	struct play *p = play_new();
	json_t *root = play_json(p);
	size_t program, i, expected;
	char path[96];

	for (program = 0; program < SG_PROGRAM_COUNT; program++) {
		for (i = 0, expected = 0; i < SG_VERDICT_COUNT; i++) {
			if (!(verdicts[i].programs & (1u << program)))
				continue;
			expected++;
			snprintf(path, sizeof(path), "verdicts.%s.%s", programs[program],
				 verdicts[i].label);
			is_integer(at(root, path), 10000 * (program + 1) + i, path);
		}
		snprintf(path, sizeof(path), "verdicts.%s", programs[program]);
		ck_assert_uint_eq(json_object_size(at(root, path)), expected);
	}
	json_decref(root);
	free(p);
}
END_TEST

/* What scripts have relied on since there is a report. */
START_TEST(report_keys_are_stable)
{
	static const char *const paths[] = {
		"version",
		"engine",
		"engine_reason",
		"mode",
		"state",
		"uptime_seconds",
		"half_open",
		"interfaces",
		"services",
		"rates.syns_per_second",
		"rates.challenges_per_second",
		"rates.acceptances_per_second",
		"packets.xdp",
		"packets.ingress",
		"packets.egress",
		"verdicts.xdp.undecided",
		"verdicts.ingress.accepted",
		"verdicts.egress.own_synack",
	};
	static const char *const of_interface[] = { "name",   "index",	 "driver",
						    "attach", "answers", "attach_reason" };
	static const char *const of_service[] = {
		"address",     "port",	    "defending",    "blocked",	   "proven",
		"syns",	       "accepted",  "hindrance",    "established", "syn_queue_max",
		"established", "syn_queue", "accept_queue", "challenged",  "accept_queue_max",
	};
	struct play *p = play_new();
	json_t *root = play_json(p);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		at(root, paths[i]);
	for (i = 0; i < ARRAY_SIZE(of_interface); i++)
		at(json_array_get(json_object_get(root, "interfaces"), 0), of_interface[i]);
	for (i = 0; i < ARRAY_SIZE(of_service); i++)
		at(json_array_get(json_object_get(root, "services"), 0), of_service[i]);
	json_decref(root);
	free(p);
}
END_TEST

/* ---- the tables' own rules ----------------------------------------------------------------- */

static bool is_among(const char *word, const char *words)
{
	char bounded[64], all[256];

	snprintf(bounded, sizeof(bounded), "|%s|", word);
	snprintf(all, sizeof(all), "|%s|", words);
	return strstr(all, bounded);
}

static bool ends_in(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

/* "x_UNIT" or "x_UNIT_total". */
static bool names_unit(const char *family, const char *unit)
{
	char end[64];

	snprintf(end, sizeof(end), "_%s", unit);
	if (ends_in(family, end))
		return true;
	snprintf(end, sizeof(end), "_%s_total", unit);
	return ends_in(family, end);
}

static void obeys(const struct metrics_row *row, int of)
{
	const char *c;

	ck_assert_msg(isupper((unsigned char)row->meaning[0]) && ends_in(row->meaning, "."),
		      "%s: \"%s\" is no sentence", row->path, row->meaning);
	ck_assert_msg(!row->property || of == METRICS_REPORT, "%s: a property of a list",
		      row->path);
	ck_assert_msg(!row->family == (row->kind == METRICS_NONE), "%s: kind", row->path);
	if (!row->family)
		return;
	ck_assert_msg(!strncmp(row->family, "synguard_", 9), "%s", row->family);
	for (c = row->family; *c; c++)
		ck_assert_msg(islower((unsigned char)*c) || *c == '_', "%s", row->family);
	ck_assert_msg(ends_in(row->family, "_total") == (row->kind == METRICS_COUNTER),
		      "%s is a %s", row->family, metrics_kind_name(row->kind));
	ck_assert_msg(!row->unit || names_unit(row->family, row->unit), "%s does not name its unit",
		      row->family);
	ck_assert_msg(!row->label == !row->value, "%s: a label without a value", row->family);
	ck_assert_msg(!row->label || is_among(row->label, SG_REPORT_LABELS), "%s: label %s",
		      row->family, row->label);
	ck_assert_msg(row->type != METRICS_WORD || (row->value && strchr(row->value, '|')),
		      "%s: no set of words", row->family);
	ck_assert_msg(row->type == METRICS_WORD || row->type == METRICS_COUNT ||
			      row->type == METRICS_FLAG,
		      "%s is no figure", row->family);
}

/* Rows of a family stand together and differ in the value of the label only. */
static void is_unique(const struct metrics_row *row, const struct metrics_row *other)
{
	ck_assert_msg(!row->property || !other->property || strcmp(row->property, other->property),
		      "property %s twice", row->property);
	if (!row->family || !other->family || strcmp(row->family, other->family) != 0)
		return;
	ck_assert_msg(row->label && other->label && !strcmp(row->label, other->label) &&
			      strcmp(row->value, other->value) != 0 && row->kind == other->kind &&
			      !strcmp(row->meaning, other->meaning),
		      "%s twice", row->family);
}

START_TEST(report_tables_keep_to_their_rules)
{
	const struct metrics_table *t, *u;
	size_t i, j;
	int of;

	for (of = 0; of < METRICS_TABLE_COUNT; of++) {
		t = &metrics_tables[of];
		ck_assert_uint_gt(t->count, 3);
		ck_assert(!t->label || is_among(t->label, SG_REPORT_LABELS));
		for (i = 0; i < t->count; i++) {
			obeys(&t->rows[i], of);
			for (u = t; u < metrics_tables + METRICS_TABLE_COUNT; u++)
				for (j = u == t ? i + 1 : 0; j < u->count; j++)
					is_unique(&t->rows[i], &u->rows[j]);
		}
	}
}
END_TEST

static const char *words_of(const char *path)
{
	const struct metrics_table *t = &metrics_tables[METRICS_REPORT];
	size_t i;

	for (i = 0; i < t->count; i++)
		if (!strcmp(t->rows[i].path, path))
			return t->rows[i].value;
	ck_abort_msg("no row \"%s\"", path);
	return NULL;
}

/* A word of the report that the table does not know would be a series that never is 1. */
START_TEST(report_words_are_complete)
{
	int i;

	for (i = 0; i < DETECT_STATE_COUNT; i++)
		ck_assert_msg(is_among(detect_state_name(i), words_of("state")), "state %s",
			      detect_state_name(i));
	for (i = 0; i < SG_MODE_COUNT; i++)
		ck_assert_msg(is_among(mode_name(i), words_of("mode")), "mode %s", mode_name(i));
	for (i = 0; i < DETECT_KIND_COUNT * DETECT_PATTERN_COUNT; i++) {
		enum detect_pattern look = i / DETECT_KIND_COUNT;
		const char *kind = detect_kind_name(i % DETECT_KIND_COUNT, look);

		ck_assert_msg(is_among(kind, words_of("kind")), "kind %s", kind);
		ck_assert_msg(is_among(detect_pattern_name(look), words_of("flood_sources")), "%s",
			      detect_pattern_name(look));
	}
	for (i = 0; i < DETECT_DENY_COUNT; i++)
		ck_assert_msg(is_among(detect_deny_name(i), words_of("sources.deny_reason")), "%s",
			      detect_deny_name(i));
	for (i = 0; i < SG_TROUBLE_COUNT; i++)
		ck_assert_msg(is_among(trouble_word(i), words_of("trouble")), "trouble %s",
			      trouble_word(i));
}
END_TEST

/* ---- metrics ------------------------------------------------------------------------------- */

static char *metrics_text(const json_t *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	metrics_print(to, report);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

/* The line is there, whole, once. */
static void has_line(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void has_line(const char *text, const char *format, ...)
{
	const char *found;
	char line[512];
	int count = 0;
	va_list ap;

	line[0] = '\n';
	va_start(ap, format);
	vsnprintf(line + 1, sizeof(line) - 2, format, ap);
	va_end(ap);
	strcat(line, "\n");
	for (found = text; (found = strstr(found, line)); found++)
		count++;
	ck_assert_msg(count == 1, "%d times in the metrics: %s\n%.1000s", count, line + 1, text);
}

START_TEST(report_metrics_by_the_table)
{
	struct play *p = play_new();
	json_t *root = play_json(p);
	char *text = metrics_text(root);

	ck_assert_int_eq(strncmp(text, "# HELP synguard_up ", 19), 0);
	has_line(text, "synguard_up 1");
	has_line(text, "# TYPE synguard_up gauge");
	has_line(text, "synguard_engine{engine=\"reqsk\"} 1");
	has_line(text, "synguard_engine{engine=\"kernel\"} 0");
	has_line(text, "synguard_mode{kind=\"always\"} 1");
	has_line(text, "synguard_mode{kind=\"auto\"} 0");
	has_line(text, "synguard_state{kind=\"cooling\"} 1");
	has_line(text, "synguard_uptime_seconds 11");
	has_line(text, "synguard_config_ok 1");
	has_line(text, "synguard_ticks_total 12");
	has_line(text, "# TYPE synguard_ticks_total counter");
	has_line(text, "synguard_packets_total{program=\"ingress\"} 200000");
	has_line(text, "# TYPE synguard_packets_total counter");
	has_line(text, "synguard_map_entries{map=\"services\"} %d", SERVICES);
	has_line(text, "synguard_map_capacity{map=\"local_addrs\"} 1099511627776");
	has_line(text, "synguard_interface_attached{interface=\"lab0\",kind=\"native\"} 1");
	has_line(text, "synguard_interface_attached{interface=\"lab0\",kind=\"none\"} 0");
	/* a name that would end the label, or the line's being UTF-8 */
	has_line(text, "synguard_interface_attached{interface=\"a\\\"b\\\\?\",kind=\"none\"} 1");
	has_line(text, "synguard_service_syns_total{listener=\"192.0.2.1:8080\"} 1000");
	has_line(text, "synguard_service_established_total{listener=\"[2001:db8::1]:8082\"} 4002");
	has_line(text, "synguard_service_defending{listener=\"192.0.2.1:8080\"} 1");
	has_line(text, "synguard_service_blocked{listener=\"192.0.2.1:8080\"} 0");
	has_line(text, "synguard_verdicts_total{program=\"xdp\",verdict=\"undecided\"} 10000");
	has_line(text, "synguard_map_entries{map=\"allow\"} 24");
	has_line(text, "synguard_map_entries{map=\"deny\"} 25");
	has_line(text, "synguard_map_capacity{map=\"allow\"} 26");
	has_line(text, "synguard_map_capacity{map=\"deny\"} 27");
	has_line(text, "# HELP synguard_half_open_connections Half-open connections in the SYN "
		       "queues of this network namespace.");
	ck_assert_ptr_null(strstr(text, "\"other\""));
	free(text);
	json_decref(root);
	free(p);
}
END_TEST

START_TEST(report_metrics_without_a_daemon)
{
	char *text = metrics_text(NULL);

	ck_assert_ptr_nonnull(strstr(text, "\nsynguard_up 0\n"));
	ck_assert_ptr_null(strstr(text, "synguard_up 1"));
	ck_assert_ptr_null(strstr(text, "synguard_engine"));
	free(text);
}
END_TEST

/* 64 services are told one by one and the rest as one, whose figures are sums. */
START_TEST(report_metrics_listeners_are_capped)
{
	struct report_service *services = calloc(70, sizeof(*services));
	struct play *p = play_new();
	const char *found;
	json_t *root;
	char *text;
	int i, lines = 0;

	for (i = 0; i < 70; i++)
		services[i] = (struct report_service){
			.addr = p->services[0].addr,
			.port = 1000 + i,
			.syns = i,
			.defending = i >= 60,
		};
	p->report.services = services;
	p->report.service_count = 70;
	root = play_json(p);
	text = metrics_text(root);
	for (found = text; (found = strstr(found, "\nsynguard_service_syns_total{")); found++)
		lines++;
	ck_assert_int_eq(lines, 65);
	has_line(text, "synguard_service_syns_total{listener=\"192.0.2.1:1063\"} 63");
	has_line(text, "synguard_service_syns_total{listener=\"other\"} %d",
		 64 + 65 + 66 + 67 + 68 + 69);
	has_line(text, "synguard_service_defending{listener=\"other\"} 6");
	free(text);
	json_decref(root);
	free(services);
	free(p);
}
END_TEST

/* ---- the manual page ----------------------------------------------------------------------- */

static char *page_text(void)
{
	_cleanup_fclose_ FILE *f = fopen(SG_METRICS_PAGE, "re");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(f, "%s cannot be opened", SG_METRICS_PAGE);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 1000);
	return text;
}

static bool is_family(const char *name, size_t length)
{
	static const char *const more[] = { SG_REPORT_UP_FAMILY, SG_REPORT_VERDICTS_FAMILY };
	size_t i, of;

	for (of = 0; of < METRICS_TABLE_COUNT; of++)
		for (i = 0; i < metrics_tables[of].count; i++) {
			const char *family = metrics_tables[of].rows[i].family ?: "";

			if (strlen(family) == length && !strncmp(family, name, length))
				return true;
		}
	for (i = 0; i < ARRAY_SIZE(more); i++)
		if (strlen(more[i]) == length && !strncmp(more[i], name, length))
			return true;
	return false;
}

/* Each family, and nothing that is none. */
START_TEST(report_page_lists_the_families)
{
	char *text = page_text();
	const char *found;
	size_t i, length;
	int of, seen = 0;

	for (found = text; (found = strstr(found, "synguard_")); found += length) {
		length = strspn(found, "abcdefghijklmnopqrstuvwxyz_");
		ck_assert_msg(is_family(found, length), "the page has %.*s, which is no family",
			      (int)length, found);
		seen++;
	}
	ck_assert_int_gt(seen, 10);
	for (of = 0; of < METRICS_TABLE_COUNT; of++) {
		for (i = 0; i < metrics_tables[of].count; i++) {
			const struct metrics_row *row = &metrics_tables[of].rows[i];

			ck_assert_msg(!row->family || strstr(text, row->family),
				      "the page lacks %s", row->family);
			ck_assert_msg(!row->property || strstr(text, row->property),
				      "the page lacks %s", row->property);
		}
	}
	ck_assert_ptr_nonnull(strstr(text, SG_REPORT_UP_FAMILY));
	ck_assert_ptr_nonnull(strstr(text, SG_REPORT_VERDICTS_FAMILY));
	for (i = 0; i < SG_VERDICT_COUNT; i++)
		ck_assert_msg(strstr(text, verdicts[i].label), "the page lacks %s",
			      verdicts[i].label);
	free(text);
}
END_TEST

/* ---- C10: totals of a service whose entry was freed ----------------------------------------- */

/*
 * Whatever entry of its set a service has next, its totals go on: nothing is told as less than it
 * was while its set remembers it, and of other services nothing is added.
 */
START_TEST(c10_services_go_on)
{
	struct services_evicted *rows = calloc(SG_SERVICES_MAX, sizeof(*rows)), sum;
	const struct sg_tally tally = {
		.syns = 9, .challenged = 7, .accepted = 5, .established = 3
	};
	const uint32_t first = 5 * SG_SERVICE_WAYS;
	struct sg_service e = { .port = 80 }, other = { .port = 81 };
	uint32_t way, n;

	e.addr.words[3] = other.addr.words[3] = 1;
	sum = services_evicted(rows, first, &e);
	ck_assert_uint_eq(sum.syns + sum.challenged + sum.accepted + sum.established, 0);
	for (n = 1; n <= 3 * SG_SERVICE_WAYS; n++) {
		services_evict(rows, first + n % SG_SERVICE_WAYS, &e, &tally);
		for (way = 0; way < SG_SERVICE_WAYS; way++) {
			sum = services_evicted(rows, first + way, &e);
			ck_assert_uint_eq(sum.syns, 9 * n);
			ck_assert_uint_eq(sum.challenged, 7 * n);
			ck_assert_uint_eq(sum.accepted, 5 * n);
			ck_assert_uint_eq(sum.established, 3 * n);
			ck_assert_uint_eq(services_evicted(rows, first + way, &other).syns, 0);
		}
		ck_assert_uint_eq(services_evicted(rows, first - 1, &e).syns, 0);
		ck_assert_uint_eq(services_evicted(rows, first + SG_SERVICE_WAYS, &e).syns, 0);
	}
	/* bounded: as many others in the set as it has entries, and it is forgotten */
	for (way = 0; way < SG_SERVICE_WAYS; way++) {
		other.port = 100 + way;
		services_evict(rows, first + way, &other, &tally);
	}
	ck_assert_uint_eq(services_evicted(rows, first, &e).syns, 0);
	ck_assert_uint_eq(services_evicted(rows, first, &other).syns, 9);
	free(rows);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(report_rows_are_in_the_json, 10),
	SUITE_TEST(report_verdicts_are_in_the_json, 10),
	SUITE_TEST(report_keys_are_stable, 10),
	SUITE_TEST(report_tables_keep_to_their_rules, 10),
	SUITE_TEST(report_words_are_complete, 10),
	SUITE_TEST(report_metrics_by_the_table, 10),
	SUITE_TEST(report_metrics_without_a_daemon, 10),
	SUITE_TEST(report_metrics_listeners_are_capped, 10),
	SUITE_TEST(report_page_lists_the_families, 10),
	SUITE_TEST(c10_services_go_on, 10),
	{}
};
/* clang-format on */
