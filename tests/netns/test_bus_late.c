/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus: nobody who asks, in whatever way, makes a tick late (S7).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "now.h"
#include "peer.h"
#include "stage.h"
#include "suite.h"

#define NOBODY	  65534
#define LATE_USEC 10000

/* How the daemon's ticks come, one a second, and whether they are late. */
struct ticks {
	json_int_t count, uptime;
	json_int_t delay_usec; /* the longest delay so far */
	int64_t at_ms;	       /* monotonic */
};

static struct ticks ticks_of(struct stage *s)
{
	json_t *status = stage_status(s);
	struct ticks t = {
		.count = stage_figure(status, "ticks"),
		.uptime = stage_figure(status, "uptime_seconds"),
		.delay_usec = stage_figure(status, "tick_delay_max_microseconds"),
		.at_ms = now_ms(),
	};

	json_decref(status);
	return t;
}

/* Others that run on this host shall not be taken for what the daemon does to itself. */
static void ticks_undisturbed(struct stage *s)
{
	/* not SCHED_FIFO: who keeps a CPU busy by it is stopped for 50 ms in a second */
	ck_assert_msg(!setpriority(PRIO_PROCESS, lab_daemon_pid(s->daemon), -20), "nice -20: %s",
		      strerror(errno));
}

/* Whether there were as many as seconds, give or take one; prints them where not. */
static bool ticks_all_came(const struct ticks *before, const struct ticks *after)
{
	int64_t ms = after->at_ms - before->at_ms;
	json_int_t ticks = after->count - before->count;

	if (ticks >= ms / 1000 - 1 && ticks <= ms / 1000 + 1)
		return true;
	printf("# %lld ticks in %lld ms\n", (long long)ticks, (long long)ms);
	return false;
}

/* So many seconds, in which there is something to follow: the mode goes to and fro. Root gets
 * through in any case. */
static void ticks_go_by(struct stage *s, int seconds)
{
	int64_t until_ms = now_ms() + seconds * 1000;
	int i;

	for (i = 0; now_ms() < until_ms; i++) {
		stage_mode(s, i % 2 ? "auto" : "observe");
		usleep(100000);
	}
}

static void open_to_all(struct stage *s)
{
	ok(chmod(lab_daemon_runtime_dir(s->daemon), 0755), "chmod");
}

/* One way to be a nuisance; called again and again until the time is over. */
struct nuisance {
	const char *name;
	int peers;
	void (*begin)(int fd);
	void (*go_on)(int *fd, const char *dir);
};

static const char *nuisance_dir;

static void redial(int *fd, const char *dir)
{
	close(*fd);
	*fd = peer_dial(dir);
}

static void begin_greeted(int fd)
{
	peer_greet(fd);
}

static void again_if_cut(int *fd, const char *dir)
{
	if (*fd >= 0 && !peer_is_cut(*fd))
		return;
	redial(fd, dir);
	if (*fd >= 0)
		peer_greet(*fd);
}

static void begin_half(int fd)
{
	unsigned char call[PEER_MESSAGE_MAX];

	peer_greet(fd);
	peer_call(call, "SetMode", "auto");
	peer_promise(call, 60000);
	peer_send(fd, call, 100);
}

static void nothing(int *fd, const char *dir)
{
}

static void dial_and_hang_up(int *fd, const char *dir)
{
	redial(fd, dir);
}

/* Asks for all there is and reads none of it. */
static void ask_and_not_read(int *fd, const char *dir)
{
	struct pollfd p = { .fd = *fd, .events = POLLRDHUP };

	if (*fd < 0 || (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLRDHUP | POLLERR))) {
		redial(fd, dir);
		if (*fd >= 0)
			peer_greet(*fd);
	}
	peer_talk(*fd, "Describe", NULL, 50);
}

/* Asks for all there is and reads it, as fast as it goes. */
static void ask_and_read(int *fd, const char *dir)
{
	unsigned char call[PEER_MESSAGE_MAX];
	size_t n = peer_call_number(call, "Events", 0);

	again_if_cut(fd, dir);
	peer_talk(*fd, "Describe", NULL, 3);
	send(*fd, call, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void die_in_the_midst(int *fd, const char *dir)
{
	redial(fd, dir);
	if (*fd < 0)
		return;
	begin_half(*fd);
	peer_talk(*fd, "Describe", NULL, 1);
}

static void try_what_is_not_allowed(int *fd, const char *dir)
{
	again_if_cut(fd, dir);
	peer_talk(*fd, "SetMode", "off", 20);
}

/* 120 MiB, which sd-bus would take. */
static void send_huge(int *fd, const char *dir)
{
	static char zeroes[1 << 20];
	unsigned char call[PEER_MESSAGE_MAX];
	size_t n;
	int i;

	redial(fd, dir);
	if (*fd < 0)
		return;
	peer_greet(*fd);
	n = peer_call(call, "SetMode", "auto");
	peer_promise(call, 120 << 20);
	if (peer_send(*fd, call, n) < 0)
		return;
	for (i = 0; i < 120; i++)
		if (peer_send(*fd, zeroes, sizeof(zeroes)) < 0)
			return;
}

static void greet_for_ever(int *fd, const char *dir)
{
	static const char line[] = "AUTH NOTHING\r\n";
	int i;

	for (i = 0; i < 100; i++)
		if (*fd < 0 || peer_send(*fd, line, sizeof(line) - 1) < 0) {
			redial(fd, dir);
			return;
		}
}

/* clang-format off */
static const struct nuisance nuisances[] = {
	{ "half a message",            8, begin_half,      nothing },
	{ "a flood of connects",       8, NULL,            dial_and_hang_up },
	{ "asking without reading",    8, begin_greeted,   ask_and_not_read },
	{ "asking and reading",        8, begin_greeted,   ask_and_read },
	{ "dying in mid-message",      8, NULL,            die_in_the_midst },
	{ "without rights",            8, begin_greeted,   try_what_is_not_allowed },
	{ "huge messages",             4, NULL,            send_huge },
	{ "following without reading", 4, peer_follow, nothing },
	{ "greeting for ever",         8, NULL,            greet_for_ever },
};
/* clang-format on */
#define NUISANCES (int)(sizeof(nuisances) / sizeof(nuisances[0]))

static void be(const struct nuisance *n, int64_t until_ms)
{
	int fds[8], i;

	for (i = 0; i < n->peers; i++) {
		fds[i] = peer_dial(nuisance_dir);
		if (fds[i] >= 0 && n->begin)
			n->begin(fds[i]);
	}
	while (now_ms() < until_ms) {
		for (i = 0; i < n->peers; i++)
			n->go_on(&fds[i], nuisance_dir);
		usleep(500);
	}
}

/* A user of its own does it for so long. */
static pid_t start_nuisance(struct stage *s, const struct nuisance *n, uid_t uid, int seconds)
{
	pid_t pid;

	nuisance_dir = lab_daemon_runtime_dir(s->daemon);
	pid = fork();
	if (pid)
		return pid;
	if (setgid(NOBODY) || setuid(uid))
		_exit(1);
	be(n, now_ms() + seconds * 1000);
	_exit(0);
}

static void end_nuisance(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "wait status %#x", status);
}

static unsigned long resident_kib(struct stage *s)
{
	unsigned long kib = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", lab_daemon_pid(s->daemon));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmHWM: %lu", &kib);
	if (f)
		fclose(f);
	ck_assert_uint_gt(kib, 0);
	return kib;
}

/* One try: did all ticks come, none of them late? */
static bool try_nuisance(const struct nuisance *n)
{
	unsigned long before_kib, more_kib;
	struct ticks before, after;
	struct stage s;
	pid_t pid;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	open_to_all(&s);
	ticks_undisturbed(&s);
	before = ticks_of(&s);
	before_kib = resident_kib(&s);
	pid = start_nuisance(&s, n, NOBODY, 3);
	ticks_go_by(&s, 3);
	end_nuisance(pid);
	after = ticks_of(&s);
	more_kib = resident_kib(&s) - before_kib;
	printf("# %s: at most %lld us late, %lu KiB more\n", n->name, (long long)after.delay_usec,
	       more_kib);
	ck_assert_msg(more_kib < 16384, "%s: %lu KiB more", n->name, more_kib);
	stage_strike(&s);
	return ticks_all_came(&before, &after) && after.delay_usec <= LATE_USEC;
}

/* What the daemon does to itself it does each time; what a busy host does to it comes and goes. */
#define TRIES 5

START_TEST(s7_each_nuisance)
{
	int i = 0;

	while (i < TRIES && !try_nuisance(&nuisances[_i]))
		i++;
	ck_assert_msg(i < TRIES, "%s: ticks were late or did not come, %d times",
		      nuisances[_i].name, TRIES);
}
END_TEST

/* All of them at once, each a user of its own. */
static bool try_all_nuisances(void)
{
	struct ticks before, after;
	pid_t pids[NUISANCES];
	struct stage s;
	int i;

	stage_raise(&s, NULL);
	stage_daemon(&s, "auto");
	open_to_all(&s);
	ticks_undisturbed(&s);
	before = ticks_of(&s);
	for (i = 0; i < NUISANCES; i++)
		pids[i] = start_nuisance(&s, &nuisances[i], 60000 + i, 6);
	ticks_go_by(&s, 6);
	for (i = 0; i < NUISANCES; i++)
		end_nuisance(pids[i]);
	after = ticks_of(&s);
	printf("# all of them: at most %lld us late\n", (long long)after.delay_usec);
	stage_strike(&s);
	return ticks_all_came(&before, &after) && after.delay_usec <= LATE_USEC;
}

START_TEST(s7_all_nuisances)
{
	int i = 0;

	while (i < TRIES && !try_all_nuisances())
		i++;
	ck_assert_msg(i < TRIES, "ticks were late or did not come, %d times", TRIES);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(s7_each_nuisance, NUISANCES, 60),
	SUITE_TEST(s7_all_nuisances, 60),
	{}
};
/* clang-format on */
