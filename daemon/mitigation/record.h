/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of what the mitigation has changed: RUNTIME_DIR/mitigation, a text.
 *
 * It is on the disk before the change is made, so that whoever comes next can undo it, however we
 * ended. It is replaced as a whole, and carries its version, a sum of itself, the boot and the
 * network namespace: what is of another boot is gone by itself, and of another namespace is not
 * ours to write. Leaves to mitigation.c what to undo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synguard/mitigation.h"

#include "daemon/base/complaint.h"
#include "daemon/mitigation/targets.h"

#define MITIGATION_JOURNAL_FILE "mitigation" /* in the runtime directory */

struct mitigation_record {
	enum sg_mitigation_step step;
	uint64_t old, ours;
	uint64_t realtime_usec;
};

/* The steps that have a value each, and the listeners of those that have some. */
struct mitigation_records {
	size_t count;
	struct mitigation_record items[SG_MITIGATION_COUNT];
	struct mitigation_targets targets;
};

bool mitigation_journal_is_empty(const struct mitigation_records *records);

/* Replaces what is there; nothing to record removes it. -errno, with *c filled: it is as before. */
int mitigation_journal_write(const char *dir, const struct mitigation_records *records,
			     struct complaint *c);

/*
 * The caller owns ret->targets. -ENOENT: there is none. With *c filled: -ESTALE, it is of another boot; -EXDEV, of another
 * network namespace; -EBADMSG, it is damaged or of another version; other -errno.
 */
int mitigation_journal_read(const char *dir, struct mitigation_records *ret, struct complaint *c);

/* Removes it, whatever it is. -errno. */
int mitigation_journal_discard(const char *dir);
