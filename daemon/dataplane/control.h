/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What settings mean to the running datapath: writes to its memory and its maps, and nothing else.
 * What did not change is not written, so that a reload disturbs nobody.
 */
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/judge/detect.h"
#include "daemon/settings/settings.h"

/* All that the programs read at each packet; the mode is the manager's. */
void control_apply(struct dataplane *dp, const struct settings *s);

/* Brings the list of what is left alone from `before` (NULL: empty) to `s`. -errno of the last failure. */
int control_apply_left_alone(struct dataplane *dp, const struct settings *before,
			     const struct settings *s);

struct detect_config control_detect_config(const struct settings *s);
