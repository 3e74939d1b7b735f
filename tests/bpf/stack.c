/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define STACK_SILENCE_MS 100

/* One namespace, hence one of these: what arrives at "client". */
static int stack_capture_fd = -1;

void stack_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	prog_must(fd >= 0, path);
	prog_must(write(fd, value, strlen(value)) > 0, path);
	close(fd);
}

void stack_command(const char *command)
{
	int status = system(command);

	ck_assert_msg(!status, "status %d of: %s", status, command);
}

static int stack_open_capture(void)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("client"),
	};
	struct timeval second = { .tv_sec = 1 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	prog_must(fd >= 0, "a packet socket");
	prog_must(!bind(fd, (struct sockaddr *)&where, sizeof(where)), "binding it");
	prog_must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)), "a timeout");
	return fd;
}

/* The kernel's own chatter (neighbour discovery, multicast reports) is kept off the veth. */
unsigned int stack_new(void)
{
	prog_must(!unshare(CLONE_NEWNET), "a network namespace");
	stack_sysctl("ipv6/conf/default/accept_ra", "0");
	stack_sysctl("ipv6/conf/default/router_solicitations", "0");
	/* clang-format off */
	stack_command(
		"ip -batch - <<-END\n"
		"link set lo up\n"
		"link add server address 02:00:00:00:00:02 type veth "
			"peer name client address 02:00:00:00:00:01\n"
		"link set server addrgenmode none\n"
		"link set client addrgenmode none\n"
		"link set client up\n"
		"link set server up\n"
		"addr add " STACK_SERVER4 "/24 dev server\n"
		"addr add " STACK_SERVER6 "/64 dev server nodad\n"
		"route add 198.51.100.0/24 dev server\n"
		"neigh add " STACK_CLIENT4 " lladdr 02:00:00:00:00:01 nud permanent dev server\n"
		"neigh add " STACK_CLIENT6 " lladdr 02:00:00:00:00:01 nud permanent dev server\n"
		"END\n");
	/* clang-format on */
	stack_sysctl("ipv6/conf/client/disable_ipv6", "1");
	stack_capture_fd = stack_open_capture();
	return if_nametoindex("server");
}

bool stack_sent(struct prog_frame *f)
{
	for (;;) {
		struct sockaddr_ll from = {};
		socklen_t length = sizeof(from);
		struct frame_view view;
		ssize_t bytes = recvfrom(stack_capture_fd, f->bytes, sizeof(f->bytes), 0,
					 (struct sockaddr *)&from, &length);

		if (bytes < 0)
			return false;
		f->length = bytes;
		if (from.sll_pkttype != PACKET_OUTGOING && !frame_parse(&view, f->bytes, f->length))
			return true;
	}
}

struct frame_view stack_view_sent(void)
{
	struct prog_frame f;

	ck_assert_msg(stack_sent(&f), "the stack sent nothing");
	return prog_view(&f);
}

/* Asserts that nothing is sent with any of these flags. */
static void stack_assert_unsent(__u8 flags)
{
	struct pollfd ready = { .fd = stack_capture_fd, .events = POLLIN };

	while (poll(&ready, 1, STACK_SILENCE_MS) == 1) {
		struct frame_view view;
		struct prog_frame f;
		ssize_t bytes = recv(stack_capture_fd, f.bytes, sizeof(f.bytes), 0);

		if (bytes > 0 && !frame_parse(&view, f.bytes, bytes) && (view.flags & flags))
			ck_abort_msg("the stack sent a segment with flags %02x", view.flags);
	}
}

void stack_assert_silent(void)
{
	stack_assert_unsent(0xff);
}

void stack_assert_no_reset(void)
{
	stack_assert_unsent(FRAME_RST);
}

static void stack_set_option(int fd, int level, int name, int value)
{
	if (value)
		prog_must(!setsockopt(fd, level, name, &value, sizeof(value)), "a socket option");
}

int stack_listen_as(const struct stack_listener *l)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, l->protocol);
	struct sg_addr a = frame_addr(l->addr ? l->addr : "::");

	prog_must(fd >= 0, "a socket");
	stack_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	stack_set_option(fd, SOL_SOCKET, SO_REUSEPORT, l->reuseport);
	stack_set_option(fd, SOL_SOCKET, SO_RCVBUF, l->rcvbuf);
	stack_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->v6only);
	stack_set_option(fd, IPPROTO_TCP, TCP_MAXSEG, l->maxseg);
	stack_set_option(fd, IPPROTO_IP, IP_TTL, l->ttl);
	stack_set_option(fd, IPPROTO_IP, IP_TOS, l->tos);
	at.sin6_port = htons(l->port ? l->port : STACK_PORT);
	memcpy(&at.sin6_addr, a.bytes, 16);
	prog_must(!bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	prog_must(!listen(fd, l->backlog ? l->backlog : 128), "listen");
	return fd;
}

int stack_accept(int listener)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	return poll(&ready, 1, STACK_SILENCE_MS) == 1 ? accept(listener, NULL, NULL) : -1;
}

/* How many completed connections wait: of a listener the kernel shows it in this field. */
static unsigned int stack_waiting(int listener)
{
	struct tcp_info info = {};
	socklen_t bytes = sizeof(info);

	prog_must(!getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &bytes), "TCP_INFO");
	return info.tcpi_unacked;
}

int stack_connect(int listener, int family)
{
	unsigned int i, waiting = stack_waiting(listener);
	struct sockaddr_in6 to;
	socklen_t bytes = sizeof(to);
	struct sg_addr a = frame_addr(family == AF_INET ? STACK_SERVER4 : STACK_SERVER6);
	/* an IPv6 socket speaks IPv4 to a mapped address */
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	prog_must(fd >= 0, "a socket");
	prog_must(!getsockname(listener, (struct sockaddr *)&to, &bytes), "getsockname");
	memcpy(&to.sin6_addr, a.bytes, 16);
	prog_must(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	/* connect() returns when the SYN-ACK is there, not when it has been answered */
	for (i = 0; i < 1000 && stack_waiting(listener) == waiting; i++)
		usleep(1000);
	ck_assert_uint_eq(stack_waiting(listener), waiting + 1);
	return fd;
}
