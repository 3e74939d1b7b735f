/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back of the mitigation: killed between any two of its steps, disturbed by others, without a
 * record, without the right to write. The mitigation itself runs here in a process of its own, built
 * with fault points (fault.h); what comes after it is the installed daemon.
 *
 * Every value is one of the lab's own namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mitigator.h"
#include "suite.h"
#include "synguard/names.h"

#define NOBODY 65534

/* ---- C7 ------------------------------------------------------------------------------------ */

/* Killed wherever, as often as it comes by there; --undo makes everything as before. */
START_TEST(c7_killed_anywhere)
{
	int passes = 1, killed = 0;
	struct host h;

	host_raise(&h);
	while (fall(&h, _i, passes++)) {
		killed++;
		undo_well(&h, fault_names[_i]);
		as_before(&h, fault_names[_i]);
	}
	as_before(&h, "not killed at all");
	ck_assert_msg(killed, "nothing comes by where %s", fault_names[_i]);
	if (_i == FAULT_TAKEN || _i == FAULT_BEFORE_TAKE || _i == FAULT_UNDONE)
		ck_assert_int_ge(killed, 4);
	host_strike(&h);
}
END_TEST

/* ---- C6 ------------------------------------------------------------------------------------ */

/* After a kill: what somebody else has written since stays, the rest is undone. */
START_TEST(c6_written_after_a_kill)
{
	struct said said;
	struct host h;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 4));
	set_value(&h, "net.ipv4.tcp_synack_retries", "3");
	said = undo(&h);
	ck_assert_int_eq(said.exit_code, 0);
	ck_assert_msg(strstr(said.err, "tcp_synack_retries is 3, not our 1"), "%s", said.err);
	said_done(&said);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 3);
	set_value(&h, "net.ipv4.tcp_synack_retries", "5");
	as_before(&h, "the rest");
	host_strike(&h);
}
END_TEST

/* ---- in a real attack ---------------------------------------------------------------------- */

/* Taken while it lasts, what somebody else writes meanwhile wins, and everything as before. */
START_TEST(c6_other_writer_in_an_attack)
{
	struct flood *flood;
	struct host h;

	host_raise(&h);
	start_daemon(&h, "auto", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	await(&h, "syncookies", "taken", true, 3);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 5);
	flood = some_flood(&h);
	await(&h, "syn_backlog", "taken", true, 8);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	ck_assert_int_eq(value(&h, "net.core.somaxconn"), 8192);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_max_syn_backlog"), 4096);

	set_value(&h, "net.core.somaxconn", "2048");
	await(&h, "somaxconn", "conflict", true, 3);
	usleep(1500000);
	ck_assert_int_eq(value(&h, "net.core.somaxconn"), 2048);
	stage_flood_end(flood);
	await(&h, "synack_retries", "taken", false, 10);
	ck_assert_int_eq(value(&h, "net.core.somaxconn"), 2048);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 5);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_syncookies"), 1);
	end_daemon(&h, SIGTERM);
	set_value(&h, "net.core.somaxconn", "4096");
	as_before(&h, "after the attack and the daemon");
	host_strike(&h);
}
END_TEST

/* Killed in an attack: --undo waits for no daemon, and does not meddle with a running one. */
START_TEST(s2_killed_in_an_attack)
{
	struct flood *flood;
	struct said said;
	struct host h;

	host_raise(&h);
	start_daemon(&h, "auto", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "syn_backlog", "taken", true, 8);
	said = undo(&h);
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_msg(strstr(said.err, "is running"), "%s", said.err);
	said_done(&said);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	end_daemon(&h, SIGKILL);
	undo_well(&h, "after a kill");
	as_before(&h, "after a kill");
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* By hand: undone at once, and not taken again. */
START_TEST(mitigation_undo_by_hand)
{
	const char *args[] = {
		said_program(), "--runtime-dir", NULL, "mitigation", "undo", NULL, NULL
	};
	struct flood *flood;
	struct said said;
	struct host h;

	host_raise(&h);
	args[2] = h.dir;
	start_daemon(&h, "auto", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "syn_backlog", "taken", true, 8);
	args[5] = "nothing";
	said = said_run(&h.s, args, -1);
	ck_assert_int_eq(said.exit_code, SG_EXIT_USAGE);
	said_done(&said);
	args[5] = "synack_retries";
	said = said_run(&h.s, args, -1);
	ck_assert_msg(!said.exit_code, "%s", said.err);
	said_done(&said);
	/* the queues that need few retries went with them */
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 5);
	ck_assert_int_eq(value(&h, "net.core.somaxconn"), 4096);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_max_syn_backlog"), 256);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_syncookies"), 1);
	args[5] = NULL;
	said = said_run(&h.s, args, -1);
	ck_assert_msg(!said.exit_code, "%s", said.err);
	said_done(&said);
	sleep(2);
	as_before(&h, "two seconds later");
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* Nothing is taken in mode observe, but it says what would have been. */
START_TEST(mitigation_observes)
{
	struct flood *flood;
	struct host h;

	host_raise(&h);
	start_daemon(&h, "observe", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "synack_retries", "would", true, 8);
	as_before(&h, "in mode observe");
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* ---- without programs ---------------------------------------------------------------------- */

/* A daemon that may load nothing: the installed one, without the rights to. */
static void start_without_programs(struct host *h, const char *config)
{
	struct lab_daemon_options o = { .runtime_dir = h->dir, .mode = "auto", .config = config };
	char tail[2048], path[64], *program;
	FILE *script;

	snprintf(path, sizeof(path), "%s/start", h->dir);
	ok(lab_find_program("synguardd", &program), "synguardd");
	script = fopen(path, "w");
	ck_assert_ptr_nonnull(script);
	fprintf(script,
		"#!/bin/sh\nexec setpriv --bounding-set=-bpf,-perfmon,-sys_admin '%s' \"$@\"\n",
		program);
	fclose(script);
	free(program);
	chmod(path, 0700);
	o.program = path;
	ok(lab_daemon_start(&h->s.daemon, h->s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	unlink(path);
}

static void list_changes(const char *before, const char *during, const char *now)
{
	const char *line = before, *end;

	for (; *line;
	     line = end + 1, during = strchr(during, '\n') + 1, now = strchr(now, '\n') + 1) {
		end = strchr(line, '\n');
		if (strncmp(line, during, end - line + 1))
			printf("# %.*s -> %s -> %s\n", (int)(end - line), line,
			       strndupa(during, strcspn(during, "\n")) + strcspn(line, " ") + 1,
			       strndupa(now, strcspn(now, "\n")) + strcspn(line, " ") + 1);
	}
	fflush(stdout);
}

/*
 * The kernel's own cookies are switched on while a queue is full, and off again; within a minute
 * after the flood every value is as before, and which have been another meanwhile is listed.
 */
START_TEST(mitigation_of_engine_kernel)
{
	char *during, *now;
	struct flood *flood;
	struct host h;

	host_raise(&h);
	start_without_programs(&h, QUICK);
	sleep(2);
	as_before(&h, "without a flood");
	flood = some_flood(&h);
	await(&h, "syn_backlog", "taken", true, 10);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_syncookies"), 1);
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	ck_assert(!is(&h, "lease", "taken"));
	during = all_values(&h);
	stage_flood_end(flood);
	await(&h, "syncookies", "taken", false, 60);
	as_before(&h, "after the flood, with the daemon running");
	now = all_values(&h);
	list_changes(h.before, during, now);
	free(during);
	free(now);
	end_daemon(&h, SIGTERM);
	host_strike(&h);
}
END_TEST

/* ---- the lease ----------------------------------------------------------------------------- */

static bool defends(struct host *h)
{
	const char *args[] = { said_program(), "--runtime-dir", h->dir, "status", "--json", NULL };
	struct said said = said_run(&h->s, args, -1);
	json_t *root = json_loads(said.out, 0, NULL);
	bool yes = json_is_true(
		json_object_get(stage_service(root, LAB_SERVER_ADDR4, STAGE_PORT), "defending"));

	json_decref(root);
	said_done(&said);
	return yes;
}

static void await_defence(struct host *h, bool wanted, int seconds)
{
	int i;

	for (i = 0; i < seconds * 10 && defends(h) != wanted; i++)
		usleep(100000);
	ck_assert_msg(defends(h) == wanted, "it is still %sdefended", wanted ? "not " : "");
}

static const struct {
	const char *config;
	bool taken;
} leases[] = {
	{ QUICK "[Defence]\nLeaseSec=2s\n", true },
	{ QUICK "Lease=no\n[Defence]\nLeaseSec=2s\n", false },
};

/*
 * The planner owns it: a service whose own flood has gone elsewhere stays defended while the attack
 * lasts, and only then; where the step is not allowed its lease ends by itself.
 */
START_TEST(mitigation_holds_the_lease)
{
	struct flood *flood, *elsewhere;
	struct host h;

	host_raise(&h);
	start_daemon(&h, "auto", leases[_i].config);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await_defence(&h, true, 5);
	await(&h, "synack_retries", "taken", true, 8);
	ck_assert(is(&h, "lease", "taken") == leases[_i].taken);
	elsewhere = flood_of(&h, HOST_PORT + HOST_NONE, 2000);
	stage_flood_end(flood);
	if (leases[_i].taken) {
		sleep(6);
		ck_assert_msg(defends(&h), "three leases later, in the attack");
	} else {
		await_defence(&h, false, 6);
	}
	ck_assert(is(&h, "synack_retries", "taken"));
	stage_flood_end(elsewhere);
	await(&h, "lease", "taken", false, 6);
	await_defence(&h, false, 6);
	end_daemon(&h, SIGTERM);
	as_before(&h, "at the end");
	host_strike(&h);
}
END_TEST

/* ---- what cannot be done ------------------------------------------------------------------- */

static void mount_or_die(const char *what, const char *where, const char *type, unsigned long flags,
			 const char *options)
{
	if (mount(what, where, type, flags, options) < 0)
		_exit(10);
}

static void full_disk(const char *dir)
{
	char path[64], block[4096] = "x";
	int fd;

	mount_or_die("none", dir, "tmpfs", 0, "size=4k");
	snprintf(path, sizeof(path), "%s/fill", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (write(fd, block, sizeof(block)) != sizeof(block))
		_exit(11);
}

static void read_only_dir(const char *dir)
{
	mount_or_die("none", dir, "tmpfs", MS_RDONLY, NULL);
}

static void read_only_values(const char *dir)
{
	mount_or_die("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL);
	mount_or_die(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

static void no_capability(const char *dir)
{
	mount_or_die("none", dir, "tmpfs", 0, "mode=0777");
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(12);
}

static const struct {
	const char *name;
	void (*spoil)(const char *dir);
	const char *says;
} spoilt[] = {
	{ "a full disk", full_disk, "mitigation cannot be written: No space left" },
	{ "a read-only runtime directory", read_only_dir,
	  "mitigation cannot be written: Read-only" },
	{ "a read-only /proc/sys", read_only_values, "a /proc/sys that is not read-only" },
	{ "no capability", no_capability, "that takes CAP_NET_ADMIN" },
};

static void mitigate_spoilt(struct host *h, int which)
{
	struct mitigator c;
	int step;

	if (lab_enter(h->s.lab, LAB_SERVER) < 0 || unshare(CLONE_NEWNS) < 0)
		_exit(13);
	mount_or_die("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	spoilt[which].spoil(h->dir);
	mitigator_new(&c, h->dir);
	mitigate(&c, DETECT_ATTACK);
	mitigate(&c, DETECT_ATTACK);
	if (!strstr(c.reason, spoilt[which].says)) {
		fprintf(stderr, "%s: it says \"%s\"\n", spoilt[which].name, c.reason);
		_exit(2);
	}
	/* told once, not with every tick; and nothing is taken that stands above it */
	if (c.events[MITIGATION_FAILED] != 1)
		_exit(3);
	for (step = 0; step < SG_MITIGATION_COUNT; step++)
		if (mitigation_is_taken(c.mitigation, step))
			_exit(4);
	mitigation_free(c.mitigation);
	_exit(0);
}

/* No step is taken that could not be undone, and it says what is missing. */
START_TEST(mitigation_takes_nothing_without)
{
	struct host h;
	int status;
	pid_t pid;

	host_raise(&h);
	pid = fork();
	if (!pid)
		mitigate_spoilt(&h, _i);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%s: status %#x", spoilt[_i].name,
		      status);
	as_before(&h, spoilt[_i].name);
	host_strike(&h);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_RANGE(c7_killed_anywhere, FAULT_NONE + 1, FAULT_COUNT, 60),
	SUITE_TEST(c6_written_after_a_kill, 30),
	SUITE_TEST(c6_other_writer_in_an_attack, 60),
	SUITE_TEST(s2_killed_in_an_attack, 60),
	SUITE_TEST(mitigation_undo_by_hand, 60),
	SUITE_TEST(mitigation_observes, 60),
	SUITE_TEST(mitigation_of_engine_kernel, 120),
	SUITE_LOOP(mitigation_holds_the_lease, 2, 60),
	SUITE_LOOP(mitigation_takes_nothing_without, 4, 30),
	{}
};
/* clang-format on */
