/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back of the ladder: killed between any two of its steps, disturbed by others, without a
 * record, without the right to write. The ladder itself runs here in a process of its own, built
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

#include "daemon/fault.h"
#include "daemon/ladder.h"
#include "daemon/ladder_journal.h"
#include "daemon/report.h"
#include "lab/flood.h"
#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "values.h"

#define NOBODY 65534

static void ok(int err, const char *what)
{
	ck_assert_msg(err >= 0, "%s: %s", what, strerror(-err));
}

/* ---- fault points -------------------------------------------------------------------------- */

static enum fault fault_at;
static int fault_passes;

void fault_pass_by(enum fault point)
{
	if (point == fault_at && !--fault_passes)
		raise(SIGKILL);
}

static const char *const fault_names[] = { [FAULT_NONE] = "nowhere",
#define FAULT_NAME(name, what) [FAULT_##name] = what,
					   FAULTS(FAULT_NAME) };

/* ---- a host -------------------------------------------------------------------------------- */

struct host {
	struct stage s;
	char dir[32];
	char *before;
};

static const struct {
	const char *name, *value;
} start[] = {
	{ "net.ipv4.tcp_syncookies", "0" },
	{ "net.ipv4.tcp_synack_retries", "5" },
	{ "net.core.somaxconn", "4096" },
	{ "net.ipv4.tcp_max_syn_backlog", "256" },
};

static char *all_values(struct host *h)
{
	char *text = values_of(h->s.lab, LAB_SERVER, NULL);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(strstr(text, "tcp_synack_retries") && strstr(text, "somaxconn"), "%s", text);
	return text;
}

static void set_value(struct host *h, const char *name, const char *value)
{
	ok(lab_sysctl_set(h->s.lab, LAB_SERVER, name, value), name);
}

static int value(struct host *h, const char *name)
{
	char *text;
	int n;

	ok(lab_sysctl_get(h->s.lab, LAB_SERVER, name, &text), name);
	n = atoi(text);
	free(text);
	return n;
}

static void host_raise(struct host *h)
{
	size_t i;

	*h = (struct host){ .dir = "/tmp/synguard-ladder-XXXXXX" };
	stage_raise(&h->s, &(struct server_options){});
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	for (i = 0; i < sizeof(start) / sizeof(*start); i++)
		set_value(h, start[i].name, start[i].value);
	h->before = all_values(h);
}

static bool has_record(const struct host *h)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/" LADDER_JOURNAL_FILE, h->dir);
	return !access(path, F_OK);
}

static void as_before(struct host *h, const char *when)
{
	char *now = all_values(h);

	ck_assert_msg(!strcmp(now, h->before), "%s: not as before\n%s\nwas\n%s", when, now,
		      h->before);
	ck_assert_msg(!has_record(h), "%s: the record is still there", when);
	free(now);
}

static void host_strike(struct host *h)
{
	static const char *const left[] = { "lock", "bus", "lab.conf" };
	char path[64];
	size_t i;

	stage_strike(&h->s);
	for (i = 0; i < sizeof(left) / sizeof(*left); i++) {
		snprintf(path, sizeof(path), "%s/%s", h->dir, left[i]);
		unlink(path);
	}
	ck_assert_msg(!rmdir(h->dir), "%s is not empty", h->dir);
	free(h->before);
}

/* ---- the ladder, in a process of its own --------------------------------------------------- */

struct climber {
	struct ladder *ladder;
	struct settings settings;
	struct ladder_situation now;
	unsigned int news[LADDER_NEWS_COUNT];
	char reason[256]; /* of the last failure, or warning */
};

static void on_news(void *userdata, enum ladder_news news, enum sg_ladder_step step, uint64_t from,
		    uint64_t to, const char *reason)
{
	struct climber *c = userdata;

	c->news[news]++;
	if (news == LADDER_FAILED)
		snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

static void on_warning(void *userdata, const char *text)
{
	struct climber *c = userdata;

	snprintf(c->reason, sizeof(c->reason), "%s", text);
}

static void climber_new(struct climber *c, const char *dir)
{
	const struct ladder_handler handler = { on_news, on_warning, c };

	*c = (struct climber){ .now = { .mode = SG_MODE_AUTO, .engine = true, .reaper = true } };
	settings_reset(&c->settings);
	c->settings.ladder_somaxconn = 8192;
	c->settings.ladder_syn_backlog = 4096;
	if (ladder_new(&c->ladder, dir, &handler) < 0)
		_exit(1);
}

static void climb(struct climber *c, enum detect_state state)
{
	c->now.now_ns += 1000000000;
	c->now.state = state;
	ladder_tick(c->ladder, &c->now, &c->settings);
}

/* An attack and its end; killed at the point where it has been passed so often. */
static void climb_and_die(struct host *h, enum fault point, int passes)
{
	struct climber c;

	fault_at = point;
	fault_passes = passes;
	if (lab_enter(h->s.lab, LAB_SERVER) < 0)
		_exit(1);
	climber_new(&c, h->dir);
	climb(&c, DETECT_CALM);
	climb(&c, DETECT_ATTACK);
	if (c.news[LADDER_TAKEN] != SG_LADDER_COUNT)
		_exit(2);
	climb(&c, DETECT_COOLING);
	climb(&c, DETECT_CALM);
	ladder_free(c.ladder);
	_exit(c.news[LADDER_UNDONE] == SG_LADDER_COUNT ? 0 : 3);
}

/* True: it was killed. */
static bool fall(struct host *h, enum fault point, int passes)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		climb_and_die(h, point, passes);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "status %#x", status);
	return false;
}

static struct said undo(struct host *h)
{
	static char *program;

	if (!program)
		ok(lab_find_program("synguardd", &program), "synguardd");
	return said_run(&h->s,
			(const char *const[]){ program, "--undo", "--runtime-dir", h->dir, NULL },
			-1);
}

static void undo_well(struct host *h, const char *when)
{
	struct said said = undo(h);

	ck_assert_msg(!said.exit_code, "%s: exit %d, %s", when, said.exit_code, said.err);
	said_done(&said);
}

static void start_daemon(struct host *h, const char *mode, const char *config)
{
	const struct lab_daemon_options o = { .runtime_dir = h->dir,
					      .mode = mode,
					      .config = config };
	char tail[2048];

	ok(lab_daemon_start(&h->s.daemon, h->s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
}

static void end_daemon(struct host *h, int signal)
{
	kill(lab_daemon_pid(h->s.daemon), signal);
	lab_daemon_stop(h->s.daemon, 5000, NULL);
	h->s.daemon = lab_daemon_free(h->s.daemon);
}

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

/* The next daemon does the same at its start. */
START_TEST(c7_next_start)
{
	struct host h;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	ck_assert(has_record(&h));
	ck_assert_int_eq(value(&h, "net.ipv4.tcp_synack_retries"), 1);
	start_daemon(&h, "observe", "");
	as_before(&h, "after the next start");
	end_daemon(&h, SIGTERM);
	as_before(&h, "after its end");
	host_strike(&h);
}
END_TEST

static void write_record(struct host *h, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" LADDER_JOURNAL_FILE, h->dir);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static char *record(struct host *h)
{
	char path[64], *text = calloc(1, 4096);
	FILE *file;

	snprintf(path, sizeof(path), "%s/" LADDER_JOURNAL_FILE, h->dir);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, 4095, file), 0);
	fclose(file);
	return text;
}

/* A record that is damaged, or of another place, is told of, and nothing is written. */
START_TEST(c7_record_that_is_not_ours)
{
	struct said said;
	struct host h;
	char *text, *now, *taken;

	host_raise(&h);
	ck_assert(fall(&h, FAULT_TAKEN, 3));
	taken = all_values(&h);
	text = record(&h);

	*strstr(text, "old ") = 'O';
	write_record(&h, text);
	said = undo(&h);
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_msg(strstr(said.err, "damaged"), "%s", said.err);
	said_done(&said);
	*strstr(text, "Old ") = 'o';
	write_record(&h, text);

	/* in another namespace: the client's */
	said = (struct said){};
	{
		char *program;

		ok(lab_find_program("synguardd", &program), "synguardd");
		ck_assert_int_eq(lab_run(h.s.lab, LAB_CLIENT,
					 (const char *const[]){ program, "--undo", "--runtime-dir",
								h.dir, NULL },
					 5000, NULL),
				 SG_EXIT_FAILED);
		free(program);
	}
	now = all_values(&h);
	ck_assert_str_eq(now, taken);
	undo_well(&h, "the record as it was");
	as_before(&h, "the record as it was");
	free(text);
	free(now);
	free(taken);
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

#define QUICK                                                                                      \
	"[Detector]\nAttackRate=200\nEbbRate=50\nHoldSec=1s\n"                                     \
	"[Ladder]\nSomaxconn=8192\nSynBacklog=4096\n"

static json_t *step_of(struct host *h, const char *word)
{
	const char *args[] = { said_program(), "--runtime-dir", h->dir, "ladder", "--json", NULL };
	struct said said = said_run(&h->s, args, -1);
	json_t *root = json_loads(said.out, 0, NULL), *step, *found = NULL;
	size_t i;

	ck_assert_msg(!said.exit_code && root, "%s%s", said.out, said.err);
	json_array_foreach(json_object_get(root, "steps"), i, step)
		if (!strcmp(json_string_value(json_object_get(step, "step")), word))
			found = json_incref(step);
	ck_assert_ptr_nonnull(found);
	json_decref(root);
	said_done(&said);
	return found;
}

static bool is(struct host *h, const char *word, const char *what)
{
	json_t *step = step_of(h, word);
	bool yes = json_is_true(json_object_get(step, what));

	json_decref(step);
	return yes;
}

static void await(struct host *h, const char *word, const char *what, bool wanted, int seconds)
{
	int i;

	for (i = 0; i < seconds * 10 && is(h, word, what) != wanted; i++)
		usleep(100000);
	ck_assert_msg(is(h, word, what) == wanted, "%s: \"%s\" is still %d", word, what, !wanted);
}

static struct flood *some_flood(struct host *h)
{
	const struct flood_options o = { .port = STAGE_PORT,
					 .rate_per_sec = 2000,
					 .duration_ms = 60000 };
	struct flood *flood;

	ok(flood_new(&flood, h->s.lab, LAB_CLIENT, LAB_IFNAME, &o), "a flood");
	ok(flood_start(flood), "its start");
	return flood;
}

static void end_flood(struct flood *flood)
{
	ok(flood_stop(flood), "the flood's end");
	flood_free(flood);
}

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
	end_flood(flood);
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
	end_flood(flood);
	host_strike(&h);
}
END_TEST

/* By hand: undone at once, and not taken again. */
START_TEST(ladder_undo_by_hand)
{
	const char *args[] = { said_program(), "--runtime-dir", NULL, "ladder", "undo", NULL, NULL };
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
	end_flood(flood);
	host_strike(&h);
}
END_TEST

/* Nothing is taken in mode observe, but it says what would have been. */
START_TEST(ladder_observes)
{
	struct flood *flood;
	struct host h;

	host_raise(&h);
	start_daemon(&h, "observe", QUICK);
	stage_prove(&h.s, STAGE_PORT);
	flood = some_flood(&h);
	await(&h, "synack_retries", "would", true, 8);
	as_before(&h, "in mode observe");
	end_flood(flood);
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
START_TEST(ladder_of_engine_kernel)
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
	end_flood(flood);
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
	{ "a full disk", full_disk, "ladder cannot be written: No space left" },
	{ "a read-only runtime directory", read_only_dir, "ladder cannot be written: Read-only" },
	{ "a read-only /proc/sys", read_only_values, "a /proc/sys that is not read-only" },
	{ "no capability", no_capability, "that takes CAP_NET_ADMIN" },
};

static void climb_spoilt(struct host *h, int which)
{
	struct climber c;
	int step;

	if (lab_enter(h->s.lab, LAB_SERVER) < 0 || unshare(CLONE_NEWNS) < 0)
		_exit(13);
	mount_or_die("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	spoilt[which].spoil(h->dir);
	climber_new(&c, h->dir);
	climb(&c, DETECT_ATTACK);
	climb(&c, DETECT_ATTACK);
	if (!strstr(c.reason, spoilt[which].says)) {
		fprintf(stderr, "%s: it says \"%s\"\n", spoilt[which].name, c.reason);
		_exit(2);
	}
	/* told once, not with every tick; and nothing is taken that stands above it */
	if (c.news[LADDER_FAILED] != 1)
		_exit(3);
	for (step = 0; step < SG_LADDER_COUNT; step++)
		if (ladder_is_taken(c.ladder, step))
			_exit(4);
	ladder_free(c.ladder);
	_exit(0);
}

/* No step is taken that could not be undone, and it says what is missing. */
START_TEST(ladder_takes_nothing_without)
{
	struct host h;
	int status;
	pid_t pid;

	host_raise(&h);
	pid = fork();
	if (!pid)
		climb_spoilt(&h, _i);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%s: status %#x", spoilt[_i].name,
		      status);
	as_before(&h, spoilt[_i].name);
	host_strike(&h);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("ladder");

	suite_add(suite, "c7_killed_anywhere", c7_killed_anywhere, FAULT_NONE + 1, FAULT_COUNT, 60);
	SUITE_TEST(suite, c7_next_start, 30);
	SUITE_TEST(suite, c7_record_that_is_not_ours, 30);
	SUITE_TEST(suite, c6_written_after_a_kill, 30);
	SUITE_TEST(suite, c6_other_writer_in_an_attack, 60);
	SUITE_TEST(suite, s2_killed_in_an_attack, 60);
	SUITE_TEST(suite, ladder_undo_by_hand, 60);
	SUITE_TEST(suite, ladder_observes, 60);
	SUITE_TEST(suite, ladder_of_engine_kernel, 120);
	SUITE_LOOP(suite, ladder_takes_nothing_without, 4, 30);
	return suite_main(suite, argc, argv);
}
