/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/netlink.h"

#include <errno.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

bool netlink_was_interrupted(void *buffer, size_t bytes)
{
	struct nlmsghdr *message = buffer;
	bool interrupted = false;
	int left = bytes;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		interrupted = interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR);
		message->nlmsg_flags &= ~NLM_F_DUMP_INTR;
	}
	return interrupted;
}

static int netlink_dump_on(struct mnl_socket *socket, const struct nlmsghdr *request,
			   int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata)
{
	char buffer[NETLINK_BUFFER_BYTES] __attribute__((aligned(8)));
	ssize_t n;
	int r;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		r = n < 0 ? -errno : take(userdata, buffer, n);
	} while (r > 0);
	return r;
}

static int netlink_dump_as(int protocol, bool strict, const struct nlmsghdr *request,
			   int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int r = 0, one = 1;

	if (!socket)
		return -errno;
	if (strict && setsockopt(mnl_socket_get_fd(socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK,
				 &one, sizeof(one)) < 0)
		r = -errno;
	if (!r)
		r = netlink_dump_on(socket, request, take, userdata);
	mnl_socket_close(socket);
	return r;
}

int netlink_dump(int protocol, const struct nlmsghdr *request,
		 int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata)
{
	return netlink_dump_as(protocol, false, request, take, userdata);
}

int netlink_dump_strictly(int protocol, const struct nlmsghdr *request,
			  int (*take)(void *userdata, void *buffer, size_t bytes), void *userdata)
{
	return netlink_dump_as(protocol, true, request, take, userdata);
}
