/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of what the ladder has changed: RUNTIME_DIR/ladder, a text.
 *
 * It is on the disk before the change is made, so that whoever comes next can undo it, however we
 * ended. It is replaced as a whole, and carries its version, a sum of itself, the boot and the
 * network namespace: what is of another boot is gone by itself, and of another namespace is not
 * ours to write. Leaves to ladder.c what to undo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/mitigation.h"

#include "daemon/base/complaint.h"
#include "daemon/mitigation/targets.h"

#define LADDER_JOURNAL_FILE "ladder" /* in the runtime directory */

struct ladder_record {
	enum sg_ladder_step step;
	uint64_t old, ours;
	uint64_t realtime_usec;
};

/* The steps that have a value each, and the listeners of those that have some. */
struct ladder_records {
	size_t count;
	struct ladder_record items[SG_LADDER_COUNT];
	struct ladder_targets targets;
};

bool ladder_journal_is_empty(const struct ladder_records *records);

/* Replaces what is there; nothing to record removes it. -errno, with *c filled: it is as before. */
int ladder_journal_write(const char *dir, const struct ladder_records *records,
			 struct complaint *c);

/*
 * The caller owns ret->targets. -ENOENT: there is none. With *c filled: -ESTALE, it is of another boot; -EXDEV, of another
 * network namespace; -EBADMSG, it is damaged or of another version; other -errno.
 */
int ladder_journal_read(const char *dir, struct ladder_records *ret, struct complaint *c);

/* Removes it, whatever it is. -errno. */
int ladder_journal_discard(const char *dir);
