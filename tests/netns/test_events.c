/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells: a flood as a story with a beginning and an end, the same in the journal
 * with its fields, and `synguard events` as people and scripts meet it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/report/events.h"
#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"

#define COLUMNS	       80
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* ---- reading them -------------------------------------------------------------------------- */

/* The lines of `synguard events --json` as an array. */
static json_t *events_of(struct stage *s, const char *since)
{
	char *output = NULL, *line, *state = NULL;
	json_t *all = json_array(), *event;

	ck_assert_int_eq(stage_cli(s, &output, "events", "--json", since), SG_EXIT_OK);
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		event = json_loads(line, 0, NULL);
		ck_assert_msg(event, "no JSON: %s", line);
		json_array_append_new(all, event);
	}
	free(output);
	return all;
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* The first event of this name whose field `key` is `value`; borrowed, or NULL. */
static json_t *find(const json_t *events, const char *name, const char *key, const char *value)
{
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
		if (!strcmp(string(event, "event"), name) &&
		    (!key || !strcmp(string(event, key), value)))
			return event;
	return NULL;
}

static size_t count(const json_t *events, const char *name)
{
	json_t *event;
	size_t i, n = 0;

	json_array_foreach(events, i, event)
		n += !strcmp(string(event, "event"), name);
	return n;
}

/* ---- a flood ------------------------------------------------------------------------------- */

#define SERVICE LAB_SERVER_ADDR4 ":8080"

static void says_of_step(const json_t *events, const char *event, const char *step,
			 const char *sentence)
{
	const json_t *found = find(events, event, "step", step);
	const char *said = json_string_value(json_object_get(found, "sentence"));

	ck_assert_msg(said && !strcmp(said, sentence), "%s of %s: %s", event, step, said);
}

/* A setting of the kernel has a value before and one now, a deed has none to speak of. */
static void tells_steps(const json_t *events)
{
	says_of_step(events, "mitigation_taken", "synack_retries",
		     "Mitigation step synack_retries is taken: net.ipv4.tcp_synack_retries is 1, "
		     "it was 5: there is an attack");
	says_of_step(events, "mitigation_taken", "reap",
		     "Mitigation step reap is taken: there is an attack");
	says_of_step(events, "mitigation_undone", "reap", "Mitigation step reap is undone");
	says_of_step(events, "mitigation_undone", "lease", "Mitigation step lease is undone");
}

START_TEST(events_tell_a_flood)
{
	json_t *events, *began, *ended, *status, *row;
	struct said said;
	struct flood *flood;
	struct stage s;
	int tries;

	stage_raise(&s, &(struct server_options){});
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "5"), "retries");
	stage_daemon_config(&s, "auto", "[Detector]\nHoldSec=2s\n");
	stage_prove(&s, STAGE_PORT);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 20000, .duration_ms = 4000);
	for (tries = 0, events = NULL; tries < 400; tries++) {
		json_decref(events);
		events = events_of(&s, NULL);
		if (find(events, "defence_ended", NULL, NULL))
			break;
		usleep(100000);
	}
	stage_flood_end(flood);
	began = find(events, "defence_began", "service", SERVICE);
	ended = find(events, "defence_ended", "service", SERVICE);
	ck_assert_msg(began && ended, "no beginning or no end was told");
	ck_assert_int_lt(stage_figure(began, "number"), stage_figure(ended, "number"));
	ck_assert_uint_eq(count(events, "defence_began"), 1);
	ck_assert_ptr_nonnull(find(events, "state_changed", "state", "attack"));
	tells_steps(events);
	said = CLI(&s, "mitigation");
	ck_assert_msg(strstr(said.out, "half-open connections\n"), "%s", said.out);
	said_done(&said);

	/* the totals are those of the service's counters, which no one else has moved */
	status = stage_status(&s);
	row = stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT);
	ck_assert_int_gt(stage_figure(row, "challenged"), 10000);
	ck_assert_int_eq(stage_figure(ended, "challenges"), stage_figure(row, "challenged"));
	ck_assert_int_le(stage_figure(ended, "syns"), stage_figure(row, "syns"));
	ck_assert_int_ge(stage_figure(ended, "syns"), stage_figure(row, "challenged"));
	ck_assert_int_eq(stage_figure(ended, "acceptances"), 0);
	/* 4 s of flood, 2 s of calm, and a lease */
	ck_assert_int_ge(stage_figure(ended, "seconds"), 5);
	ck_assert_int_le(stage_figure(ended, "seconds"), 15);
	json_decref(status);
	json_decref(events);
	stage_strike(&s);
}
END_TEST

/* ---- the journal --------------------------------------------------------------------------- */

/* A mount namespace of the test's own with an empty /run, and in it what journald would be. */
static int fake_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	const struct timeval limit = { .tv_sec = 5 };
	int fd;

	ok(unshare(CLONE_NEWNS), "a mount namespace");
	ok(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mounts for ourselves");
	ok(mount("run", "/run", "tmpfs", 0, NULL), "an empty /run");
	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/journal", 0755);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* synguardd whose stderr is, by JOURNAL_STREAM, the journal's stream or is not. */
struct told_daemon {
	struct stage s;
	int err;
	char dir[64];
	pid_t pid;
};

static void told_start(struct told_daemon *d, bool journal)
{
	char stream[80], *program, path[128];
	const char *env[] = { stream, NULL };
	const char *argv[] = { NULL, "--runtime-dir", d->dir, "--interface", LAB_IFNAME, NULL };
	struct lab_run_options o = { .env = env };
	struct stat st;
	int tries;

	stage_raise(&d->s, NULL);
	strcpy(d->dir, "/tmp/synguard-told-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(d->dir));
	d->err = memfd_create("stderr", MFD_CLOEXEC);
	fcntl(d->err, F_SETFL, O_APPEND);
	ck_assert_int_eq(fstat(d->err, &st), 0);
	snprintf(stream, sizeof(stream), "JOURNAL_STREAM=%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !journal);
	ok(lab_find_program("synguardd", &program), "synguardd");
	argv[0] = program;
	o.stderr_fd = d->err;
	ok(lab_spawn(d->s.lab, LAB_SERVER, argv, &o, &d->pid), "synguardd");
	free(program);
	snprintf(path, sizeof(path), "%s/" SG_BUS_SOCKET, d->dir);
	for (tries = 0; access(path, F_OK) && tries < 100; tries++)
		usleep(100000);
	ck_assert_msg(!access(path, F_OK), "synguardd does not come");
}

static int told_cli(struct told_daemon *d, const char *a, const char *b)
{
	const char *argv[] = { NULL, "--runtime-dir", d->dir, a, b, NULL };
	char *program;
	char *output = NULL;
	int code;

	ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	code = lab_run(d->s.lab, LAB_SERVER, argv, 10000, &output);
	free(output);
	free(program);
	return code;
}

static void told_stop(struct told_daemon *d)
{
	char path[128];
	int status = 0;

	ok(lab_stop(d->pid, SIGTERM, 10000, &status), "stopping");
	ck_assert_int_eq(status, 0);
	snprintf(path, sizeof(path), "%s/lock", d->dir);
	unlink(path);
	rmdir(d->dir);
	close(d->err);
	stage_strike(&d->s);
}

static void told_err(struct told_daemon *d, char *text, size_t size)
{
	lab_tail(d->err, text, size);
}

/* Reads the journal's socket until a record of this event comes. */
static void journal_record(int fd, const char *event, char *text, size_t size)
{
	char line[64];
	ssize_t n;
	int tries;

	snprintf(line, sizeof(line), "\nSYNGUARD_EVENT=%s\n", event);
	for (tries = 0; tries < 20; tries++) {
		n = recv(fd, text, size - 1, 0);
		ck_assert_msg(n > 0, "the journal was not told of %s: %s", event, strerror(errno));
		text[n] = 0;
		if (strstr(text, line))
			return;
	}
	ck_abort_msg("20 records and none of %s", event);
}

START_TEST(events_reach_the_journal)
{
	int journal = fake_journal();
	const struct sg_event_row rows[] = {
#define ROW_(name, word_, id_, priority_, sentence_, fields_) { word_, id_, priority_, "", "" },
		SG_EVENTS(ROW_)
#undef ROW_
	};
	char text[8192], line[128], err[4096];
	struct told_daemon d;

	told_start(&d, true);
	journal_record(journal, "started", text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\nSYNGUARD_VERSION=" SG_VERSION "\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nSYNGUARD_ENGINE="));
	ck_assert_int_eq(told_cli(&d, "mode", "observe"), SG_EXIT_OK);
	journal_record(journal, "mode_changed", text, sizeof(text));
	ck_assert(!strncmp(text, "MESSAGE=The mode is now observe, it was auto\n", 45));
	snprintf(line, sizeof(line), "\nMESSAGE_ID=%s\nPRIORITY=%d\n",
		 rows[SG_EVENT_MODE_CHANGED].message_id, rows[SG_EVENT_MODE_CHANGED].priority);
	ck_assert_msg(strstr(text, line), "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\nSYSLOG_IDENTIFIER=synguardd\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nSYNGUARD_MODE=observe\nSYNGUARD_BEFORE=auto\n"));
	told_err(&d, err, sizeof(err));
	ck_assert_msg(!strstr(err, "The mode"), "said twice: %s", err);
	told_stop(&d);
	journal_record(journal, "stopping", text, sizeof(text));
	close(journal);
}
END_TEST

/* A stderr that is not the journal's stream gets sentences, and the journal nothing. */
START_TEST(events_reach_stderr)
{
	int journal = fake_journal();
	char err[4096], byte;
	struct told_daemon d;

	told_start(&d, false);
	ck_assert_int_eq(told_cli(&d, "mode", "observe"), SG_EXIT_OK);
	told_err(&d, err, sizeof(err));
	ck_assert_msg(strstr(err, "synguardd: The mode is now observe, it was auto\n"), "%s", err);
	ck_assert(recv(journal, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	told_stop(&d);
	close(journal);
}
END_TEST

/* journald hangs: nothing waits for it, and what it does not take is said on stderr. */
START_TEST(events_outlive_the_journal)
{
	int journal = fake_journal(), i;
	char err[8192];
	struct told_daemon d;

	told_start(&d, true);
	/* more than net.unix.max_dgram_qlen has room for */
	for (i = 0; i < 600; i++) {
		ck_assert_int_eq(told_cli(&d, "mode", i % 2 ? "auto" : "observe"), SG_EXIT_OK);
		told_err(&d, err, sizeof(err));
		if (strstr(err, "The mode is now"))
			break;
	}
	ck_assert_msg(strstr(err, "<5>The mode is now"), "%s", err);
	ck_assert_int_eq(told_cli(&d, "status", NULL), SG_EXIT_OK);
	close(journal);
	unlink(JOURNAL_SOCKET);
	ck_assert_int_eq(told_cli(&d, "mode", "always"), SG_EXIT_OK);
	told_err(&d, err, sizeof(err));
	ck_assert_msg(strstr(err, "<5>The mode is now always"), "%s", err);
	told_stop(&d);
}
END_TEST

/* A stderr that nobody reads does not stop the daemon either. */
START_TEST(events_outlive_stderr)
{
	struct lab_run_options o = {};
	struct stage s;
	char dir[] = "/tmp/synguard-mute-XXXXXX", *program, path[128];
	const char *argv[] = { NULL, "--runtime-dir", dir, "--interface", LAB_IFNAME, NULL };
	struct told_daemon d;
	int pipes[2], i, tries, status = 0;
	pid_t pid;

	stage_raise(&s, NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	fcntl(pipes[1], F_SETPIPE_SZ, 4096);
	ok(lab_find_program("synguardd", &program), "synguardd");
	argv[0] = program;
	o.stderr_fd = pipes[1];
	ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pid), "synguardd");
	close(pipes[1]);
	snprintf(path, sizeof(path), "%s/" SG_BUS_SOCKET, dir);
	for (tries = 0; access(path, F_OK) && tries < 100; tries++)
		usleep(100000);
	d = (struct told_daemon){ .s = s };
	strcpy(d.dir, dir);
	for (i = 0; i < 200; i++)
		ck_assert_int_eq(told_cli(&d, "mode", i % 2 ? "auto" : "observe"), SG_EXIT_OK);
	ok(lab_stop(pid, SIGTERM, 10000, &status), "stopping");
	ck_assert_int_eq(status, 0);
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	rmdir(dir);
	close(pipes[0]);
	free(program);
	stage_strike(&s);
}
END_TEST

/* journalctl takes the catalog, and finds each entry in it. */
START_TEST(catalog_is_taken)
{
	char dir[] = "/tmp/synguard-catalog-XXXXXX", command[1024], *output = NULL;
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct lab *lab;
	int code, i, n = 0;

	if (access("/usr/bin/journalctl", X_OK))
		SKIP("no journalctl");
	ok(lab_new(&lab), "the lab");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p usr/lib/systemd/catalog var/lib/systemd/catalog && "
		 "cp %s usr/lib/systemd/catalog && journalctl --root=%s --update-catalog 2>&1 && "
		 "journalctl --root=%s --dump-catalog; r=$?; rm -r %s; exit $r",
		 dir, SG_CATALOG, dir, dir, dir);
	code = lab_run(lab, LAB_SERVER, argv, 20000, &output);
	ck_assert_msg(!code, "exit code %d: %s", code, output);
	for (i = 0; i < SG_EVENT_COUNT; i++) {
#define ID_(name, word, id, priority, sentence, fields) "-- " id "\n",
		static const char *const ids[] = { SG_EVENTS(ID_) };
#undef ID_
		n += strstr(output, ids[i]) != NULL;
	}
	ck_assert_msg(n == SG_EVENT_COUNT, "%d of %d entries:\n%s", n, SG_EVENT_COUNT, output);
	free(output);
	lab_free(lab);
}
END_TEST

/* ---- the verb ------------------------------------------------------------------------------ */

static pid_t follow(struct stage *s, int out, int err, const char *option)
{
	const struct lab_run_options o = { .stdout_fd = out, .stderr_fd = err };
	const char *argv[] = { NULL,	 "--runtime-dir", lab_daemon_runtime_dir(s->daemon),
			       "events", "--follow",	  option,
			       NULL };
	char *program;
	pid_t pid;

	ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	ok(lab_spawn(s->lab, LAB_SERVER, argv, &o, &pid), "events --follow");
	free(program);
	return pid;
}

/* Until what it has printed has this in it. */
static void wait_for(int out, const char *word)
{
	char text[16384];
	int tries;

	for (tries = 0; tries < 100; tries++) {
		lab_tail(out, text, sizeof(text));
		if (strstr(text, word))
			return;
		usleep(50000);
	}
	ck_abort_msg("no \"%s\" in:\n%s", word, text);
}

static int exit_code(pid_t pid, const char *when)
{
	int status;

	if (lab_wait(pid, 5000, &status) < 0) {
		lab_stop(pid, SIGKILL, 1000, NULL);
		ck_abort_msg("it does not end %s", when);
	}
	ck_assert_msg(WIFEXITED(status), "wait status %#x %s", status, when);
	return WEXITSTATUS(status);
}

/* Everything was written at once, to nobody: the pipe was closed before the first line came. */
START_TEST(cli_events_unread)
{
	int err = memfd_create("err", MFD_CLOEXEC);
	char text[4096];
	struct stage s;
	int pipes[2];
	pid_t pid;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[0]);
	pid = follow(&s, pipes[1], err, "--json");
	close(pipes[1]);
	ck_assert_int_eq(exit_code(pid, "though nobody ever read"), SG_EXIT_OK);
	lab_tail(err, text, sizeof(text));
	ck_assert_str_eq(text, "");
	stage_strike(&s);
	close(err);
}
END_TEST

/* It ends by signals and by a closed pipe as if it were done, and says when the daemon goes. */
START_TEST(cli_events_follow)
{
	static const int signals[] = { SIGINT, SIGTERM };
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	char text[4096];
	int pipes[2], i;
	struct stage s;
	pid_t pid;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ftruncate(out, 0), 0);
		lseek(out, 0, SEEK_SET);
		pid = follow(&s, out, err, NULL);
		wait_for(out, "has started");
		stage_mode(&s, i ? "auto" : "always");
		wait_for(out, i ? "is now auto" : "is now always");
		kill(pid, signals[i]);
		ck_assert_int_eq(exit_code(pid, "by a signal"), SG_EXIT_OK);
	}
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid = follow(&s, pipes[1], err, "--json");
	close(pipes[1]);
	ck_assert_int_gt(read(pipes[0], text, sizeof(text)), 0);
	close(pipes[0]);
	ck_assert_int_eq(exit_code(pid, "though nobody reads"), SG_EXIT_OK);
	lab_tail(err, text, sizeof(text));
	ck_assert_str_eq(text, "");

	ck_assert_int_eq(ftruncate(out, 0), 0);
	lseek(out, 0, SEEK_SET);
	pid = follow(&s, out, err, NULL);
	wait_for(out, "has started");
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
	ck_assert_int_eq(exit_code(pid, "with the daemon"), SG_EXIT_NO_DAEMON);
	wait_for(out, "is stopping");
	wait_for(err, "synguardd has ended");
	ck_assert_int_eq(stage_cli(&s, NULL, "events", NULL, NULL), SG_EXIT_NO_DAEMON);
	stage_strike(&s);
	close(out);
	close(err);
}
END_TEST

/* The text is the JSON's sentences, in 80 columns, behind the time. */
START_TEST(cli_events_text)
{
	char *output = NULL, *line, *state = NULL;
	json_t *events;
	struct stage s;
	int lines = 0;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	stage_mode(&s, "always");
	events = events_of(&s, NULL);
	ck_assert_uint_ge(json_array_size(events), 2);
	ck_assert_ptr_nonnull(find(events, "mode_changed", "mode", "always"));
	ck_assert_ptr_nonnull(find(events, "started", "mode", "auto"));
	json_decref(events);

	ck_assert_int_eq(stage_cli(&s, &output, "events", NULL, NULL), SG_EXIT_OK);
	ck_assert_ptr_nonnull(strstr(output, "  The mode is now always, it was auto\n"));
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		ck_assert_msg(strlen(line) <= COLUMNS, "%zu columns: %s", strlen(line), line);
		lines++;
	}
	ck_assert_int_ge(lines, 2);
	free(output);
	stage_strike(&s);
}
END_TEST

/* --since in its forms: everything, nothing yet, and what is no time. */
START_TEST(cli_events_since)
{
	static const char *const all[] = { "--since=1d",
					   "--since=2h",
					   "--since=10min",
					   "--since=1000s",
					   "--since=2001-02-03",
					   "--since=2001-02-03 04:05",
					   "--since=2001-02-03 04:05:06",
					   "--since=2001-02-03T04:05:06Z",
					   "--since=2001-02-03T04:05:06.789Z" };
	static const char *const none[] = { "--since=0s", "--since=2222-02-03 04:05:06",
					    "--since=2222-02-03T04:05:06.789012Z" };
	static const char *const wrong[] = { "--since=",
					     "--since=yesterday",
					     "--since=10",
					     "--since=25:00",
					     "--since=2001-02-30",
					     "--since=2001-02-03T04:05:06",
					     "--since=2001-02-03T04:05:06.Zulu",
					     "--since=-3min",
					     "--since",
					     "--since=99999999999999999999d",
					     "--sinced=3min",
					     "--nothing" };
	struct stage s;
	json_t *events;
	char own[64];
	size_t i;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	sleep(2);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		events = events_of(&s, all[i]);
		ck_assert_msg(json_array_size(events), "none with %s", all[i]);
		json_decref(events);
	}
	/* what it has said itself leads to what came then, wherever this clock stands */
	events = events_of(&s, "--since=1d");
	snprintf(own, sizeof(own), "--since=%s",
		 json_string_value(json_object_get(json_array_get(events, 0), "time")));
	json_decref(events);
	events = events_of(&s, own);
	ck_assert_msg(json_array_size(events), "none with %s", own);
	json_decref(events);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		events = events_of(&s, none[i]);
		ck_assert_msg(!json_array_size(events), "some with %s", none[i]);
		json_decref(events);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(stage_cli(&s, NULL, "events", wrong[i], NULL) == SG_EXIT_USAGE, "%s",
			      wrong[i]);
	stage_strike(&s);
}
END_TEST

/* More than the ring holds: the gap is said, at its place, to people and to scripts. */
START_TEST(cli_events_gap)
{
	char *output = NULL;
	json_t *events;
	struct stage s;
	int i;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	for (i = 0; i < EVENTS_KEPT; i++)
		stage_mode(&s, i % 2 ? "auto" : "observe");
	events = events_of(&s, NULL);
	ck_assert_int_ge(json_integer_value(json_object_get(json_array_get(events, 0), "missed")),
			 1);
	ck_assert_uint_eq(json_array_size(events), EVENTS_KEPT + 1);
	ck_assert_ptr_null(find(events, "started", NULL, NULL));
	json_decref(events);
	ck_assert_int_eq(stage_cli(&s, &output, "events", NULL, NULL), SG_EXIT_OK);
	ck_assert_msg(strstr(output, " no longer kept)\n"), "%.200s", output);
	free(output);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(events_tell_a_flood, 90),
	SUITE_TEST(events_reach_the_journal, 60),
	SUITE_TEST(events_reach_stderr, 60),
	SUITE_TEST(events_outlive_the_journal, 90),
	SUITE_TEST(events_outlive_stderr, 90),
	SUITE_TEST(catalog_is_taken, 60),
	SUITE_TEST(cli_events_unread, 60),
	SUITE_TEST(cli_events_follow, 60),
	SUITE_TEST(cli_events_text, 60),
	SUITE_TEST(cli_events_since, 60),
	SUITE_TEST(cli_events_gap, 120),
	{}
};
/* clang-format on */
