/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus: who may do what, by the CLI and by busctl, and what becomes of those who follow and of
 * many who ask (S7). That nobody makes a tick late is test_bus_late's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"

#define NOBODY	65534
#define A_GROUP "4711" /* of no group of a host */

/* ---- who may ------------------------------------------------------------------------------- */

/* A mount namespace of the test's own, in which /etc/group has one line more. */
static void group_exists(void)
{
	char path[] = "/tmp/synguard-group-XXXXXX", line[256];
	int fd = mkstemp(path);
	FILE *from = fopen("/etc/group", "re"), *to = fdopen(fd, "w");

	ck_assert(from && to);
	while (fgets(line, sizeof(line), from))
		if (strncmp(line, SG_GROUP ":", strlen(SG_GROUP ":")))
			fputs(line, to);
	fputs(SG_GROUP ":x:" A_GROUP ":\n", to);
	fclose(from);
	fclose(to);
	chmod(path, 0644);
	ok(unshare(CLONE_NEWNS), "a mount namespace");
	ok(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mounts for ourselves");
	ok(mount(path, "/etc/group", NULL, MS_BIND, NULL), "a group");
	unlink(path);
}

enum who {
	ROOT,
	MEMBER,
	PRIMARY,
	STRANGER,
	IN_GROUP_0, /* what a group that does not exist must not be taken for */
	WHO_COUNT,
};

static const char *const ids[WHO_COUNT][3] = {
	[ROOT] = { "0", "0", "--clear-groups" },
	[MEMBER] = { "65534", "65534", "--groups=" A_GROUP },
	[PRIMARY] = { "65534", A_GROUP, "--clear-groups" },
	[STRANGER] = { "65534", "65534", "--clear-groups" },
	[IN_GROUP_0] = { "65534", "65534", "--groups=0" },
};

/* Runs argv as somebody; its exit code. *output: what it printed; may be NULL. */
static int run_as(struct stage *s, enum who who, const char *const argv[], char **output)
{
	char *ignored = NULL;
	const char *all[24] = { "setpriv", "--reuid",	ids[who][0],
				"--regid", ids[who][1], ids[who][2] };
	int i, code;

	for (i = 0; argv[i]; i++)
		all[6 + i] = argv[i];
	code = lab_run(s->lab, LAB_SERVER, all, 15000, output ?: &ignored);
	ok(code, argv[0]);
	free(ignored);
	return code;
}

/* The CLI by way of a descriptor: not everybody can find the program where it was built. */
static int cli_as(struct stage *s, enum who who, const char *a, const char *b, char **output)
{
	static int fd = -1;
	char path[32], *program;
	const char *const argv[] = { path, "--runtime-dir", lab_daemon_runtime_dir(s->daemon), a, b,
				     NULL };

	if (fd < 0) {
		ok(lab_find_program("synguard", &program), "synguard");
		fd = open(program, O_RDONLY);
		ck_assert_int_ge(fd, 0);
		free(program);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return run_as(s, who, argv, output);
}

/* busctl call ... MEMBER [SIGNATURE ARGUMENT], as somebody. */
static int busctl_as(struct stage *s, enum who who, const char *member, const char *signature,
		     const char *argument, char **output)
{
	char address[192];
	const char *const argv[] = {
		"busctl",    address,	       "--timeout=5", "call",	 SG_BUS_INTERFACE,
		SG_BUS_PATH, SG_BUS_INTERFACE, member,	      signature, argument,
		NULL
	};

	snprintf(address, sizeof(address), "--address=unix:path=%s/" SG_BUS_SOCKET,
		 lab_daemon_runtime_dir(s->daemon));
	return run_as(s, who, argv, output);
}

static void open_to_all(struct stage *s)
{
	ok(chmod(lab_daemon_runtime_dir(s->daemon), 0755), "chmod");
}

static void assert_mode(struct stage *s, const char *mode)
{
	json_t *status = stage_status(s);

	ck_assert_str_eq(json_string_value(json_object_get(status, "mode")), mode);
	json_decref(status);
}

/* Everybody may read; root, and with the group its members, may change. */
START_TEST(bus_rights)
{
	static const bool may[2][WHO_COUNT] = {
		{ [ROOT] = true },
		{ [ROOT] = true, [MEMBER] = true, [PRIMARY] = true },
	};
	struct stage s;
	int who;

	if (_i)
		group_exists();
	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	open_to_all(&s);
	for (who = 0; who < WHO_COUNT; who++) {
		ck_assert_int_eq(cli_as(&s, who, "status", NULL, NULL), SG_EXIT_OK);
		ck_assert_int_eq(cli_as(&s, who, "events", NULL, NULL), SG_EXIT_OK);
		ck_assert_int_eq(cli_as(&s, who, "mode", "observe", NULL),
				 may[_i][who] ? SG_EXIT_OK : SG_EXIT_NOT_ALLOWED);
		assert_mode(&s, may[_i][who] ? "observe" : "auto");
		stage_mode(&s, "auto");
	}
	stage_strike(&s);
}
END_TEST

/* The same rights, by a tool that expects a bus daemon. */
START_TEST(bus_rights_of_busctl)
{
	const bool may[WHO_COUNT] = { [ROOT] = true, [MEMBER] = _i, [PRIMARY] = _i };
	char *output = NULL;
	struct stage s;
	int who, code;

	if (access("/usr/bin/busctl", X_OK))
		SKIP("no busctl");
	if (_i)
		group_exists();
	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	open_to_all(&s);
	for (who = 0; who < WHO_COUNT; who++) {
		code = busctl_as(&s, who, "Describe", NULL, NULL, &output);
		ck_assert_int_eq(code, 0);
		ck_assert_ptr_nonnull(strstr(output, "tick_delay_max_microseconds"));
		free(output);
		ck_assert_int_eq(busctl_as(&s, who, "Events", "t", "0", NULL), 0);
		ck_assert_int_eq(busctl_as(&s, who, "Follow", NULL, NULL, NULL), 0);
		code = busctl_as(&s, who, "SetMode", "s", "observe", NULL);
		ck_assert_msg(!code == may[who], "SetMode as number %d: %d", who, code);
		assert_mode(&s, may[who] ? "observe" : "auto");
		stage_mode(&s, "auto");
	}
	ck_assert_int_ne(busctl_as(&s, ROOT, "SetMode", "s", "sideways", NULL), 0);
	stage_strike(&s);
}
END_TEST

/* ---- followers, and many who ask ------------------------------------------------------------ */

static bool cut_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, ms) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* A follower that does not read is cut; one that says nothing, but reads, is not. */
START_TEST(s7_followers)
{
	int reads, sleeps, i, room = 4096;
	bool cut = false;
	struct stage s;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	reads = peer_dial(lab_daemon_runtime_dir(s.daemon));
	sleeps = peer_dial(lab_daemon_runtime_dir(s.daemon));
	ok(reads, "dialling");
	ok(sleeps, "dialling");
	setsockopt(sleeps, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	peer_follow(reads);
	peer_follow(sleeps);
	/* more than BUS_IDLE_USEC, and more events than any buffer holds */
	for (i = 0; i < 2500 && !cut; i++) {
		unsigned char call[PEER_MESSAGE_MAX];
		size_t n = peer_call(call, "SetMode", i % 2 ? "auto" : "observe");

		ck_assert_int_eq(peer_send(reads, call, n), 0);
		usleep(4000);
		ck_assert_msg(!peer_is_cut(reads), "who reads was cut at change %d", i);
		cut = cut_within(sleeps, 0);
	}
	ck_assert_msg(cut, "who does not read was not cut");
	ck_assert(!peer_is_cut(reads));
	for (i = 0; i < 12; i++) {
		ck_assert_msg(!peer_is_cut(reads), "who follows was cut for being silent");
		sleep(1);
	}
	close(reads);
	close(sleeps);
	stage_strike(&s);
}
END_TEST

/* The type of the first message behind the greeting: 2 is an answer, 3 an error. */
static int first_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char buf[4096], *end = NULL;
	ssize_t n = 0, more;

	while ((!end || end + 3 >= buf + n) && poll(&p, 1, 3000) == 1) {
		more = recv(fd, buf + n, sizeof(buf) - n, 0);
		if (more <= 0)
			break;
		n += more;
		end = memmem(buf, n, "\r\n", 2);
	}
	return end && end + 3 < buf + n ? end[3] : 0;
}

/* A user who follows with all that there is keeps some places to ask from, and so do others. */
START_TEST(s7_too_many_followers)
{
	int fds[8], i, follow = 0, refused = 0, type;
	struct stage s;
	pid_t pid;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	open_to_all(&s);
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		for (i = 0; i < 8; i++) {
			fds[i] = peer_dial(lab_daemon_runtime_dir(s.daemon));
			peer_follow(fds[i]);
			type = first_answer(fds[i]);
			follow += type == 2;
			refused += type == 3;
		}
		_exit(follow * 10 + refused);
	}
	ck_assert_int_eq(waitpid(pid, &i, 0), pid);
	ck_assert_msg(WIFEXITED(i) && WEXITSTATUS(i) == 44, "follow, refused: %d", WEXITSTATUS(i));
	stage_strike(&s);
}
END_TEST

/* The line with which the daemon takes the greeting; it must not be mistaken for an answer. */
static void await_greeted(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c = 0;

	while (c != '\n') {
		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ck_assert_int_eq(recv(fd, &c, 1, 0), 1);
	}
}

/* However many ask, each answer was true when it was asked for, and nobody is forgotten. */
START_TEST(bus_many_ask)
{
	int fds[8], i, answered, round;
	char buf[65536];
	struct stage s;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	for (i = 0; i < 8; i++) {
		fds[i] = peer_dial(lab_daemon_runtime_dir(s.daemon));
		ok(fds[i], "dialling");
		peer_greet(fds[i]);
		await_greeted(fds[i]);
	}
	for (round = 0; round < 20; round++) {
		const char *mode = round % 2 ? "auto" : "observe";
		char word[32];

		stage_mode(&s, mode);
		for (i = 0; i < 8; i++)
			peer_talk(fds[i], "Describe", NULL, 1);
		snprintf(word, sizeof(word), "\"mode\":\"%s\"", mode);
		for (answered = 0, i = 0; i < 8; i++) {
			struct pollfd p = { .fd = fds[i], .events = POLLIN };
			ssize_t n = 0, more;

			/* a message may come in pieces */
			while (poll(&p, 1, n ? 20 : 5000) == 1) {
				more = recv(fds[i], buf + n, sizeof(buf) - 1 - n, 0);
				if (more <= 0)
					break;
				n += more;
			}
			answered += memmem(buf, n, word, strlen(word)) != NULL;
		}
		ck_assert_msg(answered == 8, "round %d: %d answers with %s", round, answered, word);
	}
	for (i = 0; i < 8; i++)
		close(fds[i]);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(bus_rights, 2, 60),
	SUITE_LOOP(bus_rights_of_busctl, 2, 60),
	SUITE_TEST(s7_followers, 60),
	SUITE_TEST(s7_too_many_followers, 60),
	SUITE_TEST(bus_many_ask, 60),
	{}
};
/* clang-format on */
