/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink requests of the lab: one message, its answers, one acknowledgement. */
#pragma once

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

/* Room for a link with statistics and AF data; the kernel's own answers are below 4 KiB. */
#define REQUEST_BYTES 16384

struct request {
	char buf[REQUEST_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
};

/* Returns the family's own header, zeroed. */
static inline void *request_init(struct request *r, uint16_t type, uint16_t flags,
				 size_t body_bytes)
{
	r->nlh = mnl_nlmsg_put_header(r->buf);
	r->nlh->nlmsg_type = type;
	r->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	r->nlh->nlmsg_seq = 1;
	return mnl_nlmsg_put_extra_header(r->nlh, body_bytes);
}

/* Sends it and handles every answer with @cb (may be NULL) until the acknowledgement, or the end of
 * a dump. 0 or -errno; so is @fd, which may be one. */
static inline int request_send(struct request *r, int fd, mnl_cb_t cb, void *arg)
{
	ssize_t n;
	int ret;

	if (fd < 0)
		return fd;
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
