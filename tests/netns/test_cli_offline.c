/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line where no daemon is needed or none runs: mistakes, help, what the kernel alone
 * tells, streams that are closed, screens of all widths.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"

#define NOWHERE "/nonexistent"

static struct said bare_words(struct stage *s, const char *const words[4])
{
	const char *const argv[] = { said_program(), words[0], words[1], words[2], words[3], NULL };

	return said_run(s, argv, -1);
}

/* synguard with these arguments and no other. */
static struct said bare(struct stage *s, const char *a, const char *b, const char *c)
{
	return bare_words(s, (const char *const[]){ a, b, c, NULL });
}

/* ---- mistakes ------------------------------------------------------------------------------ */

/* What is wrong, and the remedy: what was meant, or which help to ask for. */
START_TEST(cli_usage)
{
	static const struct {
		const char *words[4];
		const char *says[2];
	} mistakes[] = {
		{ { "bogus" }, { "\"bogus\"", "--help" } },
		{ { "statsu" }, { "\"status\"?", "--help" } },
		{ { "Status" }, { "\"status\"?", "--help" } },
		{ { "" }, { "\"\"", "--help" } },
		{ { "--bogus" }, { "\"--bogus\"", "--help" } },
		{ { "-x" }, { "\"-x\"", "--help" } },
		{ { "--jsno" }, { "\"--json\"?", "--help" } },
		{ { "status", "--bogus" }, { "\"--bogus\"", "help status" } },
		{ { "status", "--wdie" }, { "\"--wide\"?", "help status" } },
		{ { "status", "--json=yes" }, { "--json takes no value", "help status" } },
		{ { "status", "now" }, { "no argument", "help status" } },
		{ { "status", "--", "--json" }, { "no argument", "help status" } },
		{ { "mode", "auto", "off" }, { "\"off\"", "help mode" } },
		{ { "mode", "--wide" }, { "no --wide", "help mode" } },
		{ { "metrics", "now" }, { "no argument", "help metrics" } },
		{ { "metrics", "--json" }, { "no --json", "help metrics" } },
		{ { "--json", "metrics" }, { "no --json", "help metrics" } },
		{ { "--runtime-dir" }, { "needs DIR", "--help" } },
		/* a script's empty variable is neither "for ever" nor "all" nor the root */
		{ { "--runtime-dir", "", "mode" }, { "needs DIR", "--help" } },
		{ { "mode", "--runtime-dir=" }, { "needs DIR", "help mode" } },
		{ { "deny", "add", "192.0.2.1", "--expire=" }, { "no time", "help deny" } },
		{ { "mitigation", "undo", "" }, { "no step", "help mitigation" } },
		{ { "events", "--since", "2001-02-30" }, { "no time", "help events" } },
		/* Latin-1: the bus takes UTF-8 only */
		{ { "allow", "add", "192.0.2.1", "--comment=Caf\xe9" }, { "UTF-8", "" } },
		{ { "mode", "\xff" }, { "UTF-8", "" } },
		{ { "mitigation", "undo", "\xff" }, { "UTF-8", "" } },
		{ { "allow", "del", "\xff" }, { "UTF-8", "" } },
		{ { "help", "bogus" }, { "\"bogus\"", "--help" } },
		{ { "demo", "--bogus" }, { "--bogus", "Usage: synguard demo" } },
	};
	struct said said;
	struct stage s;
	size_t i, j;

	stage_raise(&s, NULL);
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const char *const *w = mistakes[i].words;

		said = bare_words(&s, w);
		ck_assert_msg(said.exit_code == SG_EXIT_USAGE, "\"%s %s\": exit code %d", w[0],
			      w[1] ?: "", said.exit_code);
		ck_assert_msg(!*said.out, "\"%s\": stdout is \"%s\"", w[0], said.out);
		for (j = 0; j < 2; j++)
			ck_assert_msg(strstr(said.err, mistakes[i].says[j]),
				      "\"%s %s\": stderr has no %s: %s", w[0], w[1] ?: "",
				      mistakes[i].says[j], said.err);
		said_done(&said);
	}
	/* far from everything: nothing is made up */
	said = bare(&s, "xyzzy", NULL, NULL);
	ck_assert_ptr_null(strstr(said.err, "did you mean"));
	said_done(&said);
	stage_strike(&s);
}
END_TEST

START_TEST(cli_help)
{
	static const char *const asked[][3] = {
		{ "--help" },		{ "-h" },	    { "help" },
		{ "status", "--help" }, { "status", "-h" }, { "help", "status" },
		{ "demo", "--help" },	{ "--version" },    { "status", "--version" },
	};
	struct said said;
	struct stage s;
	size_t i;

	stage_raise(&s, NULL);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		said = bare(&s, asked[i][0], asked[i][1], asked[i][2]);
		ck_assert_msg(said.exit_code == SG_EXIT_OK, "%s: exit code %d", asked[i][0],
			      said.exit_code);
		said_is_silent(&said, asked[i][0]);
		said_is_narrow(&said, 80, asked[i][0]);
		ck_assert_ptr_nonnull(strstr(said.out, "synguard"));
		said_done(&said);
	}
	stage_strike(&s);
}
END_TEST

/* ---- no daemon ----------------------------------------------------------------------------- */

/* Nobody there, or somebody who was killed: which command starts it. Only status has an answer. */
START_TEST(cli_no_daemon)
{
	static const char *const asked[][2] = {
		{ "status" }, { "status", "--json" }, { "mode" }, { "mode", "auto" }, { "metrics" },
	};
	const char *argv[6] = { said_program(), "--runtime-dir" };
	struct said said;
	struct stage s;
	size_t i, round;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "auto");
	kill(lab_daemon_pid(s.daemon), SIGKILL);
	lab_daemon_stop(s.daemon, 5000, NULL);
	for (round = 0; round < 2; round++) {
		argv[2] = round ? NOWHERE : lab_daemon_runtime_dir(s.daemon);
		for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
			argv[3] = asked[i][0];
			argv[4] = asked[i][1];
			said = said_run(&s, argv, -1);
			ck_assert_msg(said.exit_code == SG_EXIT_NO_DAEMON, "%s: exit code %d",
				      asked[i][0], said.exit_code);
			ck_assert_msg(!!*said.out == !strcmp(asked[i][0], "status"),
				      "%s: stdout is \"%s\"", asked[i][0], said.out);
			ck_assert_msg(strstr(said.err, "synguardd --runtime-dir") &&
					      strstr(said.err, argv[2]),
				      "%s: stderr is \"%s\"", asked[i][0], said.err);
			said_done(&said);
		}
	}
	stage_strike(&s);
}
END_TEST

/* Lines of /proc/self/net/tcp and tcp6 in the server's host that hold this state. */
static json_int_t sockets_in(struct stage *s, const char *state)
{
	const char *argv[] = { "awk",
			       "-v",
			       NULL,
			       "$4 == state { n++ } END { print n + 0 }",
			       "/proc/self/net/tcp",
			       "/proc/self/net/tcp6",
			       NULL };
	char wanted[32], *text = NULL;
	json_int_t n;

	snprintf(wanted, sizeof(wanted), "state=%s", state);
	argv[2] = wanted;
	ok(lab_run(s->lab, LAB_SERVER, argv, 5000, &text), "awk");
	n = strtoll(text, NULL, 10);
	free(text);
	return n;
}

static json_t *kernel_status(struct stage *s)
{
	const char *argv[] = { said_program(), "--runtime-dir", NOWHERE, "status", "--json", NULL };
	struct said said = said_run(s, argv, -1);
	json_t *root = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_int_eq(said.exit_code, SG_EXIT_NO_DAEMON);
	ck_assert_msg(root, "not JSON: %s", said.out);
	ck_assert(json_is_false(json_object_get(root, "running")));
	said_done(&said);
	return root;
}

static json_int_t integer(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key) ?:
				      json_object_get(json_object_get(root, "counters"), key);

	ck_assert_msg(json_is_integer(value), "no integer \"%s\"", key);
	return json_integer_value(value);
}

/* The figures are the kernel's: what /proc lists, and an overflow that the lab brings about. */
START_TEST(cli_kernel_alone)
{
	struct stage s;
	json_t *root;

	stage_raise(&s, &(struct server_options){});
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "1"), "tcp_syncookies");
	root = kernel_status(&s);
	ck_assert_int_eq(integer(root, "half_open"), 0);
	ck_assert_int_eq(integer(root, "listeners"), sockets_in(&s, "0A"));
	ck_assert_int_ge(integer(root, "listeners"), 1);
	ck_assert_int_eq(integer(root, "listeners_accept_full"), 0);
	ck_assert_int_eq(integer(root, "tcp_syncookies"), 1);
	ck_assert_int_eq(integer(root, "SyncookiesSent"), 0);
	json_decref(root);

	STAGE_BURST(&s, .rate_per_sec = 1000, .count = 40, .ipv6_share = 128);
	usleep(200000);
	root = kernel_status(&s);
	ck_assert_int_ge(integer(root, "half_open"), 30);
	ck_assert_int_eq(integer(root, "half_open"), sockets_in(&s, "03"));
	json_decref(root);

	STAGE_BURST(&s, .rate_per_sec = 20000, .count = 3000);
	root = kernel_status(&s);
	ck_assert_int_ge(integer(root, "SyncookiesSent"), 100);
	ck_assert_int_ge(integer(root, "TCPReqQFullDoCookies"), 100);
	json_decref(root);

	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_syncookies", "0"), "tcp_syncookies");
	root = kernel_status(&s);
	ck_assert_int_eq(integer(root, "tcp_syncookies"), 0);
	json_decref(root);
	stage_strike(&s);
}
END_TEST

static int connected(struct stage *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(STAGE_PORT) };
	int fd = lab_socket(s->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, LAB_SERVER_ADDR4, &sa.sin_addr);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* Nobody accepts: that is told apart from a flood. */
START_TEST(cli_kernel_accept_full)
{
	struct said said;
	struct stage s;
	json_t *root;
	int fds[2], i;

	stage_raise(&s, &(struct server_options){ .backlog = 1, .not_accepting = true });
	fds[0] = connected(&s);
	root = kernel_status(&s);
	ck_assert_int_eq(integer(root, "listeners_accept_full"), 0);
	json_decref(root);
	/* one more than the backlog fits */
	fds[1] = connected(&s);
	root = kernel_status(&s);
	ck_assert_int_eq(integer(root, "listeners_accept_full"), 1);
	json_decref(root);
	said = bare(&s, "status", "--runtime-dir", NOWHERE);
	ck_assert_ptr_nonnull(strstr(said.out, "1 of them with a full accept queue"));
	said_done(&said);
	for (i = 0; i < 2; i++)
		close(fds[i]);
	stage_strike(&s);
}
END_TEST

/* ---- streams and screens: trap S9 ---------------------------------------------------------- */

static struct said shell(struct stage *s, const char *script)
{
	return said_run(
		s, (const char *const[]){ "bash", "-c", script, said_program(), NOWHERE, NULL },
		-1);
}

/* Closed from the start. What is asked ends up nowhere, least of all in a socket of ours. */
START_TEST(cli_streams_closed)
{
	struct said said;
	struct stage s;

	stage_raise(&s, NULL);
	said = shell(&s, "\"$0\" --runtime-dir $1 status >&-");
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(said.err, "stdout"));
	said_done(&said);
	said = shell(&s, "\"$0\" --runtime-dir $1 status --json <&- 2>&-");
	ck_assert_int_eq(said.exit_code, SG_EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(said.out, "\"running\": false"));
	said_done(&said);
	said = shell(&s, "\"$0\" --runtime-dir $1 <&- >&- 2>&-");
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	said_done(&said);
	said = shell(&s, "\"$0\" --help >/dev/full");
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(said.err, "stdout"));
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* Takes one peer, answers its greeting with an end of file, and writes to fd all that it then says. Never returns. */
static void refuse_one_peer(int listener, int fd)
{
	int peer = accept(listener, NULL, NULL);
	char buffer[4096];
	ssize_t n = read(peer, buffer, sizeof(buffer));

	alarm(10);
	if (n > 0 && !shutdown(peer, SHUT_WR))
		while ((n = read(peer, buffer, sizeof(buffer))) > 0)
			if (write(fd, buffer, n) != n)
				break;
	_exit(0);
}

/* Without stderr the socket to the daemon would be what talk is written to. */
START_TEST(cli_talk_goes_into_no_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int heard = memfd_create("heard", MFD_CLOEXEC);
	char dir[] = "/tmp/synguard-cli-XXXXXX", text[4096];
	struct said said;
	struct stage s;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", dir);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		refuse_one_peer(listener, heard);

	stage_raise(&s, NULL);
	said = said_run(&s,
			(const char *const[]){ "bash", "-c", "\"$0\" --runtime-dir $1 mode 2>&-",
					       said_program(), dir, NULL },
			-1);
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	said_done(&said);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	lab_tail(heard, text, sizeof(text));
	ck_assert_msg(!strstr(text, "synguard:"), "the daemon heard \"%s\"", text);
	unlink(address.sun_path);
	rmdir(dir);
	stage_strike(&s);
}
END_TEST

START_TEST(cli_head)
{
	struct said said;
	struct stage s;
	int i;

	stage_raise(&s, NULL);
	for (i = 0; i < 20; i++) {
		said = shell(&s, "\"$0\" --runtime-dir $1 status 2>/dev/null | head -n 1; "
				 "echo ${PIPESTATUS[0]}");
		ck_assert_msg(strstr(said.out, ".\n3\n") || strstr(said.out, ".\n141\n"), "%s",
			      said.out);
		ck_assert_str_eq(said.err, "");
		said_done(&said);
	}
	stage_strike(&s);
}
END_TEST

START_TEST(cli_widths)
{
	static const struct {
		const char *env[3];
		size_t columns;
	} screens[] = {
		{ { "COLUMNS=40", "LC_ALL=C.UTF-8" }, 40 },
		{ { "COLUMNS=80", "LC_ALL=C.UTF-8" }, 80 },
		{ { "COLUMNS=400", "LC_ALL=C" }, 400 },
		{ { "COLUMNS=1", "LC_ALL=C" }, 400 },
		{ { "COLUMNS=0", "LC_ALL=C" }, 80 },
		{ { "COLUMNS=-5", "LC_ALL=none" }, 80 },
		{ { "COLUMNS=99999999999999999999", "LC_ALL=C.UTF-8" }, 80 },
		{ { "COLUMNS=wide", "TERM=" }, 80 },
	};
	const char *argv[] = { said_program(), "--runtime-dir", NOWHERE, NULL };
	struct said said;
	struct stage s;
	size_t i;

	stage_raise(&s, NULL);
	for (i = 0; i < sizeof(screens) / sizeof(screens[0]); i++) {
		said = said_run_with(&s, argv, screens[i].env, -1);
		ck_assert_msg(said.exit_code == SG_EXIT_NO_DAEMON, "%s: exit code %d",
			      screens[i].env[0], said.exit_code);
		said_is_narrow(&said, screens[i].columns, screens[i].env[0]);
		ck_assert_ptr_nonnull(strstr(said.out, "ListenOverflows"));
		/* no letter that the locale does not have */
		if (!strstr(screens[i].env[1], "UTF-8"))
			ck_assert_msg(!strstr(said.out, "…"), "%s: %s", screens[i].env[1],
				      said.out);
		said_done(&said);
	}
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(cli_usage, 30),
	SUITE_TEST(cli_help, 30),
	SUITE_TEST(cli_no_daemon, 30),
	SUITE_TEST(cli_kernel_alone, 30),
	SUITE_TEST(cli_kernel_accept_full, 30),
	SUITE_TEST(cli_streams_closed, 30),
	SUITE_TEST(cli_talk_goes_into_no_socket, 30),
	SUITE_TEST(cli_head, 30),
	SUITE_TEST(cli_widths, 30),
	{}
};
/* clang-format on */
