/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others on the machine do to the daemon: interfaces and addresses that come and go by the
 * hundred, local users who want the bus for themselves, and an administrator who leaves it few
 * descriptors.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"

#define NOBODY 65534

/* C11, F9: dumps that changes overtake, and messages that are lost. */
static const char *const crowd =
	"i=0; while [ $i -lt 60 ]; do echo link add w$i type veth peer name x$i; "
	"echo addr add 203.0.113.$i/32 dev w$i; i=$((i+1)); done | ip -batch -";
static const char *const churn =
	"while :; do ip addr add 198.51.100.9/32 dev lo; ip link add zz type veth peer name zy; "
	"ip addr del 198.51.100.9/32 dev lo; ip link del zz; done";

START_TEST(c11_interrupted_dumps)
{
	const char *const fill[] = { "sh", "-c", crowd, NULL };
	const char *const stir[] = { "sh", "-c", churn, NULL };
	struct stage s;
	json_t *status;
	pid_t stirring;
	int i;

	stage_raise(&s, &(struct server_options){});
	ok(lab_run(s.lab, LAB_SERVER, fill, 30000, NULL), "many interfaces");
	ok(lab_spawn(s.lab, LAB_SERVER, stir, NULL, &stirring), "the churn");
	for (i = 0; i < 8; i++) {
		stage_daemon(&s, "always");
		/* long enough unread for the socket to overflow */
		kill(lab_daemon_pid(s.daemon), SIGSTOP);
		usleep(400000);
		kill(lab_daemon_pid(s.daemon), SIGCONT);
		stage_prove(&s, STAGE_PORT);
		status = stage_status(&s);
		ck_assert_uint_eq(json_array_size(json_object_get(status, "interfaces")), 1);
		json_decref(status);
		ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
		s.daemon = lab_daemon_free(s.daemon);
	}
	ok(lab_stop(stirring, SIGKILL, 5000, NULL), "the churn's end");
	stage_strike(&s);
}
END_TEST

static int dial(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", dir);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* S7: a user who takes every place and says nothing leaves room for root, and is cut in time. */
START_TEST(s7_silent_peers)
{
	int fds[100], i, ready[2], alive;
	struct stage s;
	pid_t nobody;
	char byte;

	stage_raise(&s, NULL);
	stage_daemon(&s, "observe");
	ok(chmod(lab_daemon_runtime_dir(s.daemon), 0755), "chmod");
	ok(pipe(ready), "pipe");
	nobody = fork();
	if (!nobody) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		for (i = 0; i < 100; i++)
			fds[i] = dial(lab_daemon_runtime_dir(s.daemon));
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		sleep(13); /* BUS_IDLE_USEC and a little */
		for (alive = 0, i = 0; i < 100; i++)
			alive += recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
		_exit(alive ? 2 : 0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	usleep(200000);
	for (i = 0; i < 5; i++)
		json_decref(stage_status(&s));
	stage_mode(&s, "off");
	ck_assert_int_eq(waitpid(nobody, &alive, 0), nobody);
	ck_assert_msg(WIFEXITED(alive) && !WEXITSTATUS(alive), "silent peers were not cut: %#x",
		      alive);
	stage_strike(&s);
}
END_TEST

/* ---- descriptors: trap S16 ------------------------------------------------------------------ */

static struct rlimit descriptors_of(pid_t pid)
{
	struct rlimit limit;

	ok(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), "prlimit");
	return limit;
}

static size_t open_of(pid_t pid)
{
	char path[64];
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

/* The soft limit is what a login or systemd leaves to those who select(). */
START_TEST(s16_descriptors_are_raised)
{
	const struct rlimit before = descriptors_of(getpid());
	struct rlimit low = { .rlim_cur = 256, .rlim_max = before.rlim_max }, its;
	struct stage s;

	stage_raise(&s, NULL);
	ok(prlimit(getpid(), RLIMIT_NOFILE, &low, NULL), "lowering");
	stage_daemon(&s, "observe");
	ok(prlimit(getpid(), RLIMIT_NOFILE, &before, NULL), "and back");
	its = descriptors_of(lab_daemon_pid(s.daemon));
	ck_assert_uint_eq(its.rlim_cur, its.rlim_max);
	stage_strike(&s);
}
END_TEST

/* Of these interfaces that many are attached to, the rest is told why not. */
static size_t attached_of_many(struct stage *s, size_t *refused)
{
	json_t *status = stage_status(s), *row;
	const char *name, *reason;
	size_t attached = 0, i;

	*refused = 0;
	json_array_foreach(json_object_get(status, "interfaces"), i, row) {
		name = json_string_value(json_object_get(row, "name"));
		reason = json_string_value(json_object_get(row, "attach_reason"));
		if (*name != 'w')
			continue;
		if (strcmp(json_string_value(json_object_get(row, "attach")), "none") != 0)
			attached++;
		else if (strstr(reason, "LimitNOFILE="))
			++*refused;
	}
	json_decref(status);
	return attached;
}

/* More interfaces than descriptors: those that are left out are named, with what helps; the daemon
 * sees, answers and defends as ever. */
START_TEST(s16_descriptors_run_out)
{
	static const char *const args[] = { "--interface", "w*", NULL };
	const struct lab_daemon_options o = { .mode = "always", .args = args };
	const char *const fill[] = { "sh", "-c", crowd, NULL };
	struct rlimit limit;
	size_t attached = 0, refused = 0;
	int fds[16], tries, i;
	char tail[1024];
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	limit.rlim_cur = limit.rlim_max = 2 * (open_of(lab_daemon_pid(s.daemon)) + 30);
	ok(prlimit(lab_daemon_pid(s.daemon), RLIMIT_NOFILE, &limit, NULL), "lowering");
	ok(lab_run(s.lab, LAB_SERVER, fill, 30000, NULL), "many interfaces");
	for (tries = 0; tries < 100 && attached + refused < 60; tries++) {
		usleep(100000);
		attached = attached_of_many(&s, &refused);
	}
	ck_assert_msg(attached >= 5 && refused >= 20, "%zu attached, %zu refused", attached,
		      refused);
	for (i = 0; i < 16; i++)
		fds[i] = dial(lab_daemon_runtime_dir(s.daemon));
	stage_prove(&s, STAGE_PORT);
	stage_connect_all(&s, STAGE_PORT, 50, 200);
	while (i)
		close(fds[--i]);
	stage_strike(&s);
}
END_TEST

static uint64_t ran_ns(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%llu", &ns), 1);
	fclose(f);
	return ns;
}

/* Nobody can be let in, and the loop does not turn for that; later they are. */
START_TEST(s16_nobody_can_be_let_in)
{
	struct rlimit none = {}, before;
	struct stage s;
	uint64_t ran;
	pid_t pid;
	int fd;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "observe");
	pid = lab_daemon_pid(s.daemon);
	before = descriptors_of(pid);
	none.rlim_max = before.rlim_max;
	ok(prlimit(pid, RLIMIT_NOFILE, &none, NULL), "lowering");
	fd = dial(lab_daemon_runtime_dir(s.daemon));
	ran = ran_ns(pid);
	usleep(1500000);
	ran = ran_ns(pid) - ran;
	/* a loop that turns would take all of that; two ticks take a hundredth of it */
	ck_assert_msg(ran < 300000000, "it ran for %llu ms", (unsigned long long)ran / 1000000);
	ok(prlimit(pid, RLIMIT_NOFILE, &before, NULL), "and back");
	json_decref(stage_status(&s));
	close(fd);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(c11_interrupted_dumps, 90),
	SUITE_TEST(s7_silent_peers, 60),
	SUITE_TEST(s16_descriptors_are_raised, 30),
	SUITE_TEST(s16_descriptors_run_out, 60),
	SUITE_TEST(s16_nobody_can_be_let_in, 30),
	{}
};
/* clang-format on */
