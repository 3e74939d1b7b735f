/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that outlive the programs which count.
 *
 * The programs keep their counters in maps that go with them. When they are loaded anew, the new
 * ones begin at 0 and what is told to people must go on. A set of counters that begin together
 * (those of a program, those of a service) is told by one rule: if any of them is lower than it
 * was, all of them began anew, and what they had counted until then is added from there on. So the
 * totals never go backwards, and sums among them (verdicts add up to packets) stay true.
 *
 * What was counted after the last step and before the programs went is lost unless whoever
 * replaces them makes a step before, and a new start is only seen if a counter is lower at the
 * next step: that means to make one as soon as they are replaced.
 *
 * Pure: no clock, no I/O, no log. Times and maps are left to the caller.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/report/report.h"

/*
 * `now` becomes `last`, `base` is what was counted before the present start; all are of `count`
 * counters, and `totals` may be `now`.
 */
void carry_step(uint64_t *base, uint64_t *last, const uint64_t *now, uint64_t *totals,
		size_t count);

struct carry;

/* The caller owns *ret. -errno. */
int carry_new(struct carry **ret);
struct carry *carry_free(struct carry *c);

/* Replaces what the programs have counted by the totals. */
void carry_counters(struct carry *c, enum sg_program program, struct sg_counters *counters);

/*
 * The same for the services of a report, by address and port, wherever they are in the table now.
 * All that there are, at once: of two rows for one service (left by two CPUs that claimed an entry
 * at once, until the next tick) the later is left out, so that count may become less. A service
 * that is gone is remembered for as long as there is room.
 */
void carry_services(struct carry *c, struct report_service *services, uint64_t *count);
