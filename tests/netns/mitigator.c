/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mitigator.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/mitigation/plan.h"
#include "daemon/report/report.h"
#include "suite.h"

/* ---- fault points -------------------------------------------------------------------------- */

enum fault fault_at;
int fault_passes;

void fault_pass_by(enum fault point)
{
	if (point == fault_at && !--fault_passes)
		raise(SIGKILL);
}

const char *const fault_names[] = { [FAULT_NONE] = "nowhere",
#define FAULT_NAME(name, what) [FAULT_##name] = what,
				    FAULTS(FAULT_NAME) };

/* ---- the mitigation ---------------------------------------------------------------------------- */

static void on_event(void *userdata, enum mitigation_event event, enum sg_mitigation_step step,
		     const char *target, uint64_t from, uint64_t to, const char *reason)
{
	struct mitigator *c = userdata;

	c->events[event]++;
	if (event == MITIGATION_FAILED)
		snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

static void on_warning(void *userdata, const char *text)
{
	struct mitigator *c = userdata;

	snprintf(c->reason, sizeof(c->reason), "%s", text);
}

void mitigator_new(struct mitigator *c, const char *dir)
{
	const struct mitigation_handler handler = { on_event, on_warning, c };

	*c = (struct mitigator){ .now = { .mode = SG_MODE_AUTO, .engine = true, .reaper = true } };
	settings_reset(&c->settings);
	c->settings.mitigation_somaxconn = 8192;
	c->settings.mitigation_syn_backlog = 4096;
	if (mitigation_new(&c->mitigation, dir, &handler) < 0)
		_exit(1);
}

void mitigator_per_listener(struct mitigator *c)
{
	c->settings.mitigation_retries = 0;
	c->settings.mitigation_per_listener = true;
}

void mitigate(struct mitigator *c, enum detect_state state)
{
	c->now.now_ns += 1000000000;
	c->now.state = state;
	c->now.kernel_cookies = state == DETECT_ATTACK;
	mitigation_tick(c->mitigation, &c->now, &c->settings);
}

/* Every step that may be is taken. */
static bool mitigator_is_up(const struct mitigator *c)
{
	struct report_step rows[SG_MITIGATION_COUNT];
	enum sg_mitigation_step step;

	mitigation_report(c->mitigation, rows);
	for (step = 0; step < SG_MITIGATION_COUNT; step++) {
		bool held = step == SG_MITIGATION_RETRIES || mitigation_rows[step].queue;

		if (!rows[step].allowed)
			continue;
		if (!mitigation_is_taken(c->mitigation, step) &&
		    !(held && !c->settings.mitigation_retries))
			return false;
	}
	return true;
}

/* The owners of listeners are looked for over some ticks. */
void mitigator_start(struct mitigator *c)
{
	int i;

	mitigate(c, DETECT_ATTACK);
	for (i = 0; i < 100 && !mitigator_is_up(c); i++) {
		usleep(10000);
		mitigate(c, DETECT_ATTACK);
	}
}

/* An attack and its end; killed at the point where it has been passed so often. */
static void mitigate_and_die(struct host *h, enum fault point, int passes)
{
	struct mitigator c;
	int step;

	fault_at = point;
	fault_passes = passes;
	if (lab_enter(h->s.lab, LAB_SERVER) < 0)
		_exit(1);
	mitigator_new(&c, h->dir);
	if (h->in_force)
		mitigator_per_listener(&c);
	c.settings.mitigation_live_backlog = h->live_backlog;
	/* each --undo after that takes two seconds */
	c.settings.mitigation_timestamps = h->cookies;
	if (h->cookies)
		c.settings = (struct settings){ .mitigation_syncookies = true,
						.mitigation_kernel_cookies = true,
						.mitigation_timestamps = true };
	mitigate(&c, DETECT_CALM);
	mitigator_start(&c);
	if (!mitigator_is_up(&c))
		_exit(2);
	mitigate(&c, DETECT_COOLING);
	/* the timestamps are put back two seconds after the rest */
	for (step = 0; step < 3; step++)
		mitigate(&c, DETECT_CALM);
	mitigation_free(c.mitigation);
	_exit(c.events[MITIGATION_UNDONE] == c.events[MITIGATION_TAKEN] ? 0 : 3);
}

bool fall(struct host *h, enum fault point, int passes)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		mitigate_and_die(h, point, passes);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "status %#x", status);
	return false;
}
