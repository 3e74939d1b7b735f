/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of what the mitigation has changed: RUNTIME_DIR/mitigation, a text.
 *
 * It is on disk before the change is made, so that the next daemon or --undo can restore the
 * values, however this one ended. It is replaced as a whole, and carries its version, a sum over
 * all of it, the boot and the network namespace: after another boot there is nothing to restore,
 * and another namespace is not ours to write. Leaves to mitigation.c what to undo.
 */
#pragma once

#include "daemon/base/complaint.h"
#include "daemon/mitigation/plan.h"

#define RECORD_FILE "mitigation" /* in the runtime directory */

/*
 * Replaces what is there by the targets that are ours; with none it is removed. -errno, with *c
 * filled: it is as before.
 */
int record_write(const char *dir, const struct mitigation_targets *targets, struct complaint *c);

/*
 * The caller owns *ret. Takes one that a daemon before 0.2 has left as well (RUNTIME_DIR/ladder).
 * -ENOENT: there is none. With *c filled: -ESTALE, it is of another boot; -EXDEV, of another
 * network namespace; -EBADMSG, it is damaged or of another version; other -errno.
 */
int record_read(const char *dir, struct mitigation_targets *ret, struct complaint *c);

/* Removes it, whatever it is. -errno. */
int record_discard(const char *dir);
