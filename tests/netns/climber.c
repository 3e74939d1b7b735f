/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "climber.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/mitigation/plan.h"
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

/* ---- the ladder ---------------------------------------------------------------------------- */

static void on_news(void *userdata, enum ladder_news news, enum sg_ladder_step step,
		    const char *target, uint64_t from, uint64_t to, const char *reason)
{
	struct climber *c = userdata;

	c->news[news]++;
	if (news == LADDER_FAILED)
		snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

static void on_warning(void *userdata, const char *text)
{
	struct climber *c = userdata;

	snprintf(c->reason, sizeof(c->reason), "%s", text);
}

void climber_new(struct climber *c, const char *dir)
{
	const struct ladder_handler handler = { on_news, on_warning, c };

	*c = (struct climber){ .now = { .mode = SG_MODE_AUTO, .engine = true, .reaper = true } };
	settings_reset(&c->settings);
	c->settings.ladder_somaxconn = 8192;
	c->settings.ladder_syn_backlog = 4096;
	if (ladder_new(&c->ladder, dir, &handler) < 0)
		_exit(1);
}

void climber_per_listener(struct climber *c)
{
	c->settings.ladder_retries = 0;
	c->settings.ladder_per_listener = true;
}

void climb(struct climber *c, enum detect_state state)
{
	c->now.now_ns += 1000000000;
	c->now.state = state;
	ladder_tick(c->ladder, &c->now, &c->settings);
}

/* Every step that may be is taken. */
static bool climber_is_up(const struct climber *c)
{
	enum sg_ladder_step step;

	for (step = 0; step < SG_LADDER_COUNT; step++) {
		bool held = step == SG_LADDER_RETRIES || ladder_rows[step].queue;

		if (step == SG_LADDER_LIVE_BACKLOG && !c->settings.ladder_live_backlog)
			continue;
		if (!ladder_is_taken(c->ladder, step) && !(held && !c->settings.ladder_retries))
			return false;
	}
	return true;
}

/* The owners of listeners are looked for over some ticks. */
void climb_up(struct climber *c)
{
	int i;

	climb(c, DETECT_ATTACK);
	for (i = 0; i < 100 && !climber_is_up(c); i++) {
		usleep(10000);
		climb(c, DETECT_ATTACK);
	}
}

/* An attack and its end; killed at the point where it has been passed so often. */
static void climb_and_die(struct host *h, enum fault point, int passes)
{
	struct climber c;

	fault_at = point;
	fault_passes = passes;
	if (lab_enter(h->s.lab, LAB_SERVER) < 0)
		_exit(1);
	climber_new(&c, h->dir);
	if (h->in_force)
		climber_per_listener(&c);
	c.settings.ladder_live_backlog = h->live_backlog;
	climb(&c, DETECT_CALM);
	climb_up(&c);
	if (!climber_is_up(&c))
		_exit(2);
	climb(&c, DETECT_COOLING);
	climb(&c, DETECT_CALM);
	ladder_free(c.ladder);
	_exit(c.news[LADDER_UNDONE] == c.news[LADDER_TAKEN] ? 0 : 3);
}

bool fall(struct host *h, enum fault point, int passes)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		climb_and_die(h, point, passes);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "status %#x", status);
	return false;
}
