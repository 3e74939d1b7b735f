/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that two sides must agree on: paths, the bus, modes and states as words.
 */
#pragma once

#define SG_RUNTIME_DIR "/run/synguard"
#define SG_STATE_DIR   "/var/lib/synguard"
#define SG_BUS_SOCKET  "bus" /* in the runtime directory */
#define SG_GROUP       "synguard"

#define SG_BUS_PATH	 "/org/synguard1"
#define SG_BUS_INTERFACE "org.synguard1"

/* sd-bus error names of our own. */
#define SG_ERROR_NOT_ALLOWED "org.synguard1.Error.NotAllowed"
#define SG_ERROR_REFUSED     "org.synguard1.Error.Refused" /* it would do harm; may be forced */
#define SG_ERROR_BAD_VALUE   "org.synguard1.Error.BadValue"

/* Exit codes of the CLI. */
enum sg_exit {
	SG_EXIT_OK = 0,
	SG_EXIT_FAILED = 1,
	SG_EXIT_USAGE = 2,
	SG_EXIT_NO_DAEMON = 3,
	SG_EXIT_NOT_ALLOWED = 4,
	SG_EXIT_REFUSED = 5,
};
