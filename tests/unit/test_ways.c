/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of ways, made of rules and routes: which way a client gets, and how few entries say it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ways/table.h"
#include "suite.h"

enum {
	LO = 1,
	ETH0,
	ETH1,
	BOND,
	SLAVE0,
	SLAVE1,
	VLAN,
	TUN,
	VRF,
	VRF_PORT,
};

enum { MAIN = 254, OTHER = 100, THIRD = 101 };

/* clang-format off */
static const struct ways_iface ifaces[] = {
	{ .ifindex = LO, .mtu = 65536 },
	{ .ifindex = ETH0, .mtu = 1500, .ethernet = true },
	{ .ifindex = ETH1, .mtu = 9000, .ethernet = true, .strict = true },
	{ .ifindex = BOND, .mtu = 1500, .ethernet = true },
	{ .ifindex = SLAVE0, .mtu = 1500, .ethernet = true, .above = BOND },
	{ .ifindex = SLAVE1, .mtu = 1500, .ethernet = true, .above = BOND },
	{ .ifindex = VLAN, .mtu = 1400, .ethernet = true, .below = BOND },
	{ .ifindex = TUN, .mtu = 1420 },
	{ .ifindex = VRF, .mtu = 65536, .ethernet = true, .vrf = true },
	{ .ifindex = VRF_PORT, .mtu = 1500, .ethernet = true, .above = VRF },
};
/* clang-format on */

struct world {
	struct ways_iface ifaces[10];
	size_t iface_count;
	struct routes routes;
	struct ways_table table;
};

static struct addr_prefix prefix(const char *text)
{
	struct addr_prefix p;

	ck_assert_int_eq(addr_prefix_parse(&p, text), 0);
	return p;
}

static void rule(struct world *w, uint32_t priority, const char *from, const char *to,
		 uint32_t table)
{
	struct rule r = { .priority = priority,
			  .table = table,
			  .from = prefix(from),
			  .to = prefix(to),
			  .suppressed_bits = -1 };

	r.v6 = !addr_prefix_is_v4(&r.to);
	ck_assert_int_eq(routes_add_rule(&w->routes, &r), 0);
}

static struct rule *last_rule(struct world *w)
{
	return &w->routes.rules[w->routes.rule_count - 1];
}

static void begin(struct world *w)
{
	*w = (struct world){ .iface_count = 10 };
	memcpy(w->ifaces, ifaces, sizeof(ifaces));
}

/* With the rules that every host has. */
static void begin_plain(struct world *w)
{
	begin(w);
	rule(w, 32766, "0.0.0.0/0", "0.0.0.0/0", MAIN);
	rule(w, 32766, "::/0", "::/0", MAIN);
}

static void add(struct world *w, uint32_t table, const char *to, uint32_t priority,
		const struct route_terms *terms)
{
	struct route_terms t;
	int index;

	memset(&t, 0, sizeof(t));
	t.kind = terms->kind;
	memcpy(t.hops, terms->hops, sizeof(t.hops));
	t.hop_count = terms->hop_count;
	t.mtu = terms->mtu;
	t.advmss = terms->advmss;
	t.window = terms->window;
	t.initrwnd = terms->initrwnd;
	t.hop_limit = terms->hop_limit;
	t.mtu_locked = terms->mtu_locked;
	t.gateway = terms->gateway;
	index = routes_terms(&w->routes, &t);
	ck_assert_int_ge(index, 0);
	ck_assert_int_eq(
		routes_add(&w->routes, &(struct route){ prefix(to), table, priority, index }), 0);
}

#define ROUTE(w, table, to, ...) add(w, table, to, 0, &(const struct route_terms){ __VA_ARGS__ })
#define BY(ifindex)		 .hops = { ifindex }, .hop_count = 1

static void calculate(struct world *w)
{
	ck_assert_int_eq(ways_calculate(&w->routes, w->ifaces, w->iface_count, &w->table), 0);
}

static void end(struct world *w)
{
	ways_table_done(&w->table);
	routes_done(&w->routes);
}

static uint8_t group(const struct world *w, uint32_t ifindex)
{
	return w->ifaces[ifindex - 1].group;
}

/* As the programs look up: the class of the local address, and then the longest prefix. */
static struct sg_way way_from(const struct world *w, const char *client, const char *local)
{
	struct addr_prefix to = prefix(client), from = prefix(local);
	const struct ways_table *t = &w->table;
	struct sg_way best = { .groups = UINT64_MAX, .ifindex = UINT32_MAX };
	uint32_t class = 0, bits = 0;
	size_t i;

	for (i = 0; i < t->class_count; i++) {
		struct addr_prefix p = { .bits = t->classes[i].key.prefix_bits };

		memcpy(&p.addr, t->classes[i].key.addr, sizeof(p.addr));
		if (p.bits >= bits && addr_prefix_contains(&p, &from.addr)) {
			class = t->classes[i].class;
			bits = p.bits;
		}
	}
	for (i = 0, bits = 0; i < t->count; i++) {
		struct addr_prefix p = { .bits = t->entries[i].key.prefix_bits -
						 SG_WAY_CLASS_BITS };

		memcpy(&p.addr, t->entries[i].key.addr, sizeof(p.addr));
		if (t->entries[i].key.class == class && p.bits >= bits &&
		    addr_prefix_contains(&p, &to.addr)) {
			best = t->entries[i].way;
			bits = p.bits;
		}
	}
	return best;
}

#define way(w, client) way_from(w, client, "203.0.113.1")

static void leads(struct world *w, const char *client, uint32_t ifindex)
{
	ck_assert_msg(way(w, client).groups == (ifindex ? 1ULL << group(w, ifindex) : 0),
		      "%s is not led back by %u", client, ifindex);
}

START_TEST(ways_of_a_plain_host)
{
	struct world w;

	begin_plain(&w);
	w.iface_count = 2;
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0), .gateway = true);
	ROUTE(&w, MAIN, "192.0.2.0/24", BY(ETH0));
	ROUTE(&w, MAIN, "::/0", BY(ETH0), .gateway = true);
	ROUTE(&w, MAIN, "fe80::/64", BY(ETH0));
	calculate(&w);
	ck_assert_uint_eq(w.table.flags, 0);
	ck_assert_uint_eq(w.table.count, 2);
	end(&w);
	/* another interface, by which nothing leads */
	begin_plain(&w);
	w.iface_count = 3;
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0), .gateway = true);
	calculate(&w);
	ck_assert_uint_eq(w.table.flags, SG_WAYS_DIFFER(4) | SG_WAYS_DIFFER(6));
	leads(&w, "198.51.100.1", ETH0);
	leads(&w, "2001:db8::1", 0);
	/* of the link itself */
	ck_assert_uint_eq(way(&w, "fe80::1").groups, UINT64_MAX);
	end(&w);
}
END_TEST

/* A full table with one next hop is as large as an empty one. */
START_TEST(ways_compressed)
{
	struct world w;
	char text[64];
	int i;

	begin_plain(&w);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0));
	ROUTE(&w, MAIN, "10.0.0.0/8", BY(ETH1));
	for (i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "%d.%d.%d.0/24", 20 + i % 100, i / 100 % 256,
			 i / 25600);
		ROUTE(&w, MAIN, text, BY(ETH0));
		snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 256, i % 256);
		ROUTE(&w, MAIN, text, BY(ETH1));
	}
	ROUTE(&w, MAIN, "10.1.1.128/25", BY(ETH0));
	calculate(&w);
	ck_assert_uint_eq(w.table.left_out, 0);
	/* those of IPv6 are "none" and fe80::/10 */
	ck_assert_uint_eq(w.table.count, 3 + 2);
	leads(&w, "10.1.1.5", ETH1);
	leads(&w, "10.1.1.200", ETH0);
	leads(&w, "20.1.0.1", ETH0);
	end(&w);
}
END_TEST

/* What has no room is answered by whichever interface it came in by. */
START_TEST(ways_left_out)
{
	struct world w;
	char text[64];
	int i;

	begin_plain(&w);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0));
	ROUTE(&w, MAIN, "11.0.0.0/8", BY(ETH1));
	for (i = 0; i < SG_WAYS_MAX; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 256, i % 256);
		ROUTE(&w, MAIN, text, BY(ETH1));
	}
	calculate(&w);
	ck_assert_uint_le(w.table.count, SG_WAYS_MAX);
	ck_assert_uint_gt(w.table.left_out, 0);
	ck_assert_uint_eq(way(&w, "10.1.1.1").groups, UINT64_MAX);
	leads(&w, "11.1.1.1", ETH1);
	end(&w);
}
END_TEST

START_TEST(ways_longest_and_best)
{
	struct world w;

	begin_plain(&w);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0));
	add(&w, MAIN, "192.0.2.0/24", 20, &(const struct route_terms){ BY(ETH0) });
	add(&w, MAIN, "192.0.2.0/24", 10, &(const struct route_terms){ BY(ETH1) });
	ROUTE(&w, MAIN, "192.0.2.128/25", .kind = ROUTE_NONE);
	ROUTE(&w, MAIN, "192.0.2.129/32", BY(TUN));
	ROUTE(&w, MAIN, "198.51.100.0/24", .hops = { ETH0, ETH1 }, .hop_count = 2);
	/* of one priority: either */
	ROUTE(&w, MAIN, "203.0.113.0/24", BY(ETH0));
	ROUTE(&w, MAIN, "203.0.113.0/24", BY(ETH1));
	calculate(&w);
	leads(&w, "192.0.2.1", ETH1);
	ck_assert_uint_eq(way(&w, "192.0.2.1").ifindex, ETH1);
	leads(&w, "192.0.2.130", 0);
	leads(&w, "192.0.2.129", TUN);
	ck_assert_uint_eq(way(&w, "192.0.2.129").ifindex, 0); /* no Ethernet */
	ck_assert_uint_eq(way(&w, "198.51.100.1").groups,
			  1 << group(&w, ETH0) | 1 << group(&w, ETH1));
	ck_assert_uint_eq(way(&w, "203.0.113.1").groups,
			  1 << group(&w, ETH0) | 1 << group(&w, ETH1));
	end(&w);
}
END_TEST

START_TEST(ways_of_rules)
{
	struct world w;

	begin(&w);
	rule(&w, 10, "0.0.0.0/0", "192.0.2.0/24", OTHER);
	rule(&w, 20, "0.0.0.0/0", "198.51.100.0/24", 0);
	last_rule(&w)->action = RULE_NONE;
	rule(&w, 30, "0.0.0.0/0", "0.0.0.0/0", THIRD);
	last_rule(&w)->of_others = last_rule(&w)->of_some = true;
	rule(&w, 40, "0.0.0.0/0", "0.0.0.0/0", MAIN);
	last_rule(&w)->suppressed_bits = 96; /* as wg-quick has it */
	rule(&w, 45, "0.0.0.0/0", "100.64.0.0/10", 0);
	last_rule(&w)->action = RULE_GOTO;
	last_rule(&w)->target = 60;
	rule(&w, 50, "0.0.0.0/0", "0.0.0.0/0", OTHER);
	rule(&w, 60, "0.0.0.0/0", "0.0.0.0/0", MAIN);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0));
	ROUTE(&w, MAIN, "203.0.113.0/24", BY(ETH0));
	ROUTE(&w, OTHER, "0.0.0.0/0", BY(ETH1));
	ROUTE(&w, OTHER, "192.0.2.128/25", .kind = ROUTE_THROW);
	ROUTE(&w, THIRD, "0.0.0.0/0", BY(TUN));
	calculate(&w);
	ck_assert(w.table.flags & SG_WAYS_BY_OTHERS(4));
	leads(&w, "192.0.2.1", ETH1);
	/* thrown on to the rule of the main table, whose default is suppressed, and thrown again */
	leads(&w, "192.0.2.200", ETH0);
	leads(&w, "198.51.100.1", 0);
	leads(&w, "203.0.113.1", ETH0);
	leads(&w, "100.64.1.1", ETH0);
	leads(&w, "8.8.8.8", ETH1);
	end(&w);
}
END_TEST

/* Source-based routing, the way of most hosts with two providers. */
START_TEST(ways_by_source)
{
	struct world w;

	begin(&w);
	rule(&w, 10, "192.0.2.1/32", "0.0.0.0/0", OTHER);
	rule(&w, 20, "192.0.2.0/24", "0.0.0.0/0", THIRD);
	rule(&w, 25, "198.51.100.0/24", "0.0.0.0/0", OTHER);
	last_rule(&w)->inverted = true;
	rule(&w, 30, "0.0.0.0/0", "0.0.0.0/0", MAIN);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(ETH0));
	ROUTE(&w, OTHER, "0.0.0.0/0", BY(ETH1));
	ROUTE(&w, THIRD, "8.0.0.0/8", BY(TUN));
	calculate(&w);
	ck_assert_uint_eq(w.table.flags, SG_WAYS_DIFFER(4) | SG_WAYS_DIFFER(6) | SG_WAYS_BY_SOURCE);
	ck_assert_uint_eq(way_from(&w, "8.8.8.8", "192.0.2.1").groups, 1 << group(&w, ETH1));
	ck_assert_uint_eq(way_from(&w, "8.8.8.8", "192.0.2.2").groups, 1 << group(&w, TUN));
	ck_assert_uint_eq(way_from(&w, "9.9.9.9", "192.0.2.2").groups, 1 << group(&w, ETH1));
	ck_assert_uint_eq(way_from(&w, "9.9.9.9", "198.51.100.1").groups, 1 << group(&w, ETH0));
	ck_assert_uint_eq(way_from(&w, "9.9.9.9", "203.0.113.1").groups, 1 << group(&w, ETH1));
	end(&w);
}
END_TEST

/* dst_metric_advmss() */
START_TEST(ways_metrics)
{
	struct world w;

	begin_plain(&w);
	ROUTE(&w, MAIN, "10.1.0.0/16", BY(ETH0), .mtu = 1280);
	ROUTE(&w, MAIN, "10.2.0.0/16", BY(ETH0), .mtu = 1280, .mtu_locked = true);
	ROUTE(&w, MAIN, "10.3.0.0/16", BY(ETH0), .mtu_locked = true, .gateway = true);
	ROUTE(&w, MAIN, "10.4.0.0/16", BY(ETH0), .mtu = 1280, .advmss = 1000);
	ROUTE(&w, MAIN, "10.5.0.0/16", BY(ETH0), .mtu = 100);
	ROUTE(&w, MAIN, "10.6.0.0/16", BY(ETH0), .window = 70000, .initrwnd = 10, .hop_limit = 9);
	ROUTE(&w, MAIN, "10.7.0.0/16", BY(ETH0));
	ROUTE(&w, MAIN, "10.8.0.0/16", BY(VLAN));
	ROUTE(&w, MAIN, "2001:db8::/32", BY(ETH0), .mtu = 1300);
	ROUTE(&w, MAIN, "2001:db9::/32", BY(ETH0), .mtu = 1270);
	calculate(&w);
	ck_assert_uint_eq(way(&w, "10.1.0.1").mss, 1240);
	ck_assert_uint_eq(way(&w, "10.2.0.1").mss, 1240);
	ck_assert_uint_eq(way(&w, "10.3.0.1").mss, 536);
	ck_assert_uint_eq(way(&w, "10.4.0.1").mss, 1000);
	ck_assert_uint_eq(way(&w, "10.5.0.1").mss, 256);
	ck_assert_uint_eq(way(&w, "10.6.0.1").mss, 0);
	ck_assert_uint_eq(way(&w, "10.6.0.1").window, 70000);
	ck_assert_uint_eq(way(&w, "10.6.0.1").initrwnd, 10);
	ck_assert_uint_eq(way(&w, "10.6.0.1").hop_limit, 9);
	ck_assert_uint_eq(way(&w, "10.7.0.1").mss, 0);
	ck_assert_uint_eq(way(&w, "10.8.0.1").mss, 1360);
	ck_assert_uint_eq(way(&w, "2001:db8::1").mss, 1240);
	ck_assert_uint_eq(way(&w, "2001:db9::1").mss, 1220);
	end(&w);
}
END_TEST

static const struct sg_way_iface *told(const struct world *w, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < w->table.iface_count; i++)
		if (w->table.ifaces[i].ifindex == ifindex)
			return &w->table.ifaces[i].iface;
	return NULL;
}

/* Devices above each other are one; what leads out of them is not sent past them. */
START_TEST(ways_of_stacked_devices)
{
	struct world w;

	begin_plain(&w);
	ROUTE(&w, MAIN, "0.0.0.0/0", BY(VLAN));
	ROUTE(&w, MAIN, "10.0.0.0/8", BY(ETH0));
	calculate(&w);
	leads(&w, "8.8.8.8", SLAVE0);
	ck_assert_uint_eq(group(&w, SLAVE0), group(&w, VLAN));
	ck_assert_uint_eq(group(&w, SLAVE1), group(&w, BOND));
	ck_assert_uint_ne(group(&w, SLAVE0), group(&w, ETH0));
	ck_assert_uint_eq(way(&w, "8.8.8.8").ifindex, 0);
	ck_assert_uint_eq(way(&w, "10.0.0.1").ifindex, ETH0);
	ck_assert_ptr_nonnull(told(&w, SLAVE0));
	ck_assert(told(&w, ETH1)->strict && !told(&w, ETH0)->strict);
	/* by the bond, past its members */
	ck_assert_uint_eq(told(&w, ETH0)->top, ETH0);
	ck_assert_uint_eq(told(&w, SLAVE0)->top, BOND);
	/* with ways of its own, and without Ethernet */
	ck_assert_ptr_null(told(&w, VRF_PORT));
	ck_assert_ptr_null(told(&w, TUN));
	ck_assert_ptr_null(told(&w, LO));
	end(&w);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(ways_of_a_plain_host, 20),
	SUITE_TEST(ways_compressed, 20),
	SUITE_TEST(ways_left_out, 20),
	SUITE_TEST(ways_longest_and_best, 20),
	SUITE_TEST(ways_of_rules, 20),
	SUITE_TEST(ways_by_source, 20),
	SUITE_TEST(ways_metrics, 20),
	SUITE_TEST(ways_of_stacked_devices, 20),
	{}
};
/* clang-format on */
