/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links, addresses, routes and neighbours of the lab's hosts over rtnetlink, and the default
 * topology made of them. See lab.h.
 */
#include "tests/lab/lab.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "tests/lab/netlink.h"

/* ---- what there is ------------------------------------------------------------------------- */

struct link_answer {
	int ifindex;
	uint8_t mac[6];
	struct rtnl_link_stats64 stats;
};

static int link_answer(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_answer *answer = arg;
	struct nlattr *attr;
	size_t n;

	answer->ifindex = ifi->ifi_index;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		n = mnl_attr_get_payload_len(attr);
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS && n == sizeof(answer->mac))
			memcpy(answer->mac, mnl_attr_get_payload(attr), n);
		/* A newer kernel's statistics are longer, an older one's shorter. */
		if (mnl_attr_get_type(attr) == IFLA_STATS64)
			memcpy(&answer->stats, mnl_attr_get_payload(attr),
			       n < sizeof(answer->stats) ? n : sizeof(answer->stats));
	}
	return MNL_CB_OK;
}

static int link_get(struct lab *lab, int host, const char *ifname, struct link_answer *ret)
{
	struct request r;

	*ret = (struct link_answer){ 0 };
	request_init(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.nlh, IFLA_IFNAME, ifname);
	return request_send(&r, lab_rtnl_fd(lab, host), link_answer, ret);
}

int lab_ifindex(struct lab *lab, int host, const char *ifname)
{
	struct link_answer answer;
	int err = link_get(lab, host, ifname, &answer);

	return err ?: answer.ifindex;
}

int lab_mac(struct lab *lab, int host, const char *ifname, uint8_t ret[6])
{
	struct link_answer answer;
	int err = link_get(lab, host, ifname, &answer);

	if (!err)
		memcpy(ret, answer.mac, sizeof(answer.mac));
	return err;
}

int lab_link_stats(struct lab *lab, int host, const char *ifname, struct rtnl_link_stats64 *ret)
{
	struct link_answer answer;
	int err = link_get(lab, host, ifname, &answer);

	if (!err)
		*ret = answer.stats;
	return err;
}

/* ---- changes ------------------------------------------------------------------------------- */

int lab_link_del(struct lab *lab, int host, const char *ifname)
{
	struct request r;

	request_init(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(r.nlh, IFLA_IFNAME, ifname);
	return request_send(&r, lab_rtnl_fd(lab, host), NULL, NULL);
}

/* Changes the flag IFF_UP to @flags & IFF_UP where @flags is not negative, and one attribute where
 * there is one. */
static int link_set(struct lab *lab, int host, const char *ifname, int flags, int attribute,
		    const void *value, size_t bytes)
{
	int ifindex = lab_ifindex(lab, host, ifname);
	struct ifinfomsg *ifi;
	struct request r;

	if (ifindex < 0)
		return ifindex;
	ifi = request_init(&r, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	if (flags >= 0) {
		ifi->ifi_change = IFF_UP;
		ifi->ifi_flags = flags;
	}
	if (attribute)
		mnl_attr_put(r.nlh, attribute, bytes, value);
	return request_send(&r, lab_rtnl_fd(lab, host), NULL, NULL);
}

int lab_link_set_up(struct lab *lab, int host, const char *ifname, bool up)
{
	return link_set(lab, host, ifname, up ? IFF_UP : 0, 0, NULL, 0);
}

int lab_link_set_mtu(struct lab *lab, int host, const char *ifname, unsigned int bytes)
{
	return link_set(lab, host, ifname, -1, IFLA_MTU, &bytes, sizeof(bytes));
}

int lab_link_rename(struct lab *lab, int host, const char *ifname, const char *to)
{
	return link_set(lab, host, ifname, -1, IFLA_IFNAME, to, strlen(to) + 1);
}

int lab_link_move(struct lab *lab, int host, const char *ifname, int to_host)
{
	int to = lab_netns_fd(lab, to_host);

	return to < 0 ? to : link_set(lab, host, ifname, -1, IFLA_NET_NS_FD, &to, sizeof(to));
}

/* ---- addresses ----------------------------------------------------------------------------- */

static int family_of(const struct addr_prefix *p)
{
	return addr_is_v4(&p->addr) ? AF_INET : AF_INET6;
}

static int bits_of(const struct addr_prefix *p)
{
	return p->bits - (addr_is_v4(&p->addr) ? ADDR_MAPPED_BITS : 0);
}

static void put_addr(struct request *r, int attribute, const struct addr_prefix *p)
{
	size_t mapped = addr_is_v4(&p->addr) ? ADDR_MAPPED_BITS / 8 : 0;

	mnl_attr_put(r->nlh, attribute, 16 - mapped, p->addr.bytes + mapped);
}

static int addr_change(struct lab *lab, int host, const char *ifname, const char *prefix, bool add)
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct addr_prefix p;
	struct ifaddrmsg *ifa;
	struct request r;

	err = ifindex < 0 ? ifindex : addr_prefix_parse(&p, prefix);
	if (err)
		return err;
	ifa = request_init(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
			   sizeof(*ifa));
	ifa->ifa_family = family_of(&p);
	ifa->ifa_prefixlen = bits_of(&p);
	ifa->ifa_index = ifindex;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	/* A tentative address would cost a second before the first packet. */
	ifa->ifa_flags = ifa->ifa_family == AF_INET6 ? IFA_F_NODAD : 0;
	put_addr(&r, IFA_LOCAL, &p);
	put_addr(&r, IFA_ADDRESS, &p);
	return request_send(&r, lab_rtnl_fd(lab, host), NULL, NULL);
}

int lab_addr_add(struct lab *lab, int host, const char *ifname, const char *prefix)
{
	return addr_change(lab, host, ifname, prefix, true);
}

int lab_addr_del(struct lab *lab, int host, const char *ifname, const char *prefix)
{
	return addr_change(lab, host, ifname, prefix, false);
}

int lab_route_add(struct lab *lab, int host, const char *prefix, const char *via)
{
	struct addr_prefix to, gateway;
	struct request r;
	struct rtmsg *rtm;
	int err;

	err = addr_prefix_parse(&to, prefix) ?: addr_prefix_parse(&gateway, via);
	if (err)
		return err;
	rtm = request_init(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*rtm));
	rtm->rtm_family = family_of(&to);
	rtm->rtm_dst_len = bits_of(&to);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	put_addr(&r, RTA_DST, &to);
	put_addr(&r, RTA_GATEWAY, &gateway);
	return request_send(&r, lab_rtnl_fd(lab, host), NULL, NULL);
}

int lab_neigh_add(struct lab *lab, int host, const char *ifname, const char *addr,
		  const uint8_t mac[6])
{
	int ifindex = lab_ifindex(lab, host, ifname), err;
	struct addr_prefix p;
	struct request r;
	struct ndmsg *ndm;

	err = ifindex < 0 ? ifindex : addr_prefix_parse(&p, addr);
	if (err)
		return err;
	ndm = request_init(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*ndm));
	ndm->ndm_family = family_of(&p);
	ndm->ndm_ifindex = ifindex;
	ndm->ndm_state = NUD_PERMANENT;
	put_addr(&r, NDA_DST, &p);
	mnl_attr_put(r.nlh, NDA_LLADDR, 6, mac);
	return request_send(&r, lab_rtnl_fd(lab, host), NULL, NULL);
}

/* ---- veth pairs ---------------------------------------------------------------------------- */

static void put_end(struct request *r, struct ifinfomsg *ifi, const struct lab_end *end,
		    int netns_fd)
{
	static const uint8_t none[6];

	ifi->ifi_index = end->ifindex;
	mnl_attr_put_strz(r->nlh, IFLA_IFNAME, end->ifname);
	mnl_attr_put_u32(r->nlh, IFLA_NET_NS_FD, netns_fd);
	if (memcmp(end->mac, none, sizeof(none)))
		mnl_attr_put(r->nlh, IFLA_ADDRESS, sizeof(end->mac), end->mac);
	if (end->tx_queues)
		mnl_attr_put_u32(r->nlh, IFLA_NUM_TX_QUEUES, end->tx_queues);
	if (end->rx_queues)
		mnl_attr_put_u32(r->nlh, IFLA_NUM_RX_QUEUES, end->rx_queues);
}

static int veth_add(struct lab *lab, const struct lab_end *a, const struct lab_end *b)
{
	int a_fd = lab_netns_fd(lab, a->host), b_fd = lab_netns_fd(lab, b->host);
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *ifi;
	struct request r;

	if (a_fd < 0 || b_fd < 0)
		return -EINVAL;
	ifi = request_init(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	put_end(&r, ifi, a, a_fd);
	info = mnl_attr_nest_start(r.nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(r.nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(r.nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(r.nlh, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(r.nlh, sizeof(*ifi));
	put_end(&r, ifi, b, b_fd);
	mnl_attr_nest_end(r.nlh, peer);
	mnl_attr_nest_end(r.nlh, data);
	mnl_attr_nest_end(r.nlh, info);
	return request_send(&r, lab_rtnl_fd(lab, a->host), NULL, NULL);
}

/* Addresses of @end and the link up. */
static int end_configure(struct lab *lab, const struct lab_end *end)
{
	const char *addrs[] = { end->addr4, end->addr6 };
	size_t i;
	int err;

	err = lab_offload_set(lab, end->host, end->ifname, LAB_GRO, true);
	for (i = 0; !err && i < ARRAY_SIZE(addrs); i++)
		if (addrs[i])
			err = lab_addr_add(lab, end->host, end->ifname, addrs[i]);
	return err ?: lab_link_set_up(lab, end->host, end->ifname, true);
}

/* Neighbour entries of @end for @other: there is no ARP in the lab. */
static int end_introduce(struct lab *lab, const struct lab_end *end, const struct lab_end *other)
{
	const char *others[] = { other->addr4, other->addr6 };
	uint8_t mac[6];
	size_t i;
	int err;

	err = lab_mac(lab, other->host, other->ifname, mac);
	for (i = 0; !err && i < ARRAY_SIZE(others); i++)
		if (others[i])
			err = lab_neigh_add(lab, end->host, end->ifname, others[i], mac);
	return err;
}

int lab_link_add(struct lab *lab, const struct lab_end *a, const struct lab_end *b)
{
	int err = veth_add(lab, a, b);

	if (!err)
		err = end_configure(lab, a) ?: end_configure(lab, b);
	if (!err)
		err = end_introduce(lab, a, b) ?: end_introduce(lab, b, a);
	return err;
}

/* ---- the default topology ------------------------------------------------------------------ */

static int default_topology(struct lab *lab, unsigned int queues)
{
	/* MACs are locally administered (bit 1 of the first byte) and say in a capture whose. */
	struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x01 },
		.addr4 = LAB_SERVER_ADDR4 "/24",
		.addr6 = LAB_SERVER_ADDR6 "/64",
		.tx_queues = queues,
		.rx_queues = queues,
	};
	struct lab_end client = server;
	int host;

	client.host = LAB_CLIENT;
	client.mac[5] = 0x02;
	client.addr4 = LAB_CLIENT_ADDR4 "/24";
	client.addr6 = LAB_CLIENT_ADDR6 "/64";

	host = lab_host_add(lab);
	if (host >= 0)
		host = lab_host_add(lab);
	if (host < 0)
		return host;
	return lab_link_add(lab, &server, &client)					?:
		       lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET4, LAB_CLIENT_ADDR4) ?:
		       lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET6, LAB_CLIENT_ADDR6);
}

int lab_new_queues(struct lab **ret, unsigned int queues)
{
	_cleanup_(lab_freep) struct lab *lab = NULL;
	int err = lab_new_empty(&lab) ?: default_topology(lab, queues);

	if (!err)
		*ret = TAKE_PTR(lab);
	return err;
}

int lab_new(struct lab **ret)
{
	return lab_new_queues(ret, 0);
}
