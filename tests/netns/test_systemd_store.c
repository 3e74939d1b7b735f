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

#include "machine.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "tests/lab/flood.h"

#define FLOOD_PER_SEC 200000

static const struct server_options server = { .port = STAGE_PORT };

/* ---- what is attached ---------------------------------------------------------------------- */

static void detach(__u32 link)
{
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(link);

	ck_assert_msg(!bpf_link_detach(fd), "link %u: %s", link, strerror(errno));
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

static void configure(struct machine *m, const char *text)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "mkdir -p /etc/synguard/synguard.conf.d; "
		 "printf '%s' >/etc/synguard/synguard.conf.d/50.conf",
		 text);
	machine_do(m, line);
}

static struct flood *begin_flood(struct machine *m)
{
	struct flood *flood =
		STAGE_FLOOD(m->s, .rate_per_sec = FLOOD_PER_SEC, .duration_ms = 90000);

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
	machine_succeed(m, how);
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

	MACHINE_BOOT(&m, &s, &server, NULL);
	configure(&m, "[Defence]\\nClientAllowance=0\\n");
	machine_do(&m, "systemctl start synguard");
	stage_connect_all(&s, STAGE_PORT, 50, 200);
	before = hooks_of_all(&s);
	flood = begin_flood(&m);
	had = accepted(&m);
	succeed_among_clients(&m, how);
	now = hooks_of_all(&s);
	expect_succession(&before, &now);
	machine_do(&m, CONTINUED);
	ck_assert_int_gt(accepted(&m), had);
	stage_flood_end(flood);
	machine_do(&m, "systemctl stop synguard");
	hooks_await_none(&s);
	machine_strike(&m);
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

	MACHINE_BOOT(&m, &s, &server, NULL);
	machine_do(&m, "systemctl start synguard");
	before = hooks_of_all(&s);
	configure(&m, "[Daemon]\\nMode=always\\n[Cookie]\\nEpochSec=17s\\n");
	machine_succeed(&m, "systemctl restart synguard");
	now = hooks_of_all(&s);
	expect_succession(&before, &now);
	ck_assert(machine_try(&m, NULL, CONTINUED, NULL));
	stage_connect_all(&s, STAGE_PORT, 50, 1000);
	/* and what is kept of it is what the next one finds */
	machine_succeed(&m, "systemctl kill --kill-whom=main -s KILL synguard");
	machine_do(&m, CONTINUED);
	stage_connect_all(&s, STAGE_PORT, 50, 1000);
	machine_strike(&m);
}
END_TEST

/* An interface that is not meant any more, and one whose programs somebody took off meanwhile. */
START_TEST(s1_nothing_is_left_elsewhere)
{
	struct machine m;
	struct stage s;

	MACHINE_BOOT(&m, &s, &server, NULL);
	machine_do(&m, "systemctl start synguard");
	hooks_of_all(&s);
	machine_do(&m, "sed -i s/" LAB_IFNAME "/none0/ "
		       "/run/systemd/system/synguard.service.d/lab.conf && "
		       "systemctl daemon-reload && systemctl restart synguard");
	hooks_await_none(&s);
	machine_do(&m, "sed -i s/none0/" LAB_IFNAME "/ "
		       "/run/systemd/system/synguard.service.d/lab.conf && "
		       "systemctl daemon-reload && systemctl restart synguard");
	hooks_of_all(&s);
	detach(hooks_of_all(&s).links[HOOK_XDP]);
	machine_succeed(&m, "systemctl kill --kill-whom=main -s KILL synguard");
	hooks_of_all(&s);
	machine_strike(&m);
}
END_TEST

/* S2: given up by systemd, it leaves nothing attached. */
START_TEST(s2_given_up)
{
	struct machine m;
	struct stage s;
	int kills = 0;

	MACHINE_BOOT(&m, &s, &server, NULL);
	machine_do(&m, "systemctl start synguard");
	do {
		ck_assert_int_lt(kills++, 10);
		hooks_of_all(&s);
	} while (machine_kill(&m, NULL));
	ck_assert_int_ge(kills, 3);
	hooks_await_none(&s);
	machine_strike(&m);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(s1_killed_under_a_flood, 120),
	SUITE_TEST(s1_restarted_under_a_flood, 120),
	SUITE_TEST(s1_replaced_by_another_version, 120),
	SUITE_TEST(s1_nothing_is_left_elsewhere, 120),
	SUITE_TEST(s2_given_up, 120),
	{}
};
/* clang-format on */
