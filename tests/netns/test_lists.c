/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard allow and deny, from the command to what clients get: over a restart, by expiry, from a
 * file, and refused where somebody would lock himself out (trap S5).
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
#include <unistd.h>

#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "tests/lab/run.h"

/* Ends with this code, and says this on whichever stream. */
#define EXPECT(s, code, text, ...)                                                                 \
	do {                                                                                       \
		struct said said_ = CLI(s, __VA_ARGS__);                                           \
		ck_assert_msg(said_.exit_code == (code) &&                                         \
				      (strstr(said_.out, text) || strstr(said_.err, text)),        \
			      "%d, \"%s\", \"%s\"", said_.exit_code, said_.out, said_.err);        \
		said_done(&said_);                                                                 \
	} while (0)

/* A folder with a list and the daemon's configuration; the state directory is in it. */
struct place {
	char folder[64];
	char state[96];
	char file[96]; /* AllowFile= */
	char config[256];
};

static void place_make(struct place *p)
{
	strcpy(p->folder, "/tmp/synguard-lists-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	snprintf(p->state, sizeof(p->state), "%s/state", p->folder);
	snprintf(p->file, sizeof(p->file), "%s/file", p->folder);
	p->config[0] = '\0';
}

static void place_write(struct place *p, const char *text)
{
	FILE *f = fopen(p->file, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* A daemon that was killed may have left the file that would have replaced it. */
static void place_forget(struct place *p)
{
	static const char *const names[] = { "lists", "lists.new" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->state, names[i]);
		ck_assert_msg(!unlink(path) || errno == ENOENT, "%s", path);
	}
}

/* What else is there makes this fail. */
static void place_clear(struct place *p)
{
	static const char *const names[] = { "state/lists", "state/lists.unreadable", "file" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->folder, names[i]);
		ck_assert_msg(!unlink(path) || errno == ENOENT, "%s", path);
	}
	ck_assert_msg(!rmdir(p->state) || errno == ENOENT, "the state directory: %s",
		      strerror(errno));
	ck_assert_int_eq(rmdir(p->folder), 0);
}

static void place_daemon(struct stage *s, const struct place *p)
{
	const char *args[] = { "--state-dir", p->state, NULL };
	const struct lab_daemon_options o = {
		.mode = "auto",
		.config = p->config,
		.args = args,
	};
	char tail[2048];
	int err;

	s->daemon = lab_daemon_free(s->daemon);
	err = lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail));
	ck_assert_msg(!err, "synguardd: %s\n%s", strerror(-err), tail);
}

static void begin(struct stage *s, struct place *p)
{
	stage_raise(s, &(struct server_options){});
	place_make(p);
	place_daemon(s, p);
}

static void end(struct stage *s, struct place *p)
{
	stage_strike(s);
	place_clear(p);
}

/* The client is a gateway of the lab's server, too: denying it takes --force. */

/* How many of ten clients of one family connect within the time. */
static unsigned int connecting(struct stage *s, enum clients_family family)
{
	const struct clients_options o = {
		.family = family,
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = 100,
		.deadline_ms = 600,
		.reset_close = true,
	};
	struct clients_result r;
	unsigned int n;

	ok(clients_run(s->lab, LAB_CLIENT, &o, &r), "clients");
	n = r.connected;
	clients_result_done(&r);
	return n;
}

static json_t *entries(struct stage *s, const char *list)
{
	struct said said = CLI(s, list, "list", "--json");
	json_t *a = json_loads(said.out, 0, NULL);

	ck_assert_msg(said.exit_code == 0 && json_is_array(a), "%s%s", said.out, said.err);
	said_done(&said);
	return a;
}

static size_t listed(struct stage *s, const char *list)
{
	json_t *a = entries(s, list);
	size_t n = json_array_size(a);

	json_decref(a);
	return n;
}

START_TEST(lists_decide_who_connects)
{
	json_int_t dropped;
	struct place p;
	struct stage s;
	json_t *status;

	begin(&s, &p);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	EXPECT(&s, 0, "1 prefix added", "deny", "add", LAB_CLIENT_ADDR4, "--force", "--comment",
	       "a test");
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V6), 10);
	status = stage_status(&s);
	dropped = stage_verdict(status, "xdp", "denied");
	json_decref(status);
	ck_assert_int_ge(dropped, 10);
	/* the other list wins */
	EXPECT(&s, 0, "1 prefix added", "allow", "add", LAB_CLIENT_ADDR4);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	EXPECT(&s, 0, "a test", "deny", "list");
	EXPECT(&s, 0, "removed", "allow", "del", LAB_CLIENT_ADDR4);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	EXPECT(&s, 0, "removed", "deny", "del", LAB_CLIENT_ADDR4);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	EXPECT(&s, 1, "is not on the list", "deny", "del", LAB_CLIENT_ADDR4);
	EXPECT(&s, 0, "the list is empty", "deny", "list");
	end(&s, &p);
}
END_TEST

/* What is kept comes back, also after the daemon was killed; what was not, does not. */
START_TEST(lists_come_back)
{
	struct place p;
	struct stage s;
	json_t *a;

	begin(&s, &p);
	EXPECT(&s, 0, "1 prefix added", "deny", "add", LAB_CLIENT_ADDR4, "--force", "--comment",
	       "kept");
	EXPECT(&s, 0, "added", "deny", "add", "198.51.100.0/24", "--runtime");
	EXPECT(&s, 0, "added", "allow", "add", "203.0.113.0/24", "2001:db8:7::/48");
	ck_assert_uint_eq(listed(&s, "deny"), 2);
	kill(lab_daemon_pid(s.daemon), SIGKILL);
	place_daemon(&s, &p);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	a = entries(&s, "deny");
	ck_assert_uint_eq(json_array_size(a), 1);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(a, 0), "prefix")),
			 LAB_CLIENT_ADDR4);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(a, 0), "comment")),
			 "kept");
	json_decref(a);
	ck_assert_uint_eq(listed(&s, "allow"), 2);
	EXPECT(&s, 0, "removed", "deny", "del", LAB_CLIENT_ADDR4);
	/* an end at once does not lose it */
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
	place_daemon(&s, &p);
	ck_assert_uint_eq(listed(&s, "deny"), 0);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	end(&s, &p);
}
END_TEST

START_TEST(lists_expire_by_themselves)
{
	struct place p;
	struct stage s;
	int i;

	begin(&s, &p);
	EXPECT(&s, 0, "added", "deny", "add", LAB_CLIENT_ADDR4, "--force", "--expire", "2s");
	EXPECT(&s, 2, "is no time", "deny", "add", "198.51.100.1", "--expire", "soon");
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	for (i = 0; i < 40 && listed(&s, "deny"); i++)
		usleep(100000);
	ck_assert_int_lt(i, 40);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	end(&s, &p);
}
END_TEST

static bool config_is_ok(struct stage *s)
{
	json_t *status = stage_status(s);
	bool is_ok = json_is_true(json_object_get(status, "config_ok"));

	json_decref(status);
	return is_ok;
}

/* The file is read at the start and at a reload; of a bad one the former stays. */
START_TEST(lists_of_a_file)
{
	char tail[4096], expected[128];
	struct place p;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	place_make(&p);
	snprintf(p.config, sizeof(p.config), "[Lists]\nDenyFile=%s\n", p.file);
	place_write(&p, "# the test's\n" LAB_CLIENT_ADDR4 " # client\n");
	place_daemon(&s, &p);
	ck_assert(config_is_ok(&s));
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	EXPECT(&s, 1, "comes from a file", "deny", "del", LAB_CLIENT_ADDR4);
	place_write(&p, "198.51.100.1\n198.51.100.1/24\n");
	stage_reload(&s, STAGE_CONFIG_REFUSED);
	ck_assert(!config_is_ok(&s));
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	lab_daemon_tail(s.daemon, tail, sizeof(tail));
	snprintf(expected, sizeof(expected), "%s:2: \"198.51.100.1/24\"", p.file);
	ck_assert_msg(strstr(tail, expected), "%s", tail);
	place_write(&p, "198.51.100.1\n");
	stage_reload(&s, STAGE_CONFIG_LOADED);
	ck_assert(config_is_ok(&s));
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	end(&s, &p);
}
END_TEST

START_TEST(lists_import_all_or_nothing)
{
	const char *line = "printf '198.51.100.1\\n198.51.100.0/2%s\\n' | %s --runtime-dir %s "
			   "deny import -";
	char command[512];
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct said said;
	struct place p;
	struct stage s;

	begin(&s, &p);
	snprintf(command, sizeof(command), line, "1", said_program(),
		 lab_daemon_runtime_dir(s.daemon));
	said = said_run(&s, argv, -1);
	ck_assert_int_eq(said.exit_code, 2);
	ck_assert_msg(strstr(said.err, "stdin:2: ") && strstr(said.err, "198.51.96.0/21"), "%s",
		      said.err);
	said_done(&said);
	ck_assert_uint_eq(listed(&s, "deny"), 0);
	snprintf(command, sizeof(command), line, "4", said_program(),
		 lab_daemon_runtime_dir(s.daemon));
	said = said_run(&s, argv, -1);
	ck_assert_msg(said.exit_code == 0, "%s", said.err);
	said_done(&said);
	ck_assert_uint_eq(listed(&s, "deny"), 2);
	end(&s, &p);
}
END_TEST

/* Takes the last entry out of the state file, as a disk or an editor would that cut it. */
static void place_cut(struct place *p)
{
	char path[128], command[512];

	snprintf(path, sizeof(path), "%s/lists", p->state);
	snprintf(command, sizeof(command), "sed -i '/^deny 0 203/d' %s", path);
	ck_assert_int_eq(system(command), 0);
}

/*
 * Trap FW80: a state file that was cut or changed is not believed, and nothing of it is lost: it is
 * kept, also where one is kept already, and the command that the warning names puts it back.
 */
START_TEST(fw80_cut_lists_are_kept)
{
	static const char *const names[] = { "lists.unreadable", "lists.unreadable.1" };
	char tail[4096], expected[256], command[512];
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct said said;
	struct place p;
	struct stage s;
	size_t i;

	begin(&s, &p);
	for (i = 0; i < 2; i++) {
		EXPECT(&s, 0, "2 prefixes added", "deny", "add", "198.51.100.0/24",
		       "203.0.113.0/24", "--comment", "both");
		ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
		place_cut(&p);
		place_daemon(&s, &p);
		ck_assert_uint_eq(listed(&s, "deny"), 0);
		lab_daemon_tail(s.daemon, tail, sizeof(tail));
		snprintf(expected, sizeof(expected),
			 "it was cut, or changed, after synguardd wrote it; none of its entries is "
			 "in force. It is kept as %s/%s: ",
			 p.state, names[i]);
		ck_assert_msg(strstr(tail, expected), "%s", tail);
	}
	snprintf(command, sizeof(command),
		 "sed -n 's/^deny [0-9]* //p' %s/%s | %s --runtime-dir %s deny import -", p.state,
		 names[0], said_program(), lab_daemon_runtime_dir(s.daemon));
	said = said_run(&s, argv, -1);
	ck_assert_msg(said.exit_code == 0, "%s", said.err);
	said_done(&said);
	EXPECT(&s, 0, "both", "deny", "list");
	ck_assert_uint_eq(listed(&s, "deny"), 1);
	for (i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "%s/%s", p.state, names[i]);
		ok(unlink(command), command);
	}
	end(&s, &p);
}
END_TEST

#define MANY 3000

/* The client among thousands, in the place's file. */
static void place_write_many(struct place *p)
{
	FILE *f = fopen(p->file, "we");
	int i;

	ck_assert_ptr_nonnull(f);
	for (i = 0; i < MANY - 1; i++)
		fprintf(f, "198.18.%d.%d\n", i / 256, i % 256);
	fputs(LAB_CLIENT_ADDR4 "\n", f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(lists_import_of_thousands)
{
	struct place p;
	struct stage s;

	begin(&s, &p);
	place_write_many(&p);
	EXPECT(&s, 0, "3000 prefixes added", "deny", "import", p.file, "--force");
	ck_assert_uint_eq(listed(&s, "deny"), MANY);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 0);
	/* again: nothing is new, and all of it is answered for */
	EXPECT(&s, 0, "3000 prefixes added", "deny", "import", p.file, "--force");
	EXPECT(&s, 0, "1 prefix removed", "deny", "del", LAB_CLIENT_ADDR4);
	ck_assert_uint_eq(listed(&s, "deny"), MANY - 1);
	ck_assert_uint_eq(connecting(&s, CLIENTS_V4), 10);
	end(&s, &p);
}
END_TEST

/* Killed somewhere in an import: after it all of it is there, in the file and for the client, or
 * nothing. */
START_TEST(s7_killed_in_an_import)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct lab_run_options o = { .stdout_fd = nowhere, .stderr_fd = nowhere };
	static const unsigned int after_usec[] = { 500, 2000, 4000, 8000, 16000, 32000, 300000 };
	const char *argv[] = {
		NULL, "--runtime-dir", NULL, "deny", "import", NULL, "--force", NULL
	};
	unsigned int deny, i;
	struct place p;
	struct stage s;
	pid_t pid;

	begin(&s, &p);
	place_write_many(&p);
	for (i = 0; i < sizeof(after_usec) / sizeof(*after_usec); i++) {
		argv[0] = said_program();
		argv[2] = lab_daemon_runtime_dir(s.daemon);
		argv[5] = p.file;
		ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pid), "the import");
		usleep(after_usec[i]);
		kill(lab_daemon_pid(s.daemon), SIGKILL);
		ok(lab_wait(pid, 10000, NULL), "the import's end");
		place_daemon(&s, &p);
		deny = listed(&s, "deny");
		ck_assert_msg(!deny || deny == MANY, "%u of %u after %u us", deny, MANY,
			      after_usec[i]);
		ck_assert_uint_eq(connecting(&s, CLIENTS_V4), deny ? 0 : 10);
		/* and once more from nothing */
		s.daemon = lab_daemon_free(s.daemon);
		place_forget(&p);
		place_daemon(&s, &p);
	}
	close(nowhere);
	end(&s, &p);
}
END_TEST

/* Several change at once: each is answered, and nothing of it is lost. */
START_TEST(lists_changed_by_many)
{
	enum { CHANGES = 12 };
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct lab_run_options o = { .stdout_fd = nowhere };
	const char *argv[] = { NULL, "--runtime-dir", NULL, "deny", "add", NULL, NULL };
	char prefixes[CHANGES][32];
	pid_t pids[CHANGES];
	int i, status;
	struct place p;
	struct stage s;

	begin(&s, &p);
	place_write_many(&p);
	argv[0] = said_program();
	argv[2] = lab_daemon_runtime_dir(s.daemon);
	for (i = 0; i < CHANGES; i++) {
		snprintf(prefixes[i], sizeof(prefixes[i]), "198.51.100.%d", i);
		argv[5] = prefixes[i];
		ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pids[i]), "a change");
	}
	EXPECT(&s, 0, "3000 prefixes added", "deny", "import", p.file, "--force");
	for (i = 0; i < CHANGES; i++) {
		ok(lab_wait(pids[i], 10000, &status), "a change's end");
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(listed(&s, "deny"), MANY + CHANGES);
	kill(lab_daemon_pid(s.daemon), SIGKILL);
	place_daemon(&s, &p);
	ck_assert_uint_eq(listed(&s, "deny"), MANY + CHANGES);
	close(nowhere);
	end(&s, &p);
}
END_TEST

START_TEST(s5_refused_unless_forced)
{
	const char *const route[] = { "ip", "route", "add", "default", "via", "192.0.2.254", NULL };
	const char *const route6[] = { "ip",	  "-6",	 "route",	 "add",
				       "default", "via", "2001:db8::fe", NULL };
	struct place p;
	struct stage s;

	begin(&s, &p);
	ok(lab_run(s.lab, LAB_SERVER, route, 5000, NULL), "a route");
	ok(lab_run(s.lab, LAB_SERVER, route6, 5000, NULL), "a route");
	EXPECT(&s, 5, "an address of this host", "deny", "add", LAB_SERVER_ADDR4);
	EXPECT(&s, 5, "an address of this host", "deny", "add", LAB_SERVER_ADDR6);
	EXPECT(&s, 5, "an address of this host", "deny", "add", "127.0.0.0/8");
	EXPECT(&s, 5, "a gateway of this host", "deny", "add", "192.0.2.254");
	EXPECT(&s, 5, "a gateway of this host", "deny", "add", "2001:db8::fe");
	EXPECT(&s, 5, "shorter than /8", "deny", "add", "32.0.0.0/7");
	EXPECT(&s, 5, "shorter than /32", "deny", "add", "2400::/12");
	EXPECT(&s, 5, "--force", "deny", "add", "198.51.100.1", "192.0.2.254");
	ck_assert_uint_eq(listed(&s, "deny"), 0);
	EXPECT(&s, 0, "added", "deny", "add", "192.0.2.254", "--force");
	EXPECT(&s, 0, "added", "allow", "add", LAB_SERVER_ADDR4);
	end(&s, &p);
}
END_TEST

/* The session's address, also where sudo(8) has taken the variable away. */
START_TEST(s5_ssh_session)
{
	static const char *const env[] = { "SSH_CONNECTION=198.51.100.7 50000 192.0.2.1 22", NULL };
	const char *const ways[] = { "%s --runtime-dir %s deny add 198.51.100.0/24; exit $?",
				     "env -u SSH_CONNECTION sh -c '%s --runtime-dir %s deny add "
				     "198.51.100.0/24; exit $?'; exit $?" };
	char command[512];
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct said said;
	struct place p;
	struct stage s;
	size_t i;

	begin(&s, &p);
	for (i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), ways[i], said_program(),
			 lab_daemon_runtime_dir(s.daemon));
		said = said_run_with(&s, argv, env, -1);
		ck_assert_msg(said.exit_code == 5 && strstr(said.err, "SSH session"), "%d: %s",
			      said.exit_code, said.err);
		said_done(&said);
	}
	ck_assert_uint_eq(listed(&s, "deny"), 0);
	end(&s, &p);
}
END_TEST

/* Whoever may not change the mode may not see or change who is listed. */
START_TEST(lists_have_rights)
{
	static const char *const actions[][2] = {
		{ "list", NULL },
		{ "add", "198.51.100.1" },
		{ "del", "198.51.100.1" },
	};
	struct said said;
	struct place p;
	struct stage s;
	size_t i;

	begin(&s, &p);
	for (i = 0; i < 3; i++) {
		const char *const argv[] = { "setpriv",
					     "--reuid",
					     "65534",
					     "--regid",
					     "65534",
					     "--clear-groups",
					     said_program(),
					     "--runtime-dir",
					     lab_daemon_runtime_dir(s.daemon),
					     "deny",
					     actions[i][0],
					     actions[i][1],
					     NULL };

		ck_assert_int_eq(chmod(lab_daemon_runtime_dir(s.daemon), 0755), 0);
		said = said_run(&s, argv, -1);
		ck_assert_msg(said.exit_code == 4 && strstr(said.err, "root"), "%d: %s",
			      said.exit_code, said.err);
		said_done(&said);
	}
	ck_assert_uint_eq(listed(&s, "deny"), 0);
	end(&s, &p);
}
END_TEST

/* What is left on the state directory's disk, all of it, goes into this file. */
static void fill_disk(const char *path)
{
	char page[4096] = "";
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	do
		n = write(fd, page, sizeof(page));
	while (n > 0);
	ck_assert_int_eq(errno, ENOSPC);
	close(fd);
}

/* A full disk: nothing is added that would not be kept, what was is neither lost nor half written,
 * and when there is room again, all goes on. */
START_TEST(lists_disk_full)
{
	char ballast[128], fresh[128];
	struct place p;
	struct stage s;

	ok(unshare(CLONE_NEWNS), "a mount namespace");
	ok(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mounts for ourselves");
	place_make(&p);
	ok(mkdir(p.state, 0700), "the state directory");
	ok(mount("state", p.state, "tmpfs", 0, "size=32k,mode=0700"), "a small disk");
	snprintf(ballast, sizeof(ballast), "%s/ballast", p.state);
	snprintf(fresh, sizeof(fresh), "%s/lists.new", p.state);
	stage_raise(&s, &(struct server_options){});
	place_daemon(&s, &p);
	EXPECT(&s, 0, "1 prefix added", "allow", "add", "203.0.113.0/24");
	fill_disk(ballast);
	EXPECT(&s, SG_EXIT_FAILED, "No space left on device", "allow", "add", "198.51.100.0/24");
	ck_assert_uint_eq(listed(&s, "allow"), 1);
	ck_assert_msg(access(fresh, F_OK) < 0, "half a list is left");
	EXPECT(&s, 0, "added", "allow", "add", "198.51.100.7", "--runtime");
	kill(lab_daemon_pid(s.daemon), SIGKILL);
	place_daemon(&s, &p);
	ck_assert_uint_eq(listed(&s, "allow"), 1);
	ok(unlink(ballast), "room again");
	EXPECT(&s, 0, "1 prefix added", "allow", "add", "198.51.100.0/24");
	ck_assert_uint_eq(listed(&s, "allow"), 2);
	stage_strike(&s);
	ok(umount(p.state), "the small disk");
	place_clear(&p);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(lists_decide_who_connects, 60),
	SUITE_TEST(lists_disk_full, 60),
	SUITE_TEST(lists_come_back, 60),
	SUITE_TEST(lists_expire_by_themselves, 60),
	SUITE_TEST(lists_of_a_file, 60),
	SUITE_TEST(lists_import_all_or_nothing, 60),
	SUITE_TEST(fw80_cut_lists_are_kept, 60),
	SUITE_TEST(lists_import_of_thousands, 60),
	SUITE_TEST(s7_killed_in_an_import, 120),
	SUITE_TEST(lists_changed_by_many, 60),
	SUITE_TEST(s5_refused_unless_forced, 60),
	SUITE_TEST(s5_ssh_session, 60),
	SUITE_TEST(lists_have_rights, 60),
	{}
};
/* clang-format on */
