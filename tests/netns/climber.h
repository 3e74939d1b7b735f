/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder itself, built with fault points (daemon/base/fault.h), in the process of the test or in one
 * that dies; what comes after it is the installed daemon.
 */
#pragma once

#include "daemon/base/fault.h"
#include "daemon/mitigation/mitigation.h"
#include "ladder_host.h"

extern enum fault fault_at;
extern int fault_passes;
extern const char *const fault_names[];

struct climber {
	struct ladder *ladder;
	struct settings settings;
	struct ladder_situation now;
	unsigned int news[LADDER_NEWS_COUNT];
	char reason[256]; /* of the last failure, or warning */
};

/* With every step allowed. */
void climber_new(struct climber *c, const char *dir);
/* The same without the host's retries, but with those of every listener. */
void climber_per_listener(struct climber *c);
/* A second passes. */
void climb(struct climber *c, enum detect_state state);

/* So many seconds of an attack that every step that is allowed can be taken. */
void climb_up(struct climber *c);

/*
 * An attack and its end, in a process that is killed at the point where it has been passed so
 * often. True: it was killed.
 */
bool fall(struct host *h, enum fault point, int passes);
