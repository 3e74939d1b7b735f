/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon and its configuration files: what a SIGHUP changes while it runs and what it leaves as
 * it is, what becomes of a bad file at a reload and at a start (traps S4), and whose word counts.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"
#include "stage.h"
#include "suite.h"
#include "synguard/abi.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"
#include "watch.h"
#include "wire.h"

#define OTHER_IFNAME "other0"

/* ---- files --------------------------------------------------------------------------------- */

/* Of this test's process, which removes it at its end. */
static char folder[64];
static char file[96];

static void remove_folder(void)
{
	unlink(file);
	rmdir(folder);
}

static void configuration(const char *text)
{
	char fresh[128];
	FILE *f;

	if (!folder[0]) {
		strcpy(folder, "/tmp/synguard-reload-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(folder));
		snprintf(file, sizeof(file), "%s/synguard.conf", folder);
		atexit(remove_folder);
	}
	/* as an editor does it: the old one or the new one, never half of it */
	snprintf(fresh, sizeof(fresh), "%s.new", file);
	f = fopen(fresh, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(rename(fresh, file), 0);
}

static void start(struct stage *s, const char *interface, const char *mode)
{
	const char *args[] = { "--config", file, NULL };
	const struct lab_daemon_options o = { .interface = interface, .mode = mode, .args = args };
	char tail[2048];
	int err = lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail));

	ck_assert_msg(!err, "synguardd: %s\n%s", strerror(-err), tail);
}

static void reload(struct stage *s, const char *text)
{
	configuration(text);
	stage_reload(s, STAGE_CONFIG_LOADED);
}

/* ---- what is in force ---------------------------------------------------------------------- */

#define HELD_MAX 256

/* Ids of the daemon's links or maps, in order. */
struct held {
	__u32 ids[HELD_MAX];
	int count;
};

static int by_number(const void *a, const void *b)
{
	return *(const __u32 *)a < *(const __u32 *)b ? -1 : *(const __u32 *)a > *(const __u32 *)b;
}

static struct held held(const struct stage *s, const char *format)
{
	struct held h = {};
	char path[300], line[256];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", lab_daemon_pid(s->daemon));
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", lab_daemon_pid(s->daemon),
			 entry->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (h.count < HELD_MAX && sscanf(line, format, &h.ids[h.count]) == 1)
				h.count++;
		if (f)
			fclose(f);
	}
	closedir(dir);
	qsort(h.ids, h.count, sizeof(*h.ids), by_number);
	return h;
}

static struct held links_of(const struct stage *s)
{
	return held(s, "link_id: %u");
}

static void same_links(const struct stage *s, const struct held *before)
{
	struct held now = links_of(s);

	ck_assert_int_ge(before->count, 4);
	ck_assert_int_eq(now.count, before->count);
	ck_assert_mem_eq(now.ids, before->ids, now.count * sizeof(*now.ids));
}

static struct sg_control control_of(const struct stage *s)
{
	_cleanup_close_ int fd = watch_map(lab_daemon_pid(s->daemon), "synguard.bss");

	return watch_control(fd);
}

/* How many entries the list of what is left alone has. */
static int left_alone(const struct stage *s)
{
	struct sg_left_alone key, next, *from = NULL;
	_cleanup_close_ int fd = watch_map(lab_daemon_pid(s->daemon), "left_alone");
	int count = 0;

	while (!bpf_map_get_next_key(fd, from, &next)) {
		key = next;
		from = &key;
		count++;
	}
	return count;
}

static bool flag(struct stage *s, const char *key)
{
	json_t *status = stage_status(s), *value = json_object_get(status, key);
	bool set = json_is_true(value);

	ck_assert_msg(json_is_boolean(value), "no %s in the status", key);
	json_decref(status);
	return set;
}

static void mode_is(struct stage *s, const char *mode, bool by_hand)
{
	json_t *status = stage_status(s);

	ck_assert_str_eq(json_string_value(json_object_get(status, "mode")), mode);
	ck_assert_str_eq(json_string_value(json_object_get(status, "mode_by")),
			 by_hand ? "request" : "start");
	json_decref(status);
}

/* A connection is made, and whether it was challenged. */
static bool challenged(struct stage *s, int listener)
{
	struct watch_service before = watch_service(s), after;
	struct pair p = pair_open(s, listener, AF_INET, 0);

	pair_talk(&p);
	after = watch_service(s);
	pair_close(&p);
	ck_assert_int_eq(after.syns - before.syns, 1);
	return after.challenged - before.challenged;
}

static int start_with(struct stage *s, const char *text)
{
	int listener;

	stage_raise(s, NULL);
	listener = pair_listen(s, NULL);
	configuration(text);
	start(s, NULL, NULL);
	return listener;
}

static void prove(struct stage *s, int listener)
{
	int left = 2, fd;

	stage_prove(s, STAGE_PORT);
	while (left-- && (fd = pair_accept(listener, 1000)) >= 0)
		close(fd);
}

/* ---- a reload ------------------------------------------------------------------------------ */

START_TEST(reload_by_difference)
{
	struct sg_control control;
	struct held links;
	struct stage s;
	struct pair p;
	int listener;

	listener = start_with(&s, "[Daemon]\nMode=always\n[Defence]\nArmPercent=60\nLeaseSec=5s\n");
	prove(&s, listener);
	control = control_of(&s);
	ck_assert_uint_eq(control.arm_percent, 60);
	ck_assert_uint_eq(control.lease_ns, 5000000000ULL);
	ck_assert_int_eq(left_alone(&s), 0);
	links = links_of(&s);
	ck_assert(challenged(&s, listener));
	p = pair_open(&s, listener, AF_INET, 0);

	/* numbers and a mode */
	reload(&s, "[Daemon]\nMode=auto\n[Defence]\nArmPercent=70\nLeaseSec=6s\n");
	control = control_of(&s);
	ck_assert_uint_eq(control.arm_percent, 70);
	ck_assert_uint_eq(control.lease_ns, 6000000000ULL);
	ck_assert_uint_eq(control.mode, SG_MODE_AUTO);
	mode_is(&s, "auto", false);
	ck_assert(!challenged(&s, listener));

	/* a list: there and back, within the time of a look */
	reload(&s,
	       "[Daemon]\nMode=always\n[Defence]\nLeaveAlone=*:8080 203.0.113.9 2001:db8::/32\n");
	ck_assert_int_eq(left_alone(&s), 3);
	ck_assert_uint_eq(control_of(&s).arm_percent, 50);
	usleep(60000);
	ck_assert(!challenged(&s, listener));
	ck_assert_int_ge(watch_verdict(&s, "xdp", "left_alone"), 1);
	reload(&s, "[Daemon]\nMode=always\n[Defence]\nLeaveAlone=203.0.113.9 *:8081\n");
	ck_assert_int_eq(left_alone(&s), 2);
	usleep(60000);
	ck_assert(challenged(&s, listener));

	/* and nothing was attached anew, nor is anybody thrown out */
	same_links(&s, &links);
	pair_talk(&p);
	pair_close(&p);
	ck_assert(flag(&s, "config_ok"));
	stage_strike(&s);
}
END_TEST

static bool state_is(struct stage *s, const char *state)
{
	json_t *status = stage_status(s);
	bool is = !strcmp(json_string_value(json_object_get(status, "state")), state);

	json_decref(status);
	return is;
}

/* The detector judges by the new figure: what was no attack before it is one now. */
START_TEST(reload_detector)
{
	struct flood *flood;
	int listener, tries = 0;
	struct stage s;

	listener = start_with(&s, "[Daemon]\nMode=observe\n[Detector]\nAttackRate=10000\n");
	prove(&s, listener);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 300, .duration_ms = 20000);
	usleep(3500000);
	ck_assert_int_ge(watch_service(&s).syns, 300);
	ck_assert(state_is(&s, "calm"));
	reload(&s, "[Daemon]\nMode=observe\n[Detector]\nAttackRate=100\nEbbRate=50\n");
	while (!state_is(&s, "attack") && tries++ < 100)
		usleep(50000);
	ck_assert(state_is(&s, "attack"));
	stage_flood_end(flood);
	stage_strike(&s);
}
END_TEST

START_TEST(reload_bad_file)
{
	/* clang-format off */
	static const struct { const char *text, *words; } rows[] = {
		{ "[Daemon]\nMode=of\n", "synguard.conf:2: Mode: no mode \"of\"" },
		{ "[Daemon]\nMode=off\n[Defence]\nArmPercent=101\n", "synguard.conf:4: ArmPercent=101 is out of range" },
		{ "[Daemon]\nMode=off\n[Detector]\nEbbRate=5000\n", "synguard.conf:4: EbbRate=5000 is not below" },
	};
	/* clang-format on */
	struct sg_control before, after;
	struct held links;
	struct stage s;
	int listener;
	size_t i;

	listener = start_with(&s, "[Daemon]\nMode=always\n[Defence]\nArmPercent=60\n");
	prove(&s, listener);
	before = control_of(&s);
	links = links_of(&s);
	ck_assert(flag(&s, "config_ok"));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		configuration(rows[i].text);
		stage_reload(&s, STAGE_CONFIG_REFUSED);
		/* in the log, and as the reason of the event */
		ck_assert_int_eq(stage_said(&s, rows[i].words), 2);
		ck_assert(!flag(&s, "config_ok"));
		mode_is(&s, "always", false);
		after = control_of(&s);
		before.heartbeat_ns = after.heartbeat_ns;
		ck_assert_mem_eq(&before, &after, sizeof(before));
		ck_assert(challenged(&s, listener));
	}
	/* one that is gone, and one that is something else */
	ck_assert_int_eq(unlink(file), 0);
	stage_reload(&s, STAGE_CONFIG_REFUSED);
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	stage_reload(&s, STAGE_CONFIG_REFUSED);
	ck_assert_int_eq(unlink(file), 0);
	mode_is(&s, "always", false);
	same_links(&s, &links);

	reload(&s, "[Daemon]\nMode=observe\n");
	ck_assert(flag(&s, "config_ok"));
	mode_is(&s, "observe", false);
	stage_strike(&s);
}
END_TEST

/* ---- a start ------------------------------------------------------------------------------- */

START_TEST(start_with_bad_section)
{
	struct stage s;

	start_with(&s, "[Daemon]\nMode=observe\n[Defence]\nLeaseSec=10s\nArmPercent=0\n"
		       "LeaveAlone=*:1\n");
	ck_assert_int_ge(stage_said(&s, "synguard.conf:5: ArmPercent=0 is out of range"), 1);
	ck_assert_int_eq(stage_said(&s, "section [Defence] has a fault"), 1);
	ck_assert_int_eq(stage_said(&s, "section [Daemon]"), 0);
	ck_assert(!flag(&s, "config_ok"));
	mode_is(&s, "observe", false);
	ck_assert_uint_eq(control_of(&s).lease_ns, 4000000000ULL);
	ck_assert_uint_eq(control_of(&s).arm_percent, 50);
	ck_assert_int_eq(left_alone(&s), 0);
	stage_strike(&s);
}
END_TEST

START_TEST(start_without_the_file)
{
	char tail[1024];
	struct stage s;
	const char *args[] = { "--config", "/nowhere/synguard.conf", NULL };
	const struct lab_daemon_options o = { .args = args };

	stage_raise(&s, NULL);
	ck_assert_int_eq(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)),
			 -ECHILD);
	ck_assert_ptr_nonnull(strstr(tail, "/nowhere/synguard.conf: No such file"));
	stage_strike(&s);
}
END_TEST

/* What takes effect at a start alone is said, and does. */
START_TEST(start_with_other_epochs)
{
	struct stage s;
	int listener;

	listener = start_with(&s, "[Daemon]\nMode=always\n[Cookie]\nEpochSec=17s\n");
	prove(&s, listener);
	ck_assert(challenged(&s, listener));
	reload(&s, "[Daemon]\nMode=always\n[Cookie]\nEpochSec=200s\n");
	ck_assert_int_eq(stage_said(&s, "EpochSec (at the next start)"), 1);
	ck_assert(challenged(&s, listener));
	stage_strike(&s);
}
END_TEST

/* ---- whose word ---------------------------------------------------------------------------- */

/* What was set by hand holds until the daemon ends; everything else of the file is taken. */
START_TEST(reload_keeps_mode_by_hand)
{
	struct stage s;

	start_with(&s, "[Daemon]\nMode=observe\n");
	mode_is(&s, "observe", false);
	stage_mode(&s, "always");
	mode_is(&s, "always", true);
	reload(&s, "[Daemon]\nMode=off\n[Defence]\nArmPercent=61\n");
	mode_is(&s, "always", true);
	ck_assert_uint_eq(control_of(&s).mode, SG_MODE_ALWAYS);
	ck_assert_uint_eq(control_of(&s).arm_percent, 61);
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
	s.daemon = lab_daemon_free(s.daemon);
	start(&s, NULL, NULL);
	mode_is(&s, "off", false);
	stage_strike(&s);
}
END_TEST

START_TEST(command_line_overrides)
{
	struct stage s;

	stage_raise(&s, NULL);
	configuration("[Daemon]\nMode=off\nInterfaces=lo\n");
	start(&s, LAB_IFNAME, "observe");
	mode_is(&s, "observe", false);
	reload(&s, "[Daemon]\nMode=always\nInterfaces=lo\n[Defence]\nArmPercent=62\n");
	mode_is(&s, "observe", false);
	ck_assert_uint_eq(control_of(&s).arm_percent, 62);
	stage_strike(&s);
}
END_TEST

/* ---- interfaces ---------------------------------------------------------------------------- */

/* "native" or "tcx"; "none" where the interface is not attached to. */
static const char *attached(struct stage *s, const char *name)
{
	static char how[16];
	json_t *status = stage_status(s), *row;
	size_t i;

	strcpy(how, "none");
	json_array_foreach(json_object_get(status, "interfaces"), i, row)
		if (!strcmp(json_string_value(json_object_get(row, "name")), name))
			snprintf(how, sizeof(how), "%s",
				 json_string_value(json_object_get(row, "attach")));
	json_decref(status);
	return how;
}

/* Attaching may take its time. */
static void await_attached(struct stage *s, const char *name, const char *how)
{
	int tries = 0;

	while (strcmp(attached(s, name), how) && tries++ < 100)
		usleep(50000);
	ck_assert_str_eq(attached(s, name), how);
}

START_TEST(reload_interfaces)
{
	const struct lab_end server = { .host = LAB_SERVER, .ifname = OTHER_IFNAME };
	const struct lab_end client = { .host = LAB_CLIENT, .ifname = OTHER_IFNAME };
	struct held one, two, again;
	struct stage s;
	struct pair p;
	int listener, i;

	stage_raise(&s, NULL);
	ok(lab_link_add(s.lab, &server, &client), "a second link");
	listener = pair_listen(&s, NULL);
	configuration("[Daemon]\nMode=always\nInterfaces=" LAB_IFNAME "\n");
	start(&s, "", NULL);
	await_attached(&s, LAB_IFNAME, "native");
	ck_assert_str_eq(attached(&s, OTHER_IFNAME), "none");
	prove(&s, listener);
	ck_assert(challenged(&s, listener));
	p = pair_open(&s, listener, AF_INET, 0);
	one = links_of(&s);

	/* one more: the first stays as it is */
	reload(&s, "[Daemon]\nMode=always\nInterfaces=" LAB_IFNAME " " OTHER_IFNAME "\n");
	await_attached(&s, OTHER_IFNAME, "native");
	two = links_of(&s);
	ck_assert_int_eq(two.count, one.count + 3);
	for (i = 0; i < one.count; i++)
		ck_assert_ptr_nonnull(
			bsearch(&one.ids[i], two.ids, two.count, sizeof(*two.ids), by_number));
	/* one less */
	reload(&s, "[Daemon]\nMode=always\nInterfaces=" LAB_IFNAME "\n");
	await_attached(&s, OTHER_IFNAME, "none");
	/* first the challenges end, and the acceptances when all are answered */
	for (i = 0; links_of(&s).count != one.count && i < 100; i++)
		usleep(100000);
	again = links_of(&s);
	ck_assert_int_eq(again.count, one.count);
	ck_assert_mem_eq(again.ids, one.ids, one.count * sizeof(*one.ids));
	pair_talk(&p);

	/* the one that the connection runs over: it goes on */
	reload(&s, "[Daemon]\nMode=always\nInterfaces=" OTHER_IFNAME "\n");
	await_attached(&s, LAB_IFNAME, "none");
	pair_talk(&p);
	pair_close(&p);
	stage_strike(&s);
}
END_TEST

/* ---- synguard config ----------------------------------------------------------------------- */

/* Runs it; what it prints is compared with what `out` begins with. */
static void verb(struct stage *s, const char *a, const char *b, int code, const char *out)
{
	char *program, *output = NULL;
	const char *argv[] = { NULL, "config", a, b, NULL };

	ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	ck_assert_int_eq(lab_run(s->lab, LAB_SERVER, argv, 10000, &output), code);
	ck_assert_msg(!strncmp(output, out, strlen(out)) && !*output == !*out, "%s", output);
	free(output);
	free(program);
}

/*
 * A client that holds a challenge of an interface that a reload lets go of, and answers it then: its
 * ACK still finds somebody, or the kernel would reset it.
 */
START_TEST(reload_waits_for_answers)
{
	struct wire *w = malloc(sizeof(*w));
	struct stage s;
	int tries, others;

	stage_raise(&s, &(struct server_options){ .greeting = "hello\n" });
	configuration("[Daemon]\nMode=always\nInterfaces=" LAB_IFNAME "\n");
	start(&s, "", NULL);
	await_attached(&s, LAB_IFNAME, "native");
	others = links_of(&s).count - 3; /* XDP, ingress and egress of the interface */
	ck_assert_int_gt(others, 0);
	stage_prove(&s, STAGE_PORT);
	wire_open(w, &s, _i ? 6 : 4, 41000);
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	reload(&s, "[Daemon]\nMode=always\nInterfaces=later0\n");
	usleep(300000);
	wire_send(w, FRAME_ACK, NULL);
	wire_take_payload(w, "hello\n");
	wire_close(w);
	/* and in the end nothing is left there */
	for (tries = 0; links_of(&s).count > others && tries < 100; tries++)
		usleep(100000);
	ck_assert_int_eq(links_of(&s).count, others);
	free(w);
	stage_strike(&s);
}
END_TEST

START_TEST(config_verb)
{
	struct stage s;
	char fine[128];

	stage_raise(&s, NULL);
	configuration("[Daemon]\nMode=off\n");
	snprintf(fine, sizeof(fine), "%s: fine\n", file);
	verb(&s, "check", file, SG_EXIT_OK, fine);
	verb(&s, "diff", file, SG_EXIT_OK, "[Daemon]\n# default: auto\nMode=off\n");
	verb(&s, "show", file, SG_EXIT_OK, "[Daemon]\nMode=off\nInterfaces=auto\n");
	verb(&s, "get", "Detector.EbbRate", SG_EXIT_OK, "100\n");
	verb(&s, "get", "EbbRate", SG_EXIT_USAGE, "");
	verb(&s, "get", NULL, SG_EXIT_USAGE, "");
	verb(&s, "sample", NULL, SG_EXIT_OK, "# Settings of synguardd(8)");
	verb(&s, NULL, NULL, SG_EXIT_USAGE, "");
	verb(&s, "chek", file, SG_EXIT_USAGE, "");
	verb(&s, "sample", file, SG_EXIT_USAGE, "");
	verb(&s, "check", "--bogus", SG_EXIT_USAGE, "");
	verb(&s, "check", "/nowhere/at.all", SG_EXIT_FAILED, "");
	/* and what a daemon would make of one with a fault */
	configuration("[Daemon]\nMode=offf\n[Defence]\nArmPercent=70\n");
	verb(&s, "check", file, SG_EXIT_FAILED, "");
	verb(&s, "diff", file, SG_EXIT_FAILED, "[Defence]\n# default: 50\nArmPercent=70\n");
	stage_strike(&s);
}
END_TEST

/* The exporter listens where the file says, if the command line says nothing else. */
START_TEST(exporter_reads_the_file)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(9850) };
	const char *argv[] = { NULL, "exporter", "--config", file, NULL };
	char *program;
	int fd, tries, err = -1;
	struct stage s;
	pid_t pid;

	stage_raise(&s, NULL);
	configuration("[Exporter]\nListen=*:9850\n");
	ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	ok(lab_spawn(s.lab, LAB_SERVER, argv, NULL, &pid), "the exporter");
	inet_pton(AF_INET, LAB_SERVER_ADDR4, &sa.sin_addr);
	for (tries = 0; err && tries < 100; tries++) {
		fd = lab_socket(s.lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);
		err = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
		close(fd);
		if (err)
			usleep(50000);
	}
	ck_assert_msg(!err, "%s", strerror(errno));
	ok(lab_stop(pid, SIGTERM, 10000, NULL), "stopping");
	free(program);
	stage_strike(&s);
}
END_TEST

/* ---- systemd ------------------------------------------------------------------------------- */

/* The messages of systemd's protocol as they come, in one string. */
static void listen_to(int fd, char *text, size_t size, const char *until, int count)
{
	struct timeval limit = { .tv_sec = 30 };
	const char *at;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (count) {
		size_t used = strlen(text);

		n = recv(fd, text + used, size - used - 2, 0);
		ck_assert_msg(n > 0, "no more after \"%s\"", text);
		text[used + n] = '\n';
		text[used + n + 1] = '\0';
		at = strstr(text + used, until);
		count -= !!at;
	}
}

START_TEST(reload_notifies)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char env[128], text[4096] = "", *program;
	const char *argv[] = { NULL,	   "--runtime-dir", folder, "--interface",
			       LAB_IFNAME, "--config",	    file,   NULL };
	const char *envs[] = { env, NULL };
	unsigned long long usec;
	const char *reloading;
	struct timespec now;
	struct stage s;
	pid_t pid;
	int fd;

	stage_raise(&s, NULL);
	configuration("[Daemon]\nMode=observe\n");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/notify", folder);
	snprintf(env, sizeof(env), "NOTIFY_SOCKET=%s", sa.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ok(lab_find_program("synguardd", &program), "synguardd");
	argv[0] = program;
	ok(lab_spawn(s.lab, LAB_SERVER, argv, &(struct lab_run_options){ .env = envs }, &pid),
	   "synguardd");
	listen_to(fd, text, sizeof(text), "READY=1", 1);
	text[0] = '\0';
	kill(pid, SIGHUP);
	listen_to(fd, text, sizeof(text), "READY=1", 1);
	reloading = strstr(text, "RELOADING=1\nMONOTONIC_USEC=");
	ck_assert_msg(reloading, "%s", text);
	ck_assert(reloading < strstr(text, "READY=1"));
	ck_assert_int_eq(sscanf(reloading, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	ck_assert_uint_lt(now.tv_sec * 1000000ULL + now.tv_nsec / 1000 - usec, 10000000);
	/* also where nothing came of it */
	configuration("rubbish\n");
	text[0] = '\0';
	kill(pid, SIGHUP);
	listen_to(fd, text, sizeof(text), "READY=1", 1);
	ck_assert_ptr_nonnull(strstr(text, "RELOADING=1"));
	ok(lab_stop(pid, SIGTERM, 10000, NULL), "stopping");
	unlink(sa.sun_path);
	close(fd);
	free(program);
	snprintf(env, sizeof(env), "%s/lock", folder);
	unlink(env);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(reload_by_difference, 60),
	SUITE_TEST(reload_detector, 60),
	SUITE_TEST(reload_bad_file, 60),
	SUITE_TEST(start_with_bad_section, 30),
	SUITE_TEST(start_without_the_file, 30),
	SUITE_TEST(start_with_other_epochs, 60),
	SUITE_TEST(reload_keeps_mode_by_hand, 60),
	SUITE_TEST(command_line_overrides, 30),
	SUITE_TEST(reload_interfaces, 60),
	SUITE_LOOP(reload_waits_for_answers, 2, 30),
	SUITE_TEST(config_verb, 30),
	SUITE_TEST(exporter_reads_the_file, 30),
	SUITE_TEST(reload_notifies, 30),
	{}
};
/* clang-format on */
