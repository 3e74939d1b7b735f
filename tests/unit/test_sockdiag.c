/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a dump of sock_diag says, from crafted messages: this is also how a dump comes in that was
 * interrupted (trap C11), since no kernel says that of sockets yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/net/sockdiag.h"
#include "suite.h"

struct dump {
	_Alignas(struct nlmsghdr) char bytes[4096];
	size_t length;
};

static void *add(struct dump *d, int type, int flags, size_t payload)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(d->bytes + d->length);

	*header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(payload),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI | flags,
	};
	d->length += NLMSG_SPACE(payload);
	return NLMSG_DATA(header);
}

/* A request socket from 198.18.0.last to 192.0.2.1:80. */
static struct inet_diag_msg *add_request(struct dump *d, int flags, int last)
{
	struct inet_diag_msg *m = add(d, TCPDIAG_GETSOCK, flags, sizeof(*m));

	*m = (struct inet_diag_msg){
		.idiag_family = AF_INET,
		.idiag_state = SOCKDIAG_SYN_RECV,
		.idiag_retrans = 2,
		.idiag_expires = 3500,
		.id.idiag_sport = htons(80),
		.id.idiag_dport = htons(1000 + last),
		.id.idiag_src[0] = htonl(0xc0000201),
		.id.idiag_dst[0] = htonl(0xc6120000 + last),
	};
	return m;
}

struct seen {
	struct sockdiag_socket of[8];
	size_t count;
};

static void see(void *userdata, const struct sockdiag_socket *s)
{
	struct seen *seen = userdata;

	seen->of[seen->count++] = *s;
}

START_TEST(dump_is_read)
{
	static const struct sg_addr source = { .words = { 0, 0, 0, 0 } };
	bool partial = false;
	struct dump d = {};
	struct seen seen = {};
	struct inet_diag_msg *listener;

	add_request(&d, 0, 7);
	listener = add(&d, TCPDIAG_GETSOCK, 0, sizeof(*listener));
	*listener = (struct inet_diag_msg){
		.idiag_family = AF_INET6,
		.idiag_state = SOCKDIAG_LISTEN,
		.idiag_rqueue = 3,
		.idiag_wqueue = 128,
		.id.idiag_sport = htons(443),
	};
	ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), 1);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert(!seen.of[0].listening && !seen.of[0].ipv6);
	ck_assert_uint_eq(seen.of[0].peer.words[2], htonl(0xffff));
	ck_assert_uint_eq(seen.of[0].peer.words[3], htonl(0xc6120007));
	ck_assert_uint_eq(seen.of[0].addr.words[3], htonl(0xc0000201));
	ck_assert_uint_eq(ntohs(seen.of[0].peer_port), 1007);
	ck_assert_uint_eq(ntohs(seen.of[0].port), 80);
	ck_assert_uint_eq(seen.of[0].retransmits, 2);
	ck_assert_uint_eq(seen.of[0].expires_ms, 3500);
	ck_assert(seen.of[1].listening && seen.of[1].ipv6);
	ck_assert_mem_eq(&seen.of[1].addr, &source, sizeof(source));
	ck_assert_uint_eq(seen.of[1].accept_queue, 3);
	ck_assert_uint_eq(seen.of[1].queue_max, 128);
	ck_assert(!partial);
	d = (struct dump){};
	add(&d, NLMSG_DONE, 0, sizeof(int));
	ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), 0);
	ck_assert_uint_eq(seen.count, 2);
}
END_TEST

/* It is used to its end, whichever message says so, and marked. */
START_TEST(c11_interrupted_dump_of_sockets)
{
	int at;

	for (at = 0; at < 4; at++) {
		bool partial = false;
		struct dump d = {};
		struct seen seen = {};
		int i;

		for (i = 0; i < 3; i++)
			add_request(&d, i == at ? NLM_F_DUMP_INTR : 0, i);
		add(&d, NLMSG_DONE, at == 3 ? NLM_F_DUMP_INTR : 0, sizeof(int));
		ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), 0);
		ck_assert_uint_eq(seen.count, 3);
		ck_assert(partial);
		/* what comes after it does not take it back */
		d = (struct dump){};
		add_request(&d, 0, 9);
		ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), 1);
		ck_assert_uint_eq(seen.count, 4);
		ck_assert(partial);
	}
}
END_TEST

START_TEST(dump_fails)
{
	bool partial = false;
	struct dump d = {};
	struct seen seen = {};
	struct nlmsgerr *error;

	add_request(&d, 0, 1);
	error = add(&d, NLMSG_ERROR, 0, sizeof(*error));
	error->error = -ENOMEM;
	ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), -ENOMEM);
	ck_assert_uint_eq(seen.count, 1);
	/* a message that is too short to be about a socket */
	d = (struct dump){};
	add(&d, TCPDIAG_GETSOCK, 0, sizeof(struct inet_diag_msg) - 4);
	ck_assert_int_eq(sockdiag_take(d.bytes, d.length, see, &seen, &partial), -EBADMSG);
	ck_assert_uint_eq(seen.count, 1);
}
END_TEST

/* Whatever a walk costs, it is made for a fiftieth of the time at most; a cheap one at once. */
START_TEST(pace_bounds_the_share)
{
	static const uint64_t costs_ns[] = { 0, 100000, 20000000, 3000000000 };
	size_t i;

	for (i = 0; i < sizeof(costs_ns) / sizeof(*costs_ns); i++) {
		uint64_t now_ns, used_ns = 0, walks = 0;
		const uint64_t end_ns = 3600 * 1000000000ULL;
		struct pace p = {};

		for (now_ns = 0; now_ns < end_ns; now_ns += 1000000000) {
			if (!pace_allows(&p, now_ns))
				continue;
			pace_note(&p, now_ns, costs_ns[i]);
			used_ns += costs_ns[i];
			walks++;
		}
		ck_assert_uint_le(used_ns, end_ns / 50 + costs_ns[i]);
		if (costs_ns[i] <= 20000000)
			ck_assert_uint_eq(walks, 3600);
		else
			ck_assert_uint_eq(walks, 3600 / 150);
	}
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(dump_is_read, 10),
	SUITE_TEST(c11_interrupted_dump_of_sockets, 10),
	SUITE_TEST(dump_fails, 10),
	SUITE_TEST(pace_bounds_the_share, 10),
	{}
};
/* clang-format on */
