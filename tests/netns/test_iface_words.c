/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports without the daemon round them: other words from the admin (a reload), a rename, and the
 * news of it all. The test itself attaches, in the server's host.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "daemon/dataplane/dataplane.h"
#include "daemon/ifaces/ifaces.h"
#include "stage.h"
#include "suite.h"
#include "truth.h"

struct bench {
	struct stage stage;
	sd_event *event;
	struct dataplane *dp; /* NULL: engine kernel */
	struct rtnl *links;
	struct ifaces *ports;
	size_t links_before; /* of the sink */
	char news[1024];     /* "attached rnd1, " for each */
};

static void bench_news(void *userdata, enum iface_event what, const char *ifname,
		       const char *attach, const char *reason)
{
	static const char *const marks[IFACES_EVENT_COUNT] = {
		[IFACES_CAME] = "came ",	 [IFACES_WENT] = "went ",
		[IFACES_ATTACHED] = "attached ", [IFACES_DETACHED] = "detached ",
		[IFACES_REFUSED] = "refused ",	 [IFACES_MISSING] = "missing ",
	};
	struct bench *b = userdata;
	size_t used = strlen(b->news);

	snprintf(b->news + used, sizeof(b->news) - used, "%s%s, ", marks[what], ifname);
}

static void bench_address(void *userdata, const struct sg_addr *addr, bool here)
{
}

static void bench_changed(void *userdata)
{
	struct bench *b = userdata;

	if (b->links)
		ifaces_reconcile(b->ports, b->links, ATTACH_MODE_AUTO);
}

static void bench_link(struct bench *b, const char *ifname)
{
	ok(lab_link_add(b->stage.lab, &(struct lab_end){ .host = LAB_SERVER, .ifname = ifname },
			&(struct lab_end){ .host = LAB_CLIENT, .ifname = ifname }),
	   ifname);
}

static void bench_raise(struct bench *b, const char *const *words, size_t count, bool engine)
{
	const struct rtnl_handler links = { bench_address, bench_changed, b };
	const struct ifaces_handler ports = { bench_news, b };
	struct complaint c = {};

	memset(b, 0, sizeof(*b));
	stage_raise(&b->stage, NULL);
	bench_link(b, "rnd1");
	bench_link(b, "rnd2");
	bench_link(b, "odd1");
	b->links_before = truth_links(getpid());
	ok(lab_enter(b->stage.lab, LAB_SERVER), "entering the host");
	ok(sd_event_new(&b->event), "a loop");
	if (engine)
		ok(dataplane_new(&b->dp, SG_EPOCH_SHIFT, NULL, &c), c.text);
	ok(ifaces_new(&b->ports, b->event, b->dp, words, count, &ports), "ports");
	ok(rtnl_new(&b->links, b->event, &links), "links");
	bench_changed(b);
	ifaces_settle(b->ports, 5000000);
}

static void bench_strike(struct bench *b)
{
	ifaces_free(b->ports);
	rtnl_free(b->links);
	dataplane_free(b->dp);
	sd_event_unref(b->event);
	ck_assert_uint_eq(truth_links(getpid()), b->links_before);
	stage_strike(&b->stage);
}

/* The loop, with ticks that come often, until what was left has also lost its grace of a second. */
static void bench_run(struct bench *b)
{
	struct timespec now;
	int i;

	for (i = 0; i < 13; i++) {
		while (sd_event_run(b->event, 100000) > 0)
			ifaces_settle(b->ports, 5000000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		ifaces_tick(b->ports, now.tv_sec * 1000000000ULL + now.tv_nsec);
	}
}

static void bench_words(struct bench *b, const char *const *words, size_t count)
{
	b->news[0] = 0;
	ok(ifaces_set_names(b->ports, words, count), "other words");
	bench_changed(b);
	bench_run(b);
}

static void expect_ports(struct bench *b, const char *expected)
{
	struct report_interface *rows;
	char found[256] = "";
	size_t count, i;

	ok(ifaces_report(b->ports, &rows, &count), "a report");
	for (i = 0; i < count; i++) {
		strcat(strcat(found, rows[i].name), " ");
		ck_assert_str_eq(rows[i].attach, b->dp ? "native" : "none");
	}
	ck_assert_str_eq(found, expected);
	ck_assert_uint_eq(truth_links(getpid()), b->links_before + (b->dp ? 3 * count : 0));
	free(rows);
}

#define WORDS(...)                                                                                 \
	(const char *const[]){ __VA_ARGS__ }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *)

START_TEST(ports_other_words)
{
	struct stage *s;
	struct bench b;
	int stays;
	__u32 link;

	bench_raise(&b, WORDS("lab0", "rnd*"), true);
	s = &b.stage;
	expect_ports(&b, "lab0 rnd1 rnd2 ");
	ck_assert_str_eq(b.news, "attached lab0, attached rnd1, attached rnd2, ");
	stays = lab_ifindex(s->lab, LAB_SERVER, "rnd1");
	link = truth_xdp_link(getpid(), stays);
	ck_assert_uint_ne(link, 0);

	bench_words(&b, WORDS("rnd*", "odd1", "!rnd2"));
	expect_ports(&b, "rnd1 odd1 ");
	ck_assert_ptr_nonnull(strstr(b.news, "detached lab0, detached") ?:
				      strstr(b.news, "detached rnd2, detached lab0"));
	ck_assert_ptr_nonnull(strstr(b.news, "attached odd1"));
	ck_assert_uint_eq(truth_xdp_link(getpid(), stays), link); /* not attached again */

	/* down: not up, but still meant */
	ok(lab_link_set_up(s->lab, LAB_SERVER, "rnd1", false), "down");
	bench_run(&b);
	bench_words(&b, WORDS("rnd1"));
	expect_ports(&b, "rnd1 ");
	ck_assert_uint_eq(truth_xdp_link(getpid(), stays), link);

	/* a rename is followed, until there are other words */
	b.news[0] = 0;
	ok(lab_link_rename(s->lab, LAB_SERVER, "rnd1", "new1"), "renaming");
	bench_run(&b);
	expect_ports(&b, "new1 ");
	ck_assert_str_eq(b.news, "");
	ck_assert_uint_eq(truth_xdp_link(getpid(), stays), link);
	bench_words(&b, WORDS("rnd1", "eth9"));
	expect_ports(&b, "");
	ifaces_warn(b.ports, b.links);
	ck_assert_str_eq(b.news, "detached new1, missing rnd1, missing eth9, ");

	b.news[0] = 0;
	bench_link(&b, "eth9");
	bench_run(&b);
	ck_assert_str_eq(b.news, "came eth9, attached eth9, ");
	ok(lab_link_del(s->lab, LAB_SERVER, "eth9"), "deleting");
	bench_run(&b);
	ck_assert_str_eq(b.news, "came eth9, attached eth9, went eth9, ");
	expect_ports(&b, "");
	bench_strike(&b);
}
END_TEST

/* Words that change while what the old ones asked for is still under way. */
START_TEST(ports_hasty_words)
{
	struct bench b;
	int i;

	bench_raise(&b, WORDS("lab0"), true);
	for (i = 0; i < 20; i++) {
		ok(ifaces_set_names(b.ports, WORDS("rnd*", "odd1")), "words");
		bench_changed(&b);
		if (i % 3 == 0)
			sd_event_run(b.event, 5000);
		ok(ifaces_set_names(b.ports, WORDS("lab0", "rnd1")), "words");
		bench_changed(&b);
		if (i % 4 == 0)
			sd_event_run(b.event, 20000);
	}
	bench_run(&b);
	expect_ports(&b, "lab0 rnd1 ");
	bench_strike(&b);
}
END_TEST

/* Freed in the midst of it: nothing stays, nothing is used after. */
START_TEST(ports_freed_early)
{
	struct bench b;

	bench_raise(&b, WORDS("lab0"), true);
	ok(ifaces_set_names(b.ports, WORDS("*")), "words");
	bench_changed(&b);
	usleep(_i * 3000);
	bench_strike(&b);
}
END_TEST

/* Engine "kernel": known, not attached to. */
START_TEST(ports_without_programs)
{
	struct bench b;

	bench_raise(&b, WORDS("lab0", "rnd*"), false);
	expect_ports(&b, "lab0 rnd1 rnd2 ");
	bench_words(&b, WORDS("odd1"));
	expect_ports(&b, "odd1 ");
	ok(lab_link_del(b.stage.lab, LAB_SERVER, "odd1"), "deleting");
	bench_run(&b);
	expect_ports(&b, "");
	bench_strike(&b);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(ports_other_words, 60),
	SUITE_TEST(ports_hasty_words, 60),
	SUITE_LOOP(ports_freed_early, 12, 60),
	SUITE_TEST(ports_without_programs, 60),
	{}
};
/* clang-format on */
