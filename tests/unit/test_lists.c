/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of prefixes: what a line may say and in which words it is refused, what goes in and out,
 * that what is saved is read as the same, and whom one does not deny by a slip (trap S5).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/lists.h"
#include "suite.h"

static const struct lists_entry kept = { .kept = true };

static struct lists_list read_list(const char *text)
{
	struct lists_list l = {};
	struct complaint c = {};

	ck_assert_msg(!lists_read(&l, NULL, text, &kept, &c), "%s: %s", text, c.text);
	return l;
}

/* "PREFIX|PREFIX (comment)" */
static const char *text_of(const struct lists_list *l)
{
	static char text[1024];
	struct addr_text p;
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; i < l->count; i++) {
		const char *comment = l->entries[i].comment;

		p = addr_prefix_text(&l->entries[i].prefix);
		n += snprintf(text + n, sizeof(text) - n, "%s%s%s%s%s", i ? "|" : "", p.text,
			      *comment ? " (" : "", comment, *comment ? ")" : "");
	}
	return text;
}

/* clang-format off */
static const struct {
	const char *word;
	const char *as; /* how it prints; NULL: refused */
	const char *why;
} words[] = {
	{ "192.0.2.0/24",       "192.0.2.0/24",    NULL },
	{ "192.0.2.1",          "192.0.2.1",       NULL },
	{ "192.0.2.1/32",       "192.0.2.1",       NULL },
	{ "0.0.0.0/0",          "0.0.0.0/0",       NULL },
	{ "2001:db8::/32",      "2001:db8::/32",   NULL },
	{ "2001:DB8:0::1/128",  "2001:db8::1",     NULL },
	{ "::/0",               "::/0",            NULL },
	{ "::ffff:192.0.2.0/120", "192.0.2.0/24",  NULL },
	{ "192.0.2.1/24",       NULL, "write 192.0.2.0/24" },
	{ "2001:db8::1/64",     NULL, "write 2001:db8::/64" },
	{ "192.0.2.0/33",       NULL, "from /0 to /32" },
	{ "2001:db8::/129",     NULL, "from /0 to /128" },
	{ "192.0.2.0/",         NULL, "from /0 to /32" },
	{ "192.0.2.0/024",      NULL, "from /0 to /32" },
	{ "10.0.0.0/08",        NULL, "from /0 to /32" },
	{ "192.0.2.0/24/1",     NULL, "from /0 to /32" },
	{ "192.0.2.0/4294967320", NULL, "from /0 to /32" },
	{ "192.0.2",            NULL, "is no address" },
	{ "192.0.2.1:80",       NULL, "without names and ports" },
	{ "example.org",        NULL, "without names" },
	{ "fe80::1%eth0",       NULL, "is no address" },
	{ "",                   NULL, "is no address" },
	{ "/8",                 NULL, "is no address" },
	{ "11111111111111111111111111111111111111111111111111111111111111111111/8", NULL, "is no address" },
};
/* clang-format on */

START_TEST(lists_prefixes)
{
	struct addr_prefix p = { .bits = 77 };
	struct complaint c = {};
	int r = lists_parse_prefix(&p, words[_i].word, &c);

	if (words[_i].as) {
		ck_assert_msg(!r, "%s: %s", words[_i].word, c.text);
		ck_assert_str_eq(addr_prefix_text(&p).text, words[_i].as);
		return;
	}
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_msg(strstr(c.text, words[_i].why), "%s: %s", words[_i].word, c.text);
	ck_assert_uint_eq(p.bits, 77);
}
END_TEST

START_TEST(lists_lines)
{
	struct lists_list l = read_list("# a comment alone\n\n  192.0.2.0/24  # office \r\n"
					"2001:db8::1#x\n\t\n192.0.2.0/24\n198.18.0.0/15");
	struct complaint c = {};

	/* sorted as addresses are: ::ffff before 2001 */
	ck_assert_ptr_nonnull(strstr(text_of(&l), "|198.18.0.0/15|2001:db8::1 (x)"));
	ck_assert_uint_eq(l.count, 3);
	lists_done(&l);

	ck_assert_int_eq(lists_read(&l, "stdin", "192.0.2.1\n\n192.0.2.1/24\n", &kept, &c),
			 -EINVAL);
	ck_assert_msg(!strncmp(c.text, "stdin:3: \"192.0.2.1/24\"", 23), "%s", c.text);
	ck_assert_ptr_null(l.entries); /* all or nothing */
	ck_assert_int_eq(lists_read(&l, "f", "192.0.2.1 192.0.2.2\n", &kept, &c), -EINVAL);
	ck_assert_int_eq(lists_read(&l, "f", "192.0.2.1 # \033[31m\n", &kept, &c), -EINVAL);
	ck_assert_msg(strstr(c.text, "control"), "%s", c.text);
}
END_TEST

START_TEST(lists_long_comments)
{
	struct lists_list l = {};
	struct complaint c = {};
	char text[200];

	snprintf(text, sizeof(text), "192.0.2.1 # %079d\n", 1);
	ck_assert_int_eq(lists_read(&l, "f", text, &kept, &c), 0);
	lists_done(&l);
	snprintf(text, sizeof(text), "192.0.2.1 # %080d\n", 1);
	ck_assert_int_eq(lists_read(&l, "f", text, &kept, &c), -EINVAL);
}
END_TEST

START_TEST(lists_in_and_out)
{
	struct lists_list l = read_list("192.0.2.1\n192.0.2.2 # old\n");
	struct lists_list more = read_list("192.0.2.2 # new\n192.0.2.0/31\n192.0.2.9\n");
	struct lists_list gone = read_list("192.0.2.1\n192.0.2.77\n");
	struct complaint c = {};

	ck_assert_int_eq(lists_put(&l, &more, &c), 0);
	ck_assert_str_eq(text_of(&l), "192.0.2.0/31|192.0.2.1|192.0.2.2 (new)|192.0.2.9");
	ck_assert_int_eq(lists_take_out(&l, &gone, &c), -ENOENT);
	ck_assert_msg(strstr(c.text, "192.0.2.77"), "%s", c.text);
	ck_assert_uint_eq(l.count, 4);
	lists_done(&gone);
	gone = read_list("192.0.2.1\n192.0.2.9\n");
	ck_assert_int_eq(lists_take_out(&l, &gone, &c), 0);
	ck_assert_str_eq(text_of(&l), "192.0.2.0/31|192.0.2.2 (new)");
	lists_done(&l);
	lists_done(&more);
	lists_done(&gone);
}
END_TEST

static char *many(unsigned int from, unsigned int count)
{
	char *text = malloc(count * 20 + 1), *at = text;
	unsigned int i;

	for (i = from; i < from + count; i++)
		at += sprintf(at, "198.18.%u.%u\n", i >> 8, i & 255);
	return text;
}

START_TEST(lists_have_an_end)
{
	char *full = many(0, SG_LISTED_MAX), *more = many(0, SG_LISTED_MAX + 1);
	struct lists_list l = read_list(full), one = read_list("192.0.2.1\n"), none = {};
	struct complaint c = {};

	ck_assert_uint_eq(l.count, SG_LISTED_MAX);
	ck_assert_int_eq(lists_put(&l, &one, &c), -ENOSPC);
	ck_assert_uint_eq(l.count, SG_LISTED_MAX);
	ck_assert_int_eq(lists_read(&none, "f", more, &kept, &c), -ENOSPC);
	lists_done(&l);
	lists_done(&one);
	free(full);
	free(more);
}
END_TEST

START_TEST(lists_expire_in_time)
{
	struct lists_entry soon = { .kept = true, .expires_at = 1000 };
	struct lists_list l = read_list("192.0.2.1\n"), more = {};
	struct complaint c = {};

	ck_assert_int_eq(lists_read(&more, NULL, "192.0.2.2\n192.0.2.3\n", &soon, &c), 0);
	ck_assert_int_eq(lists_put(&l, &more, &c), 0);
	ck_assert_uint_eq(lists_expire(&l, 999), 0);
	ck_assert_uint_eq(l.count, 3);
	ck_assert_uint_eq(lists_expire(&l, 1000), 2);
	ck_assert_str_eq(text_of(&l), "192.0.2.1");
	lists_done(&l);
	lists_done(&more);
}
END_TEST

START_TEST(lists_saved_read_the_same)
{
	struct lists_entry soon = { .kept = true, .expires_at = 1000 }, runtime = {};
	struct lists_list lists[LISTS_COUNT] = {}, again[LISTS_COUNT] = {}, more = {};
	struct complaint c = {};
	char *text, *twice;
	int i;

	lists[LISTS_ALLOW] = read_list("192.0.2.0/24 # office, 2nd floor\n2001:db8::/48\n");
	ck_assert_int_eq(lists_read(&lists[LISTS_DENY], NULL, "198.18.0.0/15\n", &soon, &c), 0);
	ck_assert_int_eq(lists_read(&more, NULL, "198.51.100.1\n", &runtime, &c), 0);
	ck_assert_int_eq(lists_put(&lists[LISTS_DENY], &more, &c), 0);
	text = lists_save(lists);
	ck_assert_msg(!lists_load(again, "f", text, 999, &c), "%s", c.text);
	twice = lists_save(again);
	ck_assert_str_eq(text, twice);
	ck_assert_ptr_null(strstr(text, "198.51.100.1")); /* until the daemon stops */
	ck_assert_str_eq(text_of(&again[LISTS_DENY]), "198.18.0.0/15");
	ck_assert_uint_eq(again[LISTS_DENY].entries[0].expires_at, 1000);
	lists_done(&again[0]);
	lists_done(&again[1]);
	/* what has expired meanwhile does not come back */
	ck_assert_int_eq(lists_load(again, "f", text, 1000, &c), 0);
	ck_assert_uint_eq(again[LISTS_DENY].count, 0);
	ck_assert_uint_eq(again[LISTS_ALLOW].count, 2);
	for (i = 0; i < LISTS_COUNT; i++) {
		lists_done(&again[i]);
		lists_done(&lists[i]);
	}
	lists_done(&more);
	free(text);
	free(twice);
}
END_TEST

/* clang-format off */
static const struct {
	const char *text;
	const char *why;
} spoilt[] = {
	{ "",                                                      "f: this is not what" },
	{ "synguard lists 3\nallow 0 192.0.2.1\n",                 "f: this is not what" },
	{ "synguard lists 2\nallow 0 192.0.2.1\n",                 "f: it was cut, or changed" },
	{ "synguard lists 1\nallow 0 192.0.2.1\nforbid 0 192.0.2.1\n", "f:3: \"forbid" },
	{ "synguard lists 1\nallow 0 192.0.2.1\nallow x 192.0.2.1\n",  "f:3: \"allow x" },
	{ "synguard lists 1\nallow 0 192.0.2.1\ndeny 0 192.0.2.1/3\n", "f:3: \"192.0.2.1/3\"" },
};
/* clang-format on */

START_TEST(lists_spoilt_file)
{
	struct lists_list lists[LISTS_COUNT] = {};
	struct complaint c = {};

	ck_assert_int_eq(lists_load(lists, "f", spoilt[_i].text, 0, &c), -EINVAL);
	ck_assert_msg(!strncmp(c.text, spoilt[_i].why, strlen(spoilt[_i].why)), "%s", c.text);
	ck_assert_uint_eq(lists[LISTS_ALLOW].count, 0);
	ck_assert_uint_eq(lists[LISTS_DENY].count, 0);
}
END_TEST

/* Trap FW80: cut anywhere, or with a byte changed anywhere, it is refused as a whole. */
START_TEST(fw80_damaged_lists)
{
	struct lists_list lists[LISTS_COUNT] = {}, again[LISTS_COUNT] = {};
	struct complaint c = {};
	size_t length, at;
	char *text, *spoilt_text;

	lists[LISTS_ALLOW] = read_list("192.0.2.0/24 # office\n2001:db8::/48\n");
	lists[LISTS_DENY] = read_list("198.51.100.1\n");
	text = lists_save(lists);
	length = strlen(text);
	for (at = 0; at < length; at++) {
		spoilt_text = strndup(text, at);
		ck_assert_msg(lists_load(again, "f", spoilt_text, 0, &c) == -EINVAL, "cut at %zu",
			      at);
		free(spoilt_text);
		spoilt_text = strdup(text);
		spoilt_text[at] ^= 1;
		ck_assert_msg(lists_load(again, "f", spoilt_text, 0, &c) == -EINVAL,
			      "changed at %zu: %s", at, spoilt_text);
		ck_assert_uint_eq(again[LISTS_ALLOW].count + again[LISTS_DENY].count, 0);
		free(spoilt_text);
	}
	spoilt_text = malloc(length + 32);
	sprintf(spoilt_text, "%sdeny 0 192.0.2.1\n", text);
	ck_assert_int_eq(lists_load(again, "f", spoilt_text, 0, &c), -EINVAL);
	free(spoilt_text);
	free(text);
	lists_done(&lists[LISTS_ALLOW]);
	lists_done(&lists[LISTS_DENY]);
}
END_TEST

/* What a daemon of 0.1 has saved is read, and saved with a sum. */
START_TEST(lists_of_an_older_daemon)
{
	struct lists_list lists[LISTS_COUNT] = {};
	struct complaint c = {};
	char *text;

	ck_assert_int_eq(lists_load(lists, "f",
				    "synguard lists 1\nallow 0 192.0.2.1 # a\ndeny 0 192.0.2.2\n",
				    0, &c),
			 0);
	ck_assert_str_eq(text_of(&lists[LISTS_ALLOW]), "192.0.2.1 (a)");
	ck_assert_str_eq(text_of(&lists[LISTS_DENY]), "192.0.2.2");
	text = lists_save(lists);
	ck_assert(strstr(text, "synguard lists 2\n") == text && strstr(text, "\nsum "));
	free(text);
	lists_done(&lists[LISTS_ALLOW]);
	lists_done(&lists[LISTS_DENY]);
}
END_TEST

/* clang-format off */
static const struct {
	const char *denied;
	const char *protected;
	const char *why; /* NULL: allowed */
} slips[] = {
	{ "192.0.2.0/24",  "192.0.2.7 the client of this SSH session\n", "192.0.2.7 is the client of this SSH session" },
	{ "192.0.2.7",     "192.0.2.7 a gateway\n",    "--force" },
	{ "2001:db8::/48", "2001:db8::1 a gateway\n",  "2001:db8::1 is a gateway" },
	{ "2001:db8::/48", "2001:db8:1::1 a gateway\n", NULL },
	{ "192.0.2.0/24",  "192.0.3.1 a gateway\n",    NULL },
	{ "10.0.0.0/8",    "",                         NULL },
	{ "10.0.0.0/7",    "",                         "shorter than /8" },
	{ "0.0.0.0/0",     "",                         "shorter than /8" },
	{ "2001:db8::/32", "",                         NULL },
	{ "2001:db8::/31", "",                         "shorter than /32" },
	{ "::/0",          "",                         "shorter than /32" },
	{ "192.0.2.9\n192.0.2.7\n", "192.0.2.7 x\n",   "192.0.2.7 is refused" },
};
/* clang-format on */

START_TEST(s5_guard)
{
	struct lists_list l = read_list(slips[_i].denied);
	struct lists_protected *protected = NULL;
	struct complaint c = {};
	size_t count;
	int r;

	ck_assert_int_eq(lists_read_protected(&protected, &count, slips[_i].protected, &c), 0);
	r = lists_check_lockout(&l, protected, count, &c);
	ck_assert_msg(r == (slips[_i].why ? -EPERM : 0), "%s: %d, %s", slips[_i].denied, r, c.text);
	if (slips[_i].why)
		ck_assert_msg(strstr(c.text, slips[_i].why), "%s: %s", slips[_i].denied, c.text);
	free(protected);
	lists_done(&l);
}
END_TEST

/* A refusal names the line of an import, the first one that has the prefix. */
START_TEST(lists_line_of_a_refusal)
{
	static const char text[] = "# 192.0.2.0/24\n\n192.0.2.0/25 # other\n 192.0.2.0/24 # this\n"
				   "192.0.2.0/24\n";
	struct complaint c = { "192.0.2.0/24 is refused" };
	struct addr_prefix p;

	ck_assert_int_eq(addr_prefix_parse(&p, "192.0.2.0/24"), 0);
	lists_blame_line("stdin", text, &p, &c);
	ck_assert_str_eq(c.text, "stdin:4: 192.0.2.0/24 is refused");
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(lists_prefixes, sizeof(words) / sizeof(words[0]), 10),
	SUITE_TEST(lists_lines, 10),
	SUITE_TEST(lists_long_comments, 10),
	SUITE_TEST(lists_in_and_out, 10),
	SUITE_TEST(lists_have_an_end, 10),
	SUITE_TEST(lists_expire_in_time, 10),
	SUITE_TEST(lists_saved_read_the_same, 10),
	SUITE_LOOP(lists_spoilt_file, sizeof(spoilt) / sizeof(spoilt[0]), 10),
	SUITE_TEST(fw80_damaged_lists, 10),
	SUITE_TEST(lists_of_an_older_daemon, 10),
	SUITE_TEST(lists_line_of_a_refusal, 10),
	SUITE_LOOP(s5_guard, sizeof(slips) / sizeof(slips[0]), 10),
	{}
};
/* clang-format on */
