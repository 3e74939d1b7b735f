/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink requests of the lab: one message, one acknowledgement.
 */
#include "tests/lab/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

/* Room for a link with statistics and AF data; the kernel's own answers are below 4 KiB. */
#define RTNL_BUFFER_BYTES 16384

struct request {
	char buf[RTNL_BUFFER_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
};

static void *request_init(struct request *r, uint16_t type, uint16_t flags, size_t body_bytes)
{
	r->nlh = mnl_nlmsg_put_header(r->buf);
	r->nlh->nlmsg_type = type;
	r->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	r->nlh->nlmsg_seq = 1;
	return mnl_nlmsg_put_extra_header(r->nlh, body_bytes);
}

/* Sends the request and handles every answer with @cb until the acknowledgement. */
static int request_send(struct request *r, int fd, mnl_cb_t cb, void *arg)
{
	ssize_t n;
	int ret;

	if (send(fd, r->nlh, r->nlh->nlmsg_len, 0) < 0)
		return -errno;

	do {
		n = recv(fd, r->buf, sizeof(r->buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(r->buf, n, 1, 0, cb, arg);
		if (ret < 0)
			return -errno;
	} while (n < 0 || ret > MNL_CB_STOP);

	return 0;
}

int rtnl_prefix_parse(const char *text, struct rtnl_prefix *ret)
{
	struct rtnl_prefix p = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	char *end;

	p.bytes = p.family == AF_INET6 ? 16 : 4;
	p.bits = p.bytes * 8;

	if ((size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, slash - text);
	addr[slash - text] = 0;
	if (inet_pton(p.family, addr, p.addr) != 1)
		return -EINVAL;

	if (*slash) {
		p.bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end || p.bits > p.bytes * 8)
			return -EINVAL;
	}

	*ret = p;
	return 0;
}

static void put_end(struct nlmsghdr *nlh, const struct rtnl_end *end)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, end->ifname);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, end->netns_fd);
	if (end->mac)
		mnl_attr_put(nlh, IFLA_ADDRESS, 6, end->mac);
	if (end->tx_queues)
		mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, end->tx_queues);
	if (end->rx_queues)
		mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, end->rx_queues);
}

int rtnl_veth_add(int fd, const struct rtnl_end *a, const struct rtnl_end *b)
{
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = a->ifindex;
	put_end(r.nlh, a);

	info = mnl_attr_nest_start(r.nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(r.nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(r.nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(r.nlh, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(r.nlh, sizeof(*ifi));
	ifi->ifi_index = b->ifindex;
	put_end(r.nlh, b);
	mnl_attr_nest_end(r.nlh, peer);
	mnl_attr_nest_end(r.nlh, data);
	mnl_attr_nest_end(r.nlh, info);

	return request_send(&r, fd, NULL, NULL);
}

int rtnl_link_del(int fd, const char *ifname)
{
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_DELLINK, 0, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(r.nlh, IFLA_IFNAME, ifname);
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_link_set_up(int fd, unsigned int ifindex, bool up)
{
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_link_set_mtu(int fd, unsigned int ifindex, unsigned int mtu)
{
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(r.nlh, IFLA_MTU, mtu);
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_link_rename(int fd, unsigned int ifindex, const char *to)
{
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	mnl_attr_put_strz(r.nlh, IFLA_IFNAME, to);
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_link_move(int fd, unsigned int ifindex, int netns_fd)
{
	struct ifinfomsg *ifi;
	struct request r;

	ifi = request_init(&r, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(r.nlh, IFLA_NET_NS_FD, netns_fd);
	return request_send(&r, fd, NULL, NULL);
}

struct link_answer {
	unsigned int ifindex;
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

int rtnl_link_get(int fd, const char *ifname, unsigned int *ret_ifindex, uint8_t ret_mac[6],
		  struct rtnl_link_stats64 *ret_stats)
{
	struct link_answer answer = { 0 };
	struct ifinfomsg *ifi;
	struct request r;
	int err;

	ifi = request_init(&r, RTM_GETLINK, 0, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(r.nlh, IFLA_IFNAME, ifname);
	err = request_send(&r, fd, link_answer, &answer);
	if (err)
		return err;

	if (ret_ifindex)
		*ret_ifindex = answer.ifindex;
	if (ret_mac)
		memcpy(ret_mac, answer.mac, sizeof(answer.mac));
	if (ret_stats)
		*ret_stats = answer.stats;
	return 0;
}

int rtnl_addr_change(int fd, unsigned int ifindex, const struct rtnl_prefix *p, bool add)
{
	struct ifaddrmsg *ifa;
	struct request r;

	ifa = request_init(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
			   sizeof(*ifa));
	ifa->ifa_family = p->family;
	ifa->ifa_prefixlen = p->bits;
	ifa->ifa_index = ifindex;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	/* A tentative address would cost a second before the first packet. */
	ifa->ifa_flags = p->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(r.nlh, IFA_LOCAL, p->bytes, p->addr);
	mnl_attr_put(r.nlh, IFA_ADDRESS, p->bytes, p->addr);
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_route_add(int fd, const struct rtnl_prefix *to, const struct rtnl_prefix *via)
{
	struct request r;
	struct rtmsg *rtm;

	rtm = request_init(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*rtm));
	rtm->rtm_family = to->family;
	rtm->rtm_dst_len = to->bits;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put(r.nlh, RTA_DST, to->bytes, to->addr);
	mnl_attr_put(r.nlh, RTA_GATEWAY, via->bytes, via->addr);
	return request_send(&r, fd, NULL, NULL);
}

int rtnl_neigh_add(int fd, unsigned int ifindex, const struct rtnl_prefix *addr,
		   const uint8_t mac[6])
{
	struct ndmsg *ndm;
	struct request r;

	ndm = request_init(&r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*ndm));
	ndm->ndm_family = addr->family;
	ndm->ndm_ifindex = ifindex;
	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put(r.nlh, NDA_DST, addr->bytes, addr->addr);
	mnl_attr_put(r.nlh, NDA_LLADDR, 6, mac);
	return request_send(&r, fd, NULL, NULL);
}
