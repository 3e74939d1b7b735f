/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a guest of its host: what it takes, what it leaves behind however it ends, whom it
 * gives way to, and how it follows the interfaces.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "stage.h"
#include "suite.h"
#include "synguard/abi.h"
#include "synguard/names.h"
#include "watch.h"
#include "wire.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

static struct clients *clients(struct stage *s, unsigned int duration_ms)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = duration_ms,
		.deadline_ms = 10000,
	};
	struct clients *clients;

	ok(clients_start(&clients, s->lab, LAB_CLIENT, &o), "the clients");
	return clients;
}

static void clients_connected(struct clients *clients)
{
	struct clients_result r;

	ok(clients_wait(clients, &r), "the clients");
	ck_assert_msg(r.connected == r.attempted,
		      "connected: %u of %u; %u timed out, %u refused, %u reset, %u other",
		      r.connected, r.attempted, r.timed_out, r.refused, r.reset, r.other);
	clients_result_done(&r);
	clients_free(clients);
}

static void some_clients(struct stage *s)
{
	clients_connected(clients(s, 200));
}

/* ---- what it holds in the kernel ----------------------------------------------------------- */

enum kind {
	PROG,
	MAP,
	LINK,
	KINDS,
};

static const struct {
	const char *name;
	const char *format; /* in /proc/PID/fdinfo/FD */
	int (*open)(__u32 id);
} kinds[KINDS] = {
	[PROG] = { "program", "prog_id: %u", bpf_prog_get_fd_by_id },
	[MAP] = { "map", "map_id: %u", bpf_map_get_fd_by_id },
	[LINK] = { "link", "link_id: %u", bpf_link_get_fd_by_id },
};

#define HELD_MAX 64

/* Its own objects, not those of another synguardd of this machine. */
struct held {
	__u32 ids[KINDS][HELD_MAX];
	int count[KINDS];
};

static void held_read_one(struct held *held, const char *path)
{
	char line[256];
	FILE *f = fopen(path, "re");
	int kind;
	__u32 id;

	while (f && fgets(line, sizeof(line), f))
		for (kind = 0; kind < KINDS; kind++)
			if (sscanf(line, kinds[kind].format, &id) == 1 &&
			    held->count[kind] < HELD_MAX)
				held->ids[kind][held->count[kind]++] = id;
	if (f)
		fclose(f);
}

static struct held held_by(pid_t pid)
{
	struct held held = { 0 };
	struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	ck_assert_msg(dir, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		held_read_one(&held, path);
	}
	closedir(dir);
	return held;
}

static bool exists(enum kind kind, __u32 id)
{
	int fd = kinds[kind].open(id);

	if (fd >= 0)
		close(fd);
	else
		ck_assert_int_eq(errno, ENOENT);
	return fd >= 0;
}

/* The kernel frees them behind a grace period or two. */
static void held_is_gone(const struct held *held)
{
	int kind, i, tries;

	for (kind = 0; kind < KINDS; kind++) {
		for (i = 0; i < held->count[kind]; i++) {
			for (tries = 0; exists(kind, held->ids[kind][i]) && tries < 100; tries++)
				usleep(100000);
			ck_assert_msg(!exists(kind, held->ids[kind][i]), "%s %u is left",
				      kinds[kind].name, held->ids[kind][i]);
		}
	}
}

/* How many programs there are on an interface, of XDP and tcx, in a thread of its host. */
static int count_programs(void *ifindex)
{
	static const int hooks[] = { TCX_INGRESS, TCX_EGRESS };
	int on = *(int *)ifindex, count = 0;
	__u32 n, id = 0, attach_flags;
	size_t i;
	int err;

	for (i = 0; i < 2; i++) {
		n = 0;
		err = bpf_prog_query(on, hooks[i], 0, &attach_flags, NULL, &n);
		if (err)
			return err;
		count += n;
	}
	err = bpf_xdp_query_id(on, 0, &id);
	return err ?: count + (id != 0);
}

static int programs_on(struct stage *s, const char *ifname)
{
	int ifindex = lab_ifindex(s->lab, LAB_SERVER, ifname);
	int count;

	ok(ifindex, ifname);
	count = lab_call(s->lab, LAB_SERVER, count_programs, &ifindex);
	ok(count, "asking for programs");
	return count;
}

static char *qdiscs(struct stage *s)
{
	const char *const argv[] = { "tc", "qdisc", "show", NULL };
	char *output = NULL;

	ck_assert_int_eq(lab_run(s->lab, LAB_SERVER, argv, 10000, &output), 0);
	return output;
}

static bool has_socket(const struct stage *s)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" SG_BUS_SOCKET, lab_daemon_runtime_dir(s->daemon));
	return !access(path, F_OK);
}

/* ---- the end ------------------------------------------------------------------------------- */

/*
 * SIGTERM, in the midst of clients that are being challenged, and SIGKILL: nothing is left, and
 * everybody connects. Those who held a challenge at a SIGKILL are nobody's, so none does then.
 */
START_TEST(daemon_leaves_nothing)
{
	bool killed = _i;
	char *before, *during, *after;
	struct clients *people = NULL;
	struct held held;
	struct stage s;
	int status = 0;

	stage_raise(&s, &(struct server_options){});
	before = qdiscs(&s);
	ck_assert_int_eq(programs_on(&s, LAB_IFNAME), 0);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	some_clients(&s);
	held = held_by(lab_daemon_pid(s.daemon));
	ck_assert_int_ge(held.count[PROG], 4);
	ck_assert_int_ge(held.count[MAP], 6);
	ck_assert_int_ge(held.count[LINK], 4);
	ck_assert_int_eq(programs_on(&s, LAB_IFNAME), 3);
	ck_assert(has_socket(&s));
	during = qdiscs(&s);
	ck_assert_str_eq(during, before);

	if (killed) {
		kill(lab_daemon_pid(s.daemon), SIGKILL);
		lab_daemon_stop(s.daemon, 5000, &status);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	} else {
		people = clients(&s, 3000);
		usleep(1500000); /* a tick in which somebody was challenged */
		ok(lab_daemon_stop(s.daemon, 10000, &status), "stopping");
		ck_assert_int_eq(status, 0);
		ck_assert(!has_socket(&s));
		clients_connected(people);
	}
	held_is_gone(&held);
	ck_assert_int_eq(programs_on(&s, LAB_IFNAME), 0);
	after = qdiscs(&s);
	ck_assert_str_eq(after, before);
	some_clients(&s);
	free(before);
	free(during);
	free(after);
	stage_strike(&s);
}
END_TEST

/*
 * A client that holds a challenge when the daemon is told to end, and answers it only then: it is
 * waited for, or the kernel would reset it.
 */
START_TEST(daemon_waits_for_answers)
{
	struct wire *w = malloc(sizeof(*w));
	struct clients *people;
	struct stage s;

	stage_raise(&s, &(struct server_options){ .greeting = "hello\n" });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	people = clients(&s, 1500);
	usleep(1500000); /* a tick in which somebody was challenged */
	wire_open(w, &s, _i ? 6 : 4, 41000);
	wire_send_syn(w, NULL);
	wire_take_synack(w);
	kill(lab_daemon_pid(s.daemon), SIGTERM);
	usleep(300000);
	wire_send(w, FRAME_ACK, NULL);
	wire_take_payload(w, "hello\n");
	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
	clients_connected(people);
	wire_close(w);
	free(w);
	stage_strike(&s);
}
END_TEST

/* What SIGKILL left in the runtime directory is in nobody's way. */
START_TEST(daemon_starts_after_sigkill)
{
	struct lab_daemon_options o = { .mode = "always" };
	struct lab_daemon *killed;
	char tail[1024];
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	killed = s.daemon;
	o.runtime_dir = lab_daemon_runtime_dir(killed);
	kill(lab_daemon_pid(killed), SIGKILL);
	lab_daemon_stop(killed, 5000, NULL);
	ck_assert(has_socket(&s));
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	stage_prove(&s, STAGE_PORT);
	some_clients(&s);
	stage_strike(&s);
	lab_daemon_free(killed);
}
END_TEST

/* ---- what it may, and that it lives -------------------------------------------------------- */

START_TEST(daemon_keeps_one_capability)
{
	const unsigned long long net_admin = 1ULL << CAP_NET_ADMIN;
	struct stage s;
	pid_t pid;
	int tries;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	pid = lab_daemon_pid(s.daemon);
	ck_assert_uint_eq(stage_process(pid, "CapEff:\t%llx"), net_admin);
	ck_assert_uint_eq(stage_process(pid, "CapPrm:\t%llx"), net_admin);
	ck_assert_uint_eq(stage_process(pid, "CapBnd:\t%llx"), net_admin);
	ck_assert_uint_eq(stage_process(pid, "CapInh:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "CapAmb:\t%llx"), 0);
	ck_assert_uint_eq(stage_process(pid, "NoNewPrivs:\t%llu"), 1);
	/* another one lives as long as there is work for it, such as a look at an interface */
	for (tries = 0; stage_process(pid, "Threads:\t%llu") > 1 && tries < 100; tries++)
		usleep(10000);
	ck_assert_uint_eq(stage_process(pid, "Threads:\t%llu"), 1);

	/* and it suffices: for an interface that comes, modes, leases, an end */
	stage_mode(&s, "observe");
	stage_mode(&s, "always");
	stage_prove(&s, STAGE_PORT);
	some_clients(&s);
	stage_strike(&s);
}
END_TEST

static int netns_inode(void *unused)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) < 0 ? -errno : (int)(st.st_ino & 0x7fffffff);
}

/* A minute without a stamp ends the challenges, so it is stamped all the time. */
START_TEST(daemon_stamps_its_heartbeat)
{
	struct sg_control first, later;
	struct stage s;
	int bss;

	stage_raise(&s, NULL);
	stage_daemon(&s, "always");
	bss = watch_map(lab_daemon_pid(s.daemon), "synguard.bss");
	first = watch_control(bss);
	ck_assert_uint_eq(first.mode, SG_MODE_ALWAYS);
	ck_assert_uint_eq(first.netns_inum & 0x7fffffff,
			  lab_call(s.lab, LAB_SERVER, netns_inode, NULL));
	usleep(2500000);
	later = watch_control(bss);
	close(bss);
	ck_assert_uint_gt(later.heartbeat_ns, first.heartbeat_ns);
	ck_assert_uint_lt(clock_now_ns() - later.heartbeat_ns, 5000000000ULL);
	stage_strike(&s);
}
END_TEST

/* ---- the command line ---------------------------------------------------------------------- */

/* Runs synguardd to its end; what it said is cut to the room there is. */
struct said {
	int exit_code;
	char out[4096];
	char err[4096];
};

static struct said run_daemon(struct stage *s, const char *const args[])
{
	const char *argv[16] = { NULL };
	struct lab_run_options o = {
		.stdout_fd = memfd_create("stdout", MFD_CLOEXEC),
		.stderr_fd = memfd_create("stderr", MFD_CLOEXEC),
	};
	struct said said = { 0 };
	char *program;
	int i, status;
	pid_t pid;

	ok(lab_find_program("synguardd", &program), "synguardd");
	argv[0] = program;
	for (i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	ok(lab_spawn(s->lab, LAB_SERVER, argv, &o, &pid), "synguardd");
	if (lab_wait(pid, 10000, &status) < 0) {
		lab_stop(pid, SIGKILL, 1000, NULL);
		ck_abort_msg("synguardd %s does not end", args[0]);
	}
	ck_assert_msg(WIFEXITED(status), "synguardd %s: wait status %#x", args[0], status);
	said.exit_code = WEXITSTATUS(status);
	lab_tail(o.stdout_fd, said.out, sizeof(said.out));
	lab_tail(o.stderr_fd, said.err, sizeof(said.err));
	close(o.stdout_fd);
	close(o.stderr_fd);
	free(program);
	return said;
}

START_TEST(daemon_arguments)
{
	static const struct {
		const char *args[3];
		int exit_code;
		const char *out, *err;
	} rows[] = {
		{ { "--help" }, SG_EXIT_OK, "--runtime-dir", "" },
		{ { "--version" }, SG_EXIT_OK, "synguardd ", "" },
		{ { "--bogus" }, SG_EXIT_USAGE, "", "--help" },
		{ { "--mode", "sometimes" }, SG_EXIT_USAGE, "", "always" },
		{ { "--mode" }, SG_EXIT_USAGE, "", "--help" },
		{ { "--interface" }, SG_EXIT_USAGE, "", "--help" },
		/* a script's empty variable; the directory would be the root */
		{ { "--interface", "" }, SG_EXIT_USAGE, "", "empty" },
		{ { "--runtime-dir", "" }, SG_EXIT_USAGE, "", "empty" },
		{ { "--undo", "--runtime-dir=" }, SG_EXIT_USAGE, "", "empty" },
		{ { "--state-dir", "" }, SG_EXIT_USAGE, "", "empty" },
		{ { "--config", "" }, SG_EXIT_USAGE, "", "empty" },
		{ { "lab0" }, SG_EXIT_USAGE, "", "lab0" },
	};
	struct said said;
	struct stage s;
	size_t i;

	stage_raise(&s, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		said = run_daemon(&s, rows[i].args);
		ck_assert_msg(said.exit_code == rows[i].exit_code, "%s: exit code %d",
			      rows[i].args[0], said.exit_code);
		ck_assert_msg(strstr(said.out, rows[i].out) && !*rows[i].out == !*said.out,
			      "%s: stdout is \"%s\"", rows[i].args[0], said.out);
		ck_assert_msg(strstr(said.err, rows[i].err) && !*rows[i].err == !*said.err,
			      "%s: stderr is \"%s\"", rows[i].args[0], said.err);
	}
	stage_strike(&s);
}
END_TEST

/* Refused, by name of what is in the way, and the first one does not notice. */
START_TEST(daemon_second_instance)
{
	const char *args[] = { "--runtime-dir", NULL, "--interface", LAB_IFNAME, NULL };
	struct watch_service before;
	struct said said;
	struct stage s;

	stage_raise(&s, &(struct server_options){});
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	args[1] = lab_daemon_runtime_dir(s.daemon);
	said = run_daemon(&s, args);
	ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
	ck_assert_msg(strstr(said.err, "another synguardd") && strstr(said.err, args[1]),
		      "stderr is \"%s\"", said.err);
	ck_assert_str_eq(said.out, "");

	ck_assert_int_eq(programs_on(&s, LAB_IFNAME), 3);
	before = watch_service(&s);
	some_clients(&s);
	watch_assert_defended(&s, &before, 20);
	stage_strike(&s);
}
END_TEST

/* ---- interfaces: trap F9 ------------------------------------------------------------------- */

#define LATER_IFNAME "later0"
#define LATER_ADDR4  "198.51.100.1"

static void later_add(struct stage *s, struct sink **sink)
{
	const struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = LATER_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 2, 0, 0x01 },
		.addr4 = LATER_ADDR4 "/24",
	};
	const struct lab_end client = {
		.host = LAB_CLIENT,
		.ifname = LATER_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 2, 0, 0x02 },
		.addr4 = "198.51.100.2/24",
	};

	ok(lab_link_add(s->lab, &server, &client), "another link");
	ok(sink_new(sink, s->lab, LAB_CLIENT, LATER_IFNAME), "its sink");
}

/* Waits until the interface, or none where it is NULL, is attached to; returns its index. */
static int await_interface(struct stage *s, const char *name)
{
	const char *found = NULL, *attach;
	json_t *status, *row;
	int tries, index = 0;
	size_t count = 0;

	for (tries = 0; tries < 100; tries++) {
		status = stage_status(s);
		row = json_array_get(json_object_get(status, "interfaces"), 0);
		count = json_array_size(json_object_get(status, "interfaces"));
		found = json_string_value(json_object_get(row, "name"));
		index = json_integer_value(json_object_get(row, "index"));
		attach = json_string_value(json_object_get(row, "attach"));
		if (name ? found && !strcmp(found, name) && !strcmp(attach, "native") : !count) {
			json_decref(status);
			return index;
		}
		json_decref(status);
		usleep(50000);
	}
	ck_abort_msg("%zu interfaces instead of %s", count, name ?: "none");
	return 0;
}

/* Ten clients over the other link, the service of which has been proven by then. */
static void later_clients(struct stage *s, unsigned int challenged)
{
	const struct clients_options o = {
		.family = CLIENTS_V4,
		.dst4 = LATER_ADDR4,
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = 100,
		.deadline_ms = 10000,
	};
	struct watch_service before = watch_service(s), after;
	struct clients_result r;

	ok(clients_run(s->lab, LAB_CLIENT, &o, &r), "clients");
	ck_assert_uint_eq(r.connected, 10);
	clients_result_done(&r);
	after = watch_service(s);
	ck_assert_int_eq(after.established - before.established, challenged);
}

/* Named before it exists; then it comes, goes, comes again, is renamed, and goes down and up. */
START_TEST(daemon_follows_interfaces)
{
	const struct lab_daemon_options o = { .interface = LATER_IFNAME, .mode = "always" };
	struct sink *sink;
	char *text = NULL, tail[1024];
	struct stage s;
	int index;

	stage_raise(&s, &(struct server_options){});
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), "synguardd");
	await_interface(&s, NULL);
	ck_assert_int_eq(stage_cli(&s, &text, "status", NULL, NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "--interface"));
	free(text);
	some_clients(&s);

	later_add(&s, &sink);
	index = await_interface(&s, LATER_IFNAME);
	later_clients(&s, 9); /* the first one proves the service */

	ok(lab_link_del(s.lab, LAB_SERVER, LATER_IFNAME), "deleting it");
	sink_free(sink);
	await_interface(&s, NULL);
	some_clients(&s);
	later_add(&s, &sink);
	ck_assert_int_ne(await_interface(&s, LATER_IFNAME), index);
	ck_assert_int_eq(programs_on(&s, LATER_IFNAME), 3);
	later_clients(&s, 10);

	index = lab_ifindex(s.lab, LAB_SERVER, LATER_IFNAME);
	ok(lab_link_rename(s.lab, LAB_SERVER, LATER_IFNAME, "other0"), "renaming it");
	ck_assert_int_eq(await_interface(&s, "other0"), index);
	later_clients(&s, 10);

	ok(lab_link_set_up(s.lab, LAB_SERVER, "other0", false), "down");
	ok(lab_link_set_up(s.lab, LAB_SERVER, "other0", true), "up");
	ok(lab_neigh_add(s.lab, LAB_SERVER, "other0", "198.51.100.2",
			 (const uint8_t[]){ 0x02, 0x53, 0x47, 2, 0, 0x02 }),
	   "the neighbour that went with it");
	ck_assert_int_eq(programs_on(&s, "other0"), 3);
	later_clients(&s, 10);
	sink_free(sink);
	stage_strike(&s);
}
END_TEST

/* ---- other XDP programs: trap F8 ----------------------------------------------------------- */

enum foreign {
	FOREIGN_LINK,
	FOREIGN_NATIVE,
	FOREIGN_GENERIC,
	FOREIGN_COUNT,
};

struct foreign_xdp {
	enum foreign way;
	int ifindex;
	__u32 id; /* of the program that is attached */
};

static int foreign_query(void *arg)
{
	struct foreign_xdp *f = arg;

	return bpf_xdp_query_id(f->ifindex, 0, &f->id);
}

/* A program that passes everything, in a thread of the host. The link is held to the end. */
static int foreign_attach(void *arg)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct foreign_xdp *f = arg;
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);
	int flags = f->way == FOREIGN_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;

	if (fd < 0)
		return -errno;
	if (f->way != FOREIGN_LINK)
		return bpf_xdp_attach(f->ifindex, fd, flags, NULL);
	return bpf_link_create(fd, f->ifindex, BPF_XDP, NULL) < 0 ? -errno : 0;
}

static __u32 foreign_id(struct stage *s, struct foreign_xdp *f)
{
	ok(lab_call(s->lab, LAB_SERVER, foreign_query, f), "asking for the XDP program");
	return f->id;
}

/* The reason, too, fits on a terminal. */
static void expect_narrow(struct stage *s)
{
	char *text = NULL, *line;

	ck_assert_int_eq(stage_cli(s, &text, "status", NULL, NULL), 0);
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.*s", (int)strcspn(line, "\n"), line);
	free(text);
}

START_TEST(daemon_foreign_xdp)
{
	struct foreign_xdp foreign = { .way = _i };
	json_t *status, *row;
	struct stage s;
	__u32 id;

	stage_raise(&s, &(struct server_options){});
	foreign.ifindex = lab_ifindex(s.lab, LAB_SERVER, LAB_IFNAME);
	ok(lab_call(s.lab, LAB_SERVER, foreign_attach, &foreign), "another program");
	id = foreign_id(&s, &foreign);
	ck_assert_uint_ne(id, 0);

	stage_daemon(&s, "always");
	status = stage_status(&s);
	row = json_array_get(json_object_get(status, "interfaces"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "attach")), "tcx");
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(row, "attach_reason")),
				     "another XDP program"));
	json_decref(status);
	ck_assert_uint_eq(foreign_id(&s, &foreign), id);
	expect_narrow(&s);
	stage_prove(&s, STAGE_PORT);
	some_clients(&s);
	ck_assert_int_ge(watch_service(&s).challenged, 20);
	ck_assert_int_ge(watch_service(&s).syns, 22);
	stage_mode(&s, "observe");
	stage_mode(&s, "auto");
	ck_assert_uint_eq(foreign_id(&s, &foreign), id);

	ok(lab_daemon_stop(s.daemon, 10000, NULL), "stopping");
	ck_assert_uint_eq(foreign_id(&s, &foreign), id);
	ck_assert_int_eq(programs_on(&s, LAB_IFNAME), 1);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(daemon_leaves_nothing, 2, 60),
	SUITE_LOOP(daemon_waits_for_answers, 2, 30),
	SUITE_TEST(daemon_starts_after_sigkill, 30),
	SUITE_TEST(daemon_keeps_one_capability, 30),
	SUITE_TEST(daemon_stamps_its_heartbeat, 30),
	SUITE_TEST(daemon_arguments, 30),
	SUITE_TEST(daemon_second_instance, 30),
	SUITE_TEST(daemon_follows_interfaces, 60),
	SUITE_LOOP(daemon_foreign_xdp, FOREIGN_COUNT, 30),
	{}
};
/* clang-format on */
