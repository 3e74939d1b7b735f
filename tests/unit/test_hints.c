/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What helps somebody on: the name that was meant, the command that starts the daemon; and the
 * reading of /proc/net/netstat, whose order of counters is nobody's promise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/client.h"
#include "cli/base/kernel_view.h"
#include "daemon/base/text.h"
#include "suite.h"

START_TEST(nearest_distances)
{
	static const struct {
		const char *a, *b;
		unsigned int distance;
	} rows[] = {
		{ "status", "status", 0 }, { "Status", "sTATUS", 0 },  { "statsu", "status", 1 },
		{ "satus", "status", 1 },  { "statuss", "status", 1 }, { "stetus", "status", 1 },
		{ "stas", "status", 2 },   { "", "mode", 4 },	       { "abc", "xyz", 3 },
	};
	char much[256];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_uint_eq(nearest_distance(rows[i].a, rows[i].b), rows[i].distance);
		ck_assert_uint_eq(nearest_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	ck_assert_uint_gt(nearest_distance(much, "mode"), 100);
}
END_TEST

START_TEST(nearest_names)
{
	static const char *const names[] = { "status", "mode", "metrics", "demo", "help" };
	static const struct {
		const char *wanted, *is;
	} rows[] = {
		{ "stat", "status" },	 { "mod", "mode" },  { "dmeo", "demo" },
		{ "metric", "metrics" }, { "HELP", "help" }, { "mo", "mode" },
		{ "xyzzy", NULL },	 { "", NULL },	     { "x", NULL },
		{ "xy", NULL },
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nearest n = nearest_to(rows[i].wanted);

		for (j = 0; j < 5; j++)
			nearest_offer(&n, names[j]);
		ck_assert_msg(rows[i].is ? n.name && !strcmp(n.name, rows[i].is) : !n.name,
			      "\"%s\": %s", rows[i].wanted, n.name ?: "(none)");
	}
}
END_TEST

/* ---- the command --------------------------------------------------------------------------- */

static void make_path(const char *root, const char *path)
{
	char part[256], *slash;

	snprintf(part, sizeof(part), "%s%s", root, path);
	for (slash = part + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(part, 0755);
		*slash = '/';
	}
	ck_assert_int_eq(mkdir(part, 0755), 0);
}

static void remove_all(const char *root)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r -- '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

/* systemctl only where systemd runs and knows the unit. */
START_TEST(hint_of_a_machine)
{
	char root[] = "/tmp/synguard-hint-XXXXXX", hint[128];

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_str_eq(start_hint(root, "/run/synguard", hint, sizeof(hint)), "synguardd");
	make_path(root, "/usr/lib/systemd/system/synguard.service");
	ck_assert_str_eq(start_hint(root, "/run/synguard", hint, sizeof(hint)), "synguardd");
	make_path(root, "/run/systemd/system");
	ck_assert_str_eq(start_hint(root, "/run/synguard", hint, sizeof(hint)),
			 "systemctl start synguard");
	ck_assert_str_eq(start_hint(root, "/run/other", hint, sizeof(hint)),
			 "synguardd --runtime-dir /run/other");
	remove_all(root);

	strcpy(root, "/tmp/synguard-hint-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	make_path(root, "/run/systemd/system");
	ck_assert_str_eq(start_hint(root, "/run/synguard", hint, sizeof(hint)), "synguardd");
	remove_all(root);
}
END_TEST

/* ---- /proc/net/netstat --------------------------------------------------------------------- */

static void netstat(struct kernel_view *view, const char *text)
{
	char path[] = "/tmp/synguard-netstat-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	*view = (struct kernel_view){};
	kernel_view_netstat(view, path);
	unlink(path);
}

START_TEST(netstat_by_name)
{
	struct kernel_view view;
	int i, known = 0;

	netstat(&view, "TcpExt: ListenDrops Other SyncookiesSent\n"
		       "TcpExt: 18446744073709551615 5 7\n"
		       "IpExt: SyncookiesSent ListenOverflows\n"
		       "IpExt: 8 9\n");
	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++)
		known += view.counted[i];
	ck_assert_int_eq(known, 2);
	ck_assert_uint_eq(view.counters[KERNEL_VIEW_LISTEN_DROPS], UINT64_MAX);
	ck_assert_uint_eq(view.counters[KERNEL_VIEW_COOKIES_SENT], 7);
}
END_TEST

/* Cut, odd, empty, absent: what is not there is not known. */
START_TEST(netstat_broken)
{
	static const char *const texts[] = {
		"",
		"\n",
		"TcpExt: SyncookiesSent",
		"TcpExt: SyncookiesSent\n",
		"TcpExt: SyncookiesSent\nTcpExt:\n",
		"TcpExt: SyncookiesSent\nIpExt: 1\n",
		"\n\n\n",
	};
	struct kernel_view view = {};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		netstat(&view, texts[i]);
		ck_assert_msg(!view.counted[KERNEL_VIEW_COOKIES_SENT], "\"%s\"", texts[i]);
	}
	kernel_view_netstat(&view, "/nonexistent");
	ck_assert(!view.counted[KERNEL_VIEW_COOKIES_SENT]);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(nearest_distances, 5),
	SUITE_TEST(nearest_names, 5),
	SUITE_TEST(hint_of_a_machine, 10),
	SUITE_TEST(netstat_by_name, 5),
	SUITE_TEST(netstat_broken, 5),
	{}
};
/* clang-format on */
