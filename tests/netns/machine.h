/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with systemd as PID 1 and synguard installed as `meson install` does it, whose network
 * is the stage's server: the lab's clients and floods reach it. machine.sh says what it is made of.
 *
 * Functions fail the running test with the reason, so callers check nothing but machine_boot().
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

#include "stage.h"
#include "suite.h"

struct machine {
	struct stage *s;
	pid_t around; /* machine.sh */
	pid_t init;   /* its PID 1, as seen from here */
	char work[64];
	char why[200]; /* there is none */
};

/*
 * Boots it, with users visitor and list store, the latter in the group synguard, and with a drop-in that
 * makes synguard.service attach to the stage's interface and, where watchdog is not NULL, have that
 * for its WatchdogSec=. Nothing is started. False, and m->why, where this machine cannot have one.
 */
bool machine_boot(struct machine *m, struct stage *s, const char *watchdog);

/* Raises the stage, with that server or NULL, and boots; ends the test as skipped where it cannot. */
#define MACHINE_BOOT(m, s, server, watchdog)                                                       \
	do {                                                                                       \
		stage_raise(s, server);                                                            \
		if (!machine_boot(m, s, watchdog)) {                                               \
			stage_strike(s);                                                           \
			SKIP((m)->why);                                                            \
		}                                                                                  \
	} while (0)

/* Ends it, and every process in it. */
void machine_off(struct machine *m);

/* And its stage. */
void machine_strike(struct machine *m);

/* A line of shell in it: its exit status, and what it wrote, stderr too. free() *ret_output, which
 * may be NULL. @user NULL: root. */
int machine_try(struct machine *m, const char *user, const char *line, char **ret_output);

/* The same, which must succeed; what it wrote, without the last newline. free() it. */
char *machine_ask(struct machine *m, const char *line);
void machine_do(struct machine *m, const char *line);

/* A property of synguard.service, as a number. */
long long machine_figure(struct machine *m, const char *property);

/* Waits until the line succeeds, and fails where it does not within the time. */
void machine_await(struct machine *m, const char *line, int timeout_ms);

/* A process of the machine as seen from here. */
pid_t machine_pid(struct machine *m, pid_t inside);

/* Does what has another process than before be the daemon, and waits until that one is ready. */
void machine_succeed(struct machine *m, const char *how);

/*
 * Kills the daemon, and waits until systemd has given it up, or another one is ready and `ready`, a
 * line of shell, succeeds; NULL: nothing more is asked. Whether there is another one.
 */
bool machine_kill(struct machine *m, const char *ready);

/* ---- what is attached to the stage's interface in the server host, asked of the kernel ---- */

enum hook {
	HOOK_XDP,
	HOOK_INGRESS,
	HOOK_EGRESS,
	HOOKS,
};

/* Ids are never used twice; 0: none. */
struct hooks {
	int ifindex;
	__u32 programs[HOOKS];
	__u32 links[HOOKS];
};

/* Each has a program and a link. Fails where a hook of tcx has more than one program: one of a
 * daemon before is left. */
struct hooks hooks_of_all(struct stage *s);

/* Waits until none has a program; the kernel frees them behind a grace period or two. */
void hooks_await_none(struct stage *s);
