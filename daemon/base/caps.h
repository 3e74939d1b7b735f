/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Privilege: what loading the programs takes, and giving up all but CAP_NET_ADMIN after that, or
 * what reaching into other processes takes besides.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/complaint.h"

/*
 * Whether this process lacks a capability that loading the programs takes; then the complaint names
 * those that it lacks and replaces what it said before, else it stays.
 */
bool caps_missing_to_load(struct complaint *c);

/*
 * Whether this process lacks what it takes to socket_owner into other processes (CAP_SYS_PTRACE,
 * CAP_DAC_READ_SEARCH); then the complaint names it.
 */
bool caps_missing_for_processes(struct complaint *c);

/*
 * Keeps CAP_NET_ADMIN and nothing else, for good: permitted, effective, bounding and ambient sets,
 * and no new privileges by execve(); with socket_owner, of what caps_missing_for_processes() is about as much
 * as there is. Without the right to shrink the bounding set (CAP_SETPCAP) that one stays, and the
 * rest is done. -errno.
 */
int caps_keep(bool socket_owner);
