/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/net/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "daemon/base/addr.h"
#include "daemon/net/netlink.h"

struct sockdiag_walk {
	sockdiag_fn fn;
	void *userdata;
	bool *partial;
};

static int sockdiag_on_attribute(const struct nlattr *attr, void *data)
{
	struct sockdiag_socket *s = data;

	if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY)
		s->v6only = mnl_attr_get_u8(attr);
	else if (mnl_attr_get_type(attr) == INET_DIAG_CGROUP_ID)
		s->cgroup_id = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

static void sockdiag_addr(struct sg_addr *ret, bool ipv6, const __be32 *words)
{
	if (ipv6)
		memcpy(ret, words, sizeof(*ret));
	else if (words[0])
		*ret = addr_from_v4(words[0]);
}

static struct sockdiag_socket sockdiag_socket(const struct inet_diag_msg *d)
{
	struct sockdiag_socket s = {
		.listening = d->idiag_state == SOCKDIAG_LISTEN,
		.state = d->idiag_state,
		.retransmits = d->idiag_retrans,
		.ipv6 = d->idiag_family == AF_INET6,
		.port = d->id.idiag_sport,
		.peer_port = d->id.idiag_dport,
		.accept_queue = d->idiag_rqueue,
		.queue_max = d->idiag_wqueue,
		.expires_ms = d->idiag_expires,
		.ifindex = d->id.idiag_if,
		.inode = d->idiag_inode,
		.cookie = (uint64_t)d->id.idiag_cookie[1] << 32 | d->id.idiag_cookie[0],
	};

	sockdiag_addr(&s.addr, s.ipv6, d->id.idiag_src);
	sockdiag_addr(&s.peer, s.ipv6, d->id.idiag_dst);
	return s;
}

static int sockdiag_on_message(const struct nlmsghdr *message, void *data)
{
	const struct sockdiag_walk *walk = data;
	struct sockdiag_socket s;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct inet_diag_msg)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	s = sockdiag_socket(mnl_nlmsg_get_payload(message));
	mnl_attr_parse(message, sizeof(struct inet_diag_msg), sockdiag_on_attribute, &s);
	walk->fn(walk->userdata, &s);
	return MNL_CB_OK;
}

int sockdiag_take(void *buffer, size_t bytes, sockdiag_fn fn, void *userdata, bool *partial)
{
	struct sockdiag_walk walk = { fn, userdata };
	int r;

	*partial = netlink_was_interrupted(buffer, bytes) || *partial;
	r = mnl_cb_run(buffer, bytes, 0, 0, sockdiag_on_message, &walk);
	return r < 0 ? -errno : r > MNL_CB_STOP;
}

static int sockdiag_take_part(void *userdata, void *buffer, size_t bytes)
{
	const struct sockdiag_walk *walk = userdata;

	return sockdiag_take(buffer, bytes, walk->fn, walk->userdata, walk->partial);
}

/*
 * The old form of the request, which is kept for good (inet_diag_rcv_msg_compat()): it has both
 * families in one dump, where the new one, of one family each, goes through all of the established
 * connections twice.
 */
int sockdiag_walk_states(uint32_t states, sockdiag_fn fn, void *userdata, bool *partial)
{
	struct sockdiag_walk walk = { fn, userdata, partial };
	struct inet_diag_req *request;
	struct nlmsghdr *header;
	char buffer[256];

	*partial = false;
	header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = TCPDIAG_GETSOCK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->idiag_states = states;
	return netlink_dump(NETLINK_SOCK_DIAG, header, sockdiag_take_part, &walk);
}

int sockdiag_walk(sockdiag_fn fn, void *userdata)
{
	bool partial;

	return sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV | 1 << SOCKDIAG_LISTEN, fn, userdata,
				    &partial);
}

/* ---- ending -------------------------------------------------------------------------------- */

struct sockdiag_ender {
	struct mnl_socket *socket;
	unsigned int seq;
	char buffer[SOCKDIAG_END_MAX *
		    MNL_ALIGN(sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req_v2))];
};

int sockdiag_ender_new(struct sockdiag_ender **ret)
{
	struct sockdiag_ender *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!e->socket || mnl_socket_bind(e->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		sockdiag_ender_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct sockdiag_ender *sockdiag_ender_free(struct sockdiag_ender *e)
{
	if (e && e->socket)
		mnl_socket_close(e->socket);
	free(e);
	return NULL;
}

static size_t sockdiag_put_end(struct sockdiag_ender *e, size_t at, const struct sockdiag_socket *s)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(e->buffer + at);
	struct inet_diag_req_v2 *request;
	struct inet_diag_sockid *id;

	header->nlmsg_type = SOCK_DESTROY;
	header->nlmsg_flags = NLM_F_REQUEST; /* answered only where it fails */
	header->nlmsg_seq = ++e->seq;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = s->ipv6 ? AF_INET6 : AF_INET;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = -1;
	id = &request->id;
	id->idiag_sport = s->port;
	id->idiag_dport = s->peer_port;
	id->idiag_if = s->ifindex;
	id->idiag_cookie[0] = s->cookie;
	id->idiag_cookie[1] = s->cookie >> 32;
	if (s->ipv6) {
		memcpy(id->idiag_src, &s->addr, sizeof(s->addr));
		memcpy(id->idiag_dst, &s->peer, sizeof(s->peer));
	} else {
		id->idiag_src[0] = s->addr.words[3];
		id->idiag_dst[0] = s->peer.words[3];
	}
	return at + header->nlmsg_len;
}

/* Counts the errors that the kernel has answered with; *error as sockdiag_end() returns it. */
static size_t sockdiag_read_failures(struct sockdiag_ender *e, int *error)
{
	char buffer[NETLINK_BUFFER_BYTES];
	const struct nlmsgerr *failure;
	struct nlmsghdr *header;
	size_t failures = 0;
	ssize_t n;
	int left;

	while ((n = mnl_socket_recvfrom(e->socket, buffer, sizeof(buffer))) > 0) {
		left = n;
		for (header = (struct nlmsghdr *)buffer; mnl_nlmsg_ok(header, left);
		     header = mnl_nlmsg_next(header, &left)) {
			if (header->nlmsg_type != NLMSG_ERROR)
				continue;
			failure = mnl_nlmsg_get_payload(header);
			failures += failure->error != 0;
			/* it has gone, or another one is there */
			if (failure->error != -ENOENT && failure->error != -ESTALE)
				*error = failure->error;
		}
	}
	return failures;
}

int sockdiag_end(struct sockdiag_ender *e, const struct sockdiag_socket *sockets, size_t count)
{
	size_t i, bytes = 0, failures;
	int error = 0;

	if (count > SOCKDIAG_END_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++)
		bytes = sockdiag_put_end(e, bytes, &sockets[i]);
	if (!count)
		return 0;
	if (mnl_socket_sendto(e->socket, e->buffer, bytes) < 0)
		return -errno;
	failures = sockdiag_read_failures(e, &error);
	if (failures > count)
		failures = count;
	return failures == count && error ? error : (int)(count - failures);
}
