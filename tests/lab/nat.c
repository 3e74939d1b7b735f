/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT in a host of the lab: one nftables chain of type nat, without rules, as container managers leave
 * it. With it netfilter has all of its NAT hooks, and conntrack follows every connection.
 */
#include "tests/lab/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#define NAT_TABLE "lab"
/* NF_IP_PRI_NAT_SRC */
#define NAT_PRIORITY 100

/* The next message of a batch, behind `used` bytes. */
static struct nlmsghdr *nat_message(char *buf, size_t used, uint16_t type, uint16_t flags,
				    uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf + used);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

static size_t nat_batch(char *buf)
{
	const uint16_t subsys = NFNL_SUBSYS_NFTABLES << 8;
	struct nlmsghdr *nlh;
	struct nlattr *hook;
	size_t used;

	nlh = nat_message(buf, 0, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	used = nlh->nlmsg_len;
	nlh = nat_message(buf, used, subsys | NFT_MSG_NEWTABLE, NLM_F_CREATE, NFPROTO_INET, 0);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NAT_TABLE);
	used += nlh->nlmsg_len;
	nlh = nat_message(buf, used, subsys | NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK,
			  NFPROTO_INET, 0);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, NAT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "nat");
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "nat");
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_INET_POST_ROUTING));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(NAT_PRIORITY));
	mnl_attr_nest_end(nlh, hook);
	used += nlh->nlmsg_len;
	nlh = nat_message(buf, used, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	return used + nlh->nlmsg_len;
}

int lab_nat_add(struct lab *lab, int host)
{
	_cleanup_close_ int fd = lab_socket(lab, host, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	char buf[4096] __attribute__((aligned(8))) = {};
	ssize_t n;

	if (fd < 0)
		return fd;
	if (send(fd, buf, nat_batch(buf), 0) < 0)
		return -errno;
	/* the one acknowledgement, or what was wrong with any */
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 0)
		return -errno;
	return mnl_cb_run(buf, n, 0, 0, NULL, NULL) < 0 ? -errno : 0;
}
