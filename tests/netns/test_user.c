/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as its unit runs it, without systemd: an ordinary user with three ambient capabilities
 * and no more, in a runtime directory that is that user's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "said.h"
#include "stage.h"
#include "suite.h"
#include "tests/lab/run.h"
#include "watch.h"

/* Nobody's; not 65534, which other things of a machine may run as. */
#define USER	 61999
#define ALL_CAPS "+bpf,+net_admin,+perfmon"

#define THE_THREE (1ULL << CAP_NET_ADMIN | 1ULL << (CAP_BPF % 64) | 1ULL << (CAP_PERFMON % 64))

/* The daemon behind a program that becomes the user first, and its runtime directory. */
struct user {
	char dir[64];
	char program[96];
	char runtime_dir[96];
};

/* setpriv(1) changes the user, which forgets that the child is to die with its parent: said anew. */
static void user_make(struct user *u, const char *caps)
{
	char *daemon;
	FILE *f;

	strcpy(u->dir, "/tmp/synguard-user-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(u->dir));
	ck_assert_int_eq(chmod(u->dir, 0755), 0);
	snprintf(u->program, sizeof(u->program), "%s/synguardd", u->dir);
	snprintf(u->runtime_dir, sizeof(u->runtime_dir), "%s/run", u->dir);
	ok(lab_find_program("synguardd", &daemon), "synguardd");
	f = fopen(u->program, "we");
	ck_assert_ptr_nonnull(f);
	/* its file is opened as root: the build may lie where the user cannot go */
	fprintf(f,
		"#!/bin/sh\n"
		"exec 9<%s\n"
		"exec setpriv --pdeathsig KILL --reuid %d --regid %d --clear-groups \\\n"
		"\t--bounding-set=-all,%s --inh-caps=-all,%s --ambient-caps=-all,%s \\\n"
		"\t/proc/self/fd/9 \"$@\"\n",
		daemon, USER, USER, caps, caps, caps);
	fclose(f);
	ck_assert_int_eq(chmod(u->program, 0755), 0);
	free(daemon);
}

/* As RuntimeDirectory= does. */
static void user_runtime_dir(struct user *u)
{
	ck_assert_int_eq(mkdir(u->runtime_dir, 0755), 0);
	ck_assert_int_eq(chown(u->runtime_dir, USER, USER), 0);
}

static int user_daemon(struct stage *s, struct user *u, const char *mode, char *tail, size_t size)
{
	const struct lab_daemon_options o = {
		.program = u->program,
		.runtime_dir = u->runtime_dir,
		.mode = mode,
	};

	return lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, size);
}

static void user_done(struct user *u)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/lock", u->runtime_dir);
	unlink(path);
	/* what else the daemon left makes this fail */
	ck_assert_msg(!rmdir(u->runtime_dir) || errno == ENOENT, "%s: %s", u->runtime_dir,
		      strerror(errno));
	unlink(u->program);
	ck_assert_int_eq(rmdir(u->dir), 0);
}

/* It serves, changes its mode, gives up what it needed to load, and leaves nothing. */
START_TEST(user_runs_the_daemon)
{
	const unsigned long long net_admin = 1ULL << CAP_NET_ADMIN;
	struct watch_service before;
	struct user u;
	char tail[2048];
	struct stage s;
	pid_t pid;
	int err;

	stage_raise(&s, &(struct server_options){});
	user_make(&u, ALL_CAPS);
	user_runtime_dir(&u);
	err = user_daemon(&s, &u, "always", tail, sizeof(tail));
	ck_assert_msg(!err, "synguardd: %s\n%s", strerror(-err), tail);
	pid = lab_daemon_pid(s.daemon);
	ck_assert_uint_eq(stage_process(pid, "Uid:\t%llu"), USER);
	ck_assert_uint_eq(stage_process(pid, "CapEff:\t%llx"), net_admin);
	ck_assert_uint_eq(stage_process(pid, "CapPrm:\t%llx"), net_admin);
	ck_assert_uint_eq(stage_process(pid, "CapInh:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "CapAmb:\t%llx"), 0);
	/* what may be had is no more than the unit said; it cannot be had without a new program */
	ck_assert_uint_eq(stage_process(pid, "CapBnd:\t%llx") & ~THE_THREE, 0);
	ck_assert_uint_eq(stage_process(pid, "NoNewPrivs:\t%llu"), 1);

	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	watch_assert_defended(&s, &before, 30);
	stage_mode(&s, "observe");
	stage_mode(&s, "always");
	before = watch_service(&s);
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	watch_assert_defended(&s, &before, 30);
	stage_strike(&s);
	user_done(&u);
}
END_TEST

static void expect_said(struct stage *s, const char *verb, const char *words)
{
	char *text;

	ck_assert_int_eq(stage_cli(s, &text, verb, NULL, NULL), 0);
	ck_assert_msg(strstr(text, words), "%s: %s", verb, text);
	free(text);
}

/* A list is kept without programs, too; that it has no effect is said, in status and by an event. */
static void expect_not_applied(struct stage *s)
{
	struct said said = CLI(s, "deny", "add", "198.51.100.1", "--runtime");

	ck_assert_int_eq(said.exit_code, 0);
	said_done(&said);
	expect_said(s, "status", "(0 to allow, 1 to deny) are loaded but have no");
	expect_said(s, "events", "(0 to allow, 1 to deny)");
}

/* Without the right to load it watches, and says which capability it lacks. */
START_TEST(user_without_bpf)
{
	json_t *status;
	const char *reason;
	struct user u;
	char tail[2048];
	struct stage s;
	int err;

	stage_raise(&s, &(struct server_options){});
	user_make(&u, _i ? "+net_admin,+bpf" : "+net_admin");
	user_runtime_dir(&u);
	err = user_daemon(&s, &u, "auto", tail, sizeof(tail));
	ck_assert_msg(!err, "synguardd: %s\n%s", strerror(-err), tail);
	status = stage_status(&s);
	ck_assert_str_eq(json_string_value(json_object_get(status, "engine")), "kernel");
	reason = json_string_value(json_object_get(status, "engine_reason"));
	ck_assert_msg(strstr(reason, _i ? "CAP_PERFMON" : "CAP_BPF"), "%s", reason);
	json_decref(status);
	stage_connect_all(&s, STAGE_PORT, 100, 300);
	expect_not_applied(&s);
	stage_strike(&s);
	user_done(&u);
}
END_TEST

START_TEST(user_without_net_admin)
{
	struct user u;
	char tail[2048];
	struct stage s;

	stage_raise(&s, NULL);
	user_make(&u, "+bpf,+perfmon");
	user_runtime_dir(&u);
	ck_assert_int_eq(user_daemon(&s, &u, "auto", tail, sizeof(tail)), -ECHILD);
	ck_assert_msg(strstr(tail, "CAP_NET_ADMIN is needed"), "%s", tail);
	stage_strike(&s);
	user_done(&u);
}
END_TEST

/* Less and less memory, until the daemon itself has not enough. */
#define MOST_KIB  44000
#define LEAST_KIB 20000
#define STEP_KIB  6000

/*
 * Trap FW83: where memory is short at the load, wherever that is noticed, memory is what is said to be
 * short, and not something of the kernel.
 */
START_TEST(fw83_short_of_memory)
{
	char *daemon, program[96], tail[2048];
	const struct lab_daemon_options o = { .program = program, .mode = "observe" };
	const char *reason;
	int kib, told = 0;
	struct stage s;
	json_t *status;
	struct user u;
	FILE *f;

	stage_raise(&s, NULL);
	user_make(&u, ALL_CAPS);
	snprintf(program, sizeof(program), "%s", u.program);
	ok(lab_find_program("synguardd", &daemon), "synguardd");
	for (kib = MOST_KIB; kib >= LEAST_KIB; kib -= STEP_KIB) {
		f = fopen(program, "we");
		ck_assert_ptr_nonnull(f);
		/* small stacks, for its threads come after the load */
		fprintf(f, "#!/bin/sh\nulimit -s 256\nulimit -v %d\nexec %s \"$@\"\n", kib, daemon);
		fclose(f);
		if (lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)))
			break;
		status = stage_status(&s);
		reason = json_string_value(json_object_get(status, "engine_reason"));
		if (!strcmp(json_string_value(json_object_get(status, "engine")), "kernel")) {
			ck_assert_msg(strstr(reason, "there is not enough memory") &&
					      strstr(reason, "MemoryMax="),
				      "with %d KiB: %s", kib, reason);
			told++;
		}
		json_decref(status);
		s.daemon = lab_daemon_free(s.daemon);
	}
	ck_assert_int_ge(told, 1);
	free(daemon);
	stage_strike(&s);
	user_done(&u);
}
END_TEST

/* The error names what to do. */
START_TEST(user_without_a_directory)
{
	struct user u;
	char tail[2048];
	struct stage s;

	stage_raise(&s, NULL);
	user_make(&u, ALL_CAPS);
	ck_assert_int_eq(user_daemon(&s, &u, "auto", tail, sizeof(tail)), -ECHILD);
	ck_assert_msg(strstr(tail, "cannot be made: Permission denied"), "%s", tail);
	ck_assert_msg(strstr(tail, "--runtime-dir"), "%s", tail);
	stage_strike(&s);
	user_done(&u);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(user_runs_the_daemon, 60),
	SUITE_LOOP(user_without_bpf, 2, 60),
	SUITE_TEST(fw83_short_of_memory, 60),
	SUITE_TEST(user_without_net_admin, 30),
	SUITE_TEST(user_without_a_directory, 30),
	{}
};
/* clang-format on */
