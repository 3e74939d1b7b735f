/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engine listener: the challenge carries the kernel's own SYN cookie. It is held against the SYN-ACK
 * that the kernel sends with a cookie to the same SYN, and its ACK goes to the kernel alone.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#define NAT                                                                                        \
	"nft 'table inet n { chain c { type nat hook postrouting priority srcnat; "                \
	"oifname \"nope\" masquerade; }; };'"

/* Tells what a program learns of its listener to be old. */
static void expire(struct prog *p)
{
	unsigned int i;

	for (i = 0; i < SG_SERVICES_MAX; i++)
		p->services[i].checked_at_ns = 0;
}

/* Defended services of both families on a host with NAT and what the engine needs of it. */
static struct prog *raise(int *listener)
{
	struct prog *p = connection_attached(listener, 0);

	stack_command(NAT);
	stack_sysctl("ipv4/tcp_syncookies", "2");
	stack_sysctl("ipv4/tcp_timestamps", "2");
	expire(p);
	return p;
}

static const struct frame_spec client_ecn4 = {
	.seq = CLIENT_ISN,
	.flags = FRAME_SYN | FRAME_ECE | FRAME_CWR,
	.options = { FRAME_LINUX_SYN(1300, CLIENT_TSVAL, 3) },
};

static const struct frame_spec client_small6 = {
	.version = 6,
	.seq = CLIENT_ISN,
	.options = { FRAME_LINUX_SYN(1221, CLIENT_TSVAL, 14) },
};

static const struct {
	const char *what;
	const struct frame_spec *syn;
	enum sg_verdict verdict; /* without timestamps a cookie keeps the MSS alone */
} clients[] = {
	{ "Linux, IPv4", &client_linux4, SG_V_CHALLENGED },
	{ "Linux, IPv6", &client_linux6, SG_V_CHALLENGED },
	{ "Windows, IPv4", &client_windows4, SG_V_CHALLENGED_PLAIN },
	{ "Windows, IPv6", &client_windows6, SG_V_CHALLENGED_PLAIN },
	{ "no options", &client_bare4, SG_V_CHALLENGED },
	{ "ECN", &client_ecn4, SG_V_CHALLENGED },
	{ "a small MSS", &client_small6, SG_V_CHALLENGED },
};

static struct frame_view kernel_answer(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);

	prog_deliver(p, &f);
	return stack_view_sent();
}

/* All but the clock and the window, which the kernel rounds by another MSS. */
static void assert_same(const char *what, const struct frame_view *ours,
			const struct frame_view *theirs)
{
	ck_assert_msg(ours->seq == theirs->seq, "%s: number %#x, the kernel's is %#x", what,
		      ours->seq, theirs->seq);
	ck_assert_msg(ours->flags == theirs->flags, "%s: flags %#x, the kernel's are %#x", what,
		      ours->flags, theirs->flags);
	ck_assert_msg(ours->option_count == theirs->option_count &&
			      !memcmp(ours->option_order, theirs->option_order, ours->option_count),
		      "%s: other options", what);
	ck_assert_int_eq(ours->mss, theirs->mss);
	ck_assert_int_eq(ours->wscale, theirs->wscale);
	ck_assert_int_eq(ours->ttl, theirs->ttl);
	ck_assert_int_eq(ours->tos, theirs->tos);
	ck_assert_msg((ours->tsval & 63) == (theirs->tsval & 63),
		      "%s: option bits %#x, the kernel's are %#x", what, ours->tsval & 63,
		      theirs->tsval & 63);
	ck_assert_msg(theirs->tsval - ours->tsval <= 1000, "%s: TSval %u, the kernel's is %u", what,
		      ours->tsval, theirs->tsval);
	ck_assert_int_le(abs(ours->window - theirs->window), 1460);
}

START_TEST(kernel_cookie_is_the_kernels)
{
	const struct frame_spec *syn = clients[_i].syn;
	struct frame_view ours, theirs;
	int listener, tries;
	struct prog *p = raise(&listener);

	stack_sysctl("ipv4/tcp_ecn", "1");
	/* a cookie covers the minute, which may change between the two */
	for (tries = 0; tries < 2; tries++) {
		ours = prog_view(expect_verdict(p, SG_XDP, syn, clients[_i].verdict));
		theirs = kernel_answer(p, syn);
		if (ours.seq == theirs.seq)
			break;
	}
	ck_assert(prog_service(p, syn)->host & SG_HOST_LISTENER);
	assert_same(clients[_i].what, &ours, &theirs);
}
END_TEST

/* The kernel makes the connection that was promised, past NAT's hooks, and no program helps. */
START_TEST(kernel_cookie_connects)
{
	const struct frame_spec *syn = clients[_i].syn;
	struct tcp_info info = {};
	socklen_t bytes = sizeof(info);
	struct frame_spec ack;
	struct prog_frame f;
	int listener, fd;
	struct prog *p = raise(&listener);
	bool ts = clients[_i].verdict == SG_V_CHALLENGED && syn != &client_bare4;

	stack_sysctl("ipv4/tcp_ecn", "1");
	ack = prog_answer(p, syn);
	f = prog_frame(&ack);
	prog_deliver_expect(p, &f, SG_V_KERNEL_ACK, __FILE__, __LINE__);
	fd = stack_accept(listener);
	ck_assert_msg(fd >= 0, "%s: no connection", clients[_i].what);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	ck_assert_int_eq(!!(info.tcpi_options & TCPI_OPT_TIMESTAMPS), ts);
	ck_assert_int_eq(!!(info.tcpi_options & TCPI_OPT_WSCALE), ts);
	ck_assert_int_eq(!!(info.tcpi_options & TCPI_OPT_SACK), ts);
	ck_assert_int_eq(!!(info.tcpi_options & TCPI_OPT_ECN), syn == &client_ecn4);
	/* FRAME_LINUX_SYN()'s third */
	if (ts)
		ck_assert_int_eq(info.tcpi_snd_wscale, syn == &client_ecn4   ? 3 :
						       syn == &client_small6 ? 14 :
									       7);
	close(fd);
}
END_TEST

/* What of a host the engine needs, and what takes its place: at the next inspection. */
START_TEST(kernel_cookie_by_the_host)
{
	int listener;
	struct prog *p = raise(&listener);
	struct sg_service *s = prog_service(p, &client_linux4);

	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	/* with a secret offset in the timestamps they cannot be written here */
	stack_sysctl("ipv4/tcp_timestamps", "1");
	expire(p);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED_PLAIN);
	ck_assert(s->host & SG_HOST_LISTENER);
	/* the kernel makes no cookie while its queue has room */
	stack_sysctl("ipv4/tcp_syncookies", "1");
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_COOKIE_REFUSED);
	expire(p);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_NAT);
	stack_command("nft flush ruleset");
	expire(p);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_CHALLENGED);
	ck_assert(!(s->host & SG_HOST_LISTENER));
	stack_sysctl("netfilter/nf_conntrack_tcp_loose", "0");
	stack_command(NAT);
	stack_sysctl("ipv4/tcp_syncookies", "2");
	expire(p);
	expect_verdict(p, SG_XDP, &client_linux4, SG_V_STRICT_CONNTRACK);
}
END_TEST

/* A socket with the SYN's addresses and ports has to see it: TIME_WAIT here, which reopens. */
START_TEST(kernel_cookie_meets_a_socket)
{
	struct frame_spec again;
	struct connection c;
	struct prog_frame f;
	int listener;
	struct prog *p = raise(&listener);

	c = connection_plain(p, &client_linux4, listener);
	connection_end(p, &c);
	again = connection_again(&client_linux4, CLIENT_ISN + 1000000, CLIENT_TSVAL + 100000);
	expect_verdict(p, SG_XDP, &again, SG_V_TUPLE_KNOWN);
	f = prog_frame(&again);
	prog_deliver(p, &f);
	ck_assert_int_eq(stack_view_sent().flags, FRAME_SYN | FRAME_ACK);
	/* another port of the same client is challenged */
	again.sport = 40001;
	expect_verdict(p, SG_XDP, &again, SG_V_CHALLENGED);
	/* and nothing listens any more */
	close(listener);
	expect_verdict(p, SG_XDP, &again, SG_V_NO_LISTENER);
}
END_TEST

SUITE_NEEDS(prog_lacks)

const struct suite_test suite_tests[] = {
	SUITE_LOOP(kernel_cookie_is_the_kernels, ARRAY_SIZE(clients), 10),
	SUITE_LOOP(kernel_cookie_connects, ARRAY_SIZE(clients), 10),
	SUITE_TEST(kernel_cookie_by_the_host, 10),
	SUITE_TEST(kernel_cookie_meets_a_socket, 10),
	{},
};
