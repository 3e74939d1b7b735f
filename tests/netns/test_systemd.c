/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The units under a real systemd, in a machine made for each test: what `meson install` puts there
 * starts, serves, is confined, is replaced when it hangs or dies, and leaves nothing.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"
#include "now.h"
#include "pair.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"
#include "tests/lab/run.h"

/* Longer than the programs take to load on a busy host. */
#define WATCHDOG "8s"

/* ---- the stage ----------------------------------------------------------------------------- */

static void serve(struct stage *s)
{
	const struct server_options o = { .port = STAGE_PORT };

	ok(server_new(&s->server, s->lab, LAB_SERVER, &o), "the server");
}

static void expect_text(char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in:\n%.4000s", part, text);
	free(text);
}

/* As the CLI has it, asked by somebody who may only ask. */
static json_t *status(struct machine *m)
{
	json_error_t error;
	json_t *json;
	char *text;
	int r = machine_try(m, "visitor", "synguard status --json", &text);

	ck_assert_msg(!r, "exit status %d: %s", r, text);
	json = json_loads(text, 0, &error);
	ck_assert_msg(json, "%s: %s", error.text, text);
	free(text);
	return json;
}

static json_int_t verdict(struct machine *m, const char *program, const char *label)
{
	json_t *json = status(m);
	json_int_t value = stage_verdict(json, program, label);

	json_decref(json);
	return value;
}

/* ---- exposure: what systemd thinks of the sandboxes ---------------------------------------- */

static const struct {
	const char *unit;
	double limit;
} exposures[] = {
	{ "synguard.service", 2.0 },
	{ "synguard-exporter.service", 1.5 },
};

START_TEST(unit_exposure)
{
	struct machine m;
	char line[160], *text, *said;
	struct stage s;
	double level;
	size_t i;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	for (i = 0; i < ARRAY_SIZE(exposures); i++) {
		snprintf(line, sizeof(line),
			 "LC_ALL=C.UTF-8 systemd-analyze security --offline=yes --no-pager "
			 "$(systemctl show -P FragmentPath %s) | grep -v ✓",
			 exposures[i].unit);
		text = machine_ask(&m, line);
		said = strstr(text, "Overall exposure level for");
		ck_assert_msg(said && sscanf(said, "Overall exposure level for %*s %lf", &level) ==
					      1,
			      "%s", text);
		ck_assert_msg(level <= exposures[i].limit, "%s: %.1f is over %.1f\n%s",
			      exposures[i].unit, level, exposures[i].limit, text);
		free(text);
	}
	/* a name that systemd does not know is only a warning, which nobody would see */
	text = machine_ask(&m, "systemd-analyze verify --man=no synguard.service");
	ck_assert_str_eq(text, "");
	free(text);
	machine_strike(&m);
}
END_TEST

/* ---- start, serve, stop -------------------------------------------------------------------- */

static pid_t main_pid(struct machine *m)
{
	return machine_pid(m, machine_figure(m, "MainPID"));
}

static void expect_confined(struct machine *m)
{
	pid_t pid = main_pid(m);
	char *uid = machine_ask(m, "id -u synguard");
	char line[96];

	ck_assert_uint_eq(stage_process(pid, "Uid:\t%llu"), strtoul(uid, NULL, 10));
	ck_assert_uint_ne(stage_process(pid, "Uid:\t%llu"), 0);
	ck_assert_uint_eq(stage_process(pid, "CapEff:\t%llx"), 1ULL << CAP_NET_ADMIN);
	ck_assert_uint_eq(stage_process(pid, "CapPrm:\t%llx"), 1ULL << CAP_NET_ADMIN);
	ck_assert_uint_eq(stage_process(pid, "CapAmb:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "NoNewPrivs:\t%llu"), 1);
	ck_assert_uint_eq(stage_process(pid, "Seccomp:\t%llu"), 2);
	/* the sandbox lets it take the descriptors that systemd leaves to it */
	snprintf(line, sizeof(line),
		 "set -- $(grep '^Max open files' /proc/%lld/limits); test \"$4\" = \"$5\"",
		 machine_figure(m, "MainPID"));
	machine_do(m, line);
	free(uid);
}

/* What a line does where the daemon is, with the daemon's rights. */
static int try_as_daemon(struct machine *m, const char *line)
{
	char inside[512];

	snprintf(inside, sizeof(inside),
		 "exec nsenter -t %lld -m setpriv --reuid synguard --regid synguard --clear-groups "
		 "--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin "
		 "--bounding-set=-all,+net_admin sh -c '%s'",
		 machine_figure(m, "MainPID"), line);
	return machine_try(m, NULL, inside, NULL);
}

static void expect_places(struct machine *m)
{
	ck_assert_int_eq(try_as_daemon(m, "echo 1 >/proc/sys/net/ipv4/tcp_syncookies"), 0);
	ck_assert_int_eq(try_as_daemon(m, ": >/run/synguard/x && rm /run/synguard/x"), 0);
	ck_assert_int_eq(try_as_daemon(m, ": >/var/lib/synguard/x"), 0);
	ck_assert_int_ne(try_as_daemon(m, "mkdir -p /etc/synguard && : >/etc/synguard/x"), 0);
	ck_assert_int_ne(try_as_daemon(m, "echo 0 >/proc/sys/net/unix/max_dgram_qlen"), 0);
	ck_assert_int_ne(try_as_daemon(m, ": >/run/x"), 0);
	ck_assert_int_ne(try_as_daemon(m, "test -r /root"), 0);
	/* the test of the test */
	ck_assert_int_eq(try_as_daemon(m, "test -r /proc/sys/net/unix/max_dgram_qlen"), 0);
}

/* Anybody may ask; root and the group's members may change. */
static void expect_rights(struct machine *m)
{
	char *text;

	ck_assert_int_eq(machine_try(m, "visitor", "synguard status", &text), 0);
	expect_text(text, "mode auto");
	ck_assert_int_eq(machine_try(m, "visitor", "synguard mode observe", NULL),
			 SG_EXIT_NOT_ALLOWED);
	ck_assert_int_eq(machine_try(m, "operator", "synguard mode observe", &text), 0);
	free(text);
	ck_assert_int_eq(machine_try(m, NULL, "synguard mode auto", NULL), 0);
}

START_TEST(unit_serves)
{
	struct machine m;
	struct stage s;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	serve(&s);
	/* without any configuration; and it must not become the daemon's own to write */
	machine_do(&m, "rm -r /etc/synguard; systemctl start synguard");
	hooks_of_all(&s);
	expect_confined(&m);
	expect_places(&m);
	expect_rights(&m);
	stage_connect_all(&s, STAGE_PORT, 100, 300);

	/* what it said, and under its name; the change of the mode is in there */
	expect_text(machine_ask(&m, "journalctl --no-pager -o cat _SYSTEMD_UNIT=synguard.service"),
		    "observe");

	machine_do(&m, "systemctl stop synguard");
	expect_text(machine_ask(&m, "systemctl show -P Result synguard"), "success");
	hooks_await_none(&s);
	machine_do(&m, "test ! -e /run/synguard && test -z \"$(pgrep synguardd)\"");
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	machine_strike(&m);
}
END_TEST

/* By its own socket, without a bus daemon, for everybody. */
START_TEST(unit_answers_busctl)
{
	const char *describe = "busctl --address=unix:path=/run/synguard/bus call org.synguard1 "
			       "/org/synguard1 org.synguard1 Describe | grep -q engine";
	struct machine m;
	struct stage s;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	machine_do(&m, "systemctl start synguard");
	machine_do(&m, describe);
	ck_assert_int_eq(machine_try(&m, "visitor", describe, NULL), 0);
	machine_do(&m, "systemctl stop synguard");
	machine_strike(&m);
}
END_TEST

/* A server that is ordered as servers are finds the daemon ready. */
START_TEST(unit_is_there_before_servers)
{
	struct machine m;
	struct stage s;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	machine_do(&m, "d=/run/systemd/system; printf '%s\\n' '[Unit]' After=network.target "
		       "'[Service]' Type=oneshot \"ExecStart=$(command -v synguard) status\" "
		       ">$d/server.service; printf '%s\\n' '[Unit]' "
		       "'Wants=server.service synguard.service' >$d/boot.target; "
		       "systemctl daemon-reload; systemctl start boot.target");
	expect_text(machine_ask(&m, "systemctl show -P Result server"), "success");
	machine_do(&m, "systemctl enable synguard && systemctl is-enabled synguard");
	machine_strike(&m);
}
END_TEST

/* ---- reload -------------------------------------------------------------------------------- */

static void configure(struct machine *m, const char *setting)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "mkdir -p /etc/synguard; printf '%%s\\n' '[Daemon]' '%s' "
		 ">/etc/synguard/synguard.conf",
		 setting);
	machine_do(m, line);
}

/* By map writes: the same process, the same programs, and what is established goes on. */
START_TEST(unit_reloads)
{
	struct hooks before, after;
	struct machine m;
	struct stage s;
	struct pair pair;
	int listener;
	long long pid;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	listener = pair_listen(&s, NULL);
	configure(&m, "Mode=auto");
	machine_do(&m, "systemctl start synguard");
	pair = pair_open(&s, listener, AF_INET, 0);
	before = hooks_of_all(&s);
	pid = machine_figure(&m, "MainPID");

	configure(&m, "Mode=always");
	machine_do(&m, "systemctl reload synguard");
	machine_await(&m, "synguard status | grep -q 'mode always'", 5000);

	/* refused before the daemon hears of it */
	configure(&m, "Mode=alwys");
	ck_assert_int_ne(machine_try(&m, NULL, "systemctl reload synguard", NULL), 0);
	expect_text(machine_ask(&m, "journalctl --no-pager -o cat _COMM=synguard-config "
				    "_COMM=synguard"),
		    "alwys");
	machine_do(&m, "systemctl is-active synguard && synguard status | grep -q 'mode always'");

	after = hooks_of_all(&s);
	ck_assert_mem_eq(&after, &before, sizeof(after));
	ck_assert_int_eq(machine_figure(&m, "MainPID"), pid);
	pair_talk(&pair);
	pair_close(&pair);
	close(listener);
	machine_do(&m, "systemctl stop synguard");
	machine_strike(&m);
}
END_TEST

/* ---- the exporter -------------------------------------------------------------------------- */

static void expect_exporter_confined(struct machine *m)
{
	char *text = machine_ask(m,
				 "p=$(systemctl show -P MainPID synguard-exporter); "
				 "test $(readlink /proc/$p/ns/net) != $(readlink /proc/1/ns/net) "
				 "&& echo $p");
	pid_t pid = machine_pid(m, atoi(text));

	ck_assert_uint_ne(stage_process(pid, "Uid:\t%llu"), 0);
	ck_assert_uint_eq(stage_process(pid, "CapPrm:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "CapBnd:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "Seccomp:\t%llu"), 2);
	free(text);
}

/* A drop-in as the socket's unit describes it, and a scrape from the other host. */
static void expect_scraped_from_afar(struct machine *m)
{
	const char *scrape[] = {
		"curl", "-sS", "-m", "10", "http://" LAB_SERVER_ADDR4 ":9846/metrics", NULL
	};
	char *text = NULL;

	machine_do(m, "systemctl stop synguard-exporter.socket synguard-exporter.service; "
		      "d=/run/systemd/system/synguard-exporter.socket.d; mkdir -p $d; "
		      "printf '%s\\n' '[Socket]' ListenStream= "
		      "ListenStream=" LAB_SERVER_ADDR4 ":9846 >$d/lan.conf; "
		      "systemctl daemon-reload; systemctl start synguard-exporter.socket");
	ck_assert_int_eq(lab_run(m->s->lab, LAB_CLIENT, scrape, 15000, &text), 0);
	expect_text(text, "synguard_up 1");
}

START_TEST(unit_exporter)
{
	const char *scrape = "curl -sS -m 10 http://127.0.0.1:9846/metrics";
	struct machine m;
	struct stage s;
	char *text;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	machine_do(&m, "systemd-analyze verify --man=no synguard-exporter.service "
		       "synguard-exporter.socket");
	machine_do(&m, "systemctl start synguard synguard-exporter.socket");
	ck_assert_int_eq(machine_try(&m, "visitor", scrape, &text), 0);
	expect_text(text, "synguard_up 1");
	expect_exporter_confined(&m);

	/* it outlives the daemon, and finds the next one; what it knows may be a second old */
	machine_do(&m, "systemctl stop synguard");
	machine_await(&m, "curl -sS -m 10 http://127.0.0.1:9846/metrics | grep -q 'synguard_up 0'",
		      10000);
	machine_do(&m, "systemctl start synguard");
	machine_await(&m, "curl -sS -m 10 http://127.0.0.1:9846/metrics | grep -q 'synguard_up 1'",
		      10000);
	expect_scraped_from_afar(&m);
	machine_do(&m,
		   "systemctl stop synguard synguard-exporter.socket synguard-exporter.service");
	machine_strike(&m);
}
END_TEST

/* ---- a flood ------------------------------------------------------------------------------- */

START_TEST(unit_defends)
{
	struct flood *flood;
	struct machine m;
	struct stage s;
	json_int_t accepted;
	long long start;
	json_t *json;

	MACHINE_BOOT(&m, &s, NULL, WATCHDOG);
	serve(&s);
	/* whoever comes is to be challenged */
	machine_do(
		&m,
		"printf '[Defence]\\nClientAllowance=0\\n' >/etc/synguard/synguard.conf.d/50.conf");
	machine_do(&m, "systemctl start synguard");
	start = now_ms();
	flood = STAGE_FLOOD(&s, .rate_per_sec = 20000, .ipv6_share = 128);
	machine_await(&m, "synguard status --json | grep -q '\"state\": *\"attack\"'", 15000);
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	json = status(&m);
	ck_assert_int_gt(stage_verdict(json, "xdp", "challenged"), 10000);
	/* the first one of each family by its cookie; then their address is a verified client's */
	accepted = stage_verdict(json, "ingress", "accepted");
	ck_assert_int_ge(accepted, 2);
	ck_assert_int_ge(accepted + stage_verdict(json, "xdp", "syn_verified"), 30);
	json_decref(json);

	/* a daemon that is busy is not one that hangs */
	while (now_ms() - start < 12000)
		usleep(100000);
	ck_assert_int_eq(machine_figure(&m, "NRestarts"), 0);
	machine_do(&m, "systemctl is-active synguard");

	/* stopping it in the middle harms nobody who comes afterwards */
	machine_do(&m, "systemctl stop synguard");
	hooks_await_none(&s);
	stage_flood_end(flood);
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	machine_strike(&m);
}
END_TEST

/* ---- hung, killed, hopeless ---------------------------------------------------------------- */

/* How it ends without being asked; from the second on systemd sees it at once. */
static const char *const ends[] = { "STOP", "KILL", "SEGV" };

static void expect_replaced(struct machine *m, long long before, int timeout_ms)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "p=$(systemctl show -P MainPID synguard) && test $p -gt 0 && test $p -ne %lld && "
		 "systemctl is-active synguard",
		 before);
	machine_await(m, line, timeout_ms);
}

/* The short form has a short watchdog; the long one takes the unit's own 20 s. */
START_TEST(unit_is_replaced)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const char *watchdog = suite_full() ? NULL : WATCHDOG;
	struct pair pairs[2];
	long long before;
	struct machine m;
	struct stage s;
	int listener, i;
	char line[80];

	MACHINE_BOOT(&m, &s, NULL, watchdog);
	listener = pair_listen(&s, NULL);
	machine_do(&m, "systemctl start synguard");
	for (i = 0; i < 2; i++) {
		/* the first ones, unchallenged, prove the services */
		pairs[i] = pair_open(&s, listener, families[i], 0);
		pair_close(&pairs[i]);
	}
	machine_do(&m, "synguard mode always");
	for (i = 0; i < 2; i++)
		pairs[i] = pair_open(&s, listener, families[i], 0);
	ck_assert_int_eq(verdict(&m, "ingress", "accepted"), 2);

	before = machine_figure(&m, "MainPID");
	snprintf(line, sizeof(line), "systemctl kill --kill-whom=main -s %s synguard", ends[_i]);
	machine_do(&m, line);
	for (i = 0; i < 2; i++)
		pair_talk(&pairs[i]);
	expect_replaced(&m, before, 45000);
	hooks_of_all(&s);
	for (i = 0; i < 2; i++) {
		pair_talk(&pairs[i]);
		pair_close(&pairs[i]);
	}
	close(listener);
	serve(&s);
	machine_do(&m, "synguard mode always");
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	machine_do(&m, "systemctl stop synguard");
	machine_strike(&m);
}
END_TEST

/* One that dies whenever it starts is left alone after a few times, and so is the host. */
START_TEST(unit_gives_up)
{
	struct machine m;
	struct stage s;
	int kills = 0;

	MACHINE_BOOT(&m, &s, NULL, NULL);
	serve(&s);
	machine_do(&m, "systemctl start synguard");
	do
		ck_assert_int_lt(kills++, 10);
	while (machine_kill(&m, "synguard status"));
	ck_assert_int_ge(kills, 3);
	hooks_await_none(&s);
	machine_do(&m, "test ! -e /run/synguard");
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	machine_do(&m, "systemctl reset-failed synguard && systemctl start synguard");
	hooks_of_all(&s);
	machine_do(&m, "systemctl stop synguard");
	machine_strike(&m);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(unit_exposure, 120),
	SUITE_TEST(unit_serves, 120),
	SUITE_TEST(unit_answers_busctl, 120),
	SUITE_TEST(unit_is_there_before_servers, 120),
	SUITE_TEST(unit_reloads, 120),
	SUITE_TEST(unit_exporter, 120),
	SUITE_TEST(unit_defends, 120),
	SUITE_LOOP(unit_is_replaced, ARRAY_SIZE(ends), 120),
	SUITE_TEST(unit_gives_up, 120),
	{}
};
/* clang-format on */
