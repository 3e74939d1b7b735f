/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation under a real systemd, in a machine made for each test: what it changed is as before
 * however the unit ended, and live-backlog.conf is what a backlog of another process takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "suite.h"
#include "tests/lab/flood.h"

#define SYNCOOKIES "/proc/sys/net/ipv4/tcp_syncookies"
#define HAS(value) "test \"$(cat " SYNCOOKIES ")\" = " value

static const struct server_options server = { .port = STAGE_PORT };

/* A flood that is never challenged: of a socket that systemd itself has open. */
static struct flood *begin_flood(struct machine *m, struct stage *s)
{
	const struct flood_options o = { .port = 8101, .rate_per_sec = 2000, .duration_ms = 90000 };
	struct flood *flood;

	machine_do(m, "mkdir -p /etc/systemd/system /etc/synguard/synguard.conf.d");
	machine_do(m, "printf '[Socket]\\nListenStream=0.0.0.0:8101\\nBacklog=64\\n' "
		      ">/etc/systemd/system/kept.socket");
	machine_do(m, "printf '[Service]\\nExecStart=/bin/sleep 60\\n' "
		      ">/etc/systemd/system/kept.service");
	machine_do(m, "printf '[Detector]\\nAttackRate=200\\nEbbRate=50\\nHoldSec=1s\\n"
		      "[Defence]\\nLeaveAlone=*:8101\\n[Mitigation]\\nLiveBacklog=1024\\n' "
		      ">/etc/synguard/synguard.conf.d/50.conf");
	machine_do(m, "systemctl daemon-reload && systemctl start kept.socket synguard");
	flood = stage_flood(s, o);
	machine_await(m,
		      "synguard mitigation --json | tr -d ' \\n' | "
		      "grep -q '\"step\":\"synack_retries\",[^}]*\"taken\":true'",
		      20000);
	return flood;
}

static void end(struct machine *m, struct flood *flood)
{
	if (flood)
		stage_flood_end(flood);
	machine_strike(m);
}

/* S2: one that dies whenever it starts leaves nothing adjusted when systemd gives it up. */
START_TEST(unit_gives_up_and_puts_back)
{
	struct machine m;
	struct stage s;
	int kills = 0;

	MACHINE_BOOT(&m, &s, &server, NULL);
	machine_do(&m, "echo 0 >" SYNCOOKIES);
	machine_do(&m, "systemctl start synguard");
	machine_await(&m, HAS("1"), 10000);
	do
		ck_assert_int_lt(kills++, 10);
	while (machine_kill(&m, HAS("1")));
	ck_assert_int_ge(kills, 3);
	machine_do(&m, HAS("0"));
	machine_do(&m, "test ! -e /run/synguard");
	end(&m, NULL);
}
END_TEST

/* Without the drop-in it says what is missing; with it the unit can, and puts it back. */
START_TEST(unit_reaches_with_its_drop_in)
{
	struct flood *flood;
	struct machine m;
	struct stage s;

	MACHINE_BOOT(&m, &s, &server, NULL);
	flood = begin_flood(&m, &s);
	machine_await(
		&m,
		"synguard mitigation --json | grep -q 'takes CAP_SYS_PTRACE CAP_DAC_READ_SEARCH'",
		10000);
	machine_do(&m, "ss -ltnH sport = :8101 | grep -q ' 64 '");

	machine_do(&m, "mkdir -p /etc/systemd/system/synguard.service.d && "
		       "cp $(ls /usr/share/synguard/live-backlog.conf "
		       "/usr/local/share/synguard/live-backlog.conf 2>/dev/null) "
		       "/etc/systemd/system/synguard.service.d/");
	machine_do(&m, "systemctl daemon-reload && systemctl restart synguard");
	machine_await(&m, "ss -ltnH sport = :8101 | grep -q ' 1024 '", 30000);
	machine_do(&m, "test $(grep CapEff: /proc/$(systemctl show -P MainPID synguard)/status | "
		       "cut -f 2) = 0000000000081004");

	machine_do(&m,
		   "systemctl kill --kill-whom=main -s KILL synguard && systemctl stop synguard");
	machine_do(&m, "ss -ltnH sport = :8101 | grep -q ' 64 '");
	end(&m, flood);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(unit_gives_up_and_puts_back, 120),
	SUITE_TEST(unit_reaches_with_its_drop_in, 120),
	{}
};
/* clang-format on */
