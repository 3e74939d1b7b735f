/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exporter as Prometheus and as its enemies meet it: what it serves is what the daemon tells,
 * it asks the daemon once a second however many ask, and nobody can make it hang (S8). And the
 * properties of the bus, which come from the same table.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "now.h"
#include "stage.h"
#include "suite.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"

#define PORT 9846

/* ---- running it ---------------------------------------------------------------------------- */

/* The exporter, as nobody, in the server's host. */
struct exporter {
	pid_t pid;
	int err_fd;
	char dir[64]; /* of its notification socket */
};

#define ARGS_MAX 16

static int notify_open(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	return fd;
}

static void notify_wait(struct exporter *e, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[256] = "", tail[1024];

	if (poll(&p, 1, 5000) == 1)
		ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
	lab_tail(e->err_fd, tail, sizeof(tail));
	ck_assert_msg(strstr(text, "READY=1"), "not ready: %s\n%s", text, tail);
}

/* More arguments end at the first NULL. Waits for READY=1. */
static struct exporter exporter_start(struct stage *s, const char *runtime_dir,
				      const char *const args[])
{
	struct exporter e = { .err_fd = memfd_create("stderr", MFD_CLOEXEC) };
	char path[32], socket_path[96], env[128];
	/* who changes his user loses the signal at the end of his parent, which lab_spawn() set */
	const char *argv[ARGS_MAX] = {
		"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=KILL",
		path,	   "--runtime-dir", runtime_dir,
	};
	const char *const more_env[] = { env, NULL };
	const struct lab_run_options o = { .stderr_fd = e.err_fd, .env = more_env };
	_cleanup_free_ char *program = NULL;
	int program_fd, notify_fd, i;

	ok(lab_find_program("synguard-exporter", &program), "synguard-exporter");
	/* nobody need not even be able to find the program */
	program_fd = open(program, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", program_fd);
	/* mkdtemp(3) made it for root alone; where the daemon makes it it is 0755 */
	chmod(runtime_dir, 0755);
	strcpy(e.dir, "/tmp/synguard-exporter-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(e.dir));
	ck_assert_int_eq(chmod(e.dir, 0755), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/notify", e.dir);
	snprintf(env, sizeof(env), "NOTIFY_SOCKET=%s", socket_path);
	notify_fd = notify_open(socket_path);
	for (i = 0; args && args[i]; i++)
		argv[8 + i] = args[i];
	ok(lab_spawn(s->lab, LAB_SERVER, argv, &o, &e.pid), "the exporter");
	notify_wait(&e, notify_fd);
	close(notify_fd);
	close(program_fd);
	unlink(socket_path);
	return e;
}

/* It lives until it is told to end, and ends well then. */
static void exporter_stop(struct exporter *e)
{
	char tail[1024];
	int status;

	ck_assert_int_eq(lab_stop(e->pid, SIGTERM, 5000, &status), 0);
	lab_tail(e->err_fd, tail, sizeof(tail));
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status) && !*tail,
		      "the exporter ended with wait status %#x\n%s", status, tail);
	close(e->err_fd);
	rmdir(e->dir);
}

/* ---- asking it ----------------------------------------------------------------------------- */

static int dial_family(struct stage *s, int family, uint16_t port)
{
	const struct timeval limit = { .tv_sec = 15 };
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in sa4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = lab_socket(s->lab, LAB_SERVER, family, SOCK_STREAM, 0), r;

	ok(fd, "a socket");
	sa4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa6.sin6_addr = in6addr_loopback;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	r = family == AF_INET ? connect(fd, (struct sockaddr *)&sa4, sizeof(sa4)) :
				connect(fd, (struct sockaddr *)&sa6, sizeof(sa6));
	ck_assert_msg(!r, "connecting to port %u: %s", port, strerror(errno));
	return fd;
}

static int dial(struct stage *s)
{
	return dial_family(s, AF_INET, PORT);
}

/* All that comes until the other side closes; frees nothing. Closes fd. */
static char *hear(int fd)
{
	size_t size = 1 << 20, length = 0;
	char *text = calloc(1, size);
	ssize_t n;

	while ((n = recv(fd, text + length, size - length - 1, 0)) > 0)
		length += n;
	ck_assert_msg(!n || errno == ECONNRESET, "reading: %s", strerror(errno));
	close(fd);
	return text;
}

static char *ask(struct stage *s, const char *request)
{
	int fd = dial(s);

	ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return hear(fd);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void expect_status(const char *answer, const char *status)
{
	char line[64];

	snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
	ck_assert_msg(!strncmp(answer, line, strlen(line)), "not %s: %.200s", status, answer);
}

static void expect_scrape(struct stage *s, const char *line)
{
	char *answer = ask(s, GET);

	expect_status(answer, "200");
	ck_assert_msg(strstr(answer, line), "no %s in %.500s", line, answer);
	free(answer);
}

/* The same, where it may take a few reads of the daemon. */
static void await_scrape(struct stage *s, const char *line)
{
	bool there = false;
	char *answer;
	int tries;

	for (tries = 0; tries < 150 && !there; tries++, usleep(100000)) {
		answer = ask(s, GET);
		there = strstr(answer, line);
		free(answer);
	}
	expect_scrape(s, line);
}

static void raise_with(struct stage *s, const char *mode)
{
	stage_raise(s, &(struct server_options){});
	stage_daemon(s, mode);
	stage_prove(s, STAGE_PORT);
}

/* ---- what it serves ------------------------------------------------------------------------ */

START_TEST(exporter_serves_the_figures)
{
	struct exporter e;
	struct stage s;
	char line[128], *answer;
	json_t *status;

	raise_with(&s, "always");
	STAGE_BURST(&s, .rate_per_sec = 5000, .duration_ms = 500);
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	answer = ask(&s, GET);
	status = stage_status(&s);
	expect_status(answer, "200");
	ck_assert_ptr_nonnull(
		strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\nsynguard_up 1\n"));
	ck_assert_int_gt(stage_verdict(status, "xdp", "challenged"), 1000);
	snprintf(line, sizeof(line),
		 "\nsynguard_verdicts_total{program=\"xdp\",verdict=\"challenged\"} "
		 "%" JSON_INTEGER_FORMAT "\n",
		 stage_verdict(status, "xdp", "challenged"));
	ck_assert_msg(strstr(answer, line), "no %s in %s", line, answer);
	free(answer);

	answer = ask(&s, "HEAD /metrics HTTP/1.0\r\n\r\n");
	expect_status(answer, "200");
	ck_assert_ptr_null(strstr(answer, "synguard_up"));
	free(answer);
	answer = ask(&s, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	expect_status(answer, "200");
	ck_assert_ptr_nonnull(strstr(answer, "href=\"/metrics\""));
	free(answer);
	answer = ask(&s, "GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
	expect_status(answer, "404");
	free(answer);
	json_decref(status);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* It neither needs the daemon nor keeps it: that it is gone is a figure. */
START_TEST(exporter_without_a_daemon)
{
	struct exporter e;
	struct stage s;
	char dir[64] = "/tmp/synguard-nothing-XXXXXX";

	stage_raise(&s, NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	e = exporter_start(&s, dir, NULL);
	expect_scrape(&s, "\nsynguard_up 0\n");
	expect_scrape(&s, dir);
	rmdir(dir);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* A daemon that hangs is given up in time, and found again when it goes on. */
START_TEST(exporter_and_a_daemon_that_hangs)
{
	struct exporter e;
	struct stage s;
	int64_t before_ms;
	int i;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	expect_scrape(&s, "\nsynguard_up 1\n");
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	usleep(1100000);
	for (i = 0; i < 3; i++) {
		before_ms = now_ms();
		expect_scrape(&s, "\nsynguard_up 0\n");
		ck_assert_int_lt(now_ms() - before_ms, 4000);
	}
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	await_scrape(&s, "\nsynguard_up 1\n");
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* Told to end while it waits for a daemon that hangs, it ends. */
START_TEST(exporter_ends_beside_a_daemon_that_hangs)
{
	struct exporter e;
	struct stage s;
	int fd;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	fd = dial(&s);
	ck_assert_int_eq(send(fd, GET, strlen(GET), 0), strlen(GET));
	usleep(500000);
	exporter_stop(&e);
	close(fd);
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	stage_strike(&s);
}
END_TEST

START_TEST(exporter_listens_where_told)
{
	struct exporter e;
	struct stage s;
	char *answer;
	int fd;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon),
			   (const char *const[]){ "--listen", "[::1]:9999", NULL });
	fd = dial_family(&s, AF_INET6, 9999);
	ck_assert_int_eq(send(fd, GET, strlen(GET), 0), strlen(GET));
	answer = hear(fd);
	expect_status(answer, "200");
	free(answer);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

START_TEST(exporter_usage)
{
	static const char *const mistakes[][2] = {
		{ "--listen", "9846" },
		{ "--listen", "127.0.0.1" },
		{ "--listen", "localhost:80" },
		{ "--listen", "127.0.0.1:0" },
		{ "--listen", "::1:80" },
		{ "--listen", "127.0.0.1:65536" },
		{ "--listen", "[::1:80" },
		{ "--listen", ":80" },
		{ "--listen", "127.0.0.1:" },
		{ "--bogus", NULL },
		{ "now", NULL },
	};
	_cleanup_free_ char *program = NULL;
	const char *argv[] = { NULL, "exporter", NULL, NULL, NULL };
	int null_fd = open("/dev/null", O_WRONLY);
	const struct lab_run_options o = { .stderr_fd = null_fd };
	struct stage s;
	int status;
	pid_t pid;
	size_t i;

	stage_raise(&s, NULL);
	ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		argv[2] = mistakes[i][0];
		argv[3] = mistakes[i][1];
		ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pid), "synguard exporter");
		if (lab_wait(pid, 5000, &status) < 0) {
			lab_stop(pid, SIGKILL, 1000, NULL);
			ck_abort_msg("%s %s is taken", argv[2], argv[3] ?: "");
		}
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == SG_EXIT_USAGE,
			      "%s %s: wait status %#x", argv[2], argv[3] ?: "", status);
	}
	close(null_fd);
	stage_strike(&s);
}
END_TEST

START_TEST(exporter_socket_activation)
{
	_cleanup_free_ char *program = NULL;
	const char *argv[] = {
		"systemd-socket-activate",
		"--listen",
		"127.0.0.1:9846",
		NULL,
		"--runtime-dir",
		NULL,
		NULL,
	};
	int null_fd = open("/dev/null", O_WRONLY), status, i, fd = -1;
	const struct lab_run_options o = { .stdout_fd = null_fd, .stderr_fd = null_fd };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct stage s;
	pid_t pid;

	if (system("command -v systemd-socket-activate >/dev/null"))
		SKIP("no systemd-socket-activate");
	raise_with(&s, "auto");
	ok(lab_find_program("synguard-exporter", &program), "synguard-exporter");
	argv[3] = program;
	argv[5] = lab_daemon_runtime_dir(s.daemon);
	ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pid), argv[0]);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* it says nothing when it is ready; a refusal means that it does not listen yet */
	for (i = 0; i < 50; i++) {
		fd = lab_socket(s.lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
			break;
		close(fd);
		usleep(100000);
	}
	ck_assert_int_lt(i, 50);
	close(fd);
	expect_scrape(&s, "\nsynguard_up 1\n");
	ck_assert_int_eq(lab_stop(pid, SIGTERM, 5000, &status), 0);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "wait status %#x", status);
	close(null_fd);
	stage_strike(&s);
}
END_TEST

/* ---- one read a second --------------------------------------------------------------------- */

/* Between the exporter and the daemon: counts the connections, each of which is one read. */
struct between {
	pid_t pid;
	char dir[64], path[96];
	int *count; /* shared */
};

static void carry(int a, int b)
{
	struct pollfd p[] = { { a, POLLIN }, { b, POLLIN } };
	char bytes[65536];
	ssize_t n;
	int i;

	while (poll(p, 2, 5000) > 0)
		for (i = 0; i < 2; i++) {
			if (!p[i].revents)
				continue;
			n = recv(p[i].fd, bytes, sizeof(bytes), 0);
			if (n <= 0 || send(p[!i].fd, bytes, n, MSG_NOSIGNAL) != n)
				return;
		}
}

static void between_run(struct between *b, int listen_fd, const char *daemon_dir)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int client, daemon;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/" SG_BUS_SOCKET, daemon_dir);
	while ((client = accept(listen_fd, NULL, NULL)) >= 0) {
		__atomic_add_fetch(b->count, 1, __ATOMIC_RELAXED);
		daemon = socket(AF_UNIX, SOCK_STREAM, 0);
		if (!connect(daemon, (struct sockaddr *)&sa, sizeof(sa)))
			carry(client, daemon);
		close(daemon);
		close(client);
	}
	_exit(1);
}

static void between_start(struct between *b, const char *daemon_dir)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*b = (struct between){ .dir = "/tmp/synguard-between-XXXXXX" };
	b->count = mmap(NULL, sizeof(*b->count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	ck_assert_int_eq(chmod(b->dir, 0755), 0);
	snprintf(b->path, sizeof(b->path), "%s/" SG_BUS_SOCKET, b->dir);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", b->path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(chmod(b->path, 0666), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	b->pid = fork();
	ck_assert_int_ge(b->pid, 0);
	if (!b->pid) {
		/* sd-bus authenticates: whom the daemon sees has to be who the exporter says it is */
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		between_run(b, fd, daemon_dir);
	}
	close(fd);
}

static int between_count(const struct between *b)
{
	return __atomic_load_n(b->count, __ATOMIC_RELAXED);
}

static void between_stop(struct between *b)
{
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	unlink(b->path);
	rmdir(b->dir);
	munmap(b->count, sizeof(*b->count));
}

START_TEST(exporter_reads_once_a_second)
{
	struct between b;
	struct exporter e;
	struct stage s;
	int64_t start_ms, ms = 0;
	int scrapes;

	raise_with(&s, "auto");
	chmod(lab_daemon_runtime_dir(s.daemon), 0755);
	between_start(&b, lab_daemon_runtime_dir(s.daemon));
	e = exporter_start(&s, b.dir, NULL);
	for (start_ms = now_ms(), scrapes = 0; scrapes < 50 || ms < 3500; scrapes++) {
		expect_scrape(&s, "\nsynguard_up 1\n");
		ms = now_ms() - start_ms;
	}
	ck_assert_msg(between_count(&b) >= 3 && between_count(&b) <= 2 + ms / 1000,
		      "%d scrapes in %" PRId64 " ms made %d reads", scrapes, ms, between_count(&b));
	/* nobody asks, nobody reads */
	scrapes = between_count(&b);
	usleep(2500000);
	ck_assert_int_eq(between_count(&b), scrapes);
	exporter_stop(&e);
	between_stop(&b);
	stage_strike(&s);
}
END_TEST

/* ---- S8: requests of people who mean no good ----------------------------------------------- */

/* One who asks a byte a second is cut after ten seconds; others do not wait for him. */
START_TEST(s8_byte_a_second)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct exporter e;
	struct stage s;
	int64_t start_ms, took_ms;
	char byte;
	int fd, i;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	fd = dial(&s);
	start_ms = now_ms();
	for (i = 0; i < 20; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (send(fd, &request[i], 1, MSG_NOSIGNAL) != 1)
			break;
		if (i == 3)
			expect_scrape(&s, "\nsynguard_up 1\n");
		if (poll(&p, 1, 1000) == 1 && recv(fd, &byte, 1, 0) <= 0)
			break;
	}
	took_ms = now_ms() - start_ms;
	ck_assert_msg(took_ms > 9000 && took_ms < 16000, "cut after %" PRId64 " ms", took_ms);
	close(fd);
	expect_scrape(&s, "\nsynguard_up 1\n");
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* The same for one who says nothing at all. */
START_TEST(s8_silence)
{
	struct exporter e;
	struct stage s;
	int64_t start_ms;
	int fd;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	fd = dial(&s);
	start_ms = now_ms();
	free(hear(fd));
	ck_assert_int_ge(now_ms() - start_ms, 9000);
	ck_assert_int_le(now_ms() - start_ms, 12500);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

START_TEST(s8_large_header)
{
	size_t size = 100 << 10;
	char *request = malloc(size + 1), *answer;
	struct exporter e;
	struct stage s;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	memset(request, 'a', size);
	memcpy(request, "GET /metrics HTTP/1.1\r\nX: ", 26);
	strcpy(request + size - 4, "\r\n\r");
	request[size - 1] = '\n';
	request[size] = '\0';
	answer = ask(&s, request);
	expect_status(answer, "431");
	free(answer);
	free(request);
	expect_scrape(&s, "\nsynguard_up 1\n");
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

START_TEST(s8_other_methods)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE" };
	struct exporter e;
	struct stage s;
	char request[128], *answer;
	size_t i;

	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		snprintf(request, sizeof(request),
			 "%s /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
			 methods[i]);
		answer = ask(&s, request);
		expect_status(answer, "405");
		ck_assert_ptr_nonnull(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
		free(answer);
	}
	answer = ask(&s, "nonsense\r\n\r\n");
	ck_assert_ptr_null(strstr(answer, "synguard_up"));
	free(answer);
	expect_scrape(&s, "\nsynguard_up 1\n");
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

#define MANY 1000
#define HELD 256

/* Whether the other side has closed, by now. */
static bool is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return !n || (n < 0 && errno != EAGAIN);
}

static int open_of(const int *fds)
{
	int i, open = 0;

	for (i = 0; i < MANY; i++)
		open += !is_closed(fds[i]);
	return open;
}

/* One who begins a request, or asks and does not read the answer. */
static int slow_peer(struct stage *s, bool reads_nothing)
{
	static const char begun[] = "GET /metrics HTTP/1.1\r\nX: ";
	const char *said = reads_nothing ? GET : begun;
	int fd = dial(s);

	ck_assert_int_eq(send(fd, said, strlen(said), MSG_NOSIGNAL), strlen(said));
	return fd;
}

/*
 * Trap FW84: however many are slow, in asking or in reading, there is a place for a quick one: the one
 * that has been there for longest gives way.
 */
START_TEST(fw84_slow_peers)
{
	const struct rlimit limit = { 4096, 4096 };
	struct exporter e;
	struct stage s;
	int fds[MANY], i;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	raise_with(&s, "auto");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	for (i = 0; i < MANY; i++) {
		fds[i] = slow_peer(&s, _i);
		if (i % 100 == 99)
			expect_scrape(&s, "\nsynguard_up 1\n");
	}
	/* not those who have just come */
	ck_assert(!is_closed(fds[MANY - 1]));
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* A thousand at once: so many are held, the rest is closed, and the daemon is asked no more. */
START_TEST(s8_many)
{
	const struct rlimit limit = { 4096, 4096 };
	static int fds[MANY];
	int answered = 0, reads, i;
	struct between b;
	struct exporter e;
	struct stage s;
	int64_t start_ms;
	char *answer;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	raise_with(&s, "auto");
	chmod(lab_daemon_runtime_dir(s.daemon), 0755);
	between_start(&b, lab_daemon_runtime_dir(s.daemon));
	e = exporter_start(&s, b.dir, NULL);
	start_ms = now_ms();
	for (i = 0; i < MANY; i++)
		fds[i] = dial(&s);
	for (i = 0; i < 50 && open_of(fds) > HELD; i++)
		usleep(100000);
	ck_assert_int_eq(open_of(fds), HELD);
	for (i = 0; i < MANY; i++) {
		if (is_closed(fds[i])) {
			close(fds[i]);
			continue;
		}
		ck_assert_int_eq(send(fds[i], GET, strlen(GET), MSG_NOSIGNAL), strlen(GET));
		answer = hear(fds[i]);
		expect_status(answer, "200");
		ck_assert_ptr_nonnull(strstr(answer, "\nsynguard_up 1\n"));
		free(answer);
		answered++;
	}
	ck_assert_int_eq(answered, HELD);
	/* and once more with a request each, which are answered or closed */
	for (i = 0; i < MANY; i++) {
		fds[i] = dial(&s);
		send(fds[i], GET, strlen(GET), MSG_NOSIGNAL);
	}
	for (i = 0, answered = 0; i < MANY; i++) {
		answer = hear(fds[i]);
		answered += !strncmp(answer, "HTTP/1.1 200 ", 13);
		free(answer);
	}
	ck_assert_int_ge(answered, 1);
	reads = between_count(&b);
	ck_assert_msg(reads <= (now_ms() - start_ms) / 1000 + 2, "%d reads in %lld ms", reads,
		      now_ms() - start_ms);
	expect_scrape(&s, "\nsynguard_up 1\n");
	exporter_stop(&e);
	between_stop(&b);
	stage_strike(&s);
}
END_TEST

/* ---- a real Prometheus --------------------------------------------------------------------- */

static const char *prometheus(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/usr/bin/prometheus", getenv("SG_TOOLS") ?: "");
	if (!access(path, X_OK))
		return path;
	return !system("command -v prometheus >/dev/null") ? "prometheus" : NULL;
}

static void write_config(const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs("global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: synguard\n"
	      "    static_configs:\n      - targets: [ '127.0.0.1:9846' ]\n",
	      f);
	ck_assert_int_eq(fclose(f), 0);
}

/* The value of the one series that the query finds, or -1. */
static json_int_t queried(struct stage *s, const char *query)
{
	char encode[256];
	const char *argv[] = {
		"curl",
		"-s",
		"--max-time",
		"5",
		"-G",
		"http://127.0.0.1:9090/api/v1/query",
		"--data-urlencode",
		encode,
		NULL,
	};
	json_t *root, *result;
	json_int_t value = -1;
	char *output = NULL;

	snprintf(encode, sizeof(encode), "query=%s", query);
	if (!lab_run(s->lab, LAB_SERVER, argv, 10000, &output)) {
		root = json_loads(output, 0, NULL);
		result = json_object_get(json_object_get(root, "data"), "result");
		if (json_array_size(result) == 1)
			value = strtoll(
				json_string_value(json_array_get(json_object_get(json_array_get(result, 0), "value"), 1)) ?:
					"-1",
				NULL, 10);
		json_decref(root);
	}
	free(output);
	return value;
}

static void expect_queried(struct stage *s, const char *query, json_int_t expected)
{
	json_int_t value = -1;
	int i;

	/* a scrape a second, and a Prometheus that shares its CPU */
	for (i = 0; i < 80 && value != expected; i++) {
		value = queried(s, query);
		usleep(250000);
	}
	ck_assert_msg(value == expected,
		      "%s is %" JSON_INTEGER_FORMAT " in Prometheus, not %" JSON_INTEGER_FORMAT,
		      query, value, expected);
}

/* What the daemon counts can be asked of a Prometheus that scrapes the exporter. */
START_TEST(exporter_prometheus)
{
	char dir[] = "/tmp/synguard-prometheus-XXXXXX", config[96], data[96];
	const char *argv[] = {
		prometheus(),	     config, data, "--web.listen-address=127.0.0.1:9090",
		"--log.level=error", NULL,
	};
	const char *const remove[] = { "rm", "-rf", dir, NULL };
	int null_fd = open("/dev/null", O_WRONLY);
	const struct lab_run_options o = { .stdout_fd = null_fd, .stderr_fd = null_fd };
	struct exporter e;
	struct stage s;
	json_t *status;
	pid_t pid;

	if (!argv[0])
		SKIP("no prometheus, neither in SG_TOOLS nor in PATH");
	raise_with(&s, "always");
	e = exporter_start(&s, lab_daemon_runtime_dir(s.daemon), NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(config, sizeof(config), "%s/prometheus.yml", dir);
	write_config(config);
	snprintf(config, sizeof(config), "--config.file=%s/prometheus.yml", dir);
	snprintf(data, sizeof(data), "--storage.tsdb.path=%s/data", dir);
	ok(lab_spawn(s.lab, LAB_SERVER, argv, &o, &pid), argv[0]);
	expect_queried(&s, "up{job=\"synguard\"}", 1);
	STAGE_BURST(&s, .rate_per_sec = 5000, .duration_ms = 500);
	status = stage_status(&s);
	ck_assert_int_gt(stage_verdict(status, "xdp", "challenged"), 1000);
	expect_queried(&s, "synguard_verdicts_total{program=\"xdp\",verdict=\"challenged\"}",
		       stage_verdict(status, "xdp", "challenged"));
	expect_queried(&s, "synguard_service_challenges_total{listener=\"192.0.2.1:8080\"}",
		       stage_figure(stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT),
				    "challenged"));
	expect_queried(&s, "synguard_mode{kind=\"always\"}", 1);
	json_decref(status);
	/* and that the daemon is gone is something to be alerted by */
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping the daemon");
	expect_queried(&s, "synguard_up", 0);
	expect_queried(&s, "up{job=\"synguard\"}", 1);
	lab_stop(pid, SIGTERM, 10000, NULL);
	lab_run(s.lab, LAB_SERVER, remove, 10000, NULL);
	close(null_fd);
	exporter_stop(&e);
	stage_strike(&s);
}
END_TEST

/* ---- properties ---------------------------------------------------------------------------- */

/* A property of the bus, as busctl prints it; a tool that expects a bus daemon, too, gets on. */
static char *property(struct stage *s, const char *name)
{
	const char *argv[] = {
		"busctl",	  NULL, "get-property", SG_BUS_INTERFACE, SG_BUS_PATH,
		SG_BUS_INTERFACE, name, NULL,
	};
	char address[192], *output = NULL;

	snprintf(address, sizeof(address), "--address=unix:path=%s/" SG_BUS_SOCKET,
		 lab_daemon_runtime_dir(s->daemon));
	argv[1] = address;
	ck_assert_msg(!lab_run(s->lab, LAB_SERVER, argv, 10000, &output), "no property %s", name);
	return output;
}

START_TEST(bus_properties)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{ "Engine", "s \"reqsk\"\n" },	 { "Mode", "s \"observe\"\n" },
		{ "State", "s \"calm\"\n" },	 { "Version", "s \"" SG_VERSION "\"\n" },
		{ "ConfigOk", "b true\n" },	 { "SynsPerSecond", "t " },
		{ "UptimeSeconds", "t " },	 { "EngineReason", "s \"" },
		{ "HeartbeatAgeSeconds", "t " }, { "Ticks", "t " },
	};
	struct stage s;
	char *text;
	size_t i;

	if (system("command -v busctl >/dev/null"))
		SKIP("no busctl");
	raise_with(&s, "auto");
	stage_mode(&s, "observe");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		text = property(&s, rows[i].name);
		ck_assert_msg(!strncmp(text, rows[i].says, strlen(rows[i].says)), "%s is %s",
			      rows[i].name, text);
		free(text);
	}
	stage_strike(&s);
}
END_TEST

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return 0;
}

/* What sd-bus answers by itself counts as well: who asks and does not read is cut. */
START_TEST(bus_properties_unread)
{
	struct pollfd hangup = { .events = 0 };
	sd_bus *bus = NULL;
	char address[192];
	struct stage s;
	int i, r = 0;

	raise_with(&s, "auto");
	snprintf(address, sizeof(address), "unix:path=%s/" SG_BUS_SOCKET,
		 lab_daemon_runtime_dir(s.daemon));
	ok(sd_bus_new(&bus), "a bus");
	ok(sd_bus_set_address(bus, address), "its address");
	ok(sd_bus_start(bus), "starting it");
	/* the greeting */
	ok(sd_bus_call_method(bus, NULL, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
			      NULL),
	   "a ping");
	/* what does not fit into the socket is queued here, so that only the socket tells */
	for (i = 0; i < 20000 && r >= 0; i++)
		r = sd_bus_call_method_async(bus, NULL, NULL, SG_BUS_PATH,
					     "org.freedesktop.DBus.Properties", "GetAll", on_answer,
					     NULL, "s", SG_BUS_INTERFACE);
	hangup.fd = sd_bus_get_fd(bus);
	ck_assert_msg(poll(&hangup, 1, 5000) == 1, "%d questions and no answer read: it goes on",
		      i);
	sd_bus_close_unref(bus);
	stage_strike(&s);
}
END_TEST

/* A peer that says nothing, or has only begun to, does not hold up the end of the daemon. */
START_TEST(bus_peers_do_not_hold_up_the_end)
{
	static const char greeting[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stage s;
	int64_t start_ms;
	int fds[4], i;

	raise_with(&s, "auto");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/" SG_BUS_SOCKET,
		 lab_daemon_runtime_dir(s.daemon));
	for (i = 0; i < 4; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(fds[i], (struct sockaddr *)&sa, sizeof(sa)), 0);
		if (i % 2)
			ck_assert_int_gt(send(fds[i], greeting, sizeof(greeting) - 1, 0), 0);
	}
	usleep(300000);
	start_ms = now_ms();
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping the daemon");
	ck_assert_int_lt(now_ms() - start_ms, 3000);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(exporter_serves_the_figures, 30),
	SUITE_TEST(exporter_without_a_daemon, 30),
	SUITE_TEST(exporter_and_a_daemon_that_hangs, 60),
	SUITE_TEST(exporter_ends_beside_a_daemon_that_hangs, 30),
	SUITE_TEST(exporter_listens_where_told, 30),
	SUITE_TEST(exporter_usage, 60),
	SUITE_TEST(exporter_socket_activation, 30),
	SUITE_TEST(exporter_reads_once_a_second, 60),
	SUITE_TEST(s8_byte_a_second, 60),
	SUITE_TEST(s8_silence, 60),
	SUITE_TEST(s8_large_header, 30),
	SUITE_TEST(s8_other_methods, 30),
	SUITE_LOOP(fw84_slow_peers, 2, 60),
	SUITE_TEST(s8_many, 90),
	SUITE_TEST(exporter_prometheus, 180),
	SUITE_TEST(bus_properties, 60),
	SUITE_TEST(bus_properties_unread, 60),
	SUITE_TEST(bus_peers_do_not_hold_up_the_end, 60),
	{}
};
/* clang-format on */
