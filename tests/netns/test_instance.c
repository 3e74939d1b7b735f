/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon per network namespace: trap S6. And nobody without privileges can keep it out.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
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

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(s6_other_runtime_dir, 2, 60),
	SUITE_LOOP(s6_squatted, 2, 30),
	{}
};
/* clang-format on */
