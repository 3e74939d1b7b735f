/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings and the types of their values: what is taken, what is refused and in which
 * words, and that what is printed is read as the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/judge/detect.h"
#include "daemon/settings/settings.h"
#include "suite.h"

#define MS_NS 1000000ULL
#define S_NS  1000000000ULL

static struct settings fresh(void)
{
	struct settings s;

	settings_reset(&s);
	return s;
}

/* The lines of a setting, joined by "|". */
static const char *text_of(const struct settings *s, enum setting_id id)
{
	static char joined[8192];
	struct settings_text text;
	size_t i;

	joined[0] = '\0';
	for (i = 0; i < settings_lines(s, id); i++) {
		settings_text(s, id, i, &text);
		if (i)
			strcat(joined, "|");
		strcat(joined, text.text);
	}
	return joined;
}

static void taken(enum setting_id id, const char *value, const char *as)
{
	struct settings s = fresh(), again = fresh();
	struct settings_text text;
	struct complaint why = {};
	size_t i;

	settings_set(&s, id, "", NULL);
	ck_assert_msg(settings_set(&s, id, value, &why) == 0, "\"%s\": %s", value, why.text);
	ck_assert_str_eq(text_of(&s, id), as);
	/* and what it says is the same value */
	settings_set(&again, id, "", NULL);
	for (i = 0; i < settings_lines(&s, id); i++) {
		settings_text(&s, id, i, &text);
		ck_assert_int_eq(settings_set(&again, id, text.text, NULL), 0);
	}
	ck_assert_msg(settings_equal(&s, &again, id), "\"%s\" became \"%s\"", as,
		      text_of(&again, id));
}

/* Refused, in words that have `word` in them, and nothing has changed. */
static void refused(enum setting_id id, const char *value, const char *word)
{
	struct settings s = fresh(), before = s;
	struct complaint why = {};
	int r = settings_set(&s, id, value, &why);

	ck_assert_msg(r < 0, "\"%s\" was taken as \"%s\"", value, text_of(&s, id));
	ck_assert_msg(strstr(why.text, word), "\"%s\": \"%s\" has no \"%s\"", value, why.text,
		      word);
	ck_assert_msg(strstr(why.text, settings_table[id].key), "no key in \"%s\"", why.text);
	ck_assert_msg(!memcmp(&s, &before, sizeof(s)), "\"%s\" left something behind", value);
}

/* ---- the table ----------------------------------------------------------------------------- */

START_TEST(settings_defaults_are_values)
{
	struct settings s = fresh();
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++) {
		const struct setting *row = &settings_table[id];

		if (*row->by_default)
			ck_assert_int_eq(settings_set(&s, id, row->by_default, NULL), 0);
		ck_assert_uint_eq(settings_find(row->section, row->key), id);
		ck_assert_uint_gt(strlen(row->help), 20);
		ck_assert_int_eq(row->help[strlen(row->help) - 1], '.');
		ck_assert_uint_lt(strlen(row->help), 300);
	}
}
END_TEST

/* What the detector's own tests are played with is what the daemon has. */
START_TEST(settings_defaults_are_the_detectors)
{
	struct settings s = fresh();

	ck_assert_uint_eq(s.attack_rate, detect_defaults.marks[DETECT_SYN_FLOOD].attack_per_sec);
	ck_assert_uint_eq(s.ebb_rate, detect_defaults.marks[DETECT_SYN_FLOOD].ebb_per_sec);
	ck_assert_uint_eq(s.ack_flood_rate, detect_defaults.marks[DETECT_ACK_FLOOD].attack_per_sec);
	ck_assert_uint_eq(s.hold_ns, detect_defaults.hold_ns);
	ck_assert_uint_eq(s.arm_percent, 50);
	ck_assert_uint_eq(s.lease_ns, 4 * S_NS);
	ck_assert_uint_eq(s.mode, SG_MODE_AUTO);
	ck_assert_uint_eq(s.epoch_shift, SG_EPOCH_SHIFT);
	ck_assert_str_eq(text_of(&s, SETTING_interfaces), "auto");
	ck_assert_uint_eq(s.leave_alone.count, 0);
	ck_assert_str_eq(text_of(&s, SETTING_exporter_listen), "127.0.0.1:9846");
}
END_TEST

START_TEST(settings_nearest_names)
{
	ck_assert_str_eq(settings_nearest_section("Daemn"), "Daemon");
	ck_assert_str_eq(settings_nearest_section("defense"), "Defence");
	ck_assert_ptr_null(settings_nearest_section("Wireguard"));
	ck_assert_str_eq(settings_nearest_key("Daemon", "mode"), "Mode");
	ck_assert_str_eq(settings_nearest_key("Daemon", "Interface"), "Interfaces");
	ck_assert_str_eq(settings_nearest_key("Defence", "LeasSec"), "LeaseSec");
	ck_assert_ptr_null(settings_nearest_key("Daemon", "LeaseSec"));
	ck_assert_ptr_null(settings_nearest_key("Daemon", "ModeModeModeModeModeModeMode"));
	ck_assert_str_eq(settings_section_of("LeaseSec"), "Defence");
	ck_assert_ptr_null(settings_section_of("Nothing"));
}
END_TEST

START_TEST(settings_empty_value)
{
	struct settings s = fresh();

	settings_set(&s, SETTING_arm_percent, "70", NULL);
	ck_assert_int_eq(settings_set(&s, SETTING_arm_percent, "", NULL), 0);
	ck_assert_uint_eq(s.arm_percent, 50);
	ck_assert_int_eq(settings_set(&s, SETTING_interfaces, "", NULL), 0);
	ck_assert_uint_eq(s.interfaces.count, 0);
	ck_assert_str_eq(text_of(&s, SETTING_interfaces), "");
}
END_TEST

/* ---- values -------------------------------------------------------------------------------- */

START_TEST(settings_flags)
{
	taken(SETTING_mitigation_lease, "yes", "yes");
	taken(SETTING_mitigation_lease, "no", "no");
	refused(SETTING_mitigation_lease, "1", "neither yes nor no");
	refused(SETTING_mitigation_lease, "yess", "neither yes nor no");
}
END_TEST

START_TEST(settings_engines)
{
	taken(SETTING_engine, "auto", "auto");
	taken(SETTING_engine, "kernel", "kernel");
	refused(SETTING_engine, "reqsk", "there are auto and kernel");
	refused(SETTING_engine, "kernels", "there are auto and kernel");
}
END_TEST

START_TEST(settings_numbers)
{
	taken(SETTING_arm_percent, "1", "1");
	taken(SETTING_arm_percent, "100", "100");
	taken(SETTING_arm_percent, "007", "7");
	refused(SETTING_arm_percent, "0", "from 1 to 100 percent");
	refused(SETTING_arm_percent, "101", "from 1 to 100 percent");
	refused(SETTING_arm_percent, "50x", "no whole number");
	refused(SETTING_arm_percent, "50 60", "no whole number");
	refused(SETTING_arm_percent, "0x10", "no whole number");
	refused(SETTING_arm_percent, "-1", "no whole number");
	refused(SETTING_arm_percent, "+1", "no whole number");
	refused(SETTING_arm_percent, "1.5", "no whole number");
	/* 2^64, and 2^64 + 50 */
	refused(SETTING_arm_percent, "18446744073709551616", "from 1 to 100 percent");
	refused(SETTING_arm_percent, "18446744073709551666", "from 1 to 100 percent");
}
END_TEST

START_TEST(settings_spans)
{
	/* clang-format off */
	static const struct { const char *text; uint64_t ns; const char *as; } rows[] = {
		{ "4",              4 * S_NS,        "4s" },
		{ "4s",             4 * S_NS,        "4s" },
		{ "4 s",            4 * S_NS,        "4s" },
		{ "500ms",          500 * MS_NS,     "500ms" },
		{ "2min",           120 * S_NS,      "2min" },
		{ "1min 30s",       90 * S_NS,       "1min 30s" },
		{ "1min30s",        90 * S_NS,       "1min 30s" },
		{ "90",             90 * S_NS,       "1min 30s" },
		{ "1.5s",           1500 * MS_NS,    "1s 500ms" },
		{ "0.5min",         30 * S_NS,       "30s" },
		{ "1h 1m 1sec",     3661 * S_NS,     "1h 1min 1s" },
		{ "2 hours",        7200 * S_NS,     "2h" },
		{ "1w 1d",          691200 * S_NS,   "1w 1d" },
		{ "1us 1ns",        1001,            "1us 1ns" },
		{ "0",              0,               "0s" },
	};
	static const char *const wrong[] = {
		"", " ", "s", "4x", "4 4x", "-4s", "4s-", "1.s", ".5s", "4,5s", "infinity", "4S", "4MIN", "1e3",
	};
	static const char *const long_ones[] = {
		"18446744073709551616", "18446744074s", "30500w 500w", "99999999999999999999999ns",
	};
	/* clang-format on */
	struct settings_text text;
	uint64_t ns;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_msg(!settings_parse_span(rows[i].text, &ns), "%s", rows[i].text);
		ck_assert_msg(ns == rows[i].ns, "%s is %llu ns", rows[i].text,
			      (unsigned long long)ns);
		settings_print_span(ns, &text);
		ck_assert_str_eq(text.text, rows[i].as);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_msg(settings_parse_span(wrong[i], &ns) == -EINVAL, "\"%s\"", wrong[i]);
	for (i = 0; i < sizeof(long_ones) / sizeof(*long_ones); i++)
		ck_assert_msg(settings_parse_span(long_ones[i], &ns) == -ERANGE, "\"%s\"",
			      long_ones[i]);
	taken(SETTING_lease_ns, "2500ms", "2s 500ms");
	refused(SETTING_lease_ns, "1999ms", "from 2s to 1min");
	refused(SETTING_lease_ns, "61", "from 2s to 1min");
	refused(SETTING_lease_ns, "4 apples", "write it as 500ms, 4s or 2min");
}
END_TEST

START_TEST(settings_epochs)
{
	struct settings s = fresh();

	taken(SETTING_epoch_shift, "17s", "17s 179ms");
	taken(SETTING_epoch_shift, "25s", "17s 179ms");
	taken(SETTING_epoch_shift, "26s", "34s 359ms");
	taken(SETTING_epoch_shift, "64s", "1min 8s 719ms");
	taken(SETTING_epoch_shift, "69s", "1min 8s 719ms");
	taken(SETTING_epoch_shift, "103s", "1min 8s 719ms");
	taken(SETTING_epoch_shift, "104s", "2min 17s 438ms");
	taken(SETTING_epoch_shift, "275s", "4min 34s 877ms");
	refused(SETTING_epoch_shift, "16s", "17s to 4min 35s");
	refused(SETTING_epoch_shift, "276s", "17s to 4min 35s");
	settings_set(&s, SETTING_epoch_shift, "17s", NULL);
	ck_assert_uint_eq(s.epoch_shift, SG_EPOCH_SHIFT_MIN);
	settings_set(&s, SETTING_epoch_shift, "275s", NULL);
	ck_assert_uint_eq(s.epoch_shift, SG_EPOCH_SHIFT_MAX);
}
END_TEST

START_TEST(settings_modes)
{
	taken(SETTING_mode, "off", "off");
	taken(SETTING_mode, "observe", "observe");
	taken(SETTING_mode, "always", "always");
	refused(SETTING_mode, "Always", "off, observe, auto and always");
	refused(SETTING_mode, "on", "off, observe, auto and always");
}
END_TEST

START_TEST(settings_interfaces)
{
	char many[32 * SETTINGS_NAMES_MAX + 32] = "";
	struct settings s = fresh();
	int i;

	taken(SETTING_interfaces, "eth0", "eth0");
	taken(SETTING_interfaces, "eth0  eth1\teth0", "eth0|eth1");
	taken(SETTING_interfaces, "enp*s[0-9]f? auto", "enp*s[0-9]f?|auto");
	taken(SETTING_interfaces, "fifteen.letters", "fifteen.letters");
	refused(SETTING_interfaces, "sixteen.letters.", "no name of an interface");
	refused(SETTING_interfaces, "eth0,eth1", "no name of an interface");
	refused(SETTING_interfaces, "eth0 ../eth1", "no name of an interface");
	refused(SETTING_interfaces, "..", "no name of an interface");
	refused(SETTING_interfaces, "eth\303\244", "no name of an interface");
	for (i = 0; i <= SETTINGS_NAMES_MAX; i++)
		sprintf(many + strlen(many), "eth%d ", i);
	refused(SETTING_interfaces, many, "use a glob");
	/* a list is extended */
	settings_set(&s, SETTING_interfaces, "a b", NULL);
	ck_assert_str_eq(text_of(&s, SETTING_interfaces), "auto|a|b");
}
END_TEST

START_TEST(settings_left_alone)
{
	enum setting_id id = SETTING_leave_alone;

	taken(id, "192.0.2.1:80", "192.0.2.1:80");
	taken(id, "192.0.2.1", "192.0.2.1");
	taken(id, "192.0.2.0/24:443 192.0.2.0/24:443", "192.0.2.0/24:443");
	taken(id, "[2001:db8::1]:80", "[2001:db8::1]:80");
	taken(id, "[2001:DB8::/32]:80", "[2001:db8::/32]:80");
	taken(id, "2001:db8::1 [2001:db8::2]", "2001:db8::1|2001:db8::2");
	taken(id, "2001:db8::/32", "2001:db8::/32");
	taken(id, "*:25 :26", "*:25|*:26");
	taken(id, "[::/0]:25", "*:25");
	taken(id, "0.0.0.0/0:25", "0.0.0.0/0:25");
	/* one host, written twice */
	taken(id, "::ffff:192.0.2.1 192.0.2.1", "192.0.2.1");
	refused(id, "192.0.2.1/33", "from /0 to /32");
	refused(id, "[2001:db8::/129]:80", "from /0 to /128");
	refused(id, "192.0.2.1/24:80", "write 192.0.2.0/24");
	refused(id, "2001:db8::1/64", "write 2001:db8::/64");
	refused(id, "192.0.2.1/", "from /0 to /32");
	/* digits as they would be printed, as on a list: 08 is octal to some and 8 to others */
	refused(id, "10.0.0.0/08", "from /0 to /32");
	refused(id, "192.0.2.1:080", "from 1 to 65535");
	refused(id, "192.0.2.1/-1", "from /0 to /32");
	refused(id, "192.0.2.1:0", "from 1 to 65535");
	refused(id, "192.0.2.1:65536", "from 1 to 65535");
	refused(id, "192.0.2.1:4294967376", "from 1 to 65535");
	refused(id, "192.0.2.1:http", "from 1 to 65535");
	refused(id, "*", "Mode=observe");
	refused(id, "::/0", "Mode=observe");
	refused(id, "0.0.0.0/0", "Mode=observe");
	refused(id, "example.org:80", "no address");
	refused(id, "[2001:db8::1", "[2001:db8::1]:80");
	refused(id, "[2001:db8::1]80", "[2001:db8::1]:80");
	refused(id, "fe80::1%eth0", "no address");
	refused(id, "*/8:80", "needs an address");
	refused(id, "192.0.2.1 192.0.2.2 192.0.2.3/8", "behind its prefix");
}
END_TEST

START_TEST(settings_listens)
{
	enum setting_id id = SETTING_exporter_listen;

	taken(id, "127.0.0.1:9000", "127.0.0.1:9000");
	taken(id, "[::1]:9000", "[::1]:9000");
	taken(id, "[::]:9000", "[::]:9000");
	taken(id, "0.0.0.0:9000", "0.0.0.0:9000");
	taken(id, "*:9000", "[::]:9000");
	refused(id, "127.0.0.1", "ADDRESS:PORT");
	refused(id, "127.0.0.0/8:9000", "ADDRESS:PORT");
	refused(id, "127.0.0.1:9000 127.0.0.1:9001", "no address");
}
END_TEST

START_TEST(settings_that_contradict)
{
	struct settings s = fresh();
	enum setting_id id, other;
	struct complaint why;

	ck_assert_int_eq(settings_check(&s, &id, &other, &why), 0);
	s.ebb_rate = s.attack_rate - 1;
	ck_assert_int_eq(settings_check(&s, &id, &other, &why), 0);
	s.ebb_rate = s.attack_rate;
	ck_assert_int_eq(settings_check(&s, &id, &other, &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "EbbRate=1000 is not below AttackRate=1000"));
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(settings_defaults_are_values, 10),
	SUITE_TEST(settings_defaults_are_the_detectors, 10),
	SUITE_TEST(settings_nearest_names, 10),
	SUITE_TEST(settings_empty_value, 10),
	SUITE_TEST(settings_flags, 10),
	SUITE_TEST(settings_engines, 10),
	SUITE_TEST(settings_numbers, 10),
	SUITE_TEST(settings_spans, 10),
	SUITE_TEST(settings_epochs, 10),
	SUITE_TEST(settings_modes, 10),
	SUITE_TEST(settings_interfaces, 10),
	SUITE_TEST(settings_left_alone, 10),
	SUITE_TEST(settings_listens, 10),
	SUITE_TEST(settings_that_contradict, 10),
	{}
};
/* clang-format on */
