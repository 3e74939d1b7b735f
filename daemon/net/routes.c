/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/routes.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "synguard/cleanup.h"

#include "daemon/net/netlink.h"

struct routes_nexthop {
	uint32_t id;
	uint32_t ifindex; /* 0: a group or a blackhole */
	bool gateway, blackhole;
	uint32_t members[ROUTES_HOPS_MAX]; /* ids, of a group */
	uint32_t member_count;
};

struct routes_reading {
	struct routes *ret;
	struct routes_nexthop *nexthops;
	size_t nexthop_count;
};

void routes_done(struct routes *r)
{
	free(r->routes);
	free(r->terms);
	free(r->rules);
	*r = (struct routes){};
}

int routes_terms(struct routes *r, const struct route_terms *terms)
{
	struct route_terms *grown;
	size_t i;

	/* the last ones first: a table comes with long runs of the same */
	for (i = r->terms_count; i > 0; i--)
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): all bytes are written */
		if (!memcmp(&r->terms[i - 1], terms, sizeof(*terms)))
			return i - 1;
	grown = realloc(r->terms, (r->terms_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->terms = grown;
	memcpy(&grown[r->terms_count], terms, sizeof(*terms));
	return r->terms_count++;
}

int routes_add(struct routes *r, const struct route *route)
{
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct route *grown = realloc(r->routes, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		r->routes = grown;
		r->room = room;
	}
	r->routes[r->count++] = *route;
	return 0;
}

int routes_add_rule(struct routes *r, const struct rule *rule)
{
	struct rule *grown = realloc(r->rules, (r->rule_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	r->rules = grown;
	grown[r->rule_count++] = *rule;
	return 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

#define ROUTES_ATTRS_MAX 64

/* By their type; what is beyond is left out. */
struct routes_attrs {
	const struct nlattr *of[ROUTES_ATTRS_MAX];
};

static void routes_attr(struct routes_attrs *a, const struct nlattr *attr)
{
	if (mnl_attr_get_type(attr) < ROUTES_ATTRS_MAX)
		a->of[mnl_attr_get_type(attr)] = attr;
}

static uint32_t routes_u32(const struct routes_attrs *a, unsigned int type)
{
	const struct nlattr *attr = a->of[type];

	return attr && mnl_attr_get_payload_len(attr) >= 4 ? mnl_attr_get_u32(attr) : 0;
}

/* Where there is no address, it is all of the family. False: neither IPv4 nor IPv6. */
static bool routes_prefix(uint8_t family, const struct nlattr *attr, uint8_t bits,
			  struct addr_prefix *ret)
{
	size_t length = family == AF_INET ? 4 : 16;

	*ret = (struct addr_prefix){};
	if (family == AF_INET) {
		*ret = (struct addr_prefix){ addr_from_v4(0), ADDR_MAPPED_BITS };
		bits = bits > 32 ? 32 : bits;
	}
	ret->bits += bits;
	if (attr && mnl_attr_get_payload_len(attr) == length)
		memcpy(ret->addr.bytes + 16 - length, mnl_attr_get_payload(attr), length);
	addr_prefix_mask(ret);
	return family == AF_INET || family == AF_INET6;
}

static void routes_hop(struct route_terms *t, uint32_t ifindex, bool gateway)
{
	uint32_t i;

	t->gateway |= gateway;
	for (i = 0; i < t->hop_count && t->hops[i] != ifindex; i++)
		;
	if (ifindex && i == t->hop_count && i < ROUTES_HOPS_MAX)
		t->hops[t->hop_count++] = ifindex;
}

static void routes_multipath(struct route_terms *t, const struct nlattr *attr)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(hop, left); left -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		if (!(hop->rtnh_flags & RTNH_F_DEAD))
			routes_hop(t, hop->rtnh_ifindex,
				   hop->rtnh_len > sizeof(*hop)); /* RTA_GATEWAY or RTA_VIA */
}

static void routes_metrics(struct route_terms *t, const struct nlattr *metrics)
{
	struct routes_attrs a = {};
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, metrics) routes_attr(&a, attr);
	t->mtu = routes_u32(&a, RTAX_MTU);
	t->advmss = routes_u32(&a, RTAX_ADVMSS);
	t->window = routes_u32(&a, RTAX_WINDOW);
	t->initrwnd = routes_u32(&a, RTAX_INITRWND);
	t->hop_limit = routes_u32(&a, RTAX_HOPLIMIT);
	t->mtu_locked = routes_u32(&a, RTAX_LOCK) & (1 << RTAX_MTU);
}

static const struct routes_nexthop *routes_nexthop(const struct routes_reading *r, uint32_t id)
{
	size_t i;

	for (i = 0; i < r->nexthop_count; i++)
		if (r->nexthops[i].id == id)
			return &r->nexthops[i];
	return NULL;
}

/* Of a nexthop object, which the kernel may name without what it is (nexthop_compat_mode=0). */
static void routes_by_nexthop(const struct routes_reading *r, uint32_t id, struct route_terms *t)
{
	const struct routes_nexthop *hop = routes_nexthop(r, id), *member;
	uint32_t i;

	if (!hop)
		return;
	if (hop->blackhole)
		t->kind = ROUTE_NONE;
	routes_hop(t, hop->ifindex, hop->gateway);
	for (i = 0; i < hop->member_count; i++) {
		member = routes_nexthop(r, hop->members[i]);
		if (member)
			routes_hop(t, member->ifindex, member->gateway);
	}
}

/* RTN_LOCAL and what is for groups is no way back: such a source is not of another host. */
static bool routes_kind(uint8_t type, enum route_kind *ret)
{
	*ret = type == RTN_UNICAST ? ROUTE_LEADS : type == RTN_THROW ? ROUTE_THROW : ROUTE_NONE;
	return type == RTN_UNICAST || type == RTN_THROW || type == RTN_BLACKHOLE ||
	       type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

static int routes_on_route(struct routes_reading *r, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct routes_attrs a = {};
	const struct nlattr *attr;
	struct route_terms t;
	struct route route = {};
	int terms;

	memset(&t, 0, sizeof(t)); /* its padding, too */
	mnl_attr_for_each(attr, message, sizeof(*rtm))
		routes_attr(&a, attr);
	if (!routes_kind(rtm->rtm_type, &t.kind) || (rtm->rtm_flags & RTM_F_CLONED) ||
	    !routes_prefix(rtm->rtm_family, a.of[RTA_DST], rtm->rtm_dst_len, &route.to))
		return 0;
	/* for packets with this TOS, which ours have not, or from this prefix only */
	if (rtm->rtm_tos || rtm->rtm_src_len)
		return 0;
	if (t.kind == ROUTE_LEADS) {
		if (a.of[RTA_MULTIPATH])
			routes_multipath(&t, a.of[RTA_MULTIPATH]);
		else if (!(rtm->rtm_flags & RTNH_F_DEAD))
			routes_hop(&t, routes_u32(&a, RTA_OIF), a.of[RTA_GATEWAY] || a.of[RTA_VIA]);
		if (!t.hop_count && a.of[RTA_NH_ID])
			routes_by_nexthop(r, routes_u32(&a, RTA_NH_ID), &t);
		if (!t.hop_count && t.kind == ROUTE_LEADS)
			return 0; /* all dead: the next best counts */
	}
	if (a.of[RTA_METRICS])
		routes_metrics(&t, a.of[RTA_METRICS]);
	terms = routes_terms(r->ret, &t);
	if (terms < 0)
		return terms;
	route.table = a.of[RTA_TABLE] ? routes_u32(&a, RTA_TABLE) : rtm->rtm_table;
	route.priority = routes_u32(&a, RTA_PRIORITY);
	route.terms = terms;
	return routes_add(r->ret, &route);
}

static int routes_on_nexthop(struct routes_reading *r, const struct nlmsghdr *message)
{
	struct routes_attrs a = {};
	const struct nexthop_grp *members;
	struct routes_nexthop hop = {}, *grown;
	const struct nlattr *attr;
	size_t i, count;

	mnl_attr_for_each(attr, message, sizeof(struct nhmsg))
		routes_attr(&a, attr);
	hop.id = routes_u32(&a, NHA_ID);
	hop.ifindex = routes_u32(&a, NHA_OIF);
	hop.gateway = a.of[NHA_GATEWAY];
	hop.blackhole = a.of[NHA_BLACKHOLE];
	if (a.of[NHA_GROUP]) {
		members = mnl_attr_get_payload(a.of[NHA_GROUP]);
		count = mnl_attr_get_payload_len(a.of[NHA_GROUP]) / sizeof(*members);
		for (i = 0; i < count && i < ROUTES_HOPS_MAX; i++)
			hop.members[hop.member_count++] = members[i].id;
	}
	grown = realloc(r->nexthops, (r->nexthop_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->nexthops = grown;
	grown[r->nexthop_count++] = hop;
	return 0;
}

/* Whether it asks for what came after Linux 6.1: DSCP (6.14), flow labels, masks of ports. */
static bool routes_rule_is_newer(const struct routes_attrs *a)
{
	size_t i;

	for (i = FRA_DPORT_RANGE + 1; i < ROUTES_ATTRS_MAX; i++)
		if (a->of[i])
			return true;
	return false;
}

/* Whether it may be for the answers of some listeners, or to some clients, and not of others. */
static bool routes_rule_of_some(const struct routes_attrs *a, const struct fib_rule_hdr *frh)
{
	return (!a->of[FRA_IIFNAME] || !strcmp(mnl_attr_get_str(a->of[FRA_IIFNAME]), "lo")) &&
	       (frh->tos || (a->of[FRA_FWMARK] && routes_u32(a, FRA_FWMARK)) ||
		a->of[FRA_SPORT_RANGE] || a->of[FRA_DPORT_RANGE] || a->of[FRA_UID_RANGE] ||
		routes_rule_is_newer(a));
}

/* Whether the rule is for others than the answers of a listener without a mark. */
static bool routes_rule_of_others(const struct routes_attrs *a, const struct fib_rule_hdr *frh)
{
	const char *iif = a->of[FRA_IIFNAME] ? mnl_attr_get_str(a->of[FRA_IIFNAME]) : "lo";
	uint32_t mask = a->of[FRA_FWMASK] ? routes_u32(a, FRA_FWMASK) : UINT32_MAX;

	return strcmp(iif, "lo") != 0 || a->of[FRA_OIFNAME] || frh->tos ||
	       (a->of[FRA_FWMARK] && (routes_u32(a, FRA_FWMARK) & mask)) ||
	       (a->of[FRA_L3MDEV] && mnl_attr_get_u8(a->of[FRA_L3MDEV])) ||
	       (a->of[FRA_IP_PROTO] && mnl_attr_get_u8(a->of[FRA_IP_PROTO]) != IPPROTO_TCP) ||
	       a->of[FRA_SPORT_RANGE] || a->of[FRA_DPORT_RANGE] || a->of[FRA_UID_RANGE] ||
	       a->of[FRA_TUN_ID] || routes_rule_is_newer(a);
}

static int routes_on_rule(struct routes_reading *r, const struct nlmsghdr *message)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(message);
	struct routes_attrs a = {};
	const struct nlattr *attr;
	struct rule rule = { .v6 = frh->family == AF_INET6, .suppressed_bits = -1 };

	mnl_attr_for_each(attr, message, sizeof(*frh))
		routes_attr(&a, attr);
	if (!routes_prefix(frh->family, a.of[FRA_SRC], frh->src_len, &rule.from) ||
	    !routes_prefix(frh->family, a.of[FRA_DST], frh->dst_len, &rule.to))
		return 0;
	rule.priority = routes_u32(&a, FRA_PRIORITY);
	rule.table = a.of[FRA_TABLE] ? routes_u32(&a, FRA_TABLE) : frh->table;
	rule.target = routes_u32(&a, FRA_GOTO);
	rule.inverted = frh->flags & FIB_RULE_INVERT;
	rule.of_others = routes_rule_of_others(&a, frh);
	rule.of_some = routes_rule_of_some(&a, frh);
	if (a.of[FRA_SUPPRESS_PREFIXLEN])
		rule.suppressed_bits = (int32_t)routes_u32(&a, FRA_SUPPRESS_PREFIXLEN);
	if (rule.suppressed_bits >= 0 && !rule.v6)
		rule.suppressed_bits += ADDR_MAPPED_BITS;
	rule.action = frh->action == FR_ACT_TO_TBL ? RULE_TABLE :
		      frh->action == FR_ACT_GOTO   ? RULE_GOTO :
		      frh->action == FR_ACT_NOP	   ? RULE_NOP :
						     RULE_NONE;
	return routes_add_rule(r->ret, &rule);
}

/* ---- dumps --------------------------------------------------------------------------------- */

static int routes_take(void *userdata, void *buffer, size_t bytes)
{
	struct routes_reading *r = userdata;
	const struct nlmsghdr *message = buffer;
	int left = bytes, error = 0, more;

	r->ret->interrupted |= netlink_was_interrupted(buffer, bytes);
	more = mnl_cb_run(buffer, bytes, 0, 0, NULL, NULL);
	if (more < 0)
		return -errno;
	for (; error >= 0 && mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == RTM_NEWROUTE)
			error = routes_on_route(r, message);
		else if (message->nlmsg_type == RTM_NEWRULE)
			error = routes_on_rule(r, message);
		else if (message->nlmsg_type == RTM_NEWNEXTHOP)
			error = routes_on_nexthop(r, message);
	}
	return error < 0 ? error : more > MNL_CB_STOP;
}

static int routes_dump(struct routes_reading *r, uint16_t type, uint8_t family)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	/* the family comes first in each of the headers */
	size_t bytes = type == RTM_GETNEXTHOP ? sizeof(struct nhmsg) : sizeof(struct rtmsg);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	*(uint8_t *)mnl_nlmsg_put_extra_header(request, bytes) = family;
	return netlink_dump(NETLINK_ROUTE, request, routes_take, r);
}

_Static_assert(sizeof(struct fib_rule_hdr) == sizeof(struct rtmsg), "one header is as good");

int routes_read(struct routes *ret)
{
	static const struct {
		uint16_t type;
		uint8_t family;
	} dumps[] = {
		{ RTM_GETNEXTHOP, AF_UNSPEC }, { RTM_GETRULE, AF_INET },
		{ RTM_GETRULE, AF_INET6 },     { RTM_GETROUTE, AF_INET },
		{ RTM_GETROUTE, AF_INET6 },
	};
	struct routes_reading r = { .ret = ret };
	size_t i;
	int error = 0;

	*ret = (struct routes){};
	for (i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && error >= 0; i++) {
		error = routes_dump(&r, dumps[i].type, dumps[i].family);
		/* without IPv6, or nexthop objects */
		if (error == -EOPNOTSUPP || error == -EAFNOSUPPORT || error == -EINVAL)
			error = 0;
	}
	free(r.nexthops);
	if (error < 0)
		routes_done(ret);
	return error < 0 ? error : 0;
}

int routes_monitor(void)
{
	static const int groups[] = { RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
				      RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP,    RTNLGRP_LINK,
				      RTNLGRP_IPV4_NETCONF };
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	size_t i;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		/* nexthop objects came with Linux 5.3 */
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)) <
			    0 &&
		    errno != EINVAL)
			return -errno;
	return TAKE_FD(fd);
}
