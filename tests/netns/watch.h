/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must have happened in a test, and what must not: the services' figures, and counters of the
 * kernels of both hosts.
 */
#pragma once

#include "stage.h"
#include "synguard/abi.h"

#define WATCH_MAX 16

/* Since stage_prove(), and of the services on STAGE_PORT, both families together. */
struct watch_service {
	json_int_t syns;
	json_int_t challenged;
	json_int_t accepted;
	json_int_t established;
};
struct watch_service watch_service(struct stage *s);

/*
 * Asserts that so many connections were challenged, accepted and established since `before` (NULL: since
 * the start), that nothing was dropped, and that the verdicts add up.
 */
void watch_assert_defended(struct stage *s, const struct watch_service *before,
			   json_int_t connections);

/* A verdict's counter now. */
json_int_t watch_verdict(struct stage *s, const char *program, const char *label);

/* Waits until the counter has reached `least`, and fails where it does not within 5 s. */
void watch_await_verdict(struct stage *s, const char *program, const char *label, json_int_t least);

/* Counters as "Group.Name" of /proc/net/netstat and snmp; one that this kernel lacks is 0. */
struct watch {
	struct stage *s;
	const char *const *names;      /* a final NULL */
	uint64_t values[2][WATCH_MAX]; /* by host */
};
void watch_begin(struct watch *w, struct stage *s, const char *const *names);

/* How much it has grown since. */
uint64_t watch_growth(const struct watch *w, int host, const char *name);

/* Asserts that none has changed in either host. */
void watch_assert_still(const struct watch *w);

/* The map of this process with this in its name; the caller closes it. */
int watch_map(pid_t process, const char *part);

/* The programs' control block, of watch_map(process, "synguard.bss"). */
struct sg_control watch_control(int bss);
