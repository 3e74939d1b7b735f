/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small skills that everything else is made of: addresses, text, files, hashes, rates. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/hash.h"
#include "daemon/base/text.h"
#include "suite.h"
#include "synguard/cleanup.h"

/* ---- addresses ----------------------------------------------------------------------------- */

START_TEST(addresses_as_text)
{
	static const struct {
		const char *text, *socket, *network;
		bool v4;
	} rows[] = {
		{ "192.0.2.129", "192.0.2.129:80", "192.0.2.0/24", true },
		{ "2001:db8:1:2:3::1", "[2001:db8:1:2:3::1]:80", "2001:db8:1:2::/64", false },
		{ "::", "[::]:80", "::/64", false },
		{ "0.0.0.0", "0.0.0.0:80", "0.0.0.0/24", true },
	};
	struct sg_addr a, network;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(addr_parse(&a, rows[i].text), 0);
		ck_assert_int_eq(addr_is_v4(&a), rows[i].v4);
		ck_assert_str_eq(addr_text(&a).text, rows[i].text);
		ck_assert_str_eq(addr_text_socket(&a, htons(80)).text, rows[i].socket);
		network = addr_network(&a);
		ck_assert_str_eq(addr_text_prefix(&network).text, rows[i].network);
	}
	ck_assert_int_eq(addr_parse(&a, "192.0.2.1"), 0);
	ck_assert_uint_eq(a.words[3], inet_addr("192.0.2.1"));
	ck_assert_int_eq(memcmp(a.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12), 0);
	network = addr_from_v4(a.words[3]);
	ck_assert_mem_eq(&network, &a, sizeof(a));
	memset(&a, 7, sizeof(a));
	network = a;
	ck_assert_int_eq(addr_parse(&a, "192.0.2"), -EINVAL);
	ck_assert_int_eq(addr_parse(&a, ""), -EINVAL);
	ck_assert_mem_eq(&network, &a, sizeof(a));
}
END_TEST

START_TEST(addresses_of_listeners)
{
	struct sg_addr any = {}, v4, v6;

	addr_parse(&v4, "192.0.2.1");
	addr_parse(&v6, "2001:db8::1");
	ck_assert_str_eq(addr_text_listener(&any, false, htons(22)).text, "0.0.0.0:22");
	ck_assert_str_eq(addr_text_listener(&any, true, htons(22)).text, "[::]:22");
	ck_assert_str_eq(addr_text_listener(&v4, false, htons(22)).text, "192.0.2.1:22");
	ck_assert_str_eq(addr_text_of_listener(&any, false).text, "0.0.0.0");
	ck_assert_str_eq(addr_text_of_listener(&any, true).text, "::");
	ck_assert(addr_any_takes(true, false, &v4));
	ck_assert(addr_any_takes(true, true, &v6));
	ck_assert(!addr_any_takes(true, true, &v4));
	ck_assert(addr_any_takes(false, false, &v4));
	ck_assert(!addr_any_takes(false, false, &v6));
}
END_TEST

START_TEST(prefixes)
{
	static const struct {
		const char *text;
		int r, bits;
		const char *masked; /* of what has bits set behind it; NULL: it has none */
	} rows[] = {
		{ "192.0.2.0/24", 0, 120 },
		{ "192.0.2.1", 0, 128 },
		{ "0.0.0.0/0", 0, 96 },
		{ "2001:db8::/32", 0, 32 },
		{ "2001:db8::1", 0, 128 },
		{ "::/0", 0, 0 },
		{ "::ffff:0.0.0.0/96", 0, 96 },
		{ "192.0.2.129/25", 0, 121, "192.0.2.128/25" },
		{ "192.0.2.255/31", 0, 127, "192.0.2.254/31" },
		{ "192.0.2.1/0", 0, 96, "0.0.0.0/0" },
		{ "2001:db8:8000::/32", 0, 32, "2001:db8::/32" },
		{ "192.0.2.0/33", -ERANGE },
		{ "192.0.2.0/08", -ERANGE },
		{ "192.0.2.0/", -ERANGE },
		{ "192.0.2.0/+8", -ERANGE },
		{ "192.0.2.0/ 8", -ERANGE },
		{ "192.0.2.0/8/8", -ERANGE },
		{ "2001:db8::/129", -ERANGE },
		{ "2001:db8::/18446744073709551617", -ERANGE },
		{ "", -EINVAL },
		{ "/8", -EINVAL },
		{ "10/8", -EINVAL },
		{ "host", -EINVAL },
		{ "192.0.2.1:80", -EINVAL },
		{ "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000/8", -EINVAL },
	};
	struct addr_prefix p;
	struct complaint c;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		r = addr_prefix_parse(&p, rows[i].text);
		ck_assert_msg(r == rows[i].r, "%s: %d", rows[i].text, r);
		c = (struct complaint){};
		r = addr_prefix_parse_strict(&p, rows[i].text, "WORD", "FORMS", &c);
		ck_assert_msg(r == (rows[i].r || rows[i].masked ? -EINVAL : 0), "%s", rows[i].text);
		if (rows[i].r == -ERANGE)
			ck_assert_str_eq(c.text,
					 strchr(rows[i].text, ':') ?
						 "\"WORD\": the prefix goes from /0 to /128" :
						 "\"WORD\": the prefix goes from /0 to /32");
		else if (rows[i].r)
			ck_assert_str_eq(c.text, "\"WORD\" is no address; write FORMS");
		if (rows[i].r)
			continue;
		addr_prefix_parse(&p, rows[i].text);
		ck_assert_int_eq(p.bits, rows[i].bits);
		addr_prefix_mask(&p);
		ck_assert_str_eq(addr_prefix_text(&p).text,
				 rows[i].masked ?
					 rows[i].masked :
					 (rows[i].text[2] == 'f' ? "0.0.0.0/0" : rows[i].text));
		if (rows[i].masked)
			ck_assert_ptr_nonnull(strstr(c.text, rows[i].masked));
	}
}
END_TEST

START_TEST(prefixes_contain)
{
	static const struct {
		const char *prefix, *addr;
		bool contains;
	} rows[] = {
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "203.0.113.1", true },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
	};
	struct addr_prefix p;
	struct sg_addr a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		addr_prefix_parse(&p, rows[i].prefix);
		addr_parse(&a, rows[i].addr);
		ck_assert_msg(addr_prefix_contains(&p, &a) == rows[i].contains, "%s %s",
			      rows[i].prefix, rows[i].addr);
	}
}
END_TEST

/* ---- text ---------------------------------------------------------------------------------- */

START_TEST(decimals)
{
	static const struct {
		const char *text;
		uint64_t least, most;
		int r;
	} rows[] = {
		{ "0", 0, 9, 0 },
		{ "9", 0, 9, 0 },
		{ "10", 0, 9, -ERANGE },
		{ "0", 1, 9, -ERANGE },
		{ "18446744073709551615", 0, UINT64_MAX, 0 },
		{ "18446744073709551616", 0, UINT64_MAX, -ERANGE },
		{ "99999999999999999999999", 0, UINT64_MAX, -ERANGE },
		{ "", 0, 9, -EINVAL },
		{ "08", 0, 9, -EINVAL },
		{ "00", 0, 9, -EINVAL },
		{ "-1", 0, 9, -EINVAL },
		{ "+1", 0, 9, -EINVAL },
		{ " 1", 0, 9, -EINVAL },
		{ "1 ", 0, 9, -EINVAL },
		{ "0x1", 0, 9, -EINVAL },
		{ "1.0", 0, 9, -EINVAL },
	};
	const char *at = "120min";
	uint64_t n;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = 77;
		r = text_decimal(rows[i].text, rows[i].least, rows[i].most, &n);
		ck_assert_msg(r == rows[i].r, "\"%s\": %d", rows[i].text, r);
		ck_assert_uint_eq(n, r ? 77 : strtoull(rows[i].text, NULL, 10));
	}
	ck_assert_int_eq(text_take_decimal(&at, &n), 0);
	ck_assert_uint_eq(n, 120);
	ck_assert_str_eq(at, "min");
	ck_assert_int_eq(text_take_decimal(&at, &n), -EINVAL);
	ck_assert_str_eq(at, "min");
}
END_TEST

START_TEST(names_found)
{
	static const char *const names[] = { "off", "on", "auto" };

	ck_assert_int_eq(text_find(names, 3, "off"), 0);
	ck_assert_int_eq(text_find(names, 3, "auto"), 2);
	ck_assert_int_eq(text_find(names, 2, "auto"), -EINVAL);
	ck_assert_int_eq(text_find(names, 3, "o"), -EINVAL);
	ck_assert_int_eq(text_find(names, 3, "On"), -EINVAL);
}
END_TEST

static const char *value_of(void *userdata, const char *field)
{
	if (!strcmp(field, "who"))
		return "höst";
	if (!strcmp(field, "why"))
		return userdata;
	return NULL;
}

START_TEST(fields)
{
	static const struct {
		const char *sentence, *why, *filled;
		size_t size;
	} rows[] = {
		{ "plain", "", "plain", 64 },
		{ "{who} is down{:why}", "it fell", "höst is down: it fell", 64 },
		{ "{who} is down{:why}", "", "höst is down", 64 },
		{ "{who}{unknown}{who}", "", "hösthöst", 64 },
		{ "{why", "so", "so", 64 },
		{ "", "", "", 1 },
		{ "abc", "", "ab", 3 },
		{ "{who}", "", "h", 3 },	  /* between the two bytes of a letter */
		{ "{who}{why}", "x", "höst", 6 }, /* what has no room, nothing behind it has */
		{ "abc", "", "", 1 },
	};
	char text[64];
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(text, '#', sizeof(text));
		n = text_fill(text, rows[i].size, rows[i].sentence, value_of, (void *)rows[i].why);
		ck_assert_str_eq(text, rows[i].filled);
		ck_assert_uint_eq(n, strlen(rows[i].filled));
		if (rows[i].size < sizeof(text))
			ck_assert_int_eq(text[rows[i].size], '#');
	}
}
END_TEST

START_TEST(paragraphs)
{
	static const struct {
		const char *begin;
		size_t columns;
		const char *text, *lines;
	} rows[] = {
		{ "", 10, "one two three", "one two\nthree\n" },
		{ "", 7, "one two three", "one two\nthree\n" },
		{ "", 6, "one two three", "one\ntwo\nthree\n" },
		{ "# ", 9, "one two three", "# one two\n# three\n" },
		{ "", 3, "longer than it", "longer\nthan\nit\n" },
		{ "", SIZE_MAX, "  one\n two  ", "one two\n" },
		{ "", 5, "öö öö", "öö öö\n" },
		{ "", 80, "", "\n" },
	};
	size_t i, size;
	char *text;
	FILE *to;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		SKIP("no locale C.UTF-8");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		to = open_memstream(&text, &size);
		text_wrap(to, rows[i].begin, rows[i].columns, rows[i].text);
		fclose(to);
		ck_assert_str_eq(text, rows[i].lines);
		free(text);
	}
}
END_TEST

START_TEST(bytes_of_text)
{
	static const char *const utf8[] = { "", "a", "ö", "\u20ac", "\U0010ffff" };
	static const char *const no_utf8[] = { "\x80",	       "\xc3",	       "\xc0\x80",
					       "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					       "\xff",	       "a\xe2\x82" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(utf8); i++)
		ck_assert_msg(text_is_utf8(utf8[i]), "%zu", i);
	for (i = 0; i < ARRAY_SIZE(no_utf8); i++)
		ck_assert_msg(!text_is_utf8(no_utf8[i]), "%zu", i);
	ck_assert(text_is_plain("a \xc3\xb6", ""));
	ck_assert(!text_is_plain("a\tb", ""));
	ck_assert(text_is_plain("a\tb", "\t"));
	ck_assert(!text_is_plain("a\033[m", "\t"));
	ck_assert(!text_is_plain("\x7f", "\t"));
	ck_assert(!text_is_plain("\xc2\x9b"
				 "2J",
				 "\t"));
	ck_assert(text_is_plain("\u00a0", ""));
}
END_TEST

/* clang-format off */
static const struct {
	const char *text, *clean;
} hostile[] = {
	{ "",                     "" },
	{ "eth0 \u00f6 \u20ac",   "eth0 \u00f6 \u20ac" },
	{ "a\033[2Jb\n\tc\r\x7f",  "a?[2Jb??c??" },
	{ "\xc2\x80\xc2\x9b" "2J\u00a0",  "????2J\u00a0" },
	{ "\xc2\x9b",             "??" },
	/* no UTF-8, of which a terminal may make anything */
	{ "a\x9b" "2J\u00f6",       "a?2J??" },
	{ "\xc2",                 "?" },
};
/* clang-format on */

START_TEST(fw85_clean_text)
{
	_cleanup_free_ char *text = strdup(hostile[_i].text), *said = NULL;
	char expected[64];
	size_t size;
	FILE *to = open_memstream(&said, &size);

	text_clean(text);
	ck_assert_str_eq(text, hostile[_i].clean);
	text_say(to, "%s: %d", hostile[_i].text, 7);
	fclose(to);
	snprintf(expected, sizeof(expected), "%s: 7\n", hostile[_i].clean);
	ck_assert_str_eq(said, expected);
}
END_TEST

/* ---- files --------------------------------------------------------------------------------- */

static void holds(const char *path, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(file_read(path, 0, 65536, &text, NULL), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(files_read)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 4097, 20000 };
	char folder[] = "/tmp/synguard-base-XXXXXX", path[64], *bytes = calloc(1, 20000), *got;
	struct stat st;
	size_t i, n;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(bytes, 'a' + i, sizes[i]);
		ck_assert_int_eq(file_stage(folder, "file", bytes, sizes[i]), 0);
		ck_assert_int_eq(file_commit(folder, "file"), 0);
		ck_assert_int_eq(file_read(path, 0, sizes[i], &got, &n), 0);
		ck_assert_uint_eq(n, sizes[i]);
		ck_assert_int_eq(memcmp(got, bytes, n), 0);
		ck_assert_int_eq(got[n], '\0');
		free(got);
		if (sizes[i])
			ck_assert_int_eq(file_read(path, 0, sizes[i] - 1, &got, &n), -EFBIG);
	}
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(file_stage(folder, "nul", "a\0b", 3), 0);
	ck_assert_int_eq(file_commit(folder, "nul"), 0);
	snprintf(path, sizeof(path), "%s/nul", folder);
	ck_assert_int_eq(file_read(path, 0, 100, &got, NULL), -EBADMSG);
	ck_assert_int_eq(file_read(path, 0, 100, &got, &n), 0);
	ck_assert_uint_eq(n, 3);
	free(got);
	ck_assert_int_eq(file_read(folder, 0, 100, &got, NULL), -EINVAL);
	snprintf(path, sizeof(path), "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(file_read(path, 0, 100, &got, NULL), -EINVAL);
	ck_assert_int_eq(file_read("/proc/sys/kernel/ostype", 0, 100, &got, NULL), 0);
	ck_assert_str_eq(got, "Linux\n");
	free(got);
	fd = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(file_read_fd(fd, 100, &got, NULL), 0);
	ck_assert_str_eq(got, "");
	free(got);
	close(fd);
	free(bytes);
	unlink(path);
	file_remove(folder, "nul");
	ck_assert_int_eq(file_remove(folder, "file"), 0);
	ck_assert_int_eq(file_remove(folder, "file"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* Whatever lies where the new file is written, the old one and what a link leads to stay. */
START_TEST(files_replaced)
{
	char folder[] = "/tmp/synguard-base-XXXXXX", path[64], staged[64], other[64];
	_cleanup_free_ char *text = NULL;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(staged, sizeof(staged), "%s/file.new", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	ck_assert_int_eq(file_stage(folder, "file", "old", 3), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(file_commit(folder, "file"), 0);
	holds(path, "old");
	ck_assert_int_eq(access(staged, F_OK), -1);

	ck_assert_int_eq(file_stage(folder, "file", "new", 3), 0);
	holds(path, "old");
	ck_assert_int_eq(file_stage(folder, "file", "newer", 5), 0);
	ck_assert_int_eq(file_commit(folder, "file"), 0);
	holds(path, "newer");
	ck_assert_int_eq(file_commit(folder, "file"), -ENOENT);
	holds(path, "newer");

	ck_assert_int_eq(file_stage(folder, "other", "another's", 9), 0);
	ck_assert_int_eq(file_commit(folder, "other"), 0);
	ck_assert_int_eq(symlink(other, staged), 0);
	ck_assert_int_eq(file_stage(folder, "file", "newest", 6), 0);
	ck_assert_int_eq(file_commit(folder, "file"), 0);
	holds(path, "newest");
	holds(other, "another's");
	ck_assert_int_eq(symlink(other, staged), 0);
	ck_assert_int_eq(file_commit(folder, "file"), -ELOOP);
	ck_assert_int_eq(access(staged, F_OK), -1);
	holds(path, "newest");
	ck_assert_int_eq(file_read(other, O_NOFOLLOW, 100, &text, NULL), 0);

	ck_assert_int_eq(file_stage("/nonexistent", "file", "", 0), -ENOENT);
	file_remove(folder, "other");
	file_remove(folder, "file");
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(files_locked)
{
	char folder[] = "/tmp/synguard-base-XXXXXX", path[64];
	int first, second;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/lock", folder);
	first = file_lock(path);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(file_lock(path), -EWOULDBLOCK);
	close(first);
	second = file_lock(path);
	ck_assert_int_ge(second, 0);
	close(second);
	unlink(path);
	/* never through a link */
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(file_lock(path), -ELOOP);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- numbers ------------------------------------------------------------------------------- */

START_TEST(hashes_rates_times)
{
	/* test vectors of draft-eastlake-fnv */
	ck_assert_uint_eq(hash_bytes(HASH_START, "", 0), 0xcbf29ce484222325ULL);
	ck_assert_uint_eq(hash_bytes(HASH_START, "a", 1), 0xaf63dc4c8601ec8cULL);
	ck_assert_uint_eq(hash_bytes(HASH_START, "foobar", 6), 0x85944171f73967e8ULL);
	ck_assert_uint_eq(hash_bytes(hash_bytes(HASH_START, "foo", 3), "bar", 3),
			  0x85944171f73967e8ULL);

	ck_assert_uint_eq(rate_growth(5, 3), 2);
	ck_assert_uint_eq(rate_growth(3, 5), 0);
	ck_assert_uint_eq(rate_per_sec(100, 1000000000), 100);
	ck_assert_uint_eq(rate_per_sec(3, 2000000000), 1);
	ck_assert_uint_eq(rate_per_sec(3, 0), 0);
	ck_assert_uint_eq(rate_per_sec(UINT64_MAX, 1000000000), UINT64_MAX);

	ck_assert_str_eq(time_text(981173106000007ULL).text, "2001-02-03T04:05:06Z");
	ck_assert_uint_ge(clock_realtime_usec(), 1700000000000000ULL);
	ck_assert_uint_le(clock_now_ns() / 1000, clock_now_usec());
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(addresses_as_text, 5),
	SUITE_TEST(addresses_of_listeners, 5),
	SUITE_TEST(prefixes, 5),
	SUITE_TEST(prefixes_contain, 5),
	SUITE_TEST(decimals, 5),
	SUITE_TEST(names_found, 5),
	SUITE_TEST(fields, 5),
	SUITE_TEST(paragraphs, 5),
	SUITE_TEST(bytes_of_text, 5),
	SUITE_LOOP(fw85_clean_text, ARRAY_SIZE(hostile), 10),
	SUITE_TEST(files_read, 10),
	SUITE_TEST(files_replaced, 10),
	SUITE_TEST(files_locked, 10),
	SUITE_TEST(hashes_rates_times, 5),
	{}
};
/* clang-format on */
