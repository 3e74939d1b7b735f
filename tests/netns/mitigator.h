/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation itself, built with fault points (daemon/mitigation/fault.h), in the process of the test or in one
 * that dies; what comes after it is the installed daemon.
 */
#pragma once

#include "daemon/mitigation/fault.h"
#include "daemon/mitigation/mitigation.h"
#include "mitigation_host.h"

extern enum fault fault_at;
extern int fault_passes;
extern const char *const fault_names[];

struct mitigator {
	struct mitigation *mitigation;
	struct settings settings;
	struct mitigation_situation now;
	unsigned int events[MITIGATION_EVENT_COUNT];
	char reason[256]; /* of the last failure, or warning */
};

/* With every step allowed. */
void mitigator_new(struct mitigator *c, const char *dir);
/* The same without the host's retries, but with those of every listener. */
void mitigator_per_listener(struct mitigator *c);
/* A second passes. */
void mitigate(struct mitigator *c, enum detect_state state);

/* So many seconds of an attack that every step that is allowed can be taken. */
void mitigator_start(struct mitigator *c);

/*
 * An attack and its end, in a process that is killed at the point where it has been passed so
 * often. True: it was killed.
 */
bool fall(struct host *h, enum fault point, int passes);
