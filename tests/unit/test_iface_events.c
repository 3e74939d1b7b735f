/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * News of interfaces: what flaps is heard of once in ten seconds, and what was told last is true.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/ifaces/iface_events.h"
#include "suite.h"

#define SECOND_NS 1000000000ULL

static struct {
	int count;
	enum iface_event what;
	char ifname[64], attach[16], reason[256];
} heard;

static void hear(void *userdata, enum iface_event what, const char *ifname, const char *attach,
		 const char *reason)
{
	heard.count++;
	heard.what = what;
	snprintf(heard.ifname, sizeof(heard.ifname), "%s", ifname);
	snprintf(heard.attach, sizeof(heard.attach), "%s", attach);
	snprintf(heard.reason, sizeof(heard.reason), "%s", reason);
}

static const struct ifaces_handler handler = { hear, NULL };

/* It comes and goes five times a second for two minutes, then it is gone. */
START_TEST(news_of_flapping)
{
	struct iface_events *d = iface_events_new(&handler);
	uint64_t now_ns = 1000 * SECOND_NS;
	int i, before;

	heard.count = 0;
	for (i = 0; i < 120 * 10; i++, now_ns += SECOND_NS / 10) {
		iface_events_report(d, now_ns, i % 2 ? IFACES_WENT : IFACES_CAME, "eth0", "none",
				    "");
		if (i % 10 == 0)
			iface_events_tick(d, now_ns);
	}
	ck_assert_int_le(heard.count, 6 + 12);
	ck_assert_int_ge(heard.count, 6 + 11);
	ck_assert_ptr_nonnull(strstr(heard.reason, "changes before that were not reported"));
	before = heard.count;
	for (i = 0; i < 30; i++, now_ns += SECOND_NS)
		iface_events_tick(d, now_ns);
	ck_assert_int_eq(heard.count, before + 1);
	ck_assert_int_eq(heard.what, IFACES_WENT);
	ck_assert_str_eq(heard.ifname, "eth0");

	/* quiet again: told at once */
	iface_events_report(d, now_ns, IFACES_ATTACHED, "eth0", "native", "why");
	ck_assert_int_eq(heard.count, before + 2);
	ck_assert_str_eq(heard.attach, "native");
	ck_assert_str_eq(heard.reason, "why");
	iface_events_free(d);
}
END_TEST

/* What happens once in a while is told each time, however long it goes on. */
START_TEST(news_now_and_then)
{
	struct iface_events *d = iface_events_new(&handler);
	uint64_t now_ns = SECOND_NS;
	int i;

	heard.count = 0;
	for (i = 0; i < 100; i++, now_ns += 3 * SECOND_NS) {
		iface_events_report(d, now_ns, IFACES_ATTACHED, "eth0", "tcx", "reason");
		iface_events_tick(d, now_ns);
		ck_assert_int_eq(heard.count, i + 1);
		ck_assert_str_eq(heard.reason, "reason");
	}
	iface_events_free(d);
}
END_TEST

/* One that flaps does not silence another one. */
START_TEST(news_of_another)
{
	struct iface_events *d = iface_events_new(&handler);
	int i;

	for (i = 0; i < 100; i++)
		iface_events_report(d, SECOND_NS, IFACES_CAME, "eth0", "none", "");
	heard.count = 0;
	iface_events_report(d, SECOND_NS, IFACES_REFUSED, "eth1", "none", "");
	ck_assert_int_eq(heard.count, 1);
	ck_assert_int_eq(heard.what, IFACES_REFUSED);
	iface_events_free(d);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(news_of_flapping, 10),
	SUITE_TEST(news_now_and_then, 10),
	SUITE_TEST(news_of_another, 10),
	{}
};
/* clang-format on */
