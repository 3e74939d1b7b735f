/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with systemd in the stage's server. See machine.h.
 */
#include "machine.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "now.h"
#include "synguard/cleanup.h"
#include "tests/lab/run.h"

/* Making its file system and installing; then booting. Ten times what it takes on an idle one. */
#define MACHINE_MAKE_MS 60000
#define MACHINE_BOOT_MS 60000
#define MACHINE_LINE_MS 60000
#define MACHINE_OFF_MS	10000

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define HOOKS_TRIES 200 /* of 50 ms */

#define MACHINE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- commands ------------------------------------------------------------------------------ */

int machine_try(struct machine *m, const char *user, const char *line, char **ret_output)
{
	char init[16], *output = NULL, *both;
	/* clang-format off */
	const char *argv[] = {
		"nsenter", "-t", init, "-m", "-u", "-i", "-p", "-C",
		"env", "-i", MACHINE_PATH,
		"setpriv", "--reuid", user ?: "root", "--regid", user ?: "root", "--init-groups",
		"sh", "-c", NULL, NULL,
	};
	/* clang-format on */
	int status;

	snprintf(init, sizeof(init), "%d", m->init);
	ck_assert_int_gt(asprintf(&both, "{ %s\n} 2>&1", line), 0);
	argv[ARRAY_SIZE(argv) - 2] = both;
	status = lab_run(m->s->lab, LAB_SERVER, argv, MACHINE_LINE_MS, &output);
	ck_assert_msg(status >= 0, "%s: %s", line, strerror(-status));
	free(both);
	if (output && *output && output[strlen(output) - 1] == '\n')
		output[strlen(output) - 1] = 0;
	if (ret_output)
		*ret_output = output;
	else
		free(output);
	return status;
}

char *machine_ask(struct machine *m, const char *line)
{
	char *output, *log;
	int status = machine_try(m, NULL, line, &output);

	if (!status)
		return output;
	machine_try(m, NULL, "journalctl --no-pager -o cat -n 30", &log);
	ck_abort_msg("%s: exit status %d: %.2000s\nthe journal:\n%.4000s", line, status, output,
		     log);
	return NULL;
}

void machine_do(struct machine *m, const char *line)
{
	free(machine_ask(m, line));
}

long long machine_figure(struct machine *m, const char *property)
{
	char line[128], *text, *end;
	long long value;

	snprintf(line, sizeof(line), "systemctl show -P %s synguard.service", property);
	text = machine_ask(m, line);
	value = strtoll(text, &end, 10);
	ck_assert_msg(*text && !*end, "%s: \"%s\"", line, text);
	free(text);
	return value;
}

void machine_await(struct machine *m, const char *line, int timeout_ms)
{
	long long deadline = now_ms() + timeout_ms;

	while (machine_try(m, NULL, line, NULL)) {
		if (now_ms() > deadline)
			machine_do(m, line); /* says what it says, and fails */
		usleep(100000);
	}
}

/* ---- one daemon after another -------------------------------------------------------------- */

#define MACHINE_MAIN_PID "systemctl show -P MainPID synguard"
#define MACHINE_GIVEN_UP "systemctl is-failed -q synguard"

/* Not the one before: that is active until systemd hears of its end, and then there is none. */
#define MACHINE_NEXT                                                                               \
	"next=$(" MACHINE_MAIN_PID ") && test \"$next\" != 0 && "                                  \
	"test \"$next\" != \"$(cat /run/before)\" && systemctl is-active -q synguard"

void machine_succeed(struct machine *m, const char *how)
{
	machine_do(m, MACHINE_MAIN_PID " >/run/before");
	machine_do(m, how);
	machine_await(m, MACHINE_NEXT, 20000);
}

bool machine_kill(struct machine *m, const char *ready)
{
	char line[512];

	machine_do(m, MACHINE_MAIN_PID " >/run/before && "
				       "systemctl kill --kill-whom=main -s KILL synguard");
	snprintf(line, sizeof(line), MACHINE_GIVEN_UP " || { " MACHINE_NEXT " && %s; }",
		 ready ?: "true");
	machine_await(m, line, 15000);
	return machine_try(m, NULL, MACHINE_GIVEN_UP, NULL);
}

/* ---- processes ----------------------------------------------------------------------------- */

/* The last number of NSpid is that of the innermost namespace. */
static bool machine_is(pid_t pid, pid_t inside)
{
	char path[64], line[256], *last;
	bool is = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6))
			continue;
		last = strrchr(line, '\t');
		is = last && atoi(last) == inside;
	}
	fclose(f);
	return is;
}

pid_t machine_pid(struct machine *m, pid_t inside)
{
	char path[64], line[1024], *word, *state;
	FILE *f;
	pid_t pid = 0;

	/* what is a service's main process is a child of its PID 1 */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", m->init, m->init);
	f = fopen(path, "re");
	ck_assert_msg(f, "%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), f))
		*line = 0;
	fclose(f);
	for (word = strtok_r(line, " \n", &state); word && !pid;
	     word = strtok_r(NULL, " \n", &state))
		if (machine_is(atoi(word), inside))
			pid = atoi(word);
	ck_assert_msg(pid, "no process %d in the machine", inside);
	return pid;
}

/* ---- on and off ---------------------------------------------------------------------------- */

static void machine_spawn(struct machine *m, int output_fd)
{
	const char *argv[] = { MACHINE_SOURCE "/machine.sh", MACHINE_BUILD, m->work, NULL };
	const struct lab_run_options o = { .stdout_fd = output_fd, .stderr_fd = output_fd };
	int err = lab_spawn(m->s->lab, LAB_SERVER, argv, &o, &m->around);

	ck_assert_msg(!err, "%s: %s", argv[0], strerror(-err));
}

/* Until machine.sh has said what there is. */
static bool machine_made(struct machine *m, int output_fd)
{
	long long deadline = now_ms() + MACHINE_MAKE_MS;
	char text[2048], *word;
	bool ended;

	do {
		usleep(50000);
		lab_tail(output_fd, text, sizeof(text));
		word = strstr(text, "init ");
		if (word && strchr(word, '\n') && sscanf(word, "init %d", &m->init) == 1)
			return true;
		word = strstr(text, "skip ");
		if (word && strchr(word, '\n')) {
			snprintf(m->why, sizeof(m->why), "%.*s", (int)strcspn(word + 5, "\n"),
				 word + 5);
			return false;
		}
		ended = lab_wait(m->around, 0, NULL) != -ETIMEDOUT;
	} while (!ended && now_ms() < deadline);
	ck_abort_msg("no machine: %s", text);
	return false;
}

static void machine_prepare(struct machine *m, const char *watchdog)
{
	char line[512];

	machine_do(m, "systemd-sysusers && sed -i 's/^synguard:.*/&operator/' /etc/group");
	snprintf(line, sizeof(line),
		 "d=/run/systemd/system/synguard.service.d; mkdir -p $d; "
		 "printf '%%s\\n' '[Service]' ExecStart= "
		 "\"ExecStart=$(command -v synguardd) --interface " LAB_IFNAME "\" "
		 "'%s%s' >$d/lab.conf; systemctl daemon-reload",
		 watchdog ? "WatchdogSec=" : "", watchdog ?: "");
	machine_do(m, line);
}

bool machine_boot(struct machine *m, struct stage *s, const char *watchdog)
{
	int output_fd = memfd_create("machine", MFD_CLOEXEC);
	bool made;

	*m = (struct machine){ .s = s, .work = "/tmp/synguard-machine-XXXXXX" };
	ck_assert_int_ge(output_fd, 0);
	fcntl(output_fd, F_SETFL, O_APPEND);
	ck_assert_ptr_nonnull(mkdtemp(m->work));
	machine_spawn(m, output_fd);
	made = machine_made(m, output_fd);
	close(output_fd);
	if (!made) {
		machine_off(m);
		return false;
	}
	machine_await(m, "systemctl is-system-running", MACHINE_BOOT_MS);
	machine_prepare(m, watchdog);
	return true;
}

void machine_off(struct machine *m)
{
	const char *folders[] = { "machine", "groups", "" };
	char path[96];
	size_t i;

	lab_stop(m->around, SIGTERM, MACHINE_OFF_MS, NULL);
	m->around = 0;
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", m->work, folders[i]);
		ck_assert_msg(!rmdir(path) || errno == ENOENT, "%s: %s", path, strerror(errno));
	}
}

void machine_strike(struct machine *m)
{
	machine_off(m);
	stage_strike(m->s);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static int hooks_read_programs(void *arg)
{
	static const int where[] = { [HOOK_INGRESS] = TCX_INGRESS, [HOOK_EGRESS] = TCX_EGRESS };
	struct hooks *h = arg;
	__u32 ids[8], count, flags;
	int i, err;

	err = bpf_xdp_query_id(h->ifindex, 0, &h->programs[HOOK_XDP]);
	for (i = HOOK_INGRESS; i < HOOKS && !err; i++) {
		count = ARRAY_SIZE(ids);
		err = bpf_prog_query(h->ifindex, where[i], 0, &flags, ids, &count);
		if (!err && count > 1)
			err = -E2BIG;
		h->programs[i] = count ? ids[0] : 0;
	}
	return err;
}

/* A program is attached once, hence its links are one. */
static void hooks_find_links(struct hooks *h)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
		int i;

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			continue;
		for (i = 0; i < HOOKS; i++)
			if (h->programs[i] && info.prog_id == h->programs[i])
				h->links[i] = info.id;
	}
}

static struct hooks hooks_of(struct stage *s)
{
	struct hooks h = { .ifindex = lab_ifindex(s->lab, LAB_SERVER, LAB_IFNAME) };
	int err = lab_call(s->lab, LAB_SERVER, hooks_read_programs, &h);

	ck_assert_msg(err >= 0, "asking what is attached: %s", strerror(-err));
	hooks_find_links(&h);
	return h;
}

struct hooks hooks_of_all(struct stage *s)
{
	struct hooks h = hooks_of(s);
	int i;

	for (i = 0; i < HOOKS; i++)
		ck_assert_msg(h.programs[i] && h.links[i], "hook %d has program %u, link %u", i,
			      h.programs[i], h.links[i]);
	return h;
}

void hooks_await_none(struct stage *s)
{
	struct hooks h;
	int tries = 0;

	do
		h = hooks_of(s);
	while ((h.programs[HOOK_XDP] || h.programs[HOOK_INGRESS] || h.programs[HOOK_EGRESS]) &&
	       tries++ < HOOKS_TRIES && !usleep(50000));
	ck_assert_msg(tries <= HOOKS_TRIES, "left: XDP %u, tcx %u and %u", h.programs[HOOK_XDP],
		      h.programs[HOOK_INGRESS], h.programs[HOOK_EGRESS]);
}
