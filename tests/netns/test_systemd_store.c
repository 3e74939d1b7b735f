/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon that dies, is restarted or replaced while a flood goes on, under a real systemd that
 * keeps its descriptors: the links stay, so does what the programs know, and no client fails.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lab/flood.h"
#include "machine.h"
#include "suite.h"
#include "synguard/cleanup.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define FLOOD_PER_SEC 200000

/* Ends the test as skipped where there can be no machine. */
#define BOOT(m, s)                                                                                 \
	do {                                                                                       \
		stage_raise(s, &(struct server_options){ .port = STAGE_PORT });                    \
		if (!machine_boot(m, s, NULL)) {                                                   \
			stage_strike(s);                                                           \
			SKIP((m)->why);                                                            \
		}                                                                                  \
	} while (0)

static void ok(int err, const char *what)
{
	ck_assert_msg(err >= 0, "%s: %s", what, strerror(-err));
}

/* ---- what is attached ---------------------------------------------------------------------- */

enum hook { XDP, INGRESS, EGRESS, HOOKS };

/* Of the stage's interface. Ids are never used twice; 0: none. */
struct hooks {
	int ifindex;
	__u32 programs[HOOKS];
	__u32 links[HOOKS];
};

static int hooks_read_programs(void *arg)
{
	static const int where[] = { [INGRESS] = TCX_INGRESS, [EGRESS] = TCX_EGRESS };
	struct hooks *h = arg;
	__u32 ids[8], count, flags;
	int i, err;

	err = bpf_xdp_query_id(h->ifindex, 0, &h->programs[XDP]);
	for (i = INGRESS; i < HOOKS && !err; i++) {
		count = ARRAY_SIZE(ids);
		err = bpf_prog_query(h->ifindex, where[i], 0, &flags, ids, &count);
		if (!err && count > 1)
			err = -E2BIG; /* one of the daemon before is left beside it */
		h->programs[i] = count ? ids[0] : 0;
	}
	return err;
}

/* A program is attached once, hence its links are one. */
static void hooks_find_links(struct hooks *h)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
		int i;

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			continue;
		for (i = 0; i < HOOKS; i++)
			if (h->programs[i] && info.prog_id == h->programs[i])
				h->links[i] = info.id;
	}
}

static struct hooks hooks(struct stage *s)
{
	struct hooks h = { .ifindex = lab_ifindex(s->lab, LAB_SERVER, LAB_IFNAME) };

	ok(lab_call(s->lab, LAB_SERVER, hooks_read_programs, &h), "asking what is attached");
	hooks_find_links(&h);
	return h;
}

static struct hooks hooks_all(struct stage *s)
{
	struct hooks h = hooks(s);
	int i;

	for (i = 0; i < HOOKS; i++)
		ck_assert_msg(h.links[i], "hook %d has no link", i);
	return h;
}

static void detach(__u32 link)
{
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(link);

	ck_assert_msg(!bpf_link_detach(fd), "link %u: %s", link, strerror(errno));
}

static void expect_detached(struct machine *m)
{
	struct hooks h;
	int tries = 0;

	do
		h = hooks(m->s);
	while ((h.programs[XDP] || h.programs[INGRESS] || h.programs[EGRESS]) && tries++ < 100 &&
	       !usleep(100000));
	ck_assert_msg(tries < 100, "left: XDP %u, tcx %u and %u", h.programs[XDP],
		      h.programs[INGRESS], h.programs[EGRESS]);
}

/* The links are those of before, and run programs of another daemon. */
static void expect_succession(const struct hooks *before, const struct hooks *now)
{
	int i;

	for (i = 0; i < HOOKS; i++) {
		ck_assert_msg(now->links[i] == before->links[i], "hook %d: link %u, it was %u", i,
			      now->links[i], before->links[i]);
		ck_assert_msg(now->programs[i] != before->programs[i],
			      "hook %d still runs program %u", i, now->programs[i]);
	}
}

/* ---- the daemon ---------------------------------------------------------------------------- */

#define MAIN_PID "systemctl show -P MainPID synguard"

static void configure(struct machine *m, const char *text)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "mkdir -p /etc/synguard/synguard.conf.d; "
		 "printf '%s' >/etc/synguard/synguard.conf.d/50.conf",
		 text);
	machine_do(m, line);
}

/* Does something that has another process than before be the daemon, and waits for it. */
static void succeed(struct machine *m, const char *how)
{
	machine_do(m, MAIN_PID " >/run/before");
	machine_do(m, how);
	machine_await(m,
		      "next=$(" MAIN_PID ") && test \"$next\" != 0 && "
		      "test \"$next\" != \"$(cat /run/before)\" && systemctl is-active -q synguard",
		      20000);
}

static struct flood *begin_flood(struct machine *m)
{
	const struct flood_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = FLOOD_PER_SEC,
		.duration_ms = 90000,
	};
	struct flood *flood;

	ok(flood_new(&flood, m->s->lab, LAB_CLIENT, LAB_IFNAME, &o), "the flood");
	ok(flood_start(flood), "the flood");
	machine_await(m, "synguard status --json | tr -d ' \\n' | grep -q '\"defending\":true'",
		      20000);
	return flood;
}

/* What it says of a second is not of all the time before it. */
static void expect_rates(char *text)
{
	static const char field[] = "syns_per_second\":";
	char *at = text;
	int seen = 0;

	while ((at = strstr(at, field))) {
		at += strlen(field);
		seen++;
		ck_assert_msg(atoll(at) < 2 * FLOOD_PER_SEC, "%lld a second in:\n%.3000s",
			      atoll(at), text);
	}
	ck_assert_msg(seen, "no rate in:\n%.3000s", text);
	free(text);
}

/* Clients connect while this is done, and for two seconds after it. */
static void succeed_among_clients(struct machine *m, const char *how)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = 50,
		.duration_ms = 8000,
		.deadline_ms = 15000,
	};
	struct clients_result r;
	struct clients *clients;

	ok(clients_start(&clients, m->s->lab, LAB_CLIENT, &o), "clients");
	usleep(2000000);
	succeed(m, how);
	/* of the first tick, as a rule */
	expect_rates(machine_ask(m, "synguard listeners --json"));
	ok(clients_wait(clients, &r), "clients");
	clients_free(clients);
	ck_assert_msg(r.connected == r.attempted && r.attempted >= 300,
		      "connected: %u of %u; %u timed out, %u reset, %u refused, %u other",
		      r.connected, r.attempted, r.timed_out, r.reset, r.refused, r.other);
	clients_result_done(&r);
}

static long long accepted(struct machine *m)
{
	char *text = machine_ask(m, "synguard status --json | tr -d ' \\n' | "
				    "grep -o '\"accepted\":[0-9]*' | head -n 1 | cut -d : -f 2");
	long long n = atoll(text);

	free(text);
	return n;
}

#define CONTINUED "synguard events --json | grep -q '\"continued\"'"

/* What all of them have in common: a flood, the succession, clients meanwhile, and the end. */
static void check_succession(const char *how)
{
	struct hooks before, now;
	struct flood *flood;
	struct machine m;
	struct stage s;
	long long had;

	BOOT(&m, &s);
	configure(&m, "[Defence]\\nClientAllowance=0\\n");
	machine_do(&m, "systemctl start synguard");
	stage_connect_all(&s, 50, 200);
	before = hooks_all(&s);
	flood = begin_flood(&m);
	had = accepted(&m);
	succeed_among_clients(&m, how);
	now = hooks_all(&s);
	expect_succession(&before, &now);
	machine_do(&m, CONTINUED);
	ck_assert_int_gt(accepted(&m), had);
	ok(flood_stop(flood), "the flood");
	flood_free(flood);
	machine_do(&m, "systemctl stop synguard");
	expect_detached(&m);
	machine_off(&m);
	stage_strike(&s);
}

/* S1 */
START_TEST(s1_killed_under_a_flood)
{
	check_succession("systemctl kill --kill-whom=main -s KILL synguard");
}
END_TEST

START_TEST(s1_restarted_under_a_flood)
{
	check_succession("systemctl restart synguard");
}
END_TEST

/* One whose memory is of another shape: its links are taken over all the same. */
START_TEST(s1_replaced_by_another_version)
{
	struct hooks before, now;
	struct machine m;
	struct stage s;

	BOOT(&m, &s);
	machine_do(&m, "systemctl start synguard");
	before = hooks_all(&s);
	configure(&m, "[Daemon]\\nMode=always\\n[Cookie]\\nEpochSec=17s\\n");
	succeed(&m, "systemctl restart synguard");
	now = hooks_all(&s);
	expect_succession(&before, &now);
	ck_assert(machine_try(&m, NULL, CONTINUED, NULL));
	stage_connect_all(&s, 50, 1000);
	/* and what is kept of it is what the next one finds */
	succeed(&m, "systemctl kill --kill-whom=main -s KILL synguard");
	machine_do(&m, CONTINUED);
	stage_connect_all(&s, 50, 1000);
	machine_off(&m);
	stage_strike(&s);
}
END_TEST

/* An interface that is not meant any more, and one whose programs somebody took off meanwhile. */
START_TEST(s1_nothing_is_left_elsewhere)
{
	struct machine m;
	struct stage s;

	BOOT(&m, &s);
	machine_do(&m, "systemctl start synguard");
	hooks_all(&s);
	machine_do(&m, "sed -i s/" LAB_IFNAME "/none0/ "
		       "/run/systemd/system/synguard.service.d/lab.conf && "
		       "systemctl daemon-reload && systemctl restart synguard");
	expect_detached(&m);
	machine_do(&m, "sed -i s/none0/" LAB_IFNAME "/ "
		       "/run/systemd/system/synguard.service.d/lab.conf && "
		       "systemctl daemon-reload && systemctl restart synguard");
	hooks_all(&s);
	detach(hooks_all(&s).links[XDP]);
	succeed(&m, "systemctl kill --kill-whom=main -s KILL synguard");
	hooks_all(&s);
	machine_off(&m);
	stage_strike(&s);
}
END_TEST

/* S2: given up by systemd, it leaves nothing attached. */
START_TEST(s2_given_up)
{
	struct machine m;
	struct stage s;
	int kills;

	BOOT(&m, &s);
	machine_do(&m, "systemctl start synguard");
	for (kills = 0; machine_try(&m, NULL, "systemctl is-failed -q synguard", NULL); kills++) {
		ck_assert_int_lt(kills, 10);
		hooks_all(&s);
		machine_do(&m, MAIN_PID " >/run/before && "
					"systemctl kill --kill-whom=main -s KILL synguard");
		machine_await(&m,
			      "systemctl is-failed -q synguard || { next=$(" MAIN_PID ") && "
			      "test \"$next\" != 0 && test \"$next\" != \"$(cat /run/before)\" && "
			      "systemctl is-active -q synguard; }",
			      20000);
	}
	ck_assert_int_ge(kills, 3);
	expect_detached(&m);
	machine_off(&m);
	stage_strike(&s);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("systemd_store");

	SUITE_TEST(suite, s1_killed_under_a_flood, 120);
	SUITE_TEST(suite, s1_restarted_under_a_flood, 120);
	SUITE_TEST(suite, s1_replaced_by_another_version, 120);
	SUITE_TEST(suite, s1_nothing_is_left_elsewhere, 120);
	SUITE_TEST(suite, s2_given_up, 120);
	return suite_main(suite, argc, argv);
}
