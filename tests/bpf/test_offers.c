/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a challenge offers is what the host would have offered: held against the SYN-ACK and the
 * connections of the kernel itself, on the same listener, with the same settings.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct frame_view challenge(struct prog *p, const struct frame_spec *syn,
				   enum sg_verdict verdict)
{
	prog_service(p, syn)->checked_at_ns = 0;
	return prog_view(expect_verdict(p, SG_XDP, syn, verdict));
}

/* What the kernel answers to the same SYN. */
static struct frame_view kernel_answer(struct prog *p, const struct frame_spec *syn)
{
	struct prog_frame f = prog_frame(syn);
	struct frame_view view;

	prog_deliver(p, &f);
	view = stack_view_sent();
	ck_assert_int_eq(view.flags & ~FRAME_ECE, FRAME_SYN | FRAME_ACK);
	return view;
}

/* The scale that the kernel's side of a local connection has. */
static int kernel_wscale(int listener)
{
	int fd = stack_connect(listener, AF_INET);
	struct tcp_info info = {};
	socklen_t bytes = sizeof(info);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	ck_assert(info.tcpi_options & TCPI_OPT_WSCALE);
	close(fd);
	return info.tcpi_snd_wscale;
}

/*
 * The kernel's own SYN-ACK and ours: the same fields in the same order. Ours has the window that
 * an acceptance gets, of segments as the client takes them: the kernel counts with its own MSS.
 */
START_TEST(test_as_the_kernel_answers)
{
	const struct frame_spec *syns[] = { &client_linux4, &client_linux6, &client_windows4,
					    &client_windows6 };
	struct prog *p = prog_new(stack_new());
	int fd = stack_listen();
	unsigned int i;

	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	close(fd);
	for (i = 0; i < 4; i++) {
		struct frame_view ours, theirs;

		fd = stack_listen();
		ours = challenge(p, syns[i], SG_V_CHALLENGED);
		theirs = kernel_answer(p, syns[i]);
		ck_assert_mem_eq(ours.source_mac, theirs.source_mac, 6);
		ck_assert_mem_eq(ours.destination_mac, theirs.destination_mac, 6);
		ck_assert_int_eq(ours.tos, theirs.tos);
		ck_assert_int_eq(ours.ttl, theirs.ttl);
		ck_assert_int_eq(ours.ip_id, theirs.ip_id);
		ck_assert_int_eq(ours.frag_off, theirs.frag_off);
		ck_assert_int_eq(ours.flags, theirs.flags);
		ck_assert_int_eq(ours.option_bytes, theirs.option_bytes);
		ck_assert_int_eq(ours.option_count, theirs.option_count);
		ck_assert_mem_eq(ours.option_order, theirs.option_order, ours.option_count);
		ck_assert_int_eq(ours.mss, theirs.mss);
		ck_assert_int_eq(ours.wscale, theirs.wscale);
		ck_assert_int_le(ours.window, theirs.window + 1460);
		ck_assert_int_ge(ours.window, theirs.window - 1460);
		close(fd);
	}
}
END_TEST

/* Traps H5: the scale is the kernel's for every size of buffer, and the window is never 0. */
START_TEST(test_window_scale_is_the_kernels)
{
	static const struct {
		const char *tcp_rmem;
		int rcvbuf;
	} hosts[] = {
		{ "4096 131072 33554432", 0 },
		{ "4096 131072 33554432", 8192 },
		{ "4096 131072 33554432", 4194304 },
		{ "4096 131072 6291456", 0 },
		{ "4096 131072 131072", 0 },
		{ "4096 131072 1073741824", 0 },
		{ "4096 4096 4096", 0 },
		{ "4096 4096 4096", 1 },
		{ "4096 131072 33554432", 1 },
	};
	struct prog *p = prog_new(stack_new());
	int fd = stack_listen();
	struct sg_service *s = prog_defend(p, &client_linux4);
	unsigned int i;

	close(fd);
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct frame_view view;
		int theirs;

		stack_sysctl("ipv4/tcp_rmem", hosts[i].tcp_rmem);
		fd = stack_listen(.rcvbuf = hosts[i].rcvbuf);
		memset(s->promised, 0, sizeof(s->promised));
		view = challenge(p, &client_linux4, SG_V_CHALLENGED);
		theirs = kernel_wscale(fd);
		ck_assert_msg(view.wscale == theirs,
			      "rcvbuf %d, tcp_rmem %s: scale %d, the kernel's is %d",
			      hosts[i].rcvbuf, hosts[i].tcp_rmem, view.wscale, theirs);
		ck_assert_int_gt(view.window, 0);
		close(fd);
	}
}
END_TEST

/* Traps H20: what the host has off is not offered, and comes back when it is on. */
START_TEST(test_options_that_are_off)
{
	struct prog *p = prog_new(stack_new());
	struct frame_view view;

	stack_listen();
	prog_defend(p, &client_linux4);

	stack_sysctl("ipv4/tcp_sack", "0");
	view = challenge(p, &client_linux4, SG_V_CHALLENGED);
	ck_assert(!view.has_sack && view.has_ts && view.has_wscale);

	stack_sysctl("ipv4/tcp_window_scaling", "0");
	view = challenge(p, &client_linux4, SG_V_CHALLENGED);
	ck_assert(!view.has_sack && view.has_ts && !view.has_wscale);

	stack_sysctl("ipv4/tcp_timestamps", "0");
	view = challenge(p, &client_linux4, SG_V_CHALLENGED);
	ck_assert(!view.has_sack && !view.has_ts && !view.has_wscale && view.has_mss);

	/* nothing is lost that the host would have granted; a profile must not grant more */
	view = challenge(p, &client_windows4, SG_V_CHALLENGED);
	ck_assert(!view.has_sack && !view.has_wscale);

	stack_sysctl("ipv4/tcp_window_scaling", "1");
	stack_sysctl("ipv4/tcp_sack", "1");
	view = challenge(p, &client_windows4, SG_V_CHALLENGED);
	ck_assert(view.has_sack && view.has_wscale);

	stack_sysctl("ipv4/tcp_timestamps", "1");
	view = challenge(p, &client_linux4, SG_V_CHALLENGED);
	ck_assert(view.has_sack && view.has_ts && view.has_wscale);
}
END_TEST

START_TEST(test_ecn_that_is_off)
{
	struct frame_spec syn = client_linux4;
	struct prog *p = prog_new(stack_new());

	syn.flags = FRAME_SYN | FRAME_ECE | FRAME_CWR;
	stack_listen();
	prog_defend(p, &syn);
	stack_sysctl("ipv4/tcp_ecn", "2");
	ck_assert(challenge(p, &syn, SG_V_CHALLENGED).flags & FRAME_ECE);
	ck_assert(kernel_answer(p, &syn).flags & FRAME_ECE);

	syn.sport = 40001;
	stack_sysctl("ipv4/tcp_ecn", "0");
	ck_assert(!(challenge(p, &syn, SG_V_CHALLENGED).flags & FRAME_ECE));
	ck_assert(!(kernel_answer(p, &syn).flags & FRAME_ECE));
}
END_TEST

/* Traps H6: never more than the link carries or the listener allows. */
START_TEST(test_mss)
{
	static const struct {
		int mtu;
		int maxseg;
	} links[] = { { 1500, 0 }, { 1500, 1300 }, { 1400, 0 }, { 1300, 1400 }, { 1280, 0 } };
	struct prog *p = prog_new(stack_new());
	int fd = stack_listen();
	unsigned int i;

	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	close(fd);
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		char command[80];

		snprintf(command, sizeof(command), "ip link set server mtu %d", links[i].mtu);
		stack_command(command);
		fd = stack_listen(.maxseg = links[i].maxseg);
		ck_assert_int_eq(challenge(p, &client_linux4, SG_V_CHALLENGED).mss,
				 kernel_answer(p, &client_linux4).mss);
		ck_assert_int_eq(challenge(p, &client_linux6, SG_V_CHALLENGED).mss,
				 kernel_answer(p, &client_linux6).mss);
		close(fd);
	}
}
END_TEST

START_TEST(test_ttl_and_tos_of_the_listener)
{
	struct prog *p = prog_new(stack_new());
	struct frame_view ours, theirs;
	int fd = stack_listen();

	stack_sysctl("ipv4/ip_default_ttl", "99");
	prog_defend(p, &client_linux4);
	ours = challenge(p, &client_linux4, SG_V_CHALLENGED);
	ck_assert_int_eq(ours.ttl, 99);
	ck_assert_int_eq(ours.ttl, kernel_answer(p, &client_linux4).ttl);
	close(fd);

	stack_listen(.ttl = 33, .tos = 0x10);
	ours = challenge(p, &client_linux4, SG_V_CHALLENGED);
	theirs = kernel_answer(p, &client_linux4);
	ck_assert_int_eq(ours.ttl, 33);
	ck_assert_int_eq(ours.ttl, theirs.ttl);
	ck_assert_int_eq(ours.tos, 0x10);
	ck_assert_int_eq(ours.tos, theirs.tos);
}
END_TEST

/*
 * Between a challenge and its acceptance the listener's buffers may change, so that the scale that
 * an epoch's first challenge promised is that of them all.
 */
START_TEST(test_promised_scale_lasts_for_an_epoch)
{
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;
	__u64 *slot, epoch;
	int promised;

	stack_sysctl("ipv4/tcp_rmem", "4096 131072 33554432");
	stack_listen();
	s = prog_defend(p, &client_linux4);
	epoch = (prog_now_ns() >> SG_EPOCH_SHIFT) + 2; /* cookie_epoch() */
	slot = &s->promised[epoch & 1];
	ck_assert_uint_eq(*slot, 0);
	promised = challenge(p, &client_linux4, SG_V_CHALLENGED).wscale;
	ck_assert_int_eq(promised, 10);
	ck_assert_uint_eq(*slot, epoch << 8 | promised);

	stack_sysctl("ipv4/tcp_rmem", "4096 131072 131072");
	p->control->rmem_max = 131072;
	ck_assert_int_eq(challenge(p, &client_linux4, SG_V_CHALLENGED).wscale, promised);
	ck_assert_int_ne(s->wscale, promised);
	ck_assert_uint_eq(*slot, epoch << 8 | promised);

	/* as if the slot were of the epoch of the same parity before this one */
	*slot = (epoch - 2) << 8 | promised;
	ck_assert_int_eq(challenge(p, &client_linux4, SG_V_CHALLENGED).wscale, s->wscale);
	ck_assert_uint_eq(*slot, epoch << 8 | s->wscale);
	ck_assert_uint_eq(s->promised[(epoch + 1) & 1], 0);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(test_as_the_kernel_answers, 20),
	SUITE_TEST(test_window_scale_is_the_kernels, 30),
	SUITE_TEST(test_options_that_are_off, 10),
	SUITE_TEST(test_ecn_that_is_off, 10),
	SUITE_TEST(test_mss, 30),
	SUITE_TEST(test_ttl_and_tos_of_the_listener, 10),
	SUITE_TEST(test_promised_scale_lasts_for_an_epoch, 10),
	{}
};
/* clang-format on */
