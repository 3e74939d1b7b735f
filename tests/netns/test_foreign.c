/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XDP programs of somebody else's, which are not replaced (trap F8), what others can do to ours,
 * and what a driver says when it refuses (trap F5).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "truth.h"
#include "watch.h"

/* Waits until the interface is attached to in this way, and for this in its reason. */
static void await_attach(struct stage *s, const char *ifname, const char *attach, const char *part,
			 int seconds)
{
	char found[256] = "it is not there";
	int tries;

	for (tries = 0; tries < seconds * 20; tries++, usleep(50000)) {
		json_t *status = stage_status(s), *row;
		bool matches = false;
		size_t i;

		json_array_foreach(json_object_get(status, "interfaces"), i, row) {
			const char *way = json_string_value(json_object_get(row, "attach"));
			const char *why = json_string_value(json_object_get(row, "attach_reason"));

			if (strcmp(json_string_value(json_object_get(row, "name")), ifname))
				continue;
			snprintf(found, sizeof(found), "%s: %s", way, why);
			matches = !strcmp(way, attach) && strstr(why, part);
		}
		json_decref(status);
		if (matches)
			return;
	}
	ck_abort_msg("%s is not %s (\"%s\"): %s", ifname, attach, part, found);
}

/* ---- other programs ------------------------------------------------------------------------ */

struct foreign {
	int ifindex;
	int flags; /* of netlink's way of attaching */
	bool by_link;
	int prog_fd;
	int link_fd;
	__u32 id;
};

/* These run in a thread of the server's host. */
static int foreign_query(void *arg)
{
	struct foreign *f = arg;

	return bpf_xdp_query_id(f->ifindex, 0, &f->id);
}

static int foreign_attach(void *arg)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct foreign *f = arg;

	f->prog_fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);
	if (f->prog_fd < 0)
		return -errno;
	if (!f->by_link)
		return bpf_xdp_attach(f->ifindex, f->prog_fd, f->flags, NULL);
	f->link_fd = bpf_link_create(f->prog_fd, f->ifindex, BPF_XDP, NULL);
	return f->link_fd < 0 ? -errno : 0;
}

static int foreign_detach(void *arg)
{
	struct foreign *f = arg;

	return f->by_link ? close(f->link_fd) : bpf_xdp_attach(f->ifindex, -1, f->flags, NULL);
}

static __u32 foreign_id(struct stage *s, struct foreign *f)
{
	ok(lab_call(s->lab, LAB_SERVER, foreign_query, f), "asking for the XDP program");
	return f->id;
}

/* Challenged and let in by tcx; its answers are not taken for another host's. */
static void defended_by_tcx(struct stage *s)
{
	struct watch_service before = watch_service(s);

	stage_connect_all(s, STAGE_PORT, 100, 200);
	watch_assert_defended(s, &before, 20);
	ck_assert_int_ge(watch_verdict(s, "egress", "own_reply"), 20);
	ck_assert_int_eq(watch_verdict(s, "egress", "forwarded_synack"), 0);
}

/* tcx only, with the id and the mode in status, for as long as it is there. */
static void stays_until_it_goes(struct stage *s, struct foreign *f, const char *mode)
{
	__u32 id = foreign_id(s, f);
	char part[64];

	ck_assert_uint_ne(id, 0);
	stage_daemon(s, "always");
	snprintf(part, sizeof(part), "id %u, %s", id, mode);
	await_attach(s, LAB_IFNAME, "tcx", part, 1);
	stage_prove(s, STAGE_PORT);
	defended_by_tcx(s);
	ck_assert_int_eq(watch_verdict(s, "xdp", "challenged"), 0);
	stage_mode(s, "observe");
	stage_mode(s, "always");
	ck_assert_uint_eq(foreign_id(s, f), id);
	await_attach(s, LAB_IFNAME, "tcx", part, 1);
	defended_by_tcx(s);
}

/* It goes while clients come: tcx goes on answering until native does, and nobody is lost. */
static void goes_unnoticed(struct stage *s, struct foreign *f)
{
	const struct clients_options o = {
		.port = STAGE_PORT, .rate_per_sec = 100, .duration_ms = 2000, .deadline_ms = 10000
	};
	struct watch_service before = watch_service(s);
	struct clients_result r;
	struct clients *clients;

	ok(clients_start(&clients, s->lab, LAB_CLIENT, &o), "clients");
	usleep(500000);
	ok(lab_call(s->lab, LAB_SERVER, foreign_detach, f), "its end");
	ok(clients_wait(clients, &r), "clients");
	clients_free(clients);
	ck_assert_uint_eq(r.connected, r.attempted);
	watch_assert_defended(s, &before, r.attempted);
	clients_result_done(&r);
}

static void ours_takes_over(struct stage *s, int seconds)
{
	struct watch_service before;

	await_attach(s, LAB_IFNAME, "native", "", seconds);
	before = watch_service(s);
	stage_connect_all(s, STAGE_PORT, 100, 200);
	watch_assert_defended(s, &before, 20);
}

static void foreign_program(struct foreign f, const char *mode)
{
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	f.ifindex = lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME);
	ok(lab_call(s.lab, LAB_SERVER, foreign_attach, &f), "another program");
	stays_until_it_goes(&s, &f, mode);
	goes_unnoticed(&s, &f);
	/* of a link's end no message tells */
	ours_takes_over(&s, f.by_link ? 10 : 2);
	stage_strike(&s);
}

START_TEST(f8_native)
{
	foreign_program((struct foreign){ .flags = XDP_FLAGS_DRV_MODE, .by_link = _i }, "native");
}
END_TEST

START_TEST(f8_generic)
{
	foreign_program((struct foreign){ .flags = XDP_FLAGS_SKB_MODE }, "generic");
}
END_TEST

/* For real: xdp-filter with libxdp's dispatcher, which pins in a bpffs of its own here. */
static const char filter[] = "mount -t bpf bpf /sys/fs/bpf && xdp-filter load -m %s " LAB_IFNAME
			     " || exit 9\n"
			     "while [ -e %s ]; do sleep 0.1; done\n"
			     "xdp-filter unload " LAB_IFNAME "\n";

START_TEST(f8_xdp_filter)
{
	static const char *const modes[][2] = { { "native", "native" }, { "skb", "generic" } };
	const char *const there[] = { "sh", "-c", "command -v xdp-filter >/dev/null", NULL };
	char script[512], flag[] = "/tmp/synguard-filter-XXXXXX";
	const char *const argv[] = { "unshare", "-m", "sh", "-c", script, NULL };
	struct foreign f = { 0 };
	int fd, status, tries;
	struct stage s;
	pid_t pid;

	stage_raise(&s, &(struct server_options){});
	if (lab_run(s.lab, LAB_SERVER, there, 5000, NULL)) {
		stage_strike(&s);
		SKIP("no xdp-filter (Debian's xdp-tools)");
	}
	fd = mkstemp(flag);
	ck_assert_int_ge(fd, 0);
	close(fd);
	snprintf(script, sizeof(script), filter, modes[_i][0], flag);
	f.ifindex = lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME);
	ok(lab_spawn(s.lab, LAB_SERVER, argv, NULL, &pid), "xdp-filter");
	for (tries = 0; tries < 100 && !foreign_id(&s, &f); tries++)
		usleep(100000);
	usleep(300000); /* it pins what it has attached */
	stays_until_it_goes(&s, &f, modes[_i][1]);
	unlink(flag);
	ok(lab_wait(pid, 10000, &status), "xdp-filter's end");
	ck_assert_int_eq(status, 0);
	ours_takes_over(&s, 2);
	stage_strike(&s);
}
END_TEST

/* ---- what others do to ours ---------------------------------------------------------------- */

static int replace(void *arg)
{
	struct foreign *f = arg;

	f->prog_fd = -1;
	return foreign_attach(f);
}

static int take_off(void *arg)
{
	return foreign_detach(arg);
}

/* "ip link set xdp off", and "-force" of another program: the kernel protects a link. */
START_TEST(f8_ours_is_kept)
{
	struct foreign by_force = { .flags = XDP_FLAGS_DRV_MODE };
	struct foreign generic = { .flags = XDP_FLAGS_SKB_MODE };
	struct stage s;
	int ifindex;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	ifindex = by_force.ifindex = generic.ifindex = lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME);
	ck_assert_int_lt(lab_call(s.lab, LAB_SERVER, take_off, &by_force), 0);
	ck_assert_int_lt(lab_call(s.lab, LAB_SERVER, replace, &by_force), 0);
	ck_assert_int_lt(lab_call(s.lab, LAB_SERVER, replace, &generic), 0);
	usleep(1500000);
	ck_assert_uint_eq(truth_programs(&s, LAB_SERVER, ifindex).ours, 3);
	ours_takes_over(&s, 1);
	stage_strike(&s);
}
END_TEST

static void detach_link(__u32 id)
{
	int fd = bpf_link_get_fd_by_id(id);

	ck_assert_msg(fd >= 0, "link %u: %s", id, strerror(errno));
	ck_assert_int_eq(bpf_link_detach(fd), 0);
	close(fd);
}

/*
 * Root detaches our links by force ("bpftool link detach"): said, not fought, and what is left does
 * no harm: SYNs are counted on, and without ingress nothing is challenged.
 */
START_TEST(f8_taken_off_by_force)
{
	struct watch_service before, after;
	struct stage s;
	int ifindex;
	pid_t pid;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	pid = lab_daemon_pid(s.daemon);
	ifindex = lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME);
	if (!_i) {
		detach_link(truth_xdp_link(pid, ifindex));
		await_attach(&s, LAB_IFNAME, "tcx", "somebody detached", 4);
		before = watch_service(&s);
		stage_connect_all(&s, STAGE_PORT, 100, 200);
		after = watch_service(&s);
		ck_assert_int_eq(after.challenged, before.challenged);
		ck_assert_int_ge(after.syns, before.syns + 20);
		stage_mode(&s, "observe");
		stage_mode(&s, "always");
		usleep(1500000);
		await_attach(&s, LAB_IFNAME, "tcx", "somebody detached", 1);
		ck_assert_uint_eq(truth_programs(&s, LAB_SERVER, ifindex).count, 2);
	} else {
		detach_link(truth_ingress_link(pid, ifindex));
		await_attach(&s, LAB_IFNAME, "none", "somebody detached", 4);
		ck_assert_uint_eq(truth_programs(&s, LAB_SERVER, ifindex).count, 0);
		ck_assert_uint_eq(truth_links(pid), TRUTH_TRACEPOINTS);
		stage_connect_all(&s, STAGE_PORT, 100, 200);
	}
	stage_strike(&s);
}
END_TEST

/* ---- what the driver says ------------------------------------------------------------------ */

/* What "ethtool -L" does; a veth end has as many as it was made with at most. */
static void use_queues(struct stage *s, int host, const char *ifname, int rx, int tx)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_SCHANNELS,
					     .rx_count = rx,
					     .tx_count = tx };
	struct ifreq request = { .ifr_data = (void *)&channels };
	int fd = lab_socket(s->lab, host, AF_INET, SOCK_DGRAM, 0);

	ok(fd, "a socket");
	strcpy(request.ifr_name, ifname);
	ck_assert_msg(!ioctl(fd, SIOCETHTOOL, &request), "queues: %s", strerror(errno));
	close(fd);
}

/* veth wants as many queues to receive as its peer has to send. */
START_TEST(f5_refusal_text)
{
	const char *const args[] = { "--interface", LAB_IFNAME, NULL };
	const struct lab_daemon_options o = { .interface = "few0", .mode = "always", .args = args };
	const struct lab_end few = { .host = LAB_SERVER, .ifname = "few0", .rx_queues = 1 };
	const struct lab_end many = {
		.host = LAB_CLIENT, .ifname = "many0", .tx_queues = 3, .rx_queues = 2
	};
	struct truth_programs programs;
	char tail[2048];
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	ok(lab_link_add(s.lab, &few, &many), "a link of unequal ends");
	use_queues(&s, LAB_CLIENT, "many0", 2, 3);
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	await_attach(&s, "few0", "tcx", "XDP expects number of rx queues", 1);
	await_attach(&s, "few0", "tcx", "\"ethtool -L few0\"", 1);
	await_attach(&s, LAB_IFNAME, "native", "", 1);
	programs = truth_programs(&s, LAB_SERVER, lab_ifindex(s.lab, LAB_SERVER, "few0"));
	ck_assert_uint_eq(programs.ours, 2);
	ck_assert_uint_eq(programs.count, 2);
	lab_daemon_tail(s.daemon, tail, sizeof(tail));
	ck_assert_msg(strstr(tail, "attached to few0 (tcx)"), "%s", tail);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(f8_native, 2, 60),
	SUITE_TEST(f8_generic, 60),
	SUITE_LOOP(f8_xdp_filter, 2, 60),
	SUITE_TEST(f8_ours_is_kept, 30),
	SUITE_LOOP(f8_taken_off_by_force, 2, 60),
	SUITE_TEST(f5_refusal_text, 30),
	{}
};
/* clang-format on */
