/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others on the machine do to the daemon: interfaces and addresses that come and go by the
 * hundred, and local users who want the bus for themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"

#define NOBODY 65534

static void ok(int err, const char *what)
{
	ck_assert_msg(err >= 0, "%s: %s", what, strerror(-err));
}

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

int main(int argc, char **argv)
{
	Suite *suite = suite_create("abuse");

	SUITE_TEST(suite, c11_interrupted_dumps, 90);
	SUITE_TEST(suite, s7_silent_peers, 60);
	return suite_main(suite, argc, argv);
}
