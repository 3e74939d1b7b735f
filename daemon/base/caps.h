/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities: what loading the BPF programs takes; what listen(2) on the sockets of other
 * processes takes; and dropping all others once the programs are loaded.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/complaint.h"

/*
 * Whether this process lacks a capability that loading the programs takes. Then the complaint is
 * replaced by one that names the missing ones, else it stays.
 */
bool caps_missing_to_load(struct complaint *c);

/*
 * The same for CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, which daemon/net/proc.h needs.
 */
bool caps_missing_for_processes(struct complaint *c);

/*
 * Drops all but CAP_NET_ADMIN for good, from the permitted, effective, bounding and ambient sets,
 * and sets no_new_privs. With processes, keeps those of caps_missing_for_processes() that there
 * are. The bounding set stays where CAP_SETPCAP is missing, and the rest is done. -errno.
 */
int caps_keep(bool processes);
