/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation on the backlogs of running listeners: longer under pressure, through a copy of the
 * socket, and as before afterwards, however the daemon ended and whatever becomes of the process
 * that has the socket open.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/process.h"
#include "daemon/net/proc.h"
#include "mitigator.h"
#include "suite.h"
#include "synguard/names.h"

#define LONG 1024

/* Into the host's namespace, with a queue that is full. */
static struct flood *raise_and_enter(struct host *h, struct mitigator *c)
{
	struct flood *flood;

	host_raise(h);
	flood = flood_of(h, HOST_PORT + HOST_OWN_SIX, 1000);
	usleep(300000);
	ok(lab_enter(h->s.lab, LAB_SERVER), "into the host");
	mitigator_new(c, h->dir);
	c->settings.mitigation_live_backlog = LONG;
	return flood;
}

static void end(struct host *h, struct mitigator *c, struct flood *flood)
{
	mitigation_free(c->mitigation);
	as_before(h, "at the end");
	stage_flood_end(flood);
	host_strike(h);
}

/* ---- C7 ------------------------------------------------------------------------------------ */

/* Killed wherever, as often as it comes by there; --undo makes everything as before. */
START_TEST(c7_killed_with_backlogs)
{
	int passes = 1, killed = 0;
	struct flood *flood;
	struct host h;

	host_raise(&h);
	h.live_backlog = LONG;
	flood = flood_of(&h, HOST_PORT + HOST_OWN_SIX, 1000);
	usleep(300000);
	while (fall(&h, _i, passes++)) {
		killed++;
		undo_well(&h, fault_names[_i]);
		as_before(&h, fault_names[_i]);
	}
	as_before(&h, "not killed at all");
	ck_assert_msg(killed, "nothing comes by where %s", fault_names[_i]);
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* ---- in an attack -------------------------------------------------------------------------- */

/* Only under pressure, within what somaxconn and memory allow; and back. */
START_TEST(backlog_under_pressure)
{
	struct flood *flood;
	struct mitigator c;
	struct host h;

	flood = raise_and_enter(&h, &c);
	mitigator_start(&c);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	ck_assert_int_eq(backlog(&h, HOST_OWN_FOUR), 64);
	mitigate(&c, DETECT_COOLING);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	mitigate(&c, DETECT_CALM);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 64);
	c.settings.mitigation_queue_mib = 1;
	mitigator_start(&c);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 64 + 256);
	end(&h, &c, flood);
}
END_TEST

/* C8: while its SYN-ACKs are sent again often it stays as it is, or becomes so again. */
START_TEST(c8_backlog_of_one_that_repeats)
{
	struct flood *flood;
	struct mitigator c;
	struct host h;
	int i;

	flood = raise_and_enter(&h, &c);
	c.settings.mitigation_listener_retries = 0;
	for (i = 0; i < 20; i++)
		mitigate(&c, DETECT_ATTACK);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 64);
	c.settings.mitigation_listener_retries = 1;
	mitigator_start(&c);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	set_retries(&h, HOST_OWN_SIX, 6);
	mitigate(&c, DETECT_ATTACK);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 64);
	end(&h, &c, flood);
}
END_TEST

/* C6: its server says listen() itself. */
START_TEST(c6_backlog_of_its_server)
{
	struct flood *flood;
	struct mitigator c;
	struct host h;

	flood = raise_and_enter(&h, &c);
	mitigator_start(&c);
	ck_assert_int_eq(listen(h.fds[HOST_OWN_SIX], 300), 0);
	mitigate(&c, DETECT_ATTACK);
	ck_assert_uint_eq(c.events[MITIGATION_CONFLICT], 1);
	mitigate(&c, DETECT_CALM);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 300);
	ck_assert_int_eq(listen(h.fds[HOST_OWN_SIX], 64), 0);
	end(&h, &c, flood);
}
END_TEST

/* ---- its process --------------------------------------------------------------------------- */

/* A process that has the listener open, and nobody before it in /proc. */
static pid_t holder_of(struct host *h, int which)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	close(h->fds[which]);
	h->fds[which] = -EBADF;
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* It ends, and its listener with it: nothing is left to undo, and that is said. */
START_TEST(backlog_of_a_process_that_ends)
{
	struct flood *flood;
	struct mitigator c;
	struct host h;
	char *text;
	pid_t pid;

	flood = raise_and_enter(&h, &c);
	pid = holder_of(&h, HOST_OWN_SIX);
	mitigator_start(&c);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	end_holder(pid);
	mitigate(&c, DETECT_ATTACK);
	ck_assert_msg(strstr(c.reason, "0.0.0.0:8101 is gone"), "%s", c.reason);
	text = record(&h);
	ck_assert_msg(!strstr(text, "8101"), "%s", text);
	free(text);
	mitigation_free(c.mitigation);
	ck_assert(!has_record(&h));
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* It hands the listener on and ends: the next one is found. */
START_TEST(backlog_of_a_process_that_is_replaced)
{
	pid_t first, second;
	struct flood *flood;
	struct mitigator c;
	struct host h;
	int fd;

	flood = raise_and_enter(&h, &c);
	fd = dup(h.fds[HOST_OWN_SIX]);
	first = holder_of(&h, HOST_OWN_SIX);
	h.fds[HOST_OWN_SIX] = fd;
	mitigator_start(&c);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	second = holder_of(&h, HOST_OWN_SIX);
	end_holder(first);
	mitigation_free(c.mitigation);
	as_before(&h, "with another process");
	end_holder(second);
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

struct asked {
	struct socket_owner_wanted wanted;
	int r;
};

static int ask_there(void *arg)
{
	struct asked *asked = arg;

	asked->r = socket_owner_listen(&asked->wanted, 77);
	return 0;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Another socket behind the number, one that does not listen, one of another namespace: none is
 * touched. */
START_TEST(reach_refuses_what_it_did_not_mean)
{
	struct asked asked;
	struct host h;
	int fd, other;

	host_raise(&h);
	fd = h.fds[HOST_NONE];
	asked.wanted = (struct socket_owner_wanted){ inode_of(fd), cookie_of(fd), getpid() };
	asked.wanted.cookie++;
	ok(lab_call(h.s.lab, LAB_SERVER, ask_there, &asked), "in the host");
	ck_assert_int_eq(asked.r, -ESRCH);
	asked.wanted.cookie--;
	asked.wanted.inode++;
	ok(lab_call(h.s.lab, LAB_SERVER, ask_there, &asked), "in the host");
	ck_assert_int_eq(asked.r, -ESRCH);
	asked.wanted.inode--;
	ok(lab_call(h.s.lab, LAB_CLIENT, ask_there, &asked), "in another");
	ck_assert_int_eq(asked.r, -EXDEV);
	other = lab_socket(h.s.lab, LAB_SERVER, AF_INET, SOCK_STREAM, 0);
	asked.wanted = (struct socket_owner_wanted){ inode_of(other), cookie_of(other), getpid() };
	ok(lab_call(h.s.lab, LAB_SERVER, ask_there, &asked), "in the host");
	ck_assert_int_eq(asked.r, -ESRCH);
	close(other);
	as_before(&h, "what was refused");
	asked.wanted = (struct socket_owner_wanted){ inode_of(fd), cookie_of(fd), getpid() };
	ok(lab_call(h.s.lab, LAB_SERVER, ask_there, &asked), "in the host");
	ck_assert_int_eq(asked.r, 0);
	ck_assert_int_eq(backlog(&h, HOST_NONE), 77);
	host_strike(&h);
}
END_TEST

/* ---- without the rights -------------------------------------------------------------------- */

static void give_up(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << cap);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

static const struct {
	int cap;
	const char *name;
} rights[] = {
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};

/* The one that is missing is named, once; the step is not taken, and the others are. */
START_TEST(backlog_without_a_right)
{
	struct flood *flood;
	struct mitigator c;
	struct host h;
	int i;

	flood = raise_and_enter(&h, &c);
	give_up(rights[_i].cap);
	for (i = 0; i < 10; i++)
		mitigate(&c, DETECT_ATTACK);
	ck_assert_msg(strstr(c.reason, rights[_i].name), "%s", c.reason);
	ck_assert_msg(!strstr(c.reason, rights[!_i].name), "%s", c.reason);
	ck_assert_uint_eq(c.events[MITIGATION_FAILED], 1);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), 64);
	ck_assert(mitigation_is_taken(c.mitigation, SG_MITIGATION_LISTENER_RETRIES));
	ck_assert(mitigation_is_taken(c.mitigation, SG_MITIGATION_SYN_BACKLOG));
	end(&h, &c, flood);
}
END_TEST

/* ---- the daemon ---------------------------------------------------------------------------- */

static uint64_t effective_of(pid_t pid)
{
	unsigned long long caps = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %llx", &caps);
	fclose(file);
	return caps;
}

/* The daemon keeps two more rights where that is set, and uses them; else it has none but one. */
START_TEST(backlog_by_the_daemon)
{
	const uint64_t net = 1ULL << CAP_NET_ADMIN;
	struct flood *flood;
	struct host h;
	json_t *row;

	host_raise(&h);
	start_daemon(&h, "auto", QUICK);
	ck_assert_uint_eq(effective_of(lab_daemon_pid(h.s.daemon)), net);
	end_daemon(&h, SIGTERM);
	/* never challenged, so that the queue is what takes it */
	start_daemon(&h, "auto", QUICK "LiveBacklog=1024\n[Defence]\nLeaveAlone=*:8101\n");
	ck_assert_uint_eq(effective_of(lab_daemon_pid(h.s.daemon)),
			  net | 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_DAC_READ_SEARCH);
	flood = flood_of(&h, HOST_PORT + HOST_OWN_SIX, 2000);
	await(&h, "live_backlog", "taken", true, 15);
	ck_assert_int_eq(backlog(&h, HOST_OWN_SIX), LONG);
	row = row_of(&h, "live_backlog", "0.0.0.0:8101");
	ck_assert(row && json_is_true(json_object_get(row, "taken")));
	ck_assert_int_eq(json_integer_value(json_object_get(row, "old")), 64);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "new")), LONG);
	json_decref(row);
	end_daemon(&h, SIGKILL);
	undo_well(&h, "after a kill");
	as_before(&h, "after a kill");
	stage_flood_end(flood);
	host_strike(&h);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_RANGE(c7_killed_with_backlogs, FAULT_NONE + 1, FAULT_COUNT, 90),
	SUITE_TEST(backlog_under_pressure, 30),
	SUITE_TEST(c8_backlog_of_one_that_repeats, 30),
	SUITE_TEST(c6_backlog_of_its_server, 30),
	SUITE_TEST(backlog_of_a_process_that_ends, 30),
	SUITE_TEST(backlog_of_a_process_that_is_replaced, 30),
	SUITE_TEST(reach_refuses_what_it_did_not_mean, 30),
	SUITE_LOOP(backlog_without_a_right, 2, 30),
	SUITE_TEST(backlog_by_the_daemon, 60),
	{}
};
/* clang-format on */
