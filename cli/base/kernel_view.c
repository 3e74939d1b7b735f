/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/kernel_view.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "synguard/cleanup.h"

/* What the kernel fills at most in one dump message (NLMSG_GOODSIZE up to 32 KiB). */
#define DIAG_BUFFER_BYTES 32768

/* enum in net/tcp_states.h, which is not for user space */
#define DIAG_SYN_RECV 3
#define DIAG_LISTEN   10

static const struct {
	const char *name, *help;
} counter_rows[] = {
#define KERNEL_VIEW_ROW_(id, name, help) { name, help },
	KERNEL_VIEW_COUNTERS(KERNEL_VIEW_ROW_)
#undef KERNEL_VIEW_ROW_
};

const char *kernel_view_name(int counter)
{
	return counter_rows[counter].name;
}

const char *kernel_view_help(int counter)
{
	return counter_rows[counter].help;
}

/* ---- sockets ------------------------------------------------------------------------------- */

static void diag_count(struct kernel_view *view, const struct inet_diag_msg *socket)
{
	if (socket->idiag_state != DIAG_LISTEN) {
		view->half_open++;
		return;
	}
	view->listeners++;
	/* sk_acceptq_is_full(): one more than the backlog fits */
	view->full += socket->idiag_rqueue > socket->idiag_wqueue;
}

/* 1: there is more to come; 0: that was all. A dump that a change overtook (NLM_F_DUMP_INTR) is off
 * by a little, and is a count all the same. */
static int diag_take(struct kernel_view *view, void *buffer, int left)
{
	struct nlmsghdr *message = buffer;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		if (message->nlmsg_type == NLMSG_ERROR)
			return -EIO;
		if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			diag_count(view, NLMSG_DATA(message));
	}
	return 1;
}

static int diag_dump(struct kernel_view *view, int fd, int family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} dump = {
		.header = { .nlmsg_len = sizeof(dump),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = family,
			     .sdiag_protocol = IPPROTO_TCP,
			     .idiag_states = 1 << DIAG_SYN_RECV | 1 << DIAG_LISTEN },
	};
	_Alignas(struct nlmsghdr) char buffer[DIAG_BUFFER_BYTES];
	ssize_t n;
	int r;

	if (send(fd, &dump, sizeof(dump), 0) < 0)
		return -errno;
	do {
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0)
			return -errno;
		r = n ? diag_take(view, buffer, n) : -EIO;
	} while (r > 0);
	return r;
}

static int diag_sockets(struct kernel_view *view)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int r;

	if (fd < 0)
		return -errno;
	r = diag_dump(view, fd, AF_INET);
	return r < 0 ? r : diag_dump(view, fd, AF_INET6);
}

/* ---- /proc --------------------------------------------------------------------------------- */

static void netstat_take(struct kernel_view *view, const char *name, const char *value)
{
	int i;

	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++) {
		if (strcmp(counter_rows[i].name, name))
			continue;
		view->counters[i] = strtoull(value, NULL, 10);
		view->counted[i] = true;
	}
}

void kernel_view_netstat(struct kernel_view *view, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *names = NULL, *values = NULL;
	size_t names_size = 0, values_size = 0;
	char *name, *value, *in_names, *in_values;

	if (!file)
		return;
	while (getline(&names, &names_size, file) > 0 && getline(&values, &values_size, file) > 0) {
		name = strtok_r(names, " \n", &in_names);
		value = strtok_r(values, " \n", &in_values);
		/* "TcpExt:", in both lines */
		if (!name || !value || strcmp(name, "TcpExt:") || strcmp(value, "TcpExt:"))
			continue;
		while ((name = strtok_r(NULL, " \n", &in_names)) &&
		       (value = strtok_r(NULL, " \n", &in_values)))
			netstat_take(view, name, value);
	}
}

static int proc_number(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	int value;

	return file && fscanf(file, "%d", &value) == 1 ? value : -1;
}

void kernel_view(struct kernel_view *view)
{
	*view = (struct kernel_view){};
	view->sockets = diag_sockets(view) >= 0;
	kernel_view_netstat(view, "/proc/self/net/netstat");
	view->syncookies = proc_number("/proc/sys/net/ipv4/tcp_syncookies");
}
