/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host of the lab on which the mitigation is mitigated, and what is asked of it: that everything is as
 * before. Every function fails the running test with the reason.
 *
 * Beside the stage's it has listeners on these ports, with SYN-ACK retries of their own or none.
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "daemon/mitigation/record.h"
#include "said.h"
#include "stage.h"

struct flood;

enum {
	HOST_OWN_SIX,
	HOST_OWN_FOUR,
	HOST_OWN_ONE, /* nothing to lower */
	HOST_NONE,
	HOST_NONE_V6,
	HOST_LISTENERS,
};

#define HOST_PORT 8101 /* of the first; the others follow */

struct host {
	struct stage s;
	char dir[32];
	int fds[HOST_LISTENERS];
	char *before;
	uint32_t live_backlog;
	bool cookies;  /* the steps of the kernel's cookies are mitigated, and no others */
	bool in_force; /* of listeners the retries in force are to be as before, not the raw ones */
};

void host_raise(struct host *h);
void host_strike(struct host *h);

void set_value(struct host *h, const char *name, const char *value);
int value(struct host *h, const char *name);
/* `sysctl -a` of the host, as far as TCP goes, and its listeners; the caller frees it. */
char *all_values(struct host *h);
bool has_record(const struct host *h);
/* Every value is, and there is no record. */
void as_before(struct host *h, const char *when);

void write_record(struct host *h, const char *text);
char *record(struct host *h);

/* One more listener, retries 0: with none of its own. The caller closes it. */
int host_listen(struct host *h, int family, uint16_t port, int retries);
/* A listener's TCP_SYNCNT, raw, and its backlog; and by its own hand. */
int raw_retries(struct host *h, int which);
int backlog(struct host *h, int which);
void set_retries(struct host *h, int which, int retries);

/* ---- what is installed ---- */

/* `synguardd --undo`; has to succeed. */
struct said undo(struct host *h);
void undo_well(struct host *h, const char *when);

void start_daemon(struct host *h, const char *mode, const char *config);
void end_daemon(struct host *h, int signal);

/* The row of a step in `synguard mitigation --json`, with this target or NULL; the caller owns it.
 * NULL: there is none. */
json_t *row_of(struct host *h, const char *word, const char *target);
bool is(struct host *h, const char *word, const char *what);
void await(struct host *h, const char *word, const char *what, bool wanted, int seconds);

struct flood *some_flood(struct host *h);
struct flood *flood_of(struct host *h, uint16_t port, unsigned int per_sec);

#define QUICK                                                                                      \
	"[Detector]\nAttackRate=200\nEbbRate=50\nHoldSec=1s\n"                                     \
	"[Mitigation]\nSomaxconn=8192\nSynBacklog=4096\n"
