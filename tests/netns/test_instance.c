/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon per network namespace: trap S6. And nobody without privileges can keep it out, or have it
 * believe or write files of his choice (trap FW81).
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "tests/lab/run.h"
#include "truth.h"

#define NOBODY 65534
#define MARK   "\0synguard/daemon"

/* Another runtime directory, the same network namespace: refused, and the first one goes on. */
START_TEST(s6_other_runtime_dir)
{
	const struct lab_daemon_options o = { .mode = _i ? "observe" : "always" };
	struct lab_daemon *second = NULL;
	char tail[2048], wanted[64];
	struct stage s;
	int err;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "observe");
	err = lab_daemon_start(&second, s.lab, LAB_SERVER, &o, tail, sizeof(tail));
	ck_assert_int_eq(err, -ECHILD);
	snprintf(wanted, sizeof(wanted), "another synguardd (process %d)",
		 lab_daemon_pid(s.daemon));
	ck_assert_msg(strstr(tail, wanted), "stderr is \"%s\"", tail);
	stage_prove(&s, STAGE_PORT);
	ck_assert_uint_eq(
		truth_programs(&s, LAB_SERVER, lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME)).count,
		2);

	/* elsewhere it may */
	ok(lab_daemon_start(&second, s.lab, LAB_CLIENT,
			    &(struct lab_daemon_options){ .interface = "none0" }, tail,
			    sizeof(tail)),
	   tail);
	lab_daemon_free(second);

	/* and here after the first one's end, however it came */
	kill(lab_daemon_pid(s.daemon), SIGKILL);
	lab_daemon_stop(s.daemon, 5000, NULL);
	s.daemon = lab_daemon_free(s.daemon);
	stage_daemon(&s, "always");
	stage_strike(&s);
}
END_TEST

/* In the host, as nobody: takes the mark, listens or not, and says so. */
static void squat(int fd, bool listening, int ready)
{
	const struct sockaddr_un address = { AF_UNIX, MARK };
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof(MARK) - 1;

	if (setgid(NOBODY) || setuid(NOBODY) || bind(fd, (struct sockaddr *)&address, length) ||
	    (listening && listen(fd, 1)) || write(ready, "x", 1) != 1)
		_exit(1);
	pause();
}

START_TEST(s6_squatted)
{
	int fd, ready[2];
	char tail[2048], wanted[64], byte;
	struct stage s;
	pid_t pid;

	stage_raise(&s, &(struct server_options){});
	fd = lab_socket(s.lab, LAB_SERVER, AF_UNIX, SOCK_STREAM, 0);
	ok(fd, "a socket");
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid)
		squat(fd, _i, ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	snprintf(wanted, sizeof(wanted), _i ? "process %d of user %d" : "somebody has taken", pid,
		 NOBODY);
	lab_daemon_tail(s.daemon, tail, sizeof(tail));
	ck_assert_msg(strstr(tail, wanted), "stderr is \"%s\"", tail);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	stage_strike(&s);
}
END_TEST

/* ---- whose the directories are ------------------------------------------------------------- */

struct place {
	char folder[64];
	char dir[96];
};

static void place_make(struct place *p)
{
	strcpy(p->folder, "/tmp/synguard-instance-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	snprintf(p->dir, sizeof(p->dir), "%s/dir", p->folder);
	ok(mkdir(p->dir, 0755), "a directory");
}

/* What else is there makes this fail. */
static void place_clear(struct place *p)
{
	if (rmdir(p->dir))
		ok(unlink(p->dir), "a link");
	ok(rmdir(p->folder), p->folder);
}

static const char *const no_args[] = { NULL };

/* What synguardd says on stderr; it does not start. */
static void expect_no_start(struct stage *s, const struct place *p, const char *const *args,
			    const char *words)
{
	const struct lab_daemon_options o = {
		.runtime_dir = args == no_args ? p->dir : NULL,
		.args = args,
	};
	char tail[2048];

	ck_assert_int_eq(lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail)),
			 -ECHILD);
	ck_assert_msg(strstr(tail, words), "stderr is \"%s\"", tail);
}

static struct said undo(struct stage *s, const char *dir)
{
	struct said said;
	char *program;

	ok(lab_find_program("synguardd", &program), "synguardd");
	said = said_run(s, (const char *const[]){ program, "--undo", "--runtime-dir", dir, NULL },
			-1);
	free(program);
	return said;
}

static void of_another(const struct place *p)
{
	ok(chown(p->dir, NOBODY, NOBODY), "chown");
}

static void of_everybody(const struct place *p)
{
	ok(chmod(p->dir, 01777), "chmod");
}

/* It leads to a folder of root's. */
static void link_of_another(const struct place *p)
{
	ok(rmdir(p->dir), "rmdir");
	ok(symlink(p->folder, p->dir), "symlink");
	ok(lchown(p->dir, NOBODY, NOBODY), "lchown");
}

/* clang-format off */
static const struct {
	void (*spoil)(const struct place *p);
	const char *words;
} spoilt[] = {
	{ of_another,      "belongs to user 65534" },
	{ of_everybody,    "anybody can put files into" },
	{ link_of_another, "belongs to user 65534" },
};
/* clang-format on */

/*
 * Trap FW81: neither the daemon nor --undo believes, or writes, anything in a directory where
 * somebody else can put files.
 */
START_TEST(fw81_directory_of_another)
{
	struct said said;
	struct place p;
	struct stage s;

	stage_raise(&s, NULL);
	place_make(&p);
	spoilt[_i].spoil(&p);
	expect_no_start(&s, &p, no_args, spoilt[_i].words);
	expect_no_start(&s, &p, (const char *const[]){ "--state-dir", p.dir, NULL },
			spoilt[_i].words);
	said = undo(&s, p.dir);
	ck_assert_msg(said.exit_code == SG_EXIT_FAILED && strstr(said.err, spoilt[_i].words) &&
			      strstr(said.err, "--runtime-dir"),
		      "%d, %s", said.exit_code, said.err);
	said_done(&said);
	stage_strike(&s);
	place_clear(&p);
}
END_TEST

/* A lock that leads elsewhere is not followed, and says so. */
START_TEST(fw81_lock_is_a_link)
{
	struct said said;
	char path[128], elsewhere[128];
	struct place p;
	struct stage s;

	stage_raise(&s, NULL);
	place_make(&p);
	snprintf(path, sizeof(path), "%s/lock", p.dir);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", p.folder);
	ok(symlink(elsewhere, path), "symlink");
	expect_no_start(&s, &p, no_args, "is a symbolic link, which synguardd never makes");
	said = undo(&s, p.dir);
	ck_assert_msg(said.exit_code == SG_EXIT_FAILED && strstr(said.err, "remove it"), "%d, %s",
		      said.exit_code, said.err);
	said_done(&said);
	ck_assert_msg(access(elsewhere, F_OK) < 0, "the link was followed");
	ok(unlink(path), path);
	stage_strike(&s);
	place_clear(&p);
}
END_TEST

/* A host on which the service's user has this number; its files go with the test's process. */
static void service_user(struct place *p, unsigned int uid)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/passwd", p->folder);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "root:x:0:0:root:/root:/bin/sh\n" SG_GROUP ":x:%u:%u::/:/bin/false\n", uid, uid);
	ck_assert_int_eq(fclose(f), 0);
	ok(unshare(CLONE_NEWNS), "a mount namespace");
	ok(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	ok(mount(path, "/etc/passwd", NULL, MS_BIND, NULL), "a user");
	ok(unlink(path), path);
}

/* Root's --undo goes on working in the directory of the service's user, and so does its daemon. */
START_TEST(fw81_directory_of_the_service)
{
	char path[128];
	struct said said;
	struct place p;
	struct stage s;

	place_make(&p);
	of_another(&p);
	service_user(&p, NOBODY);
	stage_raise(&s, NULL);
	said = undo(&s, p.dir);
	ck_assert_msg(!said.exit_code && !said.err[0], "%d, %s", said.exit_code, said.err);
	said_done(&said);
	stage_strike(&s);
	snprintf(path, sizeof(path), "%s/lock", p.dir);
	ok(unlink(path), path);
	place_clear(&p);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(fw81_directory_of_another, 3, 30),
	SUITE_TEST(fw81_lock_is_a_link, 30),
	SUITE_TEST(fw81_directory_of_the_service, 30),
	SUITE_LOOP(s6_other_runtime_dir, 2, 60),
	SUITE_LOOP(s6_squatted, 2, 30),
	{}
};
/* clang-format on */
