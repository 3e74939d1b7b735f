/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/rtnl_dump.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "daemon/net/netlink.h"

/* What the kernel fills at most in one dump message (NLMSG_GOODSIZE up to 32 KiB). */
#define RTNL_BUFFER_BYTES 32768

static int rtnl_dump_append(struct rtnl_dump *d, const void *bytes, size_t length)
{
	char *grown = realloc(d->bytes, d->length + length);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + d->length, bytes, length);
	d->bytes = grown;
	d->length += length;
	return 0;
}

static int rtnl_dump_ask(struct mnl_socket *socket, uint16_t type)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = type;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	if (type == RTM_GETLINK) /* of no use here, and some drivers take their time for them */
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return mnl_socket_sendto(socket, request, request->nlmsg_len) < 0 ? -errno : 0;
}

static int rtnl_dump_type(struct rtnl_dump *d, struct mnl_socket *socket, uint16_t type)
{
	char buffer[RTNL_BUFFER_BYTES] __attribute__((aligned(8)));
	int r = rtnl_dump_ask(socket, type), go_on = MNL_CB_OK;
	ssize_t n;

	while (r >= 0 && go_on > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		d->interrupted |= netlink_was_interrupted(buffer, n);
		/* without a callback it only looks for the end, or an error */
		go_on = mnl_cb_run(buffer, n, type, mnl_socket_get_portid(socket), NULL, NULL);
		r = go_on < 0 ? -errno : rtnl_dump_append(d, buffer, n);
	}
	return r;
}

int rtnl_dump_fetch(struct rtnl_dump *d)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int r = 0;

	*d = (struct rtnl_dump){};
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r >= 0)
		r = rtnl_dump_type(d, socket, RTM_GETLINK);
	if (r >= 0)
		r = rtnl_dump_type(d, socket, RTM_GETADDR);
	mnl_socket_close(socket);
	return r;
}

void rtnl_dump_done(struct rtnl_dump *d)
{
	free(d->bytes);
	*d = (struct rtnl_dump){};
}
