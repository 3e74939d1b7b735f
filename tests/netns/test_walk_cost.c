/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `synguard halfopen` costs beside `ss -n state syn-recv` and `netstat -n`, with many
 * connections established and the SYN queue full. With SG_FULL=1 they are 100 000; rows for the
 * bench are added to SG_BENCH_JSON.
 */
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/flood.h"
#include "said.h"
#include "stage.h"
#include "synguard/cleanup.h"

#define TCP_REPAIR_    19 /* linux/tcp.h */
#define PER_PROCESS    10000
#define PROCESSES_FULL 10
#define HOLDER_MAX     16
#define REPETITIONS    3
#define DAEMON_SECONDS 4
#define DAEMON_PERCENT 5

static void ok(int err, const char *what)
{
	ck_assert_msg(err >= 0, "%s: %s", what, strerror(-err));
}

/* ---- many connections ---------------------------------------------------------------------- */

/*
 * One end only, made by TCP_REPAIR: the kernel has it as established, and it sends nothing, not
 * even when it is closed.
 */
static int hold(uint32_t number)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(STAGE_PORT) };
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, LAB_SERVER_ADDR4, &local.sin_addr);
	/* of the network of the link, so that there is a way to it */
	peer.sin_addr.s_addr = htonl(0xc0000200 + 100 + number / 20000);
	peer.sin_port = htons(10000 + number % 20000);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		return -errno;
	return fd;
}

/* Until the other end of the pipe is closed. */
static int hold_many(struct lab *lab, unsigned int process, int report, int until)
{
	int i, r = lab_enter(lab, LAB_SERVER);
	char word = 'y';

	for (i = 0; r >= 0 && i < PER_PROCESS; i++)
		r = hold(process * PER_PROCESS + i);
	if (r < 0)
		dprintf(2, "# connection %d: %s\n", i, strerror(-r));
	if (r < 0 || write(report, &word, 1) != 1)
		return 1;
	return read(until, &word, 1) != 0;
}

struct holders {
	pid_t pids[HOLDER_MAX];
	int count, until;
};

static void holders_start(struct holders *h, struct lab *lab, int count)
{
	int report[2], until[2], i;
	char word;

	*h = (struct holders){ .count = count };
	/* not for the daemon, which would keep them open */
	ck_assert(!pipe2(report, O_CLOEXEC) && !pipe2(until, O_CLOEXEC));
	for (i = 0; i < count; i++) {
		h->pids[i] = fork();
		if (!h->pids[i]) {
			close(until[1]);
			_exit(hold_many(lab, i, report[1], until[0]));
		}
	}
	close(report[1]);
	close(until[0]);
	for (i = 0; i < count; i++)
		ck_assert_msg(read(report[0], &word, 1) == 1, "the connections are not there");
	close(report[0]);
	h->until = until[1];
}

static void holders_end(struct holders *h)
{
	close(h->until);
	while (h->count--)
		waitpid(h->pids[h->count], NULL, 0);
}

/* ---- measuring ----------------------------------------------------------------------------- */

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* The fastest of some: what came between slowed down the others. */
static double fastest_ms(struct stage *s, const char *const argv[])
{
	double best = 1e9, start;
	struct said said;
	int i;

	for (i = 0; i < REPETITIONS; i++) {
		start = now_ms();
		said = said_run(s, argv, -1);
		ck_assert_msg(!said.status, "%s: %s", argv[0], said.err);
		best = now_ms() - start < best ? now_ms() - start : best;
		said_done(&said);
	}
	return best;
}

/* In ticks of the clock, user and system. */
static unsigned long daemon_ticks(struct stage *s)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)lab_daemon_pid(s->daemon));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	fclose(file);
	return user + system;
}

static double daemon_percent(struct stage *s)
{
	unsigned long before = daemon_ticks(s);

	sleep(DAEMON_SECONDS);
	return 100.0 * (daemon_ticks(s) - before) / sysconf(_SC_CLK_TCK) / DAEMON_SECONDS;
}

static void tell(const char *row, double ms, double ratio)
{
	const char *path = getenv("SG_BENCH_JSON");
	FILE *file = path ? fopen(path, "ae") : NULL;

	printf("# %-28s %8.1f ms  %.2f\n", row, ms, ratio);
	fflush(stdout);
	if (!file)
		return;
	fprintf(file, "{\"table\":\"walk\",\"row\":\"%s\",\"ms\":%.1f,\"ratio\":%.2f}\n", row, ms,
		ratio);
	fclose(file);
}

static void fill_queue(struct stage *s)
{
	const struct flood_options o = { .port = STAGE_PORT, .count = 8000, .duration_ms = 5000 };
	struct flood *flood;

	ok(flood_new(&flood, s->lab, LAB_CLIENT, LAB_IFNAME, &o), "the flood");
	ok(flood_start(flood), "starting it");
	ok(flood_wait(flood), "its end");
	flood_free(flood);
}

START_TEST(c12_walks_beside_ss_and_netstat)
{
	static const char *const ss[] = { "ss", "-H", "-n", "-t", "state", "syn-recv", NULL };
	static const char *const netstat[] = { "netstat", "-n", "-t", NULL };
	int processes = suite_full() ? PROCESSES_FULL : 1;
	double ours_ms, ss_ms, netstat_ms, percent;
	const char *argv[] = { NULL,	      "--runtime-dir", NULL, "halfopen",
			       "--by=source", "--json",	       NULL };
	struct holders holders;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .backlog = 4096, .not_accepting = true });
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.core.somaxconn", "4096"), "somaxconn");
	ok(lab_sysctl_set(s.lab, LAB_SERVER, "net.ipv4.tcp_synack_retries", "8"), "retries");
	holders_start(&holders, s.lab, processes);
	stage_daemon(&s, "observe");
	fill_queue(&s);
	argv[0] = said_program();
	argv[2] = lab_daemon_runtime_dir(s.daemon);

	ss_ms = fastest_ms(&s, ss);
	ours_ms = fastest_ms(&s, argv);
	netstat_ms = fastest_ms(&s, netstat);
	percent = daemon_percent(&s);
	printf("# %d established, the SYN queue full; ratio to ss\n", processes * PER_PROCESS);
	tell("synguard halfopen", ours_ms, ours_ms / ss_ms);
	tell("ss -n state syn-recv", ss_ms, 1);
	tell("netstat -n", netstat_ms, netstat_ms / ss_ms);
	printf("# daemon: %.1f %% of a core\n", percent);
	fflush(stdout);
	ck_assert_double_lt(ours_ms, netstat_ms);
	ck_assert_double_lt(percent, DAEMON_PERCENT);
	holders_end(&holders);
	stage_strike(&s);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("walk_cost");

	SUITE_TEST(suite, c12_walks_beside_ss_and_netstat, 120);
	return suite_main(suite, argc, argv);
}
