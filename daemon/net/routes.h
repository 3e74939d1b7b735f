/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules and the unicast routes of this network namespace, of IPv4 and IPv6, over rtnetlink.
 *
 * Taken as a whole: a host with a full BGP table has a million routes and some dozens of next hops,
 * so what a route says beside its prefix is kept once. May be read in any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/addr.h"

/* Of multipath; what is beyond is left out. */
#define ROUTES_HOPS_MAX 16

enum route_kind {
	ROUTE_LEADS, /* to the next hops */
	ROUTE_NONE,  /* blackhole, unreachable, prohibit, or what is no destination for unicast */
	ROUTE_THROW, /* to the next rule */
};

/* All 0 behind what is used, so that two are compared as bytes. */
struct route_terms {
	enum route_kind kind;
	uint32_t hops[ROUTES_HOPS_MAX]; /* interface indexes */
	uint32_t hop_count;
	uint32_t mtu, advmss, window, initrwnd, hop_limit; /* metrics; 0: unset */
	bool mtu_locked;
	bool gateway;
};

struct route {
	struct addr_prefix to; /* of IPv4 with the 96 bits in front */
	uint32_t table;
	uint32_t priority;
	uint32_t terms; /* index */
};

enum rule_action {
	RULE_TABLE,
	RULE_GOTO,
	RULE_NONE, /* blackhole, unreachable, prohibit */
	RULE_NOP,
};

struct rule {
	bool v6;
	uint32_t priority;
	enum rule_action action;
	uint32_t table;	 /* of RULE_TABLE */
	uint32_t target; /* priority, of RULE_GOTO */
	struct addr_prefix from, to;
	bool inverted;
	/* it asks for what a SYN-ACK of an ordinary socket is not: a mark, an interface, a port ... */
	bool of_others;
	bool of_some; /* a mark, port, user or TOS, which the answers of some listener may have */
	int suppressed_bits; /* routes of so many bits at most do not count; -1: all do */
};

struct routes {
	struct route *routes;
	size_t count;
	struct route_terms *terms;
	size_t terms_count;
	struct rule *rules; /* in the order in which they are asked, those of IPv4 first */
	size_t rule_count;
	size_t room;	  /* for routes */
	bool interrupted; /* a change overtook the dump, so something may be missing */
};

/* The caller owns *ret: routes_done(). -errno. */
int routes_read(struct routes *ret);
void routes_done(struct routes *r);

/*
 * A socket that becomes readable when rules, routes, nexthop objects, interfaces or rp_filter have
 * changed; the caller's. -errno.
 */
int routes_monitor(void);

/* Index of these terms, which are entered where they are new. -ENOMEM. For routes_read() and tests. */
int routes_terms(struct routes *r, const struct route_terms *terms);
/* Enters a route. -ENOMEM. */
int routes_add(struct routes *r, const struct route *route);
/* Enters a rule behind those that are there. -ENOMEM. */
int routes_add_rule(struct routes *r, const struct rule *rule);
